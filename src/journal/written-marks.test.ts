import t from 'tap'
import { WAITING_MAX, WrittenMarks } from './written-marks.js'

void t.test('a hundred thousand marks wait, and no more; 4,096 go at a time', t => {
  const marks = new WrittenMarks()
  for (let ref = 0; ref < WAITING_MAX + 10; ref++) marks.add(1 + (ref % 2), ref)
  t.equal(marks.size, WAITING_MAX)
  const taken = marks.take()
  t.equal(taken.flatMap(({ refs }) => refs).length, 4096)
  t.equal(marks.size, WAITING_MAX - 4096)
  marks.add(3, 1)
  marks.giveBack(taken)
  t.equal(marks.size, WAITING_MAX, 'what is given back has no more room than others')
  t.end()
})

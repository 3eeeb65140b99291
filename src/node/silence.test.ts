import t from 'tap'
import { Silence } from './silence.js'

void t.test('silence counts while this node is awake, and not while it stood still', t => {
  const silence = new Silence(100)
  let now = 0
  const looks = (count: number): void => {
    for (; count > 0; count--) silence.look((now += 100))
  }
  looks(1)
  t.equal(silence.of(2, 50), 0)
  looks(5)
  t.equal(silence.of(2, 50), 500)
  now += 10_000 // stopped, or starved
  looks(1)
  t.equal(silence.of(2, 50), 700)
  t.equal(silence.of(2, now), 0, 'heard again')
  looks(3)
  t.equal(silence.of(2, now - 300), 300)
  t.end()
})

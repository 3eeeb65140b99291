import t from 'tap'
import { Heard } from './heard.js'

void t.test('a node is heard by a majority once an answer has come that knows of one', t => {
  const heard = new Heard()
  t.equal(heard.byMajority(1, [1, 2, 3], 0), -Infinity)
  const question = heard.sent(1, 100)
  t.equal(heard.byMajority(1, [1, 2, 3], 105), -Infinity, 'nobody has said so yet')
  heard.came(2, 1, question)
  heard.came(1, 2, heard.sent(2, 110))
  t.equal(heard.byMajority(1, [1, 2, 3], 120), 100)
  t.equal(heard.byMajority(1, [1, 2, 3, 4, 5], 120), -Infinity, 'two of five are none')
  t.end()
})

void t.test('it counts who heard of it through others, and what was sent, not what came', t => {
  const heard = new Heard()
  heard.came(2, 1, heard.sent(1, 100))
  heard.came(3, 2, heard.sent(2, 101))
  heard.came(2, 3, heard.sent(3, 102))
  heard.sent(1, 200)
  heard.came(1, 2, heard.sent(2, 300))
  t.equal(heard.byMajority(1, [1, 2, 3, 4, 5], 301), 100)
  heard.forget(1)
  t.equal(heard.byMajority(1, [1, 2, 3], 302), -Infinity, 'a new process knows nothing')
  t.end()
})

import t from 'tap'
import { restingKey, restingPrefix } from './keys.js'
import { octetsOf, rangeOf } from './state-store.js'

void t.test('the keys of every number lie in its range, and no others', t => {
  for (const number of [0, 1, 254, 255, 256, 0xfeff, 0xff00, 0xffff]) {
    const { gte, lt } = rangeOf(restingPrefix(number))
    const isIn = (key: string): boolean =>
      gte.compare(octetsOf(key)) <= 0 && lt.compare(octetsOf(key)) > 0
    for (const inside of [0, 255, 2 ** 48 - 1]) t.ok(isIn(restingKey(number, inside)), `${number}`)
    if (number > 0) t.notOk(isIn(restingKey(number - 1, 2 ** 48 - 1)))
    if (number < 0xffff) t.notOk(isIn(restingKey(number + 1, 0)))
  }
  t.end()
})

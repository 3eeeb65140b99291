import t from 'tap'
import { FloodBrake } from './flood-brake.js'

void t.test('a thousand idle PDUs a second are read for ever', async t => {
  const brake = new FloodBrake()
  for (let ms = 0; ms < 100_000; ms += 500) t.equal(brake.rest(500, 0, ms), 0)
})

void t.test('more are waited for, until they are paid', async t => {
  const brake = new FloodBrake()
  t.equal(brake.rest(2_500, 0, 0), 2_000)
  t.equal(brake.rest(0, 0, 2_000), 0)
  t.equal(brake.rest(1, 0, 2_000), 1)
})

void t.test(
  'requests beyond the window cost a tenth, and no rest is longer than five seconds',
  async t => {
    const brake = new FloodBrake()
    t.equal(brake.rest(0, 5_000, 0), 0)
    t.equal(brake.rest(0, 1_000, 0), 100)
    t.equal(brake.rest(1_000_000, 0, 0), 5_000)
  },
)

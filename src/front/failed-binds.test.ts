import t from 'tap'
import { FailedBinds } from './failed-binds.js'

void t.test('a refusal is held back longer with each failure, and never for a second', async t => {
  const failed = new FailedBinds()
  const waits = [0, 1, 2, 3, 4].map(atMs => failed.failed('192.0.2.1', 'esme1', atMs))
  t.same(waits, [200, 400, 800, 900, 900])
  t.equal(failed.failed('192.0.2.1', 'other', 5), 200, 'others are not held for it')
  t.equal(failed.failed('192.0.2.1', 'esme1', 4 + 60_000), 200, 'and after a minute it is forgiven')
  failed.succeeded('192.0.2.1', 'other')
  t.equal(failed.failed('192.0.2.1', 'other', 6), 200)
})

void t.test('10,000 pairs are remembered; the one that failed longest ago goes first', async t => {
  const failed = new FailedBinds()
  for (let i = 0; i < 10_000; i++) failed.failed('192.0.2.1', `esme${i}`, 0)
  failed.failed('192.0.2.1', 'esme0', 1)
  failed.failed('192.0.2.1', 'one more', 2)
  t.equal(failed.size, 10_000)
  t.equal(failed.failed('192.0.2.1', 'esme0', 3), 800, 'it failed again meanwhile')
  t.equal(failed.failed('192.0.2.1', 'esme1', 3), 200, 'forgotten')
  t.equal(failed.size, 10_000)
})

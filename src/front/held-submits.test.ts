import t from 'tap'
import { VirtualTime } from '../testing/virtual-time.js'
import type { EsmeSession } from './esme-session.js'
import { HELD_MAX, HeldSubmits } from './held-submits.js'

void t.test('a thousand submits are held on a node, and no more', t => {
  const time = new VirtualTime()
  let settled = false
  const ended = { tried: 0, late: 0 }
  const held = new HeldSubmits(
    time,
    time,
    5000,
    () => {
      if (settled) ended.tried++
      return settled ? 'done' : 'wait'
    },
    () => ended.late++,
  )
  const session = { bound: {} } as unknown as EsmeSession
  const hold = (): boolean => held.hold({ session, atMs: time.monotonicMs(), before: Infinity })
  for (let i = 0; i < HELD_MAX; i++) if (!hold()) t.fail(`${i} was refused`)
  t.notOk(hold())
  time.advance(20)
  t.notOk(hold(), 'those that go on waiting keep their places')
  settled = true
  time.advance(20)
  t.same(ended, { tried: HELD_MAX, late: 0 })
  settled = false
  t.ok(hold(), 'there is room again')
  time.advance(5100)
  t.equal(ended.late, 1)
  t.end()
})

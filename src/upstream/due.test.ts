import t from 'tap'
import { World } from './testing/world.js'

void t.test(
  'what is scheduled goes out when its time has come, and costs nothing before',
  async t => {
    const world = await World.open()
    const now = await world.submit()
    const nowMs = world.time.nowMs()
    const later = await world.submitMany(3, { dueAtMs: nowMs + 60_000 })
    const latest = await world.submit({ dueAtMs: nowMs + 3_600_000 })
    await world.pass(5000)
    t.equal(world.markOf(now), 'SENT')
    const { appliedIndex } = world.cluster.state
    await world.pass(50_000)
    t.equal(world.cluster.state.appliedIndex, appliedIndex, 'nothing is claimed in vain')
    t.equal(world.smsc.submitted.length, 1)
    await world.pass(8000)
    t.same(world.tally(later), { SENT: 3 })
    const beganAtMs = world.time.monotonicMs() - (world.time.nowMs() - nowMs)
    t.ok(world.smsc.submitted.slice(1).every(({ atMs }) => atMs - beganAtMs >= 60_000))
    t.equal(world.markOf(latest), 'RETRY')
    await world.pass(3_600_000)
    t.equal(world.markOf(latest), 'SENT')
    await world.stop()
  },
)

void t.test('a campaign for one instant is queued in batches', async t => {
  const world = await World.open({ window: 1000 })
  const refs = await world.submitMany(10_000, { dueAtMs: world.time.nowMs() + 2000 })
  await world.pass(1000)
  t.equal(world.smsc.submitted.length, 0)
  await world.pass(10_000)
  t.same(world.tally(refs), { SENT: 10_000 })
  await world.stop()
})

import t from 'tap'
import { silentLogger } from '../base/logger.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { Removal } from './removal.js'

function removal(answers: boolean[], whenAsked = (): void => undefined) {
  const time = new VirtualTime()
  const world = {
    time,
    leaderlessSinceMs: undefined as number | undefined,
    member: true,
    asked: 0,
    heard: [] as string[],
  }
  const subject = new Removal({
    clock: time,
    timers: time,
    logger: silentLogger,
    electionTimeoutMs: 500,
    cluster: {
      wasRemoved: () => {
        world.asked++
        whenAsked()
        return Promise.resolve(answers.shift() ?? false)
      },
    },
    leaderlessSinceMs: () => world.leaderlessSinceMs,
    isMember: () => world.member,
    removed: () => world.heard.push('removed'),
    addedAgain: () => world.heard.push('addedAgain'),
  })
  return { subject, world }
}

void t.test('a node that hears no leader asks, and believes the others', async t => {
  const { subject, world } = removal([false, true])
  await world.time.advanceAsync(5000)
  t.equal(world.asked, 0, 'with a leader there is nothing to ask')
  world.leaderlessSinceMs = world.time.monotonicMs()
  await world.time.advanceAsync(1200)
  t.equal(world.asked, 0, 'an election is waited for')
  await world.time.advanceAsync(1000)
  t.equal(world.asked, 1)
  t.notOk(subject.removed)
  await world.time.advanceAsync(3000)
  t.ok(subject.removed)
  t.same(world.heard, ['removed'])
  t.equal(world.asked, 2, 'and asks no more')
  world.leaderlessSinceMs = undefined
  await world.time.advanceAsync(1000)
  t.ok(world.heard.includes('addedAgain'))
  subject.stop()
})

void t.test(
  'a node that has applied its own removal asks, whatever leader it remembers',
  async t => {
    const { subject, world } = removal([true])
    world.member = false
    await world.time.advanceAsync(1000)
    t.ok(subject.removed)
    await world.time.advanceAsync(5000)
    t.same(world.heard, ['removed'], 'the leader that it remembers has not taken it in again')
    subject.stop()
  },
)

void t.test('a leader that is heard while the others are asked counts more', async t => {
  const { subject, world } = removal([true], () => {
    world.leaderlessSinceMs = undefined
  })
  world.leaderlessSinceMs = world.time.monotonicMs()
  await world.time.advanceAsync(9000)
  t.equal(world.asked, 1)
  t.notOk(subject.removed)
  subject.stop()
})

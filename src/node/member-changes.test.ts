import t from 'tap'
import { silentLogger } from '../base/logger.js'
import type { Journal } from '../journal/index.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { ASKED_MAX, MemberChanges } from './member-changes.js'

void t.test('questions that wait for the leader are bounded, and end', async t => {
  const time = new VirtualTime()
  let sent = 0
  const changes = new MemberChanges({
    journal: { node: 1 } as unknown as Journal,
    messenger: {
      send: () => {
        sent++
        return true
      },
      onMessage: () => undefined,
    },
    clock: time,
    timers: time,
    logger: silentLogger,
    electionTimeoutMs: 500,
    group: () => undefined,
    leader: () => 2,
    giveUpLeadership: () => Promise.resolve(),
    drain: () => Promise.resolve(),
  })
  const why = (): Promise<string> =>
    changes.list().then(
      () => 'answered',
      (error: unknown) => (error as Error).message,
    )
  const asked = Array.from({ length: ASKED_MAX }, why)
  t.match(await why(), /too much about members is being asked here/)
  t.equal(sent, ASKED_MAX)
  await time.advanceAsync(30_000)
  for (const answer of await Promise.all(asked)) t.match(answer, /node 2 did not answer in time/)
  const again = why()
  t.equal(sent, ASKED_MAX + 1, 'there is room again')
  await time.advanceAsync(30_000)
  t.match(await again, /did not answer/)
  changes.stop()
})

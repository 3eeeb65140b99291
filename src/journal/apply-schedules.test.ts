import t from 'tap'
import { MESSAGE_STATE } from './marks.js'
import type { Command } from './commands.js'
import { refOf } from './ids.js'
import { Schedules } from './schedules.js'
import { State } from './state.js'
import { StateStore } from './state-store.js'
import { claim } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'
import { MemoryStore } from '../testing/memory-store.js'

/** Seconds after the log's time. */
const due = (log: TestLog, seconds: number, count = 4096): Command => ({
  kind: 'due',
  connector: 1,
  epoch: log.connector.epoch,
  upTo: log.nowMs / 1000 + seconds,
  count,
})

const at = (log: TestLog, seconds: number) => ({ dueAtMs: log.nowMs + seconds * 1000 })

/** The bodies of what a claim takes, in its order. */
function claimed(log: TestLog): number[] {
  const result = log.propose(log.connector.home!.node, claim(log, 100))
  if (!('claimed' in result)) return []
  return result.claimed.flatMap(({ index, lo, hi }) =>
    Array.from({ length: hi - lo }, (_, i) => index * 100 + lo + i),
  )
}

void t.test('what is scheduled waits until its home says that it is due', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([at(log, 5), {}, at(log, 2), at(log, 2)]))
  t.equal(log.connector.queued, 4)
  t.equal(log.connector.schedules.size, 3)
  t.same(claimed(log), [index * 100 + 1])
  log.propose(home, due(log, 1))
  t.same(claimed(log), [])
  log.propose(home, due(log, 2))
  t.same(claimed(log), [index * 100 + 2, index * 100 + 3])
  log.propose(home, due(log, 1000))
  t.same(claimed(log), [index * 100])
  t.equal(log.connector.schedules.size, 0)
  t.equal(log.connector.queued, 0)
})

void t.test('they go by priority, and no more ranges at once than were asked for', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const bulk = log.proposed(1, accept([at(log, 1), at(log, 1), at(log, 2)])).index
  const otp = log.proposed(1, accept([at(log, 3)], 3)).index
  log.propose(home, due(log, 9, 1))
  t.equal(log.connector.schedules.size, 2, 'a whole range')
  log.propose(home, due(log, 9, 2))
  t.equal(log.connector.schedules.size, 0)
  t.same(claimed(log), [otp * 100, bulk * 100, bulk * 100 + 1, bulk * 100 + 2])
})

void t.test('cancelled, expired or voided, it is not queued when it is due', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([at(log, 1), at(log, 1), at(log, 1), at(log, 1)]))
  log.propose(1, { kind: 'cancel', account: 1, refs: [refOf(index, 1)] })
  const { epoch } = log.connector
  log.propose(home, {
    kind: 'expire',
    connector: 1,
    epoch,
    refs: [refOf(index, 2)],
    buckets: [],
  })
  t.equal(log.state.blocks.get(index)?.state(1), MESSAGE_STATE.DELETED)
  t.equal(log.state.blocks.get(index)?.state(2), MESSAGE_STATE.EXPIRED)
  t.equal(log.connector.schedules.size, 2)
  log.propose(home, due(log, 1))
  t.same(claimed(log), [index * 100, index * 100 + 3])

  const later = log.proposed(1, accept([at(log, 1), {}]))
  const number = log.state.blocks.get(later.index)!.number
  t.match(log.propose(1, { kind: 'void', number }), { voided: 2, tooLate: 0 })
  log.propose(home, due(log, 1))
  t.same(claimed(log), [])
  t.equal(log.connector.schedules.size, 0)
  t.equal(log.account.queued, log.connector.claims.size)
})

void t.test('who is home no longer says nothing', async t => {
  const log = await TestLog.ready()
  log.proposed(1, accept([at(log, 1)]))
  const stale = { ...due(log, 9), epoch: log.connector.epoch - 1 } as Command
  t.same(log.propose(1, stale), { ok: false, why: 'staleEpoch' })
  t.equal(log.connector.schedules.size, 1)
})

void t.test('it is all there after a restart, half taken as well', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  for (let i = 0; i < 400; i++) log.proposed(1, accept([at(log, 1), at(log, 2 + (i % 3))]))
  log.propose(home, due(log, 1, 300))
  await log.state.flush()
  const before = [...log.connector.schedules.ranges()].length
  const state = await State.load(log.store)
  const { schedules } = state.connector('smsc-a')!
  t.equal(before, 500)
  t.equal([...schedules.ranges()].length, before)
  t.equal(schedules.size, before)
  t.equal(schedules.earliest, log.nowMs / 1000 + 1)
})

void t.test('a second to which very many are scheduled is many small values', async t => {
  const schedules = new Schedules(7)
  const memory = new MemoryStore()
  memory.opened = true
  const store = new StateStore(memory)
  store.add(schedules)
  for (let i = 0; i < 5000; i++) schedules.add(9, i + 1, 0, 1)
  let values = 0
  let largest = 0
  schedules.collect((_, value) => {
    values++
    largest = Math.max(largest, value.length)
  }, t.fail.bind(t))
  t.equal(values, 10)
  t.equal(largest, 5120)
  schedules.add(9, 5001, 0, 1)
  let changed = 0
  schedules.collect(() => changed++, t.fail.bind(t))
  t.equal(changed, 1, 'one more changes one of them')
  const reading = schedules.ranges()
  const next = (): number => {
    const read = reading.next()
    return read.done === true ? 0 : read.value.index
  }
  t.equal(next(), 1)
  t.equal(schedules.take(9, 600).length, 600)
  t.ok(next() >= 600, 'what was taken meanwhile is left out')
  t.equal([...reading].length, 4400)
  t.same(schedules.take(8, 1), [])
  t.equal(schedules.take(9, 1e6).length, 4401)
  t.equal(schedules.earliest, undefined)
  for (const second of [5, 3, 9, 1, 7, 3]) schedules.add(second, 1, 0, 1)
  const order: (number | undefined)[] = []
  for (; schedules.earliest !== undefined; schedules.take(9, 1)) order.push(schedules.earliest)
  t.same(order, [1, 3, 3, 5, 7, 9])
})

void t.test(
  'ranges are counted, through a restart, whether or not their messages still wait',
  async t => {
    const schedules = new Schedules(7, 4)
    const memory = new MemoryStore()
    memory.opened = true
    const store = new StateStore(memory)
    store.add(schedules)
    for (const second of [5, 9, 9]) schedules.add(second, 1, 0, 100)
    t.notOk(schedules.isFull)
    schedules.add(11, 2, 0, 1)
    t.ok(schedules.isFull)
    await store.flush(() => undefined)
    const again = new Schedules(7, 4)
    await again.load(store)
    t.ok(again.isFull)
    t.equal(again.take(5, 1).length, 1)
    t.notOk(again.isFull)
    again.take(20, 1e6)
    for (let i = 0; i < 3; i++) again.add(30, i, 0, 1)
    t.notOk(again.isFull, 'what was taken counts no more')
  },
)

void t.test('queueLimit counts what is scheduled', async t => {
  const log = await TestLog.ready(settings => (settings.accounts[0]!.queueLimit = 2))
  const result = log.propose(1, accept([at(log, 5), at(log, 9), at(log, 9), {}]))
  t.match(result, {
    accepted: {
      refused: [
        [2, 'queueFull'],
        [3, 'queueFull'],
      ],
    },
  })
  t.equal(log.connector.schedules.size, 2)
})

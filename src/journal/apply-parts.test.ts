import t from 'tap'
import type { Command } from './commands.js'
import { indexOf, offsetOf, refOf, type Ref } from './ids.js'
import { claim, inboundOf, outcomes, receipt, replace } from './testing/commands.js'
import { accept, TestLog, type TestSubmit } from './testing/log.js'
import { MESSAGE_STATE } from './marks.js'
import { RULES } from './rules.js'

const sentParts = (log: TestLog, ref: Ref, smscIds: string[], attempt = 1): Command => ({
  kind: 'sentParts',
  connector: 1,
  epoch: log.connector.epoch,
  items: [{ ref, attempt, smscIds }],
})

/** A message that connector 1 has claimed. */
async function claimed(
  connector: { longMessages?: 'udh8'; partReceipts?: 'one' } = { longMessages: 'udh8' },
  submit: TestSubmit = {},
): Promise<{ log: TestLog; ref: Ref; home: number }> {
  const log = await TestLog.ready(settings => Object.assign(settings.connectors[0]!, connector))
  const { index } = log.proposed(1, accept([submit]))
  const home = log.connector.home!.node
  log.propose(home, claim(log))
  return { log, ref: refOf(index, 0), home }
}

const stateOf = (log: TestLog, ref: Ref): number =>
  log.state.blocks.get(indexOf(ref))!.state(offsetOf(ref))
const markOf = (log: TestLog, ref: Ref): string => log.markOf(indexOf(ref), offsetOf(ref))

for (const order of [
  ['a', 'b', 'c'],
  ['c', 'a', 'b'],
])
  void t.test(`receipts of all parts, in the order ${order.join('')}, are one`, async t => {
    const { log, ref, home } = await claimed()
    log.propose(home, sentParts(log, ref, ['a', 'b', 'c']))
    t.equal(markOf(log, ref), 'SENT')
    for (const id of order.slice(0, 2)) {
      t.same(inboundOf(log.propose(home, receipt(id))), ['matched'])
      t.equal(log.state.receiptsQueued, 0)
    }
    await log.restart()
    log.propose(home, receipt(order[2]!))
    t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
    t.equal(log.state.receiptsQueued, 1)
    t.equal(log.state.smscIds.size, 0)
  })

void t.test('the first part that is not delivered decides', async t => {
  const { log, ref, home } = await claimed()
  log.propose(home, sentParts(log, ref, ['a', 'b', 'c']))
  log.propose(home, receipt('b'))
  log.propose(home, receipt('c', MESSAGE_STATE.UNDELIVERABLE))
  t.equal(stateOf(log, ref), MESSAGE_STATE.UNDELIVERABLE)
  t.equal(log.state.receiptsQueued, 1)
  t.equal(log.state.smscIds.size, 0)
  log.propose(home, receipt('a'))
  t.equal(stateOf(log, ref), MESSAGE_STATE.UNDELIVERABLE, 'the word stands')
  t.equal(log.state.receiptsQueued, 1)
})

void t.test('an intermediate receipt of a part says nothing of the message', async t => {
  const { log, ref, home } = await claimed()
  log.propose(home, sentParts(log, ref, ['a', 'b']))
  t.same(inboundOf(log.propose(home, receipt('a', MESSAGE_STATE.ENROUTE))), ['matched'])
  t.equal(log.state.receiptsQueued, 0)
  t.equal(markOf(log, ref), 'SENT')
})

void t.test('partReceipts: one takes the receipt of any part for that of all', async t => {
  const { log, ref, home } = await claimed({ longMessages: 'udh8', partReceipts: 'one' })
  log.propose(home, sentParts(log, ref, ['a', 'b', 'c']))
  log.propose(home, receipt('c'))
  t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
  t.equal(log.state.receiptsQueued, 1)
  t.equal(log.state.smscIds.size, 0)
})

void t.test(
  'an SMSC that gives all parts one id sends a receipt for each all the same',
  async t => {
    const { log, ref, home } = await claimed()
    log.propose(home, sentParts(log, ref, ['x', 'x']))
    log.propose(home, receipt('x'))
    t.equal(markOf(log, ref), 'SENT')
    log.propose(home, receipt('x'))
    t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
    t.equal(log.state.smscIds.size, 0)
  },
)

void t.test('receipts of the first parts may come before the last one has its id', async t => {
  const { log, ref, home } = await claimed()
  t.same(inboundOf(log.propose(home, receipt('a'))), ['kept'])
  log.propose(home, sentParts(log, ref, ['a', 'b']))
  t.equal(log.connector.orphans.size, 0)
  t.equal(markOf(log, ref), 'SENT')
  log.propose(home, receipt('b'))
  t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
  t.equal(log.state.receiptsQueued, 1)
})

void t.test('of receipts that came early none is told after the one that decides', async t => {
  for (const { rules, told } of [
    { rules: RULES, told: 1 },
    { rules: 13, told: 3 },
  ]) {
    const { log, ref, home } = await claimed()
    log.state.setRules(rules)
    log.propose(home, receipt('c'))
    log.propose(home, receipt('b'))
    log.propose(home, receipt('a', MESSAGE_STATE.UNDELIVERABLE))
    log.propose(home, sentParts(log, ref, ['a', 'b', 'c']))
    t.equal(stateOf(log, ref), MESSAGE_STATE.UNDELIVERABLE)
    t.equal(log.state.receiptsQueued, told, `by rules ${rules}`)
    t.equal(log.connector.orphans.size, 0)
    t.equal(log.state.smscIds.size, 0)
  }
})

void t.test(
  'a receipt of a part that came early, and twice, speaks for its part alone',
  async t => {
    for (const { rules, state } of [
      { rules: RULES, state: MESSAGE_STATE.ENROUTE },
      { rules: 13, state: MESSAGE_STATE.DELIVERED },
    ]) {
      const { log, ref, home } = await claimed()
      log.state.setRules(rules)
      log.propose(home, receipt('a'))
      log.propose(home, receipt('a'))
      log.propose(home, sentParts(log, ref, ['a', 'b', 'c']))
      t.equal(stateOf(log, ref), state, `by rules ${rules}`)
      log.propose(home, receipt('b'))
      log.propose(home, receipt('c'))
      t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
      t.equal(log.state.receiptsQueued, 1)
    }
  },
)

void t.test('a receipt with an unknown id settles no doubt where messages are cut', async t => {
  const { log, ref, home } = await claimed()
  log.propose(home, outcomes(log, { ref, result: 'doubt' }))
  t.same(inboundOf(log.propose(home, receipt('a'))), ['kept'])
  t.equal(markOf(log, ref), 'IN_DOUBT')
  // Its last answer comes late: the receipt of the first part has waited for it.
  log.propose(home, sentParts(log, ref, ['a', 'b']))
  log.propose(home, receipt('b'))
  t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
})

void t.test('of a part that was sent twice either receipt counts', async t => {
  const { log, ref, home } = await claimed()
  log.propose(home, sentParts(log, ref, ['a', 'b']))
  log.propose(home, sentParts(log, ref, ['c', 'd'], 2))
  log.propose(home, receipt('c'))
  t.equal(markOf(log, ref), 'SENT')
  log.propose(home, receipt('a')) // the other copy of the same part
  t.equal(markOf(log, ref), 'SENT')
  log.propose(home, receipt('b'))
  t.equal(stateOf(log, ref), MESSAGE_STATE.DELIVERED)
  t.equal(log.state.smscIds.size, 0)
})

void t.test('without a receipt asked for nothing is awaited', async t => {
  const { log, ref, home } = await claimed({ longMessages: 'udh8' }, { registered_delivery: 0 })
  log.propose(home, sentParts(log, ref, ['a', 'b']))
  t.equal(markOf(log, ref), 'DONE')
  t.equal(log.state.smscIds.size, 0)
})

void t.test(
  'what the SMSC has parts of is neither cancelled nor replaced while it waits',
  async t => {
    for (const result of ['retry', 'partly'] as const) {
      const { log, ref, home } = await claimed()
      log.propose(home, outcomes(log, { ref, result, retryAtMs: 5000 }))
      t.equal(markOf(log, ref), 'RETRY')
      await log.state.flush()
      await log.restart()
      const taken = result === 'retry'
      t.match(log.propose(home, replace(ref, {})), { ok: taken }, `replaced: ${result}`)
      const cancel: Command = { kind: 'cancel', account: 1, refs: [ref] }
      t.match(log.propose(home, cancel), { cancelled: taken ? 1 : 0 }, `cancelled: ${result}`)
      t.equal(markOf(log, ref), taken ? 'DONE' : 'RETRY')
    }
  },
)

void t.test('old nodes do not know it: nothing is done before all know', async t => {
  const { log, ref, home } = await claimed()
  log.state.setRules(8)
  t.match(log.propose(home, sentParts(log, ref, ['a', 'b'])), { ok: false })
  t.equal(markOf(log, ref), 'CLAIMED')
})

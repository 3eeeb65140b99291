import t from 'tap'
import { refOf, type Ref } from './ids.js'
import { MESSAGE_STATE } from './marks.js'
import { claim, outcomes, receipt } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

async function claimed(rules?: number) {
  const log = await TestLog.ready()
  if (rules !== undefined) log.state.setRules(rules)
  const home = log.connector.home!.node
  const submit = { transaction: true, registered_delivery: 0 }
  const { index } = log.proposed(2, accept([submit, { registered_delivery: 0 }]))
  log.propose(home, claim(log))
  log.effects = []
  return { log, home, index, ref: refOf(index, 0), block: log.state.blocks.get(index)! }
}

/** Whose end is told to which node. */
const told = ({ effects }: TestLog): [node: unknown, ref: Ref][] =>
  effects.flatMap(effect => (effect.kind === 'transaction' ? [[effect.node, effect.ref]] : []))

void t.test('a positive outcome is a delivery, and told to the node that submitted it', async t => {
  const { log, home, index, ref, block } = await claimed()
  const both = [0, 1].map(offset => ({ ref: refOf(index, offset), smscId: `s${offset}` }))
  log.propose(home, outcomes(log, ...both))
  t.same(told(log), [[2, ref]])
  t.equal(log.markOf(index, 0), 'DONE')
  t.equal(block.state(0), MESSAGE_STATE.DELIVERED)
  t.equal(block.state(1), MESSAGE_STATE.ACCEPTED, 'of another one the SMSC says no more')
  t.equal(block.smscId(0), 's0')
  t.equal(block.open, 0)
  t.equal(log.state.smscIds.size, 0)
  t.ok(block.at(0, 'final') > 0)
  log.propose(home, receipt('s0', MESSAGE_STATE.UNDELIVERABLE))
  t.equal(log.state.receiptsQueued, 0, 'a receipt all the same is nobody’s')
  t.equal(block.state(0), MESSAGE_STATE.DELIVERED)
})

void t.test('so is that of a message in parts', async t => {
  const { log, home, ref, block } = await claimed()
  const items = [{ ref, attempt: 1, smscIds: ['a', 'b'] }]
  log.propose(home, { kind: 'sentParts', connector: 1, epoch: log.connector.epoch, items })
  t.equal(block.state(0), MESSAGE_STATE.DELIVERED)
  t.same(told(log), [[2, ref]])
})

for (const { result, state } of [
  { result: 'failed', state: MESSAGE_STATE.REJECTED },
  { result: 'expired', state: MESSAGE_STATE.EXPIRED },
] as const)
  void t.test(`an outcome "${result}" is told, once and without a receipt`, async t => {
    const { log, home, ref, block } = await claimed()
    log.propose(home, outcomes(log, { ref, result, error: 11 }))
    t.same(told(log), [[2, ref]])
    t.equal(block.state(0), state)
    t.equal(block.error(0), 11)
    t.equal(log.state.receiptsQueued, 0)
    log.effects = []
    log.propose(home, outcomes(log, { ref, result: 'sent', smscId: 'late' }))
    t.same(told(log), [], 'a copy that was sent changes nothing any more')
  })

void t.test(
  'so is that it was cancelled; not that it waits for a retry, or is in doubt',
  async t => {
    const { log, home, ref } = await claimed()
    log.propose(home, outcomes(log, { ref, result: 'retry', retryAtMs: log.nowMs }))
    t.same(told(log), [])
    log.propose(2, { kind: 'cancel', account: 1, refs: [ref] })
    t.same(told(log), [[2, ref]])

    const other = await claimed()
    other.log.propose(other.home, outcomes(other.log, { ref: other.ref, result: 'doubt' }))
    t.same(told(other.log), [])
    const late = outcomes(other.log, { ref: other.ref, result: 'sent', smscId: 'late' })
    other.log.propose(other.home, late)
    t.same(told(other.log), [[2, other.ref]], 'a late answer counts')
    t.equal(other.block.state(0), MESSAGE_STATE.DELIVERED)
  },
)

void t.test('the mark outlives the process', async t => {
  const { log, home, index, ref } = await claimed()
  await log.state.flush()
  await log.restart()
  log.propose(home, outcomes(log, { ref, smscId: 's' }))
  t.equal(log.state.blocks.get(index)!.state(0), MESSAGE_STATE.DELIVERED)
  t.same(told(log), [[2, ref]])
})

void t.test('before all nodes know the rule it is a message like any', async t => {
  const { log, home, ref, block } = await claimed(14)
  log.propose(home, outcomes(log, { ref, smscId: 's' }))
  t.equal(block.state(0), MESSAGE_STATE.ACCEPTED)
  t.same(told(log), [])
})

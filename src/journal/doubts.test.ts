import t from 'tap'
import type { OutcomeItem } from './commands.js'
import { refOf } from './ids.js'
import { RESTING_MAX } from './resting-numbers.js'
import { RULES } from './rules.js'
import { claim, inboundOf, outcomes, receipt } from './testing/commands.js'
import { accept, hashOf, TestLog } from './testing/log.js'

// Whose receipt is it? DESIGN I6, docs/decisions/0004-in-doubt-policy.md.

const TO = '4915112345'

/** A message to `to` that is claimed, and what became of it; sent where nothing else is said. */
function send(log: TestLog, item: Partial<OutcomeItem>, to = TO): number {
  const { index } = log.proposed(1, accept([{ to }]))
  const ref = refOf(index, 0)
  const home = log.connector.home!.node
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref, ...item }))
  return index
}

function receive(log: TestLog, smscId: string, to = TO): unknown {
  return inboundOf(log.propose(1, receipt(smscId, 2, to)))
}

/** The wait of what is in doubt is over: it is sent again, under this id. */
function sendAgain(log: TestLog, index: number, item: Partial<OutcomeItem>): void {
  const ref = refOf(index, 0)
  const home = log.connector.home!.node
  const { epoch } = log.connector
  log.propose(home, { kind: 'requeue', connector: 1, epoch, refs: [ref] })
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref, attempt: 2, ...item }))
}

const DOUBT = { result: 'doubt' } as const

void t.test('a receipt with an id that nobody knows settles the doubt to its number', async t => {
  const log = await TestLog.ready()
  receiveOther(log)
  const doubted = send(log, DOUBT)
  t.same(receive(log, 'x1'), ['matched'])
  t.equal(log.markOf(doubted, 0), 'DONE')
})

void t.test('a receipt that is repeated settles no doubt to the same number', async t => {
  const log = await TestLog.ready()
  send(log, { smscId: 'x1' })
  t.same(receive(log, 'x1'), ['matched'])
  const doubted = send(log, DOUBT)
  t.same(receive(log, 'x1'), ['kept'])
  t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
  await log.state.flush()
  await log.restart()
  t.same(receive(log, 'x1'), ['kept'], 'nor after a restart')
  t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
  t.same(receive(log, 'x2'), ['matched'])
  t.equal(log.markOf(doubted, 0), 'DONE', 'its own does')
})

void t.test('nor does one that is repeated when its message is forgotten', async t => {
  const log = await TestLog.ready()
  const first = send(log, { smscId: 'x1' })
  receive(log, 'x1')
  const never = send(log, { smscId: 'x2' })
  log.propose(1, { kind: 'retire', upTo: never + 1, unawaited: [never] })
  t.equal(log.markOf(first, 0), 'GONE')
  const doubted = send(log, DOUBT)
  t.same(receive(log, 'x1'), ['kept'])
  t.same(receive(log, 'x2'), ['kept'], 'or whose receipt was given up')
  t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
})

void t.test(
  'the receipt of the first copy of what was sent twice settles no doubt to that number',
  async t => {
    const log = await TestLog.ready()
    const twice = send(log, DOUBT)
    sendAgain(log, twice, { smscId: 'second' })
    const doubted = send(log, DOUBT)
    t.same(receive(log, 'first'), ['kept'])
    t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
    await log.state.flush()
    await log.restart()
    t.same(receive(log, 'first'), ['kept'], 'nor after a restart')
    t.same(receive(log, 'second'), ['matched'])
    t.equal(log.markOf(twice, 0), 'DONE')
    t.same(receive(log, 'first'), ['kept'], 'nor once the message is concluded')
    t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
  },
)

void t.test('nor does one that nobody asked for', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const sendThis = (submit: object, item: Partial<OutcomeItem>): number => {
    const { index } = log.proposed(1, accept([{ to: TO, ...submit }]))
    log.propose(home, claim(log))
    log.propose(home, outcomes(log, { ref: refOf(index, 0), ...item }))
    return index
  }
  sendThis({ registered_delivery: 0 }, { smscId: 'quiet' })
  sendThis({ transaction: true }, { smscId: 'transaction' })
  const settled = send(log, DOUBT)
  t.same(receive(log, 'settles'), ['matched'])
  log.propose(home, outcomes(log, { ref: refOf(settled, 0), smscId: 'late' }))
  const doubted = send(log, DOUBT)
  for (const smscId of ['quiet', 'transaction', 'late']) {
    t.same(receive(log, smscId), ['kept'], smscId)
    t.equal(log.markOf(doubted, 0), 'IN_DOUBT', smscId)
  }
  await log.state.flush()
  await log.restart()
  t.same(receive(log, 'quiet'), ['kept'], 'nor after a restart')
  t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
})

void t.test('what was sent twice and is in doubt again is settled by either copy', async t => {
  const log = await TestLog.ready()
  const twice = send(log, DOUBT)
  sendAgain(log, twice, DOUBT)
  t.same(receive(log, 'first'), ['matched'])
  t.equal(log.markOf(twice, 0), 'DONE')
  const doubted = send(log, DOUBT)
  t.same(receive(log, 'second'), ['kept'])
  t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
})

void t.test('a number rests too where the policy is resend, or an operator decides', async t => {
  for (const how of ['resend', 'drop', 'policy'] as const) {
    const log = await TestLog.ready(settings => {
      const [connector] = settings.connectors
      if (how === 'policy') settings.connectors[0] = { ...connector!, inDoubt: { kind: 'resend' } }
    })
    const home = log.connector.home!.node
    const first = send(log, DOUBT)
    const refs = [refOf(first, 0)]
    if (how !== 'policy') log.propose(1, { kind: 'resolveDoubt', connector: 1, refs, action: how })
    if (how !== 'drop') {
      log.propose(home, claim(log))
      log.propose(home, outcomes(log, { ref: refs[0]!, attempt: 2, smscId: 'second' }))
    }
    log.connector.settings = { ...log.connector.settings!, inDoubt: { kind: 'hold' } }
    const doubted = send(log, DOUBT)
    t.same(receive(log, 'first'), ['kept'], how)
    t.equal(log.markOf(doubted, 0), 'IN_DOUBT', how)
  }
})

void t.test(
  'an SMSC that names no id in its responses, or in its receipts, settles none',
  async t => {
    const log = await TestLog.ready()
    const nameless = send(log, { smscId: '' })
    t.equal(log.markOf(nameless, 0), 'SENT')
    const doubted = send(log, DOUBT)
    t.same(receive(log, 'of-the-nameless'), ['kept'])
    const other = send(log, DOUBT, '4916099999')
    t.same(receive(log, '', '4916099999'), ['unmatched'])
    t.same(
      [doubted, other].map(index => log.markOf(index, 0)),
      ['IN_DOUBT', 'IN_DOUBT'],
    )
  },
)

void t.test('10,000 numbers rest; for one more the one that began first goes', async t => {
  const log = await TestLog.ready()
  const { resting } = log.connector
  for (let number = 0; number < RESTING_MAX; number++) resting.add(number, 7)
  resting.add(0, 8) // anew: it is the last again
  t.equal(resting.size, RESTING_MAX)
  resting.add(RESTING_MAX, 7)
  t.equal(resting.size, RESTING_MAX)
  t.notOk(resting.restsFor(1, 9), 'the oldest went')
  const rests = (): boolean[] => {
    const { resting: now } = log.connector
    return [now.restsFor(2, 9), now.restsFor(2, 7), now.restsFor(0, 7), now.restsFor(0, 8)]
  }
  t.same(rests(), [true, false, true, true], 'not for the message itself, unless there were two')
  await log.state.flush()
  await log.restart()
  t.equal(log.connector.resting.size, RESTING_MAX)
  t.same(rests(), [true, false, true, true])
  log.connector.resting.add(RESTING_MAX + 1, 7)
  t.notOk(log.connector.resting.restsFor(2, 9), 'the order is the same after a restart')
})

void t.test('the rule holds from when all living nodes know it, on old state too', async t => {
  const log = await TestLog.open()
  for (const node of [1, 2, 3]) log.register(node, 1, 0)
  const ready = await TestLog.ready()
  const { settings } = ready.state
  log.propose(1, { kind: 'bootstrap', generation: 1 })
  log.propose(1, { kind: 'settings', expected: 0, settings, author: 'test', atMs: log.nowMs })
  log.register(1, 2)
  log.register(2, 2)
  t.equal(log.state.rules, 0)
  send(log, { smscId: 'x1' })
  receive(log, 'x1')
  let doubted = send(log, DOUBT)
  t.same(receive(log, 'x1'), ['matched'], 'the old rule: node 3 goes by it still')
  t.equal(log.markOf(doubted, 0), 'DONE')

  log.register(3, 2)
  t.equal(log.state.rules, RULES)
  await log.state.flush()
  await log.restart()
  t.equal(log.state.rules, RULES)
  doubted = send(log, DOUBT)
  t.same(receive(log, 'x1'), ['kept'])
  t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
})

void t.test('a node that is down does not hold a new rule up', async t => {
  const log = await TestLog.open()
  log.register(1, 1, 0)
  log.register(2, 1, 0)
  log.register(1, 2)
  log.propose(1, { kind: 'nodeDown', node: 2, boot: 1 })
  t.equal(log.state.rules, 0)
  log.register(1, 3)
  t.equal(log.state.rules, RULES)
  log.register(2, 2, 0)
  t.equal(log.state.rules, RULES, 'rules are not taken back')
})

/** Some traffic to other numbers, which has no say. */
function receiveOther(log: TestLog): void {
  send(log, { smscId: 'other' }, '4917000000')
  receive(log, 'other', '4917000000')
  t.equal(hashOf('4917000000') === hashOf(TO), false)
}

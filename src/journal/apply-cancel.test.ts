import t from 'tap'
import { MESSAGE_STATE } from './marks.js'
import type { Command, CommandResult } from './commands.js'
import { refOf, type Ref } from './ids.js'
import { bind, claim, outcomes } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

const cancel = (account: number, ...refs: Ref[]): Command => ({ kind: 'cancel', account, refs })
const count = (cancelled: number): CommandResult => ({ ok: true, cancelled })

const stateOf = (log: TestLog, ref: Ref): number | undefined =>
  log.state.blocks.get(Math.floor(ref / 4096))?.state(ref % 4096)

/** Two accounts, one connector; `esme2` has number 2. */
const twoAccounts = (): Promise<TestLog> =>
  TestLog.ready(settings => {
    settings.accounts.push({ ...settings.accounts[0]!, systemId: 'esme2' })
  })

void t.test('what waits is cancelled, is never claimed, and its receipt is owed', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}, {}, {}]))
  t.same(log.propose(2, cancel(1, refOf(index, 1))), count(1))
  t.equal(log.markOf(index, 1), 'DONE')
  t.equal(stateOf(log, refOf(index, 1)), MESSAGE_STATE.DELETED)
  t.equal(log.state.queued, 2)
  t.equal(log.account.queued, 2)
  t.match(log.account.delivery(0), { kind: 'receipt', inbound: 0, message: refOf(index, 1) })
  t.same(log.propose(home, claim(log)), {
    ok: true,
    claimed: [
      { index, lo: 0, hi: 1 },
      { index, lo: 2, hi: 3 },
    ],
  })
})

void t.test('the earlier one in the log wins: a claim, or the cancellation', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}, {}]))
  const [first, second] = [refOf(index, 0), refOf(index, 1)]
  // In one entry, too.
  const { results } = log.proposed(home, claim(log, 1), cancel(1, first, second), claim(log))
  t.same(results.slice(1), [count(1), { ok: true, claimed: [] }])
  t.equal(log.markOf(index, 0), 'CLAIMED')
  t.equal(log.markOf(index, 1), 'DONE')
})

void t.test('whose receipt is wanted for failures gets one, for successes alone none', async t => {
  for (const { registered_delivery, owed } of [
    { registered_delivery: 0, owed: 0 },
    { registered_delivery: 1, owed: 1 },
    { registered_delivery: 2, owed: 1 },
    { registered_delivery: 3, owed: 0 },
  ]) {
    const log = await TestLog.ready()
    const { index } = log.proposed(1, accept([{ registered_delivery }]))
    t.same(log.propose(1, cancel(1, refOf(index, 0))), count(1))
    t.equal(log.state.receiptsQueued, owed)
  }
})

void t.test(
  'cancelled twice, of another account, or no message at all: nothing changes',
  async t => {
    const log = await twoAccounts()
    const { index } = log.proposed(1, accept([{}, { account: 2 }]))
    const [ours, theirs] = [refOf(index, 0), refOf(index, 1)]
    t.same(log.propose(1, cancel(1, theirs, refOf(index, 9), refOf(9999, 0))), count(0))
    t.same(log.propose(1, cancel(7, ours)), { ok: false, why: 'noAccount' })
    t.equal(log.state.queued, 2)
    t.same(log.propose(1, cancel(1, ours, ours)), count(1))
    t.same(log.propose(1, cancel(1, ours)), count(0))
    t.equal(log.state.queued, 1)
    t.equal(log.state.receiptsQueued, 1)
  },
)

void t.test('a repeated proposal cancels once and gets the first answer again', async t => {
  const log = await TestLog.ready()
  const { index } = log.proposed(1, accept([{}]))
  const entry = log.entry(2, 1, 1, [cancel(1, refOf(index, 0))])
  log.append(entry)
  log.append(entry)
  const decided = log.effects.filter(effect => effect.kind === 'decided' && effect.node === 2)
  t.match(decided, [{ outcome: { results: [count(1)] } }, { outcome: { results: [count(1)] } }])
})

void t.test('what waits for a retry is cancelled, and its retry goes with it', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}]))
  const ref = refOf(index, 0)
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref, result: 'retry', error: 0x58, retryAtMs: 5 }))
  t.same(log.propose(1, cancel(1, ref)), count(1))
  t.equal(log.connector.retries.size, 0)
  t.equal(log.state.queued, 0)
  log.propose(home, { kind: 'requeue', connector: 1, epoch: log.connector.epoch, refs: [ref] })
  t.same(log.propose(home, claim(log)), { ok: true, claimed: [] })
})

void t.test('what is concluded, sent or in doubt is not cancelled', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}, {}, {}]))
  const refs = [0, 1, 2].map(offset => refOf(index, offset))
  log.propose(home, claim(log))
  log.propose(
    home,
    outcomes(
      log,
      { ref: refs[0]!, smscId: 'x' },
      { ref: refs[1]!, result: 'failed', error: 11 },
      { ref: refs[2]!, result: 'doubt' },
    ),
  )
  t.same(log.propose(1, cancel(1, ...refs)), count(0))
  t.same(
    [0, 1, 2].map(offset => log.markOf(index, offset)),
    ['SENT', 'DONE', 'IN_DOUBT'],
  )
})

for (const kind of ['resend', 'wait'] as const)
  void t.test(`what was in doubt is not cancelled once it waits again: ${kind}`, async t => {
    const log = await TestLog.ready(settings => {
      settings.connectors[0]!.inDoubt = kind === 'wait' ? { kind, ms: 1000 } : { kind }
    })
    const home = log.connector.home!.node
    const { index } = log.proposed(1, accept([{}, {}]))
    const [doubted, unsent] = [refOf(index, 0), refOf(index, 1)]
    log.propose(home, claim(log))
    log.propose(home, outcomes(log, { ref: doubted, result: 'doubt' }))
    log.propose(home, outcomes(log, { ref: unsent, result: 'unsent' }))
    const { epoch } = log.connector
    log.propose(home, { kind: 'requeue', connector: 1, epoch, refs: [doubted] })
    t.equal(log.markOf(index, 0), 'QUEUED')
    await log.state.flush()
    await log.restart()
    t.same(log.propose(1, cancel(1, doubted)), count(0), 'the SMSC may have it')
    t.same(log.propose(1, cancel(1, unsent)), count(1), 'what was given back was never sent')
  })

void t.test('a submit like a cancelled one, whose answer was lost, is another message', async t => {
  const log = await TestLog.ready(settings => {
    settings.accounts[0]!.resubmissionWindowMs = 60_000
  })
  log.propose(1, bind('1.1.1', 1))
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  log.propose(1, { kind: 'endSession', session: '1.1.1' })
  t.same(log.propose(1, cancel(1, refOf(index, 0))), count(1))
  t.match(log.propose(2, accept([{ same: 'a' }])), { accepted: { matched: undefined } })
  t.equal(log.state.queued, 1)
})

void t.test('cancelled messages in front do not hide those behind them', async t => {
  const log = await TestLog.ready(settings => {
    settings.accounts[0]!.queueLimit = 100_000
  })
  const home = log.connector.home!.node
  const live = log.proposed(1, accept([{}])).index
  for (let i = 0; i < 5; i++) {
    const { index } = log.proposed(1, accept(Array.from({ length: 4000 }, () => ({}))))
    const refs = Array.from({ length: 4000 }, (_, offset) => refOf(index, offset))
    t.same(log.propose(1, cancel(1, ...refs)), count(4000))
  }
  const last = log.proposed(1, accept([{}])).index
  t.same(log.propose(home, claim(log, 1)), { ok: true, claimed: [{ index: live, lo: 0, hi: 1 }] })
  let tries = 0
  let result: CommandResult
  do {
    const { position } = log.connector.queue
    result = log.propose(home, claim(log, 1))
    if (++tries > 10 || log.connector.queue.position <= position) break
  } while ('claimed' in result && result.claimed.length === 0)
  t.same(result, { ok: true, claimed: [{ index: last, lo: 0, hi: 1 }] })
  t.equal(log.state.queued, 0)
})

import t from 'tap'
import { VirtualTime } from '../testing/virtual-time.js'
import { SingleJournal } from '../testing/single-journal.js'
import type { Command, CommandResult } from './commands.js'
import { decodeEntry, EntryMessages, shrinkEntry } from './entry.js'
import { indexOf, refOf, type Ref } from './ids.js'
import { bind, claim, outcomes, replace } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

const NOT_FOUND: CommandResult = { ok: false, why: 'notFound' }
const OK: CommandResult = { ok: true }
const other = (text: string): { body: Buffer } => ({ body: Buffer.from(text) })

/** One message of `esme1` that waits. */
async function waiting(submit = {}): Promise<{ log: TestLog; ref: Ref; home: number }> {
  const log = await TestLog.ready()
  const ref = refOf(log.proposed(1, accept([submit])).index, 0)
  return { log, ref, home: log.connector.home!.node }
}

const expire = (log: TestLog, ref: Ref, buckets: number[], seen?: number): Command => ({
  kind: 'expire',
  connector: 1,
  epoch: log.connector.epoch,
  refs: [ref],
  buckets,
  ...(seen === undefined ? {} : { seen }),
})

void t.test('what waits keeps its place, and gets other octets', async t => {
  const { log, ref, home } = await waiting()
  const behind = log.proposed(1, accept([{}])).index
  const { index } = log.proposed(2, replace(ref, other('one')))
  t.equal(log.bodyOf(ref), 'one')
  t.equal(log.markOf(index, 0), 'WAITING')
  t.equal(log.state.queued, 2)
  t.equal(log.account.queued, 2)
  t.same(log.propose(home, claim(log)), {
    ok: true,
    claimed: [
      { index: ref / 4096, lo: 0, hi: 1 },
      { index: behind, lo: 0, hi: 1 },
    ],
  })
  t.equal(log.bodyOf(ref), 'one')
})

void t.test('that it was replaced stays known, from rules 10 on', async t => {
  for (const [rules, kept] of [
    [10, true],
    [9, false],
  ] as const) {
    const { log, ref, home } = await waiting()
    log.state.setRules(rules)
    const replaced = (): boolean | undefined => log.state.blocks.get(indexOf(ref))?.replaced(0)
    t.equal(replaced(), false)
    log.propose(2, replace(ref, other('one')))
    t.equal(replaced(), true)
    log.propose(home, claim(log))
    log.propose(home, outcomes(log, { ref, smscId: 'x' }))
    t.equal(replaced(), kept)
    await log.state.flush()
    await log.restart()
    t.equal(replaced(), kept)
  }
})

void t.test('the octets of each replacement go when they are needed no more', async t => {
  const { log, ref, home } = await waiting()
  const first = log.proposed(1, replace(ref, other('one'))).index
  const second = log.proposed(1, replace(ref, { ...other('two'), base: refOf(first, 0) })).index
  t.equal(log.bodyOf(ref), 'two')
  t.same([...log.state.releases], [first])
  log.propose(home, claim(log))
  t.ok(log.state.blocks.get(second), 'it may have to be sent again')
  await log.state.flush()
  await log.restart()
  t.equal(log.bodyOf(ref), 'two')
  log.propose(home, outcomes(log, { ref, smscId: 'x' }))
  t.same([...log.state.releases], [first, second])
  t.equal(log.state.blocks.get(second), undefined)
})

void t.test('of two that were made of the same octets the earlier one counts', async t => {
  const { log, ref } = await waiting()
  const { index, results } = log.proposed(1, replace(ref, other('one')), replace(ref, other('two')))
  t.same(results, [OK, { ok: false, why: 'conflict' }])
  t.equal(log.bodyOf(ref), 'one')
  t.same(log.propose(2, replace(ref, other('three'))), { ok: false, why: 'conflict' })
  t.same(log.propose(2, replace(ref, { ...other('three'), base: refOf(index, 0) })), OK)
  t.equal(log.bodyOf(ref), 'three')
})

void t.test('claimed, in doubt now or before, sent, concluded: it stays as it is', async t => {
  for (const kind of ['wait', 'resend'] as const) {
    const log = await TestLog.ready(settings => {
      settings.connectors[0]!.inDoubt = kind === 'wait' ? { kind, ms: 1000 } : { kind }
    })
    const home = log.connector.home!.node
    const { index } = log.proposed(1, accept([{}, {}, {}, {}]))
    const refs = [0, 1, 2, 3].map(offset => refOf(index, offset))
    log.propose(home, claim(log))
    const [, doubted, sent, failed] = refs as [Ref, Ref, Ref, Ref]
    log.propose(
      home,
      outcomes(
        log,
        { ref: doubted, result: 'doubt' },
        { ref: sent, smscId: 'x' },
        { ref: failed, result: 'failed', error: 11 },
      ),
    )
    for (const ref of refs) t.same(log.propose(1, replace(ref, other('no'))), NOT_FOUND)
    for (const ref of refs) t.equal(log.bodyOf(ref), 'submit_sm body')
  }
})

void t.test('another account’s, no message, or a message of its own entry: nothing', async t => {
  const { log, ref } = await waiting()
  t.same(log.propose(1, replace(ref, { ...other('no'), account: 7 })), {
    ok: false,
    why: 'noAccount',
  })
  log.propose(1, {
    kind: 'settings',
    expected: null,
    settings: {
      ...log.state.settings,
      accounts: [
        ...log.state.settings.accounts,
        { ...log.state.settings.accounts[0]!, systemId: 'esme2' },
      ],
    },
    author: 'test',
    atMs: log.nowMs,
  })
  t.same(log.propose(1, replace(ref, { ...other('no'), account: 2 })), NOT_FOUND)
  t.same(log.propose(1, replace(refOf(9999, 0), other('no'))), NOT_FOUND)
  const next = log.entries.length + 1
  const { results } = log.proposed(1, accept([{}]), replace(refOf(next, 0), other('no')))
  t.same(results.at(-1), NOT_FOUND)
  t.same(log.propose(1, replace(refOf(log.entries.length + 1, 0), other('no'))), NOT_FOUND)
})

void t.test('what waits for a retry goes on waiting, with other octets', async t => {
  const { log, ref, home } = await waiting()
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref, result: 'retry', error: 0x58, retryAtMs: 5 }))
  t.same(log.propose(1, replace(ref, other('one'))), OK)
  t.equal(log.connector.retries.get(ref), 5)
  t.equal(log.bodyOf(ref), 'one')
})

void t.test('the receipt is the one that the replacement asks for', async t => {
  for (const [registered_delivery, owed] of [
    [0, 0],
    [1, 1],
  ] as const) {
    const { log, ref } = await waiting({ registered_delivery: 1 - registered_delivery })
    log.propose(1, replace(ref, { ...other('one'), registered_delivery }))
    log.propose(1, { kind: 'cancel', account: 1, refs: [ref] })
    t.equal(log.state.receiptsQueued, owed)
    t.equal(log.state.queued, 0)
    t.equal(log.state.releases.size, 1)
  }
})

void t.test('expiry named by a state that had not seen the replacement is void', async t => {
  const { log, ref, home } = await waiting({ expiresAtMs: 1_800_000_001_000 })
  const seen = log.entries.length
  log.propose(
    1,
    replace(ref, { ...other('one'), expiresAtMs: 1_800_000_900_000, otherValidity: true }),
  )
  t.same([...log.connector.expiries.keys()], [1_800_000_001, 1_800_000_900])
  log.propose(home, expire(log, ref, [1_800_000_001], seen))
  log.propose(home, expire(log, ref, []))
  t.equal(log.markOf(ref / 4096, 0), 'QUEUED')
  const block = log.state.blocks.get(ref / 4096)!
  t.equal(block.outlives(0, 1_800_000_899_999), true)
  t.equal(block.outlives(0, 1_800_000_900_000), false)
  log.propose(home, expire(log, ref, [1_800_000_900], log.entries.length))
  t.equal(log.markOf(ref / 4096, 0), 'DONE')
  t.equal(log.state.releases.size, 1)
})

void t.test('what is rescheduled is due in that second alone', async t => {
  const second = 1_800_000_000
  const { log, ref, home } = await waiting({ dueAtMs: (second + 10) * 1000 })
  const due = (upTo: number): string => {
    const { epoch } = log.connector
    log.propose(home, { kind: 'due', connector: 1, epoch, upTo, count: 10 })
    return log.markOf(ref / 4096, 0)
  }
  const move = (to: number): CommandResult => {
    const base = log.state.blocks.get(ref / 4096)?.replacement(0)?.ref ?? ref
    const dueAtMs = (second + to) * 1000
    return log.propose(1, replace(ref, { ...other('one'), base, dueAtMs, otherSchedule: true }))
  }
  t.same(move(30), OK)
  await log.state.flush()
  await log.restart()
  t.equal(due(second + 10), 'RETRY')
  t.same(move(20), OK)
  t.equal(due(second + 19), 'RETRY')
  t.equal(log.connector.schedules.size, 1)
  t.equal(due(second + 20), 'QUEUED')
  t.equal(log.connector.schedules.size, 0)
  t.same(move(40), OK)
  t.same(log.propose(home, claim(log)), { ok: true, claimed: [] }, 'its range is in the queue')
  t.equal(due(second + 30), 'RETRY')
  t.equal(due(second + 40), 'QUEUED')
  t.match(log.propose(home, claim(log)), { claimed: [{ lo: 0, hi: 1 }] })
  t.equal(log.state.queued, 0)
  log.propose(home, outcomes(log, { ref, result: 'retry', retryAtMs: 5 }))
  t.same(move(50), NOT_FOUND)
})

void t.test('a submit like a replaced one, whose answer was lost, is another message', async t => {
  const log = await TestLog.ready(settings => {
    settings.accounts[0]!.resubmissionWindowMs = 60_000
  })
  log.propose(1, bind('1.1.1', 1))
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  log.propose(1, { kind: 'endSession', session: '1.1.1' })
  t.same(log.propose(1, replace(refOf(index, 0), other('one'))), OK)
  t.match(log.propose(2, accept([{ same: 'a' }])), { accepted: { matched: undefined } })
})

void t.test('a disabled account replaces nothing', async t => {
  const { log, ref } = await waiting()
  const { settings } = log.state
  const accounts = settings.accounts.map(each => ({ ...each, enabled: false as const }))
  const command = { expected: null, settings: { ...settings, accounts }, author: 'test' } as const
  log.propose(1, { kind: 'settings', atMs: log.nowMs, ...command })
  t.same(log.propose(1, replace(ref, other('no'))), { ok: false, why: 'accountDisabled' })
})

void t.test('an entry with a replacement is read, shrunk and read again', async t => {
  const { log, ref } = await waiting()
  const { index } = log.proposed(1, replace(ref, other('one')), replace(ref, other('two')))
  const octets = log.entries[index - 1]!
  t.match(new EntryMessages(octets).read(0), { kind: 'submit', connector: 1, account: 1 })
  const shorter = shrinkEntry(octets, offset => offset === 0)
  t.equal(decodeEntry(shorter)?.messages, 2)
  const bodies = [0, 1].map(offset => String(new EntryMessages(shorter).read(offset)?.body))
  t.same(bodies, ['one', ''])
})

void t.test('a journal reads the replacement, keeps it in snapshots, and gives it up', async t => {
  const time = new VirtualTime()
  const cluster = await SingleJournal.open({ time })
  t.teardown(() => cluster.stop())
  const node = cluster.other(2)
  const { number } = cluster.state.account('esme1')!
  const ref = refOf(node.outcome(accept([{ account: number }])).index, 0)
  const { index } = node.outcome(replace(ref, { ...other('one'), account: number }))
  const { journal } = cluster
  t.equal(journal.octetsOf(ref), refOf(index, 0))
  t.match(journal.message(ref), { kind: 'submit', body: Buffer.from('one') })
  const view = await journal.snapshot()
  const live: number[] = []
  for await (const value of view.liveValues()) live.push(value)
  await view.close()
  t.ok(live.includes(index) && live.includes(ref / 4096))
  const kept = cluster.valuesKept
  cluster.decide({ kind: 'cancel', account: number, refs: [ref] })
  await journal.flush()
  await new Promise(resolve => setImmediate(resolve))
  t.equal(cluster.valuesKept, kept, 'the cancellation’s came, the replacement’s went')
  t.match(journal.message(ref), { kind: 'submit', body: Buffer.from('submit_sm body') })
})

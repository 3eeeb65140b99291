import t from 'tap'
import { refOf } from './ids.js'
import { RETRIES_MAX } from './connectors.js'
import { ORPHANS_MAX } from './orphans.js'
import type { CommandResult, InboundItem } from './commands.js'
import { accept, hashOf, TestLog } from './testing/log.js'

const TO = '491701234567'

function receipt(smscId: string): InboundItem {
  const body = Buffer.from('receipt')
  return { kind: 'receipt', smscId, state: 2, error: 0, addressHash: hashOf(TO), body }
}

/** deliver_sm of connector 1's SMSC, in one entry. */
function inbound(log: TestLog, items: InboundItem[]): { index: number; results: string[] } {
  const { index, results } = log.proposed(1, { kind: 'inbound', connector: 1, epoch: 1, items })
  const [result] = results as [CommandResult]
  return { index, results: result.ok && 'inbound' in result ? result.inbound : [] }
}

/** Messages that the SMSC has, under the ids given. */
function sent(log: TestLog, ids: string[]): number {
  const home = log.connector.home!.node
  const { epoch } = log.connector
  const { index } = log.proposed(1, accept(ids.map(() => ({ to: TO }))))
  log.propose(home, { kind: 'claim', connector: 1, epoch, count: ids.length })
  const items = ids.map((smscId, offset) => {
    const ref = refOf(index, offset)
    return { ref, attempt: 1, result: 'sent' as const, error: 0, smscId, retryAtMs: 0 }
  })
  log.propose(home, { kind: 'outcomes', connector: 1, epoch, items })
  return index
}

async function limited(receiptLimit: number): Promise<TestLog> {
  return TestLog.ready(settings => {
    settings.accounts[0] = { ...settings.accounts[0]!, receiptLimit, moLimit: 100 }
  })
}

void t.test('10,000 receipts wait for their message; for one more the oldest goes', async t => {
  const log = await TestLog.ready()
  const first = inbound(log, [receipt('first')])
  for (let kept = 1; kept < ORPHANS_MAX;) {
    const count = Math.min(4000, ORPHANS_MAX - kept)
    inbound(
      log,
      Array.from({ length: count }, (_, i) => receipt(`${kept + i}`)),
    )
    kept += count
  }
  t.equal(log.connector.orphans.size, ORPHANS_MAX)
  t.equal(log.markOf(first.index, 0), 'WAITING')
  t.same(inbound(log, [receipt('one more')]).results, ['kept'])
  t.equal(log.connector.orphans.size, ORPHANS_MAX)
  t.equal(log.markOf(first.index, 0), 'GONE')
  t.ok(log.state.releases.has(first.index), 'its octets are given up')
  sent(log, ['first', 'one more'])
  t.equal(log.account.owed, 1, 'only the one that waited is matched')
})

void t.test('while 50,000 messages wait for a retry nothing more is claimed', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { epoch } = log.connector
  const claim = { kind: 'claim', connector: 1, epoch, count: 1 } as const
  log.propose(1, accept([{}]))
  for (let i = 0; i < RETRIES_MAX; i++) log.connector.setRetry(refOf(1_000_000 + i, 0), 0)
  t.same(log.propose(home, claim), { ok: true, claimed: [] })
  log.connector.dropRetry(refOf(1_000_000, 0))
  t.match(log.propose(home, claim), { claimed: [{ lo: 0, hi: 1 }] })
})

void t.test('beyond receiptLimit the receipt that waited longest is given up', async t => {
  const log = await limited(2)
  sent(log, ['a', 'b', 'c'])
  const a = inbound(log, [receipt('a')])
  const b = inbound(log, [receipt('b')])
  t.equal(log.account.pushedOut, 0)
  const c = inbound(log, [receipt('c')])
  t.same([...a.results, ...b.results, ...c.results], ['matched', 'matched', 'matched'])
  t.equal(log.account.owed, 2)
  t.equal(log.account.pushedOut, 1)
  t.equal(log.markOf(a.index, 0), 'GONE')
  t.equal(log.markOf(b.index, 0), 'WAITING')
  t.equal(log.account.delivery(0), undefined)
  t.match(log.account.delivery(log.account.deliveries.head), { inbound: refOf(b.index, 0) })
})

void t.test('a receipt may be pushed out by one of its own entry', async t => {
  const log = await limited(1)
  sent(log, ['a', 'b', 'c'])
  const { index, results } = inbound(log, [receipt('a'), receipt('b'), receipt('c')])
  t.same(results, ['matched', 'matched', 'matched'])
  t.same(
    [0, 1, 2].map(offset => log.markOf(index, offset)),
    ['DELIVERED', 'DELIVERED', 'WAITING'],
  )
  t.equal(log.account.owed, 1)
  const { epoch, deliveries } = log.account
  const seqs = [deliveries.head]
  log.propose(1, { kind: 'delivered', account: 1, epoch, seqs, expired: false })
  t.equal(log.markOf(index, 2), 'GONE')
  t.equal(log.account.owed, 0)
  t.equal(log.account.expired, 0)
})

void t.test('receipts of our own are bounded too, and their blocks let go', async t => {
  const log = await limited(1)
  const { index } = log.proposed(1, accept([{ expiresAtMs: 1 }, { expiresAtMs: 1 }]))
  const { epoch, home } = log.connector
  const refs = [refOf(index, 0), refOf(index, 1)]
  log.propose(home!.node, { kind: 'expire', connector: 1, epoch, refs, buckets: [] })
  t.equal(log.account.owed, 1)
  t.equal(log.account.pushedOut, 1)
  t.equal(log.state.blocks.get(index)?.open, 1)
})

void t.test('MO are refused while receiptLimit is reached: the SMSC keeps them', async t => {
  const log = await limited(1)
  const mo = { kind: 'mo', account: 1, body: Buffer.from('mo') } as const
  t.same(inbound(log, [mo, mo]).results, ['queued', 'queueFull'])
  t.equal(log.account.owed, 1)
  const { epoch } = log.account
  log.propose(1, { kind: 'delivered', account: 1, epoch, seqs: [0], expired: true })
  t.equal(log.account.expired, 1, 'and what receiptTtl ended is counted')
})

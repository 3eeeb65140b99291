import t from 'tap'
import { refOf } from './ids.js'
import { claim, outcomes } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

void t.test('open claims never exceed binds × window', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  log.propose(1, accept(Array.from({ length: 30 }, () => ({}))))
  log.propose(home, claim(log))
  t.equal(log.connector.claims.size, 10)
  t.same(log.propose(home, claim(log)), { ok: true, claimed: [] })
})

void t.test('a claim takes retries first, then the higher priorities', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const low = log.proposed(1, accept([{}], 0)).index
  const high = log.proposed(1, accept([{}], 3)).index
  t.same(log.propose(home, claim(log, 1)), { ok: true, claimed: [{ index: high, lo: 0, hi: 1 }] })
  const ref = refOf(high, 0)
  log.propose(home, outcomes(log, { ref, result: 'retry', error: 0x58, retryAtMs: 5 }))
  t.equal(log.markOf(high, 0), 'RETRY')
  t.equal(log.state.queued, 2)
  log.propose(home, { kind: 'requeue', connector: 1, epoch: log.connector.epoch, refs: [ref] })
  t.same(log.propose(home, claim(log)), {
    ok: true,
    claimed: [
      { index: high, lo: 0, hi: 1 },
      { index: low, lo: 0, hi: 1 },
    ],
  })
})

void t.test(
  'a lost home leaves its claims in doubt, and its late commands are refused but for good news',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!
    const { index } = log.proposed(1, accept([{}, {}]))
    log.propose(home.node, claim(log))
    const late = outcomes(log, { ref: refOf(index, 0), smscId: 'x' })
    const refusal = outcomes(log, { ref: refOf(index, 1), result: 'failed', error: 8 })
    const lateClaim = claim(log)
    const other = home.node === 3 ? 1 : 3
    log.propose(other, { kind: 'nodeDown', node: home.node, boot: 1 })
    t.equal(log.connector.doubts.size, 2)
    t.not(log.connector.home!.node, home.node)
    log.propose(other, late, refusal)
    t.equal(log.markOf(index, 0), 'SENT')
    t.equal(log.markOf(index, 1), 'IN_DOUBT')
    t.match(log.propose(other, lateClaim), { ok: false, why: 'staleEpoch' })
  },
)

void t.test('with inDoubt: resend the doubted message is claimed again at once', async t => {
  const log = await TestLog.ready(s => (s.connectors[0]!.inDoubt = { kind: 'resend' }))
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}]))
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref: refOf(index, 0), result: 'doubt' }), claim(log))
  t.equal(log.connector.claims.get(refOf(index, 0)), 2)
  log.propose(home, outcomes(log, { ref: refOf(index, 0), attempt: 1, result: 'failed' }))
  t.equal(log.markOf(index, 0), 'CLAIMED', 'an outcome of an earlier attempt does not count')
})

void t.test(
  'a rejected or expired message makes a receipt of ours where the ESME asked for one',
  async t => {
    for (const { registered_delivery, owed } of [
      { registered_delivery: 0, owed: 0 },
      { registered_delivery: 1, owed: 1 },
      { registered_delivery: 2, owed: 1 },
    ]) {
      const log = await TestLog.ready()
      const home = log.connector.home!.node
      const { index } = log.proposed(1, accept([{ registered_delivery }]))
      log.propose(home, claim(log))
      log.propose(home, outcomes(log, { ref: refOf(index, 0), result: 'failed', error: 0x0b }))
      t.equal(log.state.receiptsQueued, owed)
      if (owed > 0) t.equal(log.account.delivery(0)?.inbound, 0)
      t.equal(log.markOf(index, 0), 'DONE')
    }
  },
)

void t.test('expire ends what is unclaimed, and leaves what is claimed to its home', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(
    1,
    accept([{ expiresAtMs: log.nowMs + 1500 }, { expiresAtMs: log.nowMs + 1500 }]),
  )
  t.equal(log.connector.expiries.size, 1)
  const second = [...log.connector.expiries.keys()][0]!
  t.equal(second, Math.ceil((log.nowMs + 1500) / 1000))
  log.propose(home, claim(log, 1))
  log.propose(home, {
    kind: 'expire',
    connector: 1,
    epoch: log.connector.epoch,
    refs: [refOf(index, 0), refOf(index, 1)],
    buckets: [second],
  })
  t.same(
    [0, 1].map(o => log.markOf(index, o)),
    ['CLAIMED', 'DONE'],
  )
  t.equal(log.connector.expiries.size, 0)
  t.equal(log.state.receiptsQueued, 1)
})

import t, { type Test } from 'tap'
import { decodeBody } from '../smpp/codec.js'
import { waitFor } from '../testing/wait-for.js'
import { EsmeClient } from './esme.js'
import type { EsmeOptions } from './esme-options.js'
import { reportText, type EsmeReport } from './esme-report.js'
import type { SmscBehaviour } from './smsc-faults.js'
import { SmscSimulator } from './smsc-sim.js'

async function smscOf(t: Test, behaviour: Partial<SmscBehaviour> = {}): Promise<SmscSimulator> {
  const smsc = new SmscSimulator({ port: 0, behaviour })
  await smsc.start()
  t.teardown(() => smsc.stop())
  return smsc
}

async function run(smsc: SmscSimulator, options: Partial<EsmeOptions>): Promise<EsmeReport> {
  const addresses = [{ host: '127.0.0.1', port: smsc.port }]
  return new EsmeClient({ addresses, settleMs: 30_000, ...options }).run()
}

const sum = (counts: Record<string, number>): number =>
  Object.values(counts).reduce((a, b) => a + b, 0)

void t.test('submit_multi: receipts come for each destination that is not refused', async t => {
  const smsc = await smscOf(t, { multiUnsuccess: 0.5, errors: { ESME_RINVDSTADR: 2, '0x411': 1 } })
  const report = await run(smsc, { pdu: 'submit_multi', destinations: 20, count: 100 })
  t.same(report.problems, [])
  const stats = smsc.stats()
  t.equal(stats.submits, 100)
  t.match(report.receipts, { expected: stats.accepted, received: stats.accepted, duplicated: 0 })
  t.ok(report.unsuccessful['ESME_RINVDSTADR']! > report.unsuccessful['0x00000411']!)
  t.same(report.unsuccessful, stats.refused)
  t.equal(sum(report.unsuccessful) + stats.accepted, 2_000)
  t.match(reportText(report), /unsuccessful +.*0x00000411/)

  smsc.change({ multiUnsuccess: 1 })
  const none = await run(smsc, { pdu: 'submit_multi', destinations: 2, count: 5 })
  t.same(none.refused, { ESME_RSUBMITFAIL: 5 }, 'no destination is taken')
})

void t.test('data_sm is a way to submit', async t => {
  const smsc = await smscOf(t)
  const report = await run(smsc, { pdu: 'data_sm', count: 100 })
  t.same(report.problems, [])
  t.match(report.receipts, { expected: 100, received: 100 })
  t.match(smsc.stats(), { distinct: 100, untagged: 0 })
})

void t.test('transaction mode is answered when the message has come to its end', async t => {
  const states = { DELIVRD: 1, UNDELIV: 1 }
  const smsc = await smscOf(t, { receiptDelayMs: 300, receiptStates: states })
  for (const pdu of ['submit_sm', 'data_sm'] as const) {
    const report = await run(smsc, { pdu, mode: 'transaction', count: 100, window: 100 })
    t.ok(report.latencyMs.p50 >= 299, `p50 ${report.latencyMs.p50}`)
    t.ok(report.acknowledged > 0)
    t.same(report.refused, { ESME_RDELIVERYFAILURE: 100 - report.acknowledged })
    t.equal(report.receipts, null)
  }
  const asked = await run(smsc, { mode: 'transaction', registeredDelivery: 0x11, count: 10 })
  t.equal(asked.receipts, null)
  t.equal(smsc.stats().receipts.made, 0, 'nor are receipts made that are asked for')
})

void t.test('an intermediate notification comes half-way to the receipt', async t => {
  const smsc = await smscOf(t, { receiptDelayMs: 100 })
  const both = await run(smsc, { registeredDelivery: 0x11, count: 50 })
  t.equal(both.notifications, 50)
  t.match(both.receipts, { expected: 50, received: 50, byStat: { DELIVRD: 50 }, lost: 0 })
  t.match(reportText(both), /notifications +50/)

  smsc.change({ receiptDelayMs: 0 })
  const apart = await run(smsc, { registeredDelivery: 0x11, count: 10 })
  t.ok(apart.receipts!.latencyMs.p50 >= 199, 'a receipt does not leave with its notification')

  const failuresOnly = { registeredDelivery: 0x12, count: 50, lingerMs: 400 }
  t.equal((await run(smsc, failuresOnly)).notifications, 50)
  t.equal(smsc.stats().receipts.made, 60, 'delivered: no receipt of a failure')
  smsc.change({ receiptStates: { UNDELIV: 1 }, notifications: 0 })
  t.equal((await run(smsc, failuresOnly)).notifications, 0)
  await waitFor('failures have receipts', () => smsc.stats().receipts.made === 110)
})

void t.test('query_sm, cancel_sm and replace_sm before a message is delivered', async t => {
  const smsc = await smscOf(t, { receiptDelayMs: 1_500 })
  const options = { count: 60, queries: 0.4, cancels: 0.3, replaces: 0.3 }
  const { operations, receipts } = await run(smsc, options)
  t.strictSame(Object.keys(operations.query_sm!), ['ENROUTE'])
  t.strictSame(Object.keys(operations.cancel_sm!), ['ESME_ROK'])
  t.strictSame(Object.keys(operations.replace_sm!), ['ESME_ROK'])
  const cancelled = operations.cancel_sm!['ESME_ROK']!
  t.same(receipts?.byStat, { DELIVRD: 60 - cancelled, DELETED: cancelled })
  const { query_sm, cancel_sm, replace_sm } = smsc.stats().requests
  t.equal(query_sm! + cancel_sm! + replace_sm!, 60)
})

void t.test('query_sm, cancel_sm and replace_sm after it', async t => {
  const smsc = await smscOf(t, { receiptDelayMs: 20 })
  const options = { count: 60, queries: 0.4, cancels: 0.3, replaces: 0.3, operationDelayMs: 200 }
  const report = await run(smsc, options)
  t.strictSame(Object.keys(report.operations.query_sm!), ['DELIVERED'])
  t.strictSame(Object.keys(report.operations.cancel_sm!), ['ESME_RCANCELFAIL'])
  t.strictSame(Object.keys(report.operations.replace_sm!), ['ESME_RREPLACEFAIL'])
  t.match(reportText(report), /query_sm +DELIVERED \d+/)
})

void t.test('TLVs go with each message', async t => {
  const smsc = await smscOf(t)
  const tlvs = [{ tag: 0x1401, value: Buffer.from('0a0b', 'hex') }]
  for (const pdu of ['submit_sm', 'data_sm', 'submit_multi'] as const) {
    const addresses = [{ host: '127.0.0.1', port: smsc.port }]
    const esme = new EsmeClient({ addresses, pdu, tlvs, count: 1, receipts: false })
    const bodies: Buffer[] = []
    for (const session of esme.sessions) {
      const submit = session.submit.bind(session)
      session.submit = (body, n, fromMs) => {
        bodies.push(Buffer.from(body))
        return submit(body, n, fromMs)
      }
    }
    t.equal((await esme.run()).acknowledged, 1)
    const decoded = decodeBody(pdu, bodies[0]!)
    t.ok(decoded.ok)
    if (decoded.ok) t.same(decoded.body.tlvs[0], tlvs[0])
  }
})

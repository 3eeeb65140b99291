import { once } from 'node:events'
import { statSync } from 'node:fs'
import type { PDU } from 'smpp'
import t from 'tap'
import type { ClusterView, MessageView } from '../api/shapes.js'
import { METRICS } from '../base/metrics.js'
import { createLogger } from '../telemetry/log.js'
import { waitFor } from '../testing/wait-for.js'
import { bind, get, site, submit } from './testing/site.js'

/** What a node without peers, faults and MO, with nothing left to do, has not to tell. */
const QUIET = new Set([
  'protocol_errors_total',
  'cancel_sm_total',
  'messages_cancelled_total',
  'bans_total',
  'replace_sm_total',
  'submit_multi_total',
  'transactions_unknown_total',
  'submit_multi_destinations_total',
  'submits_refused_but_sent_total',
  'upstream_mo_total',
  'upstream_mo_parts_total',
  'in_doubt_total',
  'queued_messages',
  'in_flight_messages',
  'in_doubt_messages',
  'queued_receipts',
  'expired_deliveries_total',
  'outbinds_total',
  'resubmissions_matched_total',
  'resubmissions_given_up_total',
  'peer_connected',
  'clock_offset_seconds',
  'alarms',
])

/** Over all labels; of a histogram, how often. NaN where there is none. */
function total(text: string, name: string): number {
  const lines = text.split('\n')
  const values = lines.flatMap(line => {
    const found = /^carillon_(\w+?)(?:_count)?(?:\{.*\})? (\S+)$/.exec(line)
    return found?.[1] === name ? [Number(found[2])] : []
  })
  return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0)
}

void t.test('one node: bind, submit, receipt', async t => {
  const { start, smsc, dataDir } = await site(t)
  await smsc.start()
  const node = await start()
  t.equal(statSync(dataDir).mode & 0o777, 0o700)
  await t.rejects(bind(node, 'wrong'), /refused: 14/)

  const session = await bind(node)
  const receipts: string[] = []
  session.on('deliver_sm', (pdu: PDU) => {
    receipts.push(pdu['receipted_message_id'] as string)
    session.send(pdu.response())
  })
  const ids = await Promise.all(Array.from({ length: 50 }, (_, i) => submit(session, `m ${i}`)))
  t.equal(new Set(ids).size, 50)
  await waitFor('all receipts', () => receipts.length >= 50)
  t.same(receipts.sort(), ids.sort())

  const view = await waitFor('the receipt is settled', async () => {
    const cluster = await get<ClusterView>(node, '/api/v1/cluster')
    return cluster.receiptsQueued === 0 ? cluster : undefined
  })
  t.match(view, { leader: 1, queued: 0, inFlight: 0, revision: 1 })
  t.match(await get<MessageView>(node, `/api/v1/messages/${ids[0]}`), {
    state: 'DELIVERED',
    stat: 'DELIVRD',
    connector: 'smsc-a',
  })
  const scrape = await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)
  const text = await scrape.text()
  t.match(text, /carillon_submit_sm_total\{command_status="ESME_ROK"\} 50/)
  t.match(text, /carillon_submit_sm_latency_seconds_count 50/)
  t.match(text, /carillon_upstream_latency_seconds_count\{connector="smsc-a"\} 50/)
  for (const name of Object.keys(METRICS))
    if (!QUIET.has(name)) t.ok(total(text, name) > 0, `${name} is fed`)
  // Not there until it happens is, for an alarm rule, the same as not watched.
  for (const name of ['alarms', 'submits_refused_but_sent_total', 'queued_messages'])
    t.equal(total(text, name), 0, `${name} says 0`)

  const closed = once(session, 'close')
  await node.stop(10_000)
  await closed
  t.pass('a drained node unbinds its ESMEs')
})

void t.test('what a node accepted is there when it comes back', async t => {
  const { start, smsc } = await site(t)
  const first = await start()
  const session = await bind(first)
  const ids = await Promise.all(Array.from({ length: 20 }, (_, i) => submit(session, `m ${i}`)))
  const before = await waitFor('an idle state', async () => {
    const view = await get<ClusterView>(first, '/api/v1/cluster')
    return view.stateHashIndex === view.appliedIndex ? view : undefined
  })
  t.equal(before.queued, 20)
  await first.stop(0)

  const second = await start()
  const after = await get<ClusterView>(second, '/api/v1/cluster')
  t.match(after, { queued: 20, clusterId: before.clusterId, revision: 1 })
  const sessions = await get<{ items: unknown[] }>(second, '/api/v1/sessions')
  t.equal(sessions.items.length, 0, 'sessions of the process before have ended')

  await smsc.start()
  const again = await bind(second)
  const receipts: string[] = []
  again.on('deliver_sm', (pdu: PDU) => {
    receipts.push(pdu['receipted_message_id'] as string)
    again.send(pdu.response())
  })
  await waitFor('all receipts', () => new Set(receipts).size >= 20)
  t.same([...new Set(receipts)].sort(), ids.sort())
  again.destroy()
})

void t.test('a limited account is granted its rate, and its short ids are found', async t => {
  const { start } = await site(t, { account: { throughputPerSecond: 20, messageIdStyle: 'short' } })
  const node = await start()
  const session = await bind(node)
  const ids: string[] = []
  let throttled = 0
  // Far more than the first burst: without a grant it would never get there.
  await waitFor('twelve submits pass', async () => {
    const tries = Array.from({ length: 4 }, (_, i) => submit(session, `m ${i}`))
    for (const result of await Promise.allSettled(tries))
      if (result.status === 'fulfilled') ids.push(result.value)
      else throttled++
    return ids.length >= 12
  })
  t.ok(throttled > 0)
  t.ok(ids.every(id => /^[0-9]{8}$/.test(id)))
  t.match(await get<MessageView>(node, `/api/v1/messages/${ids[3]}`), { shortId: ids[3] })
  session.destroy()
})

void t.test('at debug level each step of a message has a line with its message_id', async t => {
  const { start, smsc } = await site(t)
  await smsc.start()
  const lines: string[] = []
  const node = await start(createLogger({ level: 'debug', write: line => lines.push(line) }))
  const session = await bind(node)
  session.on('deliver_sm', (pdu: PDU) => session.send(pdu.response()))
  const id = await submit(session, 'of nobody’s concern')
  const steps = (): string[] =>
    lines
      .map(line => JSON.parse(line) as Record<string, unknown>)
      .filter(line => line['message_id'] === id)
      .map(line => String(line['event']))
  await waitFor('the receipt is answered', () => steps().includes('delivery answered'))
  // Where the receipt overtakes what the SMSC's answer leaves in the log, its line knows no message_id yet.
  t.ok(lines.some(line => line.includes('"receipt from the SMSC"')))
  t.same(
    steps().filter(step => step !== 'receipt from the SMSC'),
    ['message accepted', 'message sent', 'message answered', 'delivery sent', 'delivery answered'],
  )
  t.notMatch(lines.join(''), /concern|491701234567/, 'neither text nor addresses')
  session.destroy()
})

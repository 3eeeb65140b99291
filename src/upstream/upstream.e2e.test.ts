import type { AddressInfo } from 'node:net'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import { silentLogger } from '../base/logger.js'
import { noMetrics } from '../base/metrics.js'
import { systemRandom } from '../base/random.js'
import type { Ref } from '../journal/index.js'
import { addressHash, indexOf, MESSAGE_STATE, offsetOf, refOf } from '../journal/index.js'
import { connectTcp } from '../link/tcp.js'
import { encodeBody } from '../smpp/codec.js'
import { connector, gateway } from '../testing/gateway.js'
import { SingleJournal } from '../testing/single-journal.js'
import { waitFor } from '../testing/wait-for.js'
import { Upstream } from './upstream.js'

const time = { ...systemClock, ...systemTimers }
const COUNT = 300

void t.test("another library's SMSC takes every message, and its receipts come back", async t => {
  const seen = new Map<string, number>()
  const sessions: Session[] = []
  /** Receipts by the session they went out on, until they are answered: as an SMSC keeps them. */
  const unanswered = new Map<number, { on: Session; receipt: Record<string, unknown> }>()
  const answers: number[] = []
  let bound: PDU | undefined
  let ids = 0

  const deliver = (id: number, receipt: Record<string, unknown>): void => {
    const on = sessions.at(-1)!
    unanswered.set(id, { on, receipt })
    on.deliver_sm({ ...receipt }, answer => {
      unanswered.delete(id)
      answers.push(answer.command_status)
    })
  }
  const server = smpp.createServer({}, session => {
    session.on('error', () => undefined)
    session.on('close', () => {
      sessions.splice(sessions.indexOf(session), 1)
      if (sessions.length === 0) return
      for (const [id, { on, receipt }] of [...unanswered]) if (on === session) deliver(id, receipt)
    })
    session.on('bind_transceiver', (pdu: PDU) => {
      bound = pdu
      sessions.push(session)
      session.send(pdu.response({ system_id: 'other' }))
    })
    session.on('unbind', (pdu: PDU) => {
      session.send(pdu.response())
      session.close()
    })
    session.on('enquire_link', (pdu: PDU) => session.send(pdu.response()))
    session.on('submit_sm', (pdu: PDU) => {
      const { message } = pdu['short_message'] as { message: string }
      seen.set(message, (seen.get(message) ?? 0) + 1)
      if (seen.size === COUNT / 2 && seen.get(message) === 1) {
        session.destroy() // in the middle of it, without a word
        return
      }
      const id = 1000 + ++ids
      session.send(pdu.response({ message_id: id.toString(16) }))
      deliver(id, {
        source_addr: pdu['destination_addr'],
        destination_addr: pdu['source_addr'],
        esm_class: 4,
        short_message: `id:${String(id).padStart(10, '0')} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:`,
      })
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo

  const cluster = await SingleJournal.open({
    time,
    settings: gateway({
      connectors: [
        connector('smsc-a', {
          port,
          binds: 2,
          window: 20,
          systemType: 'x',
          inDoubt: { kind: 'wait', ms: 500 },
          messageIdFormat: { submit: 'hex', receipt: 'dec' },
        }),
      ],
    }),
  })
  const upstream = new Upstream({
    journal: cluster.journal,
    clock: time,
    timers: time,
    random: systemRandom,
    logger: silentLogger,
    metrics: noMetrics,
    connect: ({ host, port, timeoutMs }) => connectTcp({ host, port, timeoutMs }),
    openSecret: secret => (secret.kind === 'plain' ? secret.value : ''),
    fence: () => true,
  })
  t.teardown(async () => {
    upstream.stop()
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const session of sessions) session.destroy()
    await closed
    await cluster.stop()
  })
  upstream.start()
  const refs = await submit(cluster)

  const block = (ref: Ref) => cluster.state.blocks.get(indexOf(ref))!
  const delivered = () =>
    refs.filter(ref => block(ref).state(offsetOf(ref)) === MESSAGE_STATE.DELIVERED).length
  await waitFor('all receipts', () => delivered() === COUNT, {
    detail: () => `${delivered()} of ${COUNT}; ${JSON.stringify(upstream.status())}`,
  })
  t.equal(seen.size, COUNT, 'nothing is lost')
  const twice = [...seen.values()].reduce((sum, times) => sum + times - 1, 0)
  t.ok(twice <= 40, `${twice} messages were sent twice, binds × window is 40`)
  t.ok(cluster.state.account('esme1')!.owed >= COUNT)
  t.ok(answers.length > 0 && answers.every(status => status === 0))
  t.match(bound, { system_id: 'carillon', password: 'secret', system_type: 'x' })
  t.equal(sessions.length, 2, 'the bind that was lost came back')
})

async function submit(cluster: SingleJournal): Promise<Ref[]> {
  const { state, proposer } = cluster
  const { number } = state.connector('smsc-a')!
  const account = state.account('esme1')!.number
  return Promise.all(
    Array.from({ length: COUNT }, (_, i) => {
      const to = Buffer.from(`4917000${i}`)
      const record = {
        account,
        registered_delivery: 1,
        flags: 0,
        expiresAtMs: 0,
        dueAtMs: 0,
        session: 1,
        addressHash: addressHash(to, 0, to.length),
        body: encodeBody('submit_sm', {
          source_addr: '1234',
          destination_addr: to.toString(),
          registered_delivery: 1,
          short_message: Buffer.from(`message ${i}`),
        }),
      }
      return new Promise<Ref>((resolve, reject) => {
        proposer.submit(number, 0, state.revision, record, {
          accepted: (index, offset) => resolve(refOf(index, offset)),
          refused: why => reject(new Error(why)),
        })
      })
    }),
  )
}

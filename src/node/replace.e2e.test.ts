import { once } from 'node:events'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import type { ClusterView, MessageView } from '../api/shapes.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { bind, get, site, submit } from './testing/site.js'

const ESME_ROK = 0
const ESME_RINVSRCADR = 0x0a
const ESME_RINVMSGID = 0x0c
const ESME_RREPLACEFAIL = 0x13

void t.test(
  'what is replaced while the SMSC is away reaches it in its last form, and is not replaced then',
  async t => {
    const [port] = await freePorts(1)
    const { start } = await site(t, { connector: { port: port! } })
    const node = await start()
    const session = await bind(node)
    const receipts: unknown[] = []
    session.on('deliver_sm', (pdu: PDU) => {
      receipts.push(pdu['receipted_message_id'])
      session.send(pdu.response())
    })
    const [one, untouched] = [await submit(session, 'one'), await submit(session, 'untouched')]
    t.equal(await replace(session, one, { short_message: 'two' }), ESME_ROK)
    t.equal(await replace(session, one, { short_message: 'three' }), ESME_ROK)
    t.equal(await replace(session, one, { source_addr: '1' }), ESME_RINVSRCADR)
    t.equal(await replace(session, `${one.slice(0, 19)}f`, {}), ESME_RINVMSGID)
    t.match(await get<ClusterView>(node, '/api/v1/cluster'), { queued: 2, inFlight: 0 })
    const view = (id: string) => get<MessageView>(node, `/api/v1/messages/${id}?text=true`)
    t.match(await view(one), { replaced: true, content: { text: 'three' } })

    const got: [text: string, registered_delivery: unknown][] = []
    const server = smpp.createServer({}, smsc => {
      smsc.on('bind_transceiver', (pdu: PDU) => smsc.send(pdu.response()))
      smsc.on('enquire_link', (pdu: PDU) => smsc.send(pdu.response()))
      smsc.on('submit_sm', (pdu: PDU) => {
        const { message } = pdu['short_message'] as { message: Buffer | string }
        const message_id = `s${got.push([message.toString(), pdu['registered_delivery']])}`
        smsc.send(pdu.response({ message_id }))
        smsc.deliver_sm(receiptOf(message_id))
      })
    })
    t.teardown(() => new Promise(resolve => server.close(resolve)))
    server.listen(port)
    await once(server, 'listening')
    await waitFor('receipts of both', () => receipts.length >= 2)
    t.same(got, [
      ['three', 1],
      ['untouched', 1],
    ])
    t.same(receipts, [one, untouched])
    t.equal(await replace(session, one, { short_message: 'four' }), ESME_RREPLACEFAIL)
    t.match(await view(one), { replaced: true, content: null }, 'never the text that it replaced')
    t.match(await view(untouched), { replaced: false, content: { text: 'untouched' } })
    const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
    t.match(metrics, /carillon_replace_sm_total\{command_status="ESME_ROK"\} 2/)
    session.destroy()
    await node.stop(0)
  },
)

function replace(
  session: Session,
  message_id: string,
  fields: Record<string, unknown>,
): Promise<number> {
  const all = { message_id, registered_delivery: 1, ...fields }
  return new Promise(resolve => session.replace_sm(all, answer => resolve(answer.command_status)))
}

const receiptOf = (id: string): Record<string, unknown> => ({
  source_addr: '491701234567',
  esm_class: 4,
  receipted_message_id: id,
  message_state: 2,
  short_message: `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010001 stat:DELIVRD err:000 text:`,
})

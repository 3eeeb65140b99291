import type { PDU, Session } from 'smpp'
import t from 'tap'
import type { ClusterView, MessageView } from '../api/shapes.js'
import { waitFor } from '../testing/wait-for.js'
import { bind, get, site, submit } from './testing/site.js'

const ESME_ROK = 0
const ESME_RCANCELFAIL = 0x11
const DELETED = 4

void t.test(
  'what is cancelled while the SMSC is away never reaches it, and its receipt says DELETED',
  async t => {
    const { start, smsc } = await site(t)
    const node = await start()
    const session = await bind(node)
    const receipts = new Map<unknown, string>()
    session.on('deliver_sm', (pdu: PDU) => {
      const text = (pdu['short_message'] as { message: Buffer | string }).message.toString()
      receipts.set(pdu['receipted_message_id'], /stat:(\w+)/.exec(text)?.[1] ?? text)
      session.send(pdu.response())
    })
    const [one, kept] = [await submit(session, 'one'), await submit(session, 'kept')]
    const group = await Promise.all([1, 2, 3].map(n => submitTo(session, '4915100000001', `g${n}`)))
    t.equal(await cancel(session, { message_id: one }), ESME_ROK)
    t.equal(await cancel(session, { message_id: one }), ESME_RCANCELFAIL, 'it is final')
    t.equal(await cancel(session, { destination_addr: '4915100000001' }), ESME_ROK)
    t.equal(await cancel(session, { destination_addr: '4915100000001' }), ESME_RCANCELFAIL)
    t.match(await get<ClusterView>(node, '/api/v1/cluster'), { queued: 1, inFlight: 0 })
    t.match(await get<MessageView>(node, `/api/v1/messages/${one}`), {
      state: 'DELETED',
      stat: 'DELETED',
    })
    await waitFor('the receipts of the gateway', () => receipts.size >= 4)
    t.same([...receipts.values()], ['DELETED', 'DELETED', 'DELETED', 'DELETED'])

    await smsc.start()
    await waitFor('the receipt of the SMSC', () => receipts.get(kept) === 'DELIVRD')
    t.equal(await cancel(session, { message_id: kept }), ESME_RCANCELFAIL, 'it is sent')
    t.equal(smsc.stats().accepted, 1, 'the SMSC got the one that was left')
    for (const id of [one, ...group]) t.equal((await query(session, id))['message_state'], DELETED)
    const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
    t.match(metrics, /carillon_messages_cancelled_total 4/)
    t.match(metrics, /carillon_cancel_sm_total\{command_status="ESME_ROK"\} 2/)
    session.destroy()
  },
)

void t.test(
  'a message of any account is cancelled over HTTP, with the effects of cancel_sm',
  async t => {
    const { start, smsc } = await site(t)
    const node = await start()
    const session = await bind(node)
    const [one, kept] = [await submit(session, 'one'), await submit(session, 'kept')]
    const receipt = new Promise<PDU>(resolve => session.once('deliver_sm', resolve))
    const ask = async (id: string) => {
      const url = `http://127.0.0.1:${node.httpPort}/api/v1/messages/${id}`
      const answer = await fetch(url, { method: 'DELETE' })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    }
    t.match(await ask(one), { status: 200, body: { id: one, state: 'DELETED', account: 'esme1' } })
    t.match(await ask(one), { status: 409, body: { detail: 'the message is concluded' } })
    t.match(await ask('0'.repeat(20)), { status: 404 })
    t.match((await receipt)['receipted_message_id'], one)
    session.send((await receipt).response())
    await smsc.start()
    await waitFor('the one that is left', () => smsc.stats().accepted === 1)
    await waitFor(
      'its end',
      async () => (await ask(kept)).body['detail'] === 'the message is concluded',
    )
    const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
    t.match(metrics, /carillon_messages_cancelled_total 1/)
    session.destroy()
  },
)

function cancel(session: Session, fields: Record<string, unknown>): Promise<number | undefined> {
  return new Promise(resolve => {
    session.cancel_sm(fields, answer => resolve(answer.command_status))
  })
}

function query(session: Session, message_id: string): Promise<PDU> {
  return new Promise(resolve => session.query_sm({ message_id }, resolve))
}

async function submitTo(session: Session, to: string, text: string): Promise<string> {
  const fields = { destination_addr: to, short_message: text, registered_delivery: 1 }
  const answer = await new Promise<PDU>(resolve => session.submit_sm(fields, resolve))
  return answer['message_id'] as string
}

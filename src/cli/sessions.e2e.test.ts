import { once } from 'node:events'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import type { AccountView, ClusterView, List, MessageView, SessionView } from '../api/shapes.js'
import { freePorts } from '../testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import type { ProcessNode } from '../testing/process-node.js'
import { waitFor } from '../testing/wait-for.js'
import { SmscSimulator } from '../tools/smsc-sim.js'
import { recordingIo } from './io.js'
import { run } from './program.js'

const ESME_ROK = 0
const ESME_RBINDFAIL = 0x0d
const ESME_RINVPASWD = 0x0e

void t.test('sessions are listed, kicked and kept out from whichever node', async t => {
  const [port] = await freePorts(1)
  const smsc = new SmscSimulator({ port: port!, behaviour: { receiptDelayMs: 5 } })
  await smsc.start()
  t.teardown(() => smsc.stop())
  const cluster = await ProcessCluster.start({ gateway: gatewayTo(port!) })
  t.teardown(() => cluster.stop())
  const [one, two, three] = [cluster.node(1), cluster.node(2), cluster.node(3)]
  const carillon = async (at: ProcessNode, ...argv: string[]) => {
    const io = recordingIo()
    const status = await run([...argv, '--http', at.httpUrl], io)
    return { status, said: io.said.join('\n'), noted: io.noted.join('\n') }
  }
  const listed = async (at: ProcessNode): Promise<SessionView[]> =>
    JSON.parse((await carillon(at, 'sessions', '--json')).said) as SessionView[]

  // List: each node knows all, and what the others' sessions are doing.
  const esmes = await Promise.all([one, two, three].map(node => bound(node)))
  const all = await waitFor('node 1 knows all sessions', async () => {
    const sessions = await listed(one)
    return sessions.length === 3 && sessions
  })
  for (const { node, activity } of all) {
    t.match(activity, { window: 1000, unanswered: 0, delivering: 0, pdusIn: 1, pdusOut: 1 })
    t.ok(Date.now() - Date.parse(activity!.lastPduAt) < 60_000, `node ${node} says when`)
  }
  const far = all.find(({ node }) => node === 2)!
  t.match(await carillon(three, 'sessions', '--node', '2'), { said: new RegExp(far.id) })

  // Kick: asked at another node, with submits under way.
  const victim = esmes[1]!
  const answers = Array.from({ length: 50 }, (_, n) => submit(victim, `${n}`))
  const kicked = await carillon(three, 'kick', far.id)
  t.match(kicked, { status: 0, said: `session ${far.id} of esme1 on node 2: unbound` })
  t.equal((await listed(three)).length, 2, 'the node that was asked knows that it is over')
  const accepted = (await Promise.all(answers)).filter(answer => answer !== undefined)
  t.match(await carillon(one, 'kick', far.id), { status: 4, noted: /there is no session/ })
  t.match(await carillon(one, 'kick', far.id), { status: 4, noted: /there is no session/ })
  t.match(await carillon(one, 'kick', '1.2'), { status: 4, noted: /there is no session 1.2/ })

  // Disable: at once on all nodes, with a message that cannot leave yet.
  await smsc.stop()
  const kept = await submit(esmes[0]!, 'kept')
  const disabled = await carillon(three, 'account', 'disable', 'esme1')
  t.match(disabled, { status: 0, said: /esme1 is disabled on all nodes: revision 2/ })
  await Promise.all([esmes[0]!, esmes[2]!].map(unbound))
  await waitFor('no sessions are left', async () => (await listed(one)).length === 0)
  for (const node of cluster.nodes) {
    await waitFor(`node ${node.id} has the revision`, async () => {
      const { revision } = (await node.cluster()) as ClusterView
      return revision === 2
    })
    t.equal(await statusOfBind(node, 'secret1'), ESME_RBINDFAIL)
    t.equal(await statusOfBind(node, 'wrong'), ESME_RINVPASWD)
    const send = { to: '491701234567', text: 'x' }
    const answer = await fetch(`${node.httpUrl}/api/v1/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(send),
    })
    t.equal(answer.status, 403)
    t.match(await answer.json(), { title: 'ESME_RSYSERR', detail: 'account esme1 is disabled' })
  }
  await smsc.start()
  await waitFor('what was accepted is delivered all the same', async () => {
    const message = await one.get<MessageView>(`/api/v1/messages/${kept!}`)
    return message?.stat === 'DELIVRD'
  })
  const { items } = (await one.get<List<AccountView>>('/api/v1/accounts'))!
  t.match(items, [{ enabled: false, sessions: 0 }])
  const waiting = items[0]!.receiptsQueued
  t.ok(waiting >= 1, `${waiting} receipts wait`)

  const enabled = await carillon(one, 'account', 'enable', 'esme1')
  t.match(enabled, { status: 0, said: /revision 3/ })
  const back = await waitFor('it may bind', () => bound(two).catch(() => undefined))
  const receipts = new Set<unknown>()
  back.on('deliver_sm', (pdu: PDU) => {
    receipts.add(pdu['receipted_message_id'])
    back.send(pdu.response())
  })
  await waitFor('its receipts come', () => receipts.has(kept))
  await cluster.settled()
  for (const id of accepted)
    t.match(await one.get(`/api/v1/messages/${id}`), { stat: 'DELIVRD' }, 'none was lost')
  t.match((await carillon(two, 'history')).said, /3 .*enable esme1 by .*\n.*2 .*disable esme1 by /)
  await carillon(two, 'rollback', '2')
  await unbound(back) // a rollback disables it again
})

const unbounds = new WeakMap<Session, Promise<void>>()

/** Resolves when the gateway has unbound it. */
const unbound = (session: Session): Promise<void> => unbounds.get(session)!

async function connected(node: ProcessNode): Promise<Session> {
  const session = smpp.connect({ host: '127.0.0.1', port: node.smppPort })
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  await once(session, 'connect')
  return session
}

function bindStatus(session: Session, password: string): Promise<number | undefined> {
  return new Promise(resolve =>
    session.bind_transceiver({ system_id: 'esme1', password }, ({ command_status }) =>
      resolve(command_status),
    ),
  )
}

async function statusOfBind(node: ProcessNode, password: string): Promise<number | undefined> {
  return bindStatus(await connected(node), password)
}

/** It answers unbind, and receipts only where the test does. */
async function bound(node: ProcessNode): Promise<Session> {
  const session = await connected(node)
  unbounds.set(
    session,
    new Promise(resolve => {
      session.on('unbind', (pdu: PDU) => {
        session.send(pdu.response())
        resolve()
      })
    }),
  )
  const status = await bindStatus(session, 'secret1')
  if (status !== ESME_ROK) throw new Error(`bind refused: ${status}`)
  return session
}

/** The message_id; undefined where it was refused, or never answered. */
function submit(session: Session, text: string): Promise<string | undefined> {
  const fields = { destination_addr: '491701234567', registered_delivery: 1 }
  return new Promise(resolve => {
    session.once('close', () => resolve(undefined))
    session.submit_sm({ ...fields, short_message: text }, pdu =>
      resolve(pdu.command_status === ESME_ROK ? (pdu['message_id'] as string) : undefined),
    )
  })
}

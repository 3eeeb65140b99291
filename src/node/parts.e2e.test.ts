import { once } from 'node:events'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import type { ConnectorView, List } from '../api/shapes.js'
import { freePorts } from '../testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import type { ProcessNode } from '../testing/process-node.js'
import { waitFor } from '../testing/wait-for.js'
import { SmscSimulator } from '../tools/smsc-sim.js'

const MESSAGES = 150
const LONG = `${'a'.repeat(153)}${'b'.repeat(153)}c`

void t.test(
  'the home is killed between parts: every message is delivered whole, and says so once',
  async t => {
    const [port] = await freePorts(1)
    const smsc = new SmscSimulator({
      port: port!,
      behaviour: {
        delayMs: 20,
        delayDistribution: 'exponential',
        errorRate: 0.02,
        errors: { ESME_RTHROTTLED: 1 },
        receiptDelayMs: 5,
      },
    })
    await smsc.start()
    t.teardown(() => smsc.stop())
    const connector = { longMessages: 'udh8', binds: 2, window: 10, inDoubt: 'wait 1s' }
    const cluster = await ProcessCluster.start({ gateway: gatewayTo(port!, { connector }) })
    t.teardown(() => cluster.stop())
    const home = await waitFor('the connector has a home', async () => {
      const list = await cluster.node(1).get<List<ConnectorView>>('/api/v1/connectors')
      return list?.items[0]?.home ?? undefined
    })
    const receipts = new Map<string, number>()
    const states = new Set<unknown>()
    const sessions = await Promise.all(
      cluster.nodes
        .filter(({ id }) => id !== home)
        .map(async node => {
          const session = await bound(node)
          session.on('deliver_sm', (pdu: PDU) => {
            const id = String(pdu['receipted_message_id'])
            receipts.set(id, (receipts.get(id) ?? 0) + 1)
            states.add(pdu['message_state'])
            session.send(pdu.response())
          })
          return session
        }),
    )
    const answers: Promise<string>[] = []
    for (let n = 0; n < MESSAGES; n++) answers.push(submit(sessions[n % 2]!, n))
    await waitFor('some parts are out', () => smsc.stats().submits >= MESSAGES / 2)
    await cluster.node(home).kill()
    const ids = await Promise.all(answers)
    t.equal(new Set(ids).size, MESSAGES)
    cluster.node(home).start()
    await waitFor('receipts of all', () => receipts.size >= MESSAGES, { timeoutMs: 120_000 })
    await cluster.ready()
    await cluster.settled()
    t.same([...receipts.keys()].sort(), [...ids].sort())
    t.same([...states], [2], 'DELIVERED: the receipts of all parts of each have come')
    t.ok(
      [...receipts.values()].every(count => count === 1),
      'once',
    )
    const { accepted } = smsc.stats()
    t.ok(accepted >= 3 * MESSAGES, `${accepted} parts, ${accepted - 3 * MESSAGES} of them again`)
    // Two windows of 10 in doubt, and a few that waited for a retry: their new home does not know what was taken.
    t.ok(accepted <= 3 * MESSAGES + 3 * 20 + 2 * 20, 'not many')
  },
)

async function bound(node: ProcessNode): Promise<Session> {
  const session = smpp.connect({ host: '127.0.0.1', port: node.smppPort })
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  await once(session, 'connect')
  const answer = await new Promise<PDU>(resolve =>
    session.bind_transceiver({ system_id: 'esme1', password: 'secret1' }, resolve),
  )
  if (answer.command_status !== 0) throw new Error(`bind refused: ${answer.command_status}`)
  session.on('enquire_link', (pdu: PDU) => session.send(pdu.response()))
  return session
}

async function submit(session: Session, n: number): Promise<string> {
  const answer = await new Promise<PDU>(resolve =>
    session.submit_sm(
      {
        destination_addr: `49170${1_000_000 + n}`,
        registered_delivery: 1,
        message_payload: { message: Buffer.from(LONG) },
      },
      resolve,
    ),
  )
  if (answer.command_status !== 0) throw new Error(`refused: ${answer.command_status}`)
  return String(answer['message_id'])
}

import { once } from 'node:events'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import type { ProcessNode } from '../testing/process-node.js'
import { waitFor } from '../testing/wait-for.js'
import { SmscSimulator } from '../tools/smsc-sim.js'

const MULTIS = 10
const STAFF = ['4917001', '4917002', '4917003']
/** Has the ESME's session, and no home: what its death leaves open is what its ESME was not told. */
const VICTIM = 3
const SURVIVOR = 1

void t.test(
  'submit_multis that a node that was killed had not answered are submitted again elsewhere: each destination gets one message',
  async t => {
    const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 20 } })
    await smsc.start()
    t.teardown(() => smsc.stop())
    const cluster = await ProcessCluster.start({
      gateway: gatewayTo(smsc.port, {
        account: { resubmissionWindow: '60s' },
        connector: { window: 1000, nodes: [SURVIVOR] },
        distributionLists: [{ name: 'staff', account: 'esme1', members: STAFF }],
      }),
    })
    t.teardown(() => cluster.stop())

    const first = await bind(cluster.node(VICTIM))
    const answered = await submit(first, 0)
    // While the others are frozen nothing is committed: what the victim takes is on its way to them, and is committed
    // after its death.
    const others = cluster.nodes.filter(({ id }) => id !== VICTIM)
    for (const node of others) node.freeze()
    let early = 0
    for (let n = 1; n <= MULTIS; n++) void submit(first, n).then(() => early++)
    // Whoever has its turns answered has had the submits before them proposed.
    for (let turn = 0; turn < 5; turn++)
      await new Promise(resolve => first.enquire_link({}, resolve))
    await cluster.node(VICTIM).kill()
    for (const node of others) node.thaw()
    t.equal(early, 0, 'none was answered')
    await waitFor('some were committed', () => smsc.stats().accepted > 4, { timeoutMs: 60_000 })

    const second = await waitFor(
      'a session',
      () => bind(cluster.node(SURVIVOR)).catch(() => undefined),
      { timeoutMs: 60_000 },
    )
    t.teardown(() => second.destroy())
    const receipts = new Set<string>()
    second.on('deliver_sm', (pdu: PDU) => {
      receipts.add(`${String(pdu['receipted_message_id'])} of ${String(pdu['source_addr'])}`)
      second.send(pdu.response())
    })
    const numbers = Array.from({ length: MULTIS }, (_, i) => i + 1)
    const ids = await Promise.all(numbers.map(n => submit(second, n)))
    t.equal(new Set(ids).size, MULTIS, 'an id for each submit_multi')
    const expected = [answered, ...ids].flatMap((id, n) =>
      destinations(n).map(to => `${id} of ${to}`),
    )
    await waitFor('the receipts', () => receipts.size === expected.length, { timeoutMs: 60_000 })
    t.same([...receipts].sort(), expected.sort(), 'under the ids that were given')
    cluster.node(VICTIM).start()
    await cluster.ready()
    const views = await cluster.settled()
    t.equal(new Set(views.map(({ stateHash }) => stateHash)).size, 1, 'one state')
    t.equal(smsc.stats().accepted, expected.length, 'the SMSC got each once')

    const url = `http://127.0.0.1:${cluster.node(SURVIVOR).httpPort}/metrics`
    const metrics = await (await fetch(url)).text()
    const matched = Number(/^carillon_resubmissions_matched_total (\d+)/m.exec(metrics)?.[1])
    t.comment(`${matched} of ${MULTIS * 4} messages got the id that they had before`)
    t.ok(matched > 0)
  },
)

async function bind(node: ProcessNode): Promise<Session> {
  const session = smpp.connect({ host: '127.0.0.1', port: node.smppPort })
  session.on('error', () => undefined)
  await once(session, 'connect')
  const { command_status } = await new Promise<PDU>(resolve =>
    session.bind_transceiver({ system_id: 'esme1', password: 'secret1' }, resolve),
  )
  if (command_status === 0) return session
  session.destroy()
  throw new Error(`bind refused: ${command_status}`)
}

/** Of the n-th submit_multi: one by its number, three by the name of their list. */
const destinations = (n: number): string[] => [`49152000${n}`, ...STAFF]

/** Its id. Rejects where any destination is refused. */
async function submit(session: Session, n: number): Promise<string> {
  const [destination_addr] = destinations(n)
  const answer = await new Promise<PDU>(resolve =>
    session.submit_multi(
      {
        source_addr: '1000',
        dest_address: [
          { dest_addr_ton: 1, dest_addr_npi: 1, destination_addr },
          { dl_name: 'staff' },
        ],
        registered_delivery: 1,
        short_message: `message ${n}`,
      },
      resolve,
    ),
  )
  const refused = answer['unsuccess_sme'] as unknown[] | undefined
  if (answer.command_status !== 0 || (refused ?? []).length > 0)
    throw new Error(`refused: ${answer.command_status} ${JSON.stringify(refused)}`)
  return answer['message_id'] as string
}

import { once } from 'node:events'
import smpp, { type PDU, type Session } from 'smpp'
import type { Test } from 'tap'
import { gatewayTo, ProcessCluster } from '../../testing/process-cluster.js'
import type { ProcessNode } from '../../testing/process-node.js'
import { waitFor } from '../../testing/wait-for.js'
import { SmscSimulator } from '../../tools/smsc-sim.js'

/** Has the ESME's session, and no home: what its death leaves open is what its ESME was not told. */
const VICTIM = 3
const SURVIVOR = 1

export interface LostAnswers {
  /** How many are submitted and not answered. */
  count: number
  /** Besides an account with a resubmission window and a connector. */
  gateway?: Parameters<typeof gatewayTo>[1]
  /** Submits the n-th; resolves with its message_id, rejects where it is refused. */
  submit: (session: Session, n: number) => Promise<string>
  /** Receipts that come for the n-th, each as `receiptOf` would tell it: one for each message. */
  receiptsFor: (id: string, n: number) => string[]
  receiptOf: (pdu: PDU) => string
}

/**
 * Submits to a node that is killed before it answers, then the same to another one: whatever was committed meanwhile gets its
 * first message_id, and each message reaches the SMSC once (docs/decisions/0012).
 */
export async function lostAnswers(t: Test, options: LostAnswers): Promise<void> {
  const { count, gateway, submit, receiptsFor, receiptOf } = options
  const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 20 } })
  await smsc.start()
  t.teardown(() => smsc.stop())
  const cluster = await ProcessCluster.start({
    gateway: gatewayTo(smsc.port, {
      account: { resubmissionWindow: '60s' },
      connector: { window: 1000, nodes: [SURVIVOR] },
      ...gateway,
    }),
  })
  t.teardown(() => cluster.stop())

  const first = await bind(cluster.node(VICTIM))
  const answered = await submit(first, 0)
  const before = receiptsFor(answered, 0)
  // While the others are frozen nothing is committed: what the victim takes is on its way to them, and is committed
  // after its death.
  const others = cluster.nodes.filter(({ id }) => id !== VICTIM)
  for (const node of others) node.freeze()
  let early = 0
  for (let n = 1; n <= count; n++) void submit(first, n).then(() => early++)
  // Whoever has its turns answered has had the submits before them proposed.
  for (let turn = 0; turn < 5; turn++) await new Promise(resolve => first.enquire_link({}, resolve))
  await cluster.node(VICTIM).kill()
  for (const node of others) node.thaw()
  t.equal(early, 0, 'none was answered')
  await waitFor('some were committed', () => smsc.stats().accepted > before.length, {
    timeoutMs: 60_000,
  })

  const second = await waitFor(
    'a session',
    () => bind(cluster.node(SURVIVOR)).catch(() => undefined),
    { timeoutMs: 60_000 },
  )
  t.teardown(() => second.destroy())
  const receipts = new Set<string>()
  second.on('deliver_sm', (pdu: PDU) => {
    receipts.add(receiptOf(pdu))
    second.send(pdu.response())
  })
  const numbers = Array.from({ length: count }, (_, i) => i + 1)
  const ids = await Promise.all(numbers.map(n => submit(second, n)))
  t.equal(new Set(ids).size, count, 'an id for each')
  const expected = [...before, ...ids.flatMap((id, i) => receiptsFor(id, numbers[i]!))]
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
  t.comment(`${matched} of ${expected.length - before.length} messages got their first id`)
  t.ok(matched > 0)
}

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

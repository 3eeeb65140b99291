import { once } from 'node:events'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import type { ConnectorView, List } from '../api/shapes.js'
import { systemClock, systemTimers } from '../base/clock.js'
import { freePorts } from '../testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import { waitFor } from '../testing/wait-for.js'
import { SmscSimulator } from '../tools/smsc-sim.js'
import { ScriptedSmsc } from '../upstream/testing/smsc.js'
import { bind, site } from './testing/site.js'
import { serveSmsc } from './testing/serve-smsc.js'

const TRANSACTION = 2
const ESME_RDELIVERYFAILURE = 0xfe

const submit = (session: Session, over = {}): Promise<PDU> =>
  new Promise(resolve =>
    session.submit_sm(
      {
        destination_addr: '491701234567',
        short_message: 'hello',
        esm_class: TRANSACTION,
        registered_delivery: 1,
        ...over,
      },
      resolve,
    ),
  )

void t.test('transaction mode: the submit_sm_resp says what became of the message', async t => {
  const [port] = await freePorts(1)
  const { start } = await site(t, {
    connector: { port: port!, binds: 1 },
    account: { transactionTimeoutMs: 1500 },
  })
  const node = await start()
  const esme = await bind(node)
  const away = await submit(esme)
  t.equal(away.command_status, ESME_RDELIVERYFAILURE, 'the SMSC is away')

  const smsc = new ScriptedSmsc({ ...systemClock, ...systemTimers })
  smsc.answer = () => 'later'
  await serveSmsc(t, smsc, port!)
  await waitFor('it is bound', () => smsc.links.length === 1)
  const answered: string[] = []
  const waits = [1, 2, 3].map(n =>
    submit(esme, { short_message: `${n}` }).then(pdu => {
      answered.push(`${n}: ${pdu.command_status}`)
      return pdu
    }),
  )
  const ordinary = await submit(esme, { esm_class: 0, short_message: 'any' })
  t.equal(ordinary.command_status, 0)
  await waitFor('the SMSC has all', () => smsc.submitted.length === 4)
  t.same(answered, [], 'what the SMSC has not answered is not answered')
  const of = (text: string) => smsc.submitted.find(one => one.text === text)!
  t.match(of('1').fields, { esm_class: TRANSACTION, registered_delivery: 0 })
  smsc.respond(of('2'), { id: 's2' })
  smsc.respond(of('1'), 'ESME_RINVDSTADR')
  const [first, second, third] = await Promise.all(waits)
  t.same(answered, ['2: 0', '1: 11', `3: ${ESME_RDELIVERYFAILURE}`])
  t.notOk(first!['message_id'])
  t.match(second!['message_id'], /^[0-9a-f]{20}$/)
  t.notOk(third!['message_id'], 'its time was over')
  await waitFor('it is counted: the SMSC may have the third', async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
    return metrics.includes('carillon_transactions_unknown_total 1\n')
  })
  t.equal(smsc.submitted.length, 4, 'the one from before never left')
  esme.destroy()
  await node.stop(0)
})

void t.test('transactions outlive the node that was to send them', async t => {
  const [port] = await freePorts(1)
  const smsc = new SmscSimulator({ port: port!, behaviour: { delayMs: 500 } })
  await smsc.start()
  t.teardown(() => smsc.stop())
  const connector = { binds: 1, window: 10, inDoubt: 'wait 1s' }
  const cluster = await ProcessCluster.start({ gateway: gatewayTo(port!, { connector }) })
  t.teardown(() => cluster.stop())
  const home = await waitFor('the connector has a home', async () => {
    const list = await cluster.node(1).get<List<ConnectorView>>('/api/v1/connectors')
    return list?.items[0]?.home ?? undefined
  })
  const { smppPort } = cluster.nodes.find(({ id }) => id !== home)!
  const session = smpp.connect({ host: '127.0.0.1', port: smppPort })
  session.on('error', () => undefined)
  t.teardown(() => session.destroy())
  await once(session, 'connect')
  await new Promise<PDU>(resolve =>
    session.bind_transceiver({ system_id: 'esme1', password: 'secret1' }, resolve),
  )
  const receipts: PDU[] = []
  session.on('deliver_sm', (pdu: PDU) => {
    receipts.push(pdu)
    session.send(pdu.response())
  })
  const answers = Array.from({ length: 30 }, (_, n) =>
    submit(session, { destination_addr: `49170${1_000_000 + n}` }),
  )
  await waitFor('some are at the SMSC', () => smsc.stats().submits >= 10)
  await cluster.node(home).kill()
  const statuses = (await Promise.all(answers)).map(pdu => pdu.command_status)
  t.same([...new Set(statuses)], [0], 'each waited for the new home')
  t.ok(smsc.stats().accepted >= 30)
  cluster.node(home).start()
  await cluster.ready()
  await cluster.settled()
  t.same(receipts, [])
})

import { once } from 'node:events'
import { createServer } from 'node:net'
import smpp, { type PDU, type Session } from 'smpp'
import t from 'tap'
import type { ClusterView } from '../api/shapes.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { bind, get, site, submit } from './testing/site.js'

void t.test('an ESME that has gone is called, and gets its receipt on that connection', async t => {
  const [port] = await freePorts(1)
  const password = { kind: 'plain', value: 'ours' } as const
  const { start, smsc } = await site(t, {
    account: { outbind: { host: '127.0.0.1', port: port!, systemId: 'carillon', password } },
  })
  await smsc.start()
  smsc.change({ receiptDelayMs: 1500 })
  const node = await start()
  const session = await bind(node)
  const id = await submit(session, 'the receipt comes later')
  session.close()
  await waitFor('the receipt waits', async () => {
    const { receiptsQueued } = await get<ClusterView>(node, '/api/v1/cluster')
    return receiptsQueued === 1
  })

  const metrics = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text()
  await waitFor('nobody is there', async () =>
    /outbinds_total\{result="unreachable"\} \d/.test(await metrics()),
  )
  const said: unknown[] = []
  const receipts: unknown[] = []
  const sessions: Session[] = []
  const esme = smpp.createServer({}, session => {
    sessions.push(session)
    session.on('error', () => undefined)
    session.on('outbind', (pdu: PDU) => {
      said.push([pdu['system_id'], pdu['password']])
      session.bind_receiver({ system_id: 'esme1', password: 'secret1' })
    })
    session.on('deliver_sm', (pdu: PDU) => {
      receipts.push(pdu['receipted_message_id'])
      session.send(pdu.response())
    })
  })
  esme.listen(port)
  t.teardown(() => {
    for (const one of sessions) one.destroy()
    esme.close()
  })
  await waitFor('the receipt', () => receipts.length > 0, { timeoutMs: 60_000 })
  t.same(said, [['carillon', 'ours']])
  t.same(receipts, [id])
  await waitFor('nothing waits', async () => {
    const { receiptsQueued } = await get<ClusterView>(node, '/api/v1/cluster')
    return receiptsQueued === 0
  })
  t.match(await metrics(), 'carillon_outbinds_total{result="bound"} 1')
})

void t.test(
  'an ESME that takes the connection and says nothing costs one connection at a time',
  async t => {
    const silent = createServer()
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    let open = 0
    let most = 0
    silent.on('connection', socket => {
      most = Math.max(most, ++open)
      socket.on('error', () => undefined).on('close', () => open--)
      socket.resume()
    })
    t.teardown(() => silent.close())
    const password = { kind: 'plain', value: 'ours' } as const
    const { start, smsc } = await site(t, {
      account: { outbind: { host: '127.0.0.1', port, systemId: 'carillon', password } },
    })
    await smsc.start()
    smsc.change({ receiptDelayMs: 1000 })
    const node = await start()
    const session = await bind(node)
    await submit(session, 'nobody fetches it')
    session.close()
    await waitFor('it is called', () => open === 1, { timeoutMs: 30_000 })
    const again = await bind(node)
    again.on('deliver_sm', (pdu: PDU) => again.send(pdu.response()))
    await waitFor('the receipt came by itself', async () => {
      const { receiptsQueued } = await get<ClusterView>(node, '/api/v1/cluster')
      return receiptsQueued === 0
    })
    t.equal(most, 1)
  },
)

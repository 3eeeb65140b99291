import t from 'tap'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import { waitFor } from '../testing/wait-for.js'
import { EsmeClient } from '../tools/esme.js'
import { SmscSimulator } from '../tools/smsc-sim.js'

const MESSAGES = 3000
const BINDS = 2
const WINDOW = 100

void t.test('nothing acknowledged is lost when the leader is killed under load', async t => {
  const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 20 } })
  await smsc.start()
  t.teardown(() => smsc.stop())
  const cluster = await ProcessCluster.start({
    gateway: gatewayTo(smsc.port, {
      connector: { binds: BINDS, window: WINDOW, inDoubt: 'wait 2s' },
    }),
  })
  t.teardown(() => cluster.stop())

  const esme = new EsmeClient({
    addresses: cluster.nodes.map(({ smppPort }) => ({ host: '127.0.0.1', port: smppPort })),
    sessions: 6,
    rate: 600,
    count: MESSAGES,
    resubmit: true,
    settleMs: 40_000,
  })
  const running = esme.run()
  await waitFor('the first 500 messages', () => smsc.stats().distinct > 500)
  const leader = await cluster.leader()
  await leader.kill()
  const heir = await cluster.leader()
  t.not(heir.id, leader.id, 'another node leads')
  leader.start()
  const report = await running

  t.same(report.problems, [], 'the books of the client')
  t.equal(report.acknowledged, MESSAGES)
  t.equal(smsc.tags.of(esme.runNumber).distinct, MESSAGES, 'the SMSC has every message')
  t.equal(report.receipts?.lost, 0, 'every receipt came')
  t.equal(report.ids.repeated, 0, 'message ids are unique')
  t.ok(smsc.tags.of(esme.runNumber).duplicated <= BINDS * WINDOW, 'duplicates are bounded')
  const unbroken = report.sessions.filter(({ breaks }) => breaks === 0)
  t.equal(unbroken.length, 4, 'sessions of surviving nodes keep their connections')

  await cluster.ready()
  const views = await cluster.settled()
  t.equal(views.length, 3)
  t.equal(new Set(views.map(({ stateHash }) => stateHash)).size, 1, 'one state')
  for (const { id, httpPort } of cluster.nodes) {
    const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
    for (const peer of [1, 2, 3].filter(peer => peer !== id)) {
      t.match(metrics, `carillon_peer_connected{peer="${peer}"} 1`)
      t.match(metrics, `carillon_clock_offset_seconds{peer="${peer}"} `)
    }
  }
})

import t from 'tap'
import { gatewayTo, ProcessCluster } from '../testing/process-cluster.js'
import { waitFor } from '../testing/wait-for.js'
import { EsmeClient } from '../tools/esme.js'
import { SmscSimulator } from '../tools/smsc-sim.js'

const MESSAGES = 3000
const KILLS = 2
/** Has sessions, and no home: what its death makes doubtful is what its ESMEs were not told. */
const VICTIM = 3

void t.test(
  'what a node that was killed had not answered is submitted again elsewhere, and reaches the SMSC once',
  async t => {
    const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 20 } })
    await smsc.start()
    t.teardown(() => smsc.stop())
    const cluster = await ProcessCluster.start({
      gateway: gatewayTo(smsc.port, {
        account: { resubmissionWindow: '60s' },
        connector: { window: 1000, nodes: [1] },
      }),
    })
    t.teardown(() => cluster.stop())

    const esme = new EsmeClient({
      addresses: cluster.nodes.map(({ smppPort }) => ({ host: '127.0.0.1', port: smppPort })),
      sessions: 6,
      rate: 600,
      count: MESSAGES,
      resubmit: true,
      settleMs: 60_000,
    })
    const running = esme.run()
    const victim = cluster.node(VICTIM)
    for (let kill = 1; kill <= KILLS; kill++) {
      const passed = kill * 800
      await waitFor('messages pass', () => smsc.stats().distinct > passed, { timeoutMs: 60_000 })
      await victim.kill()
      victim.start()
      await victim.ready(60_000)
    }
    const report = await running

    t.same(report.problems, [], 'the books of the client')
    t.equal(report.acknowledged, MESSAGES)
    const { distinct, duplicated } = smsc.tags.of(esme.runNumber)
    t.same({ distinct, duplicated }, { distinct: MESSAGES, duplicated: 0 }, 'each once')
    t.equal(report.receipts?.lost, 0, 'receipts came under the ids that were given')
    t.equal(report.ids.repeated, 0, 'an id for each message')
    let matched = 0
    for (const { httpPort } of cluster.nodes) {
      const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
      matched += Number(/^carillon_resubmissions_matched_total (\d+)/m.exec(metrics)?.[1] ?? 0)
    }
    t.comment(`${matched} submits got the id that they had before`)
    t.ok(matched > 0, 'the node died with submits committed and not answered')
    const views = await cluster.settled()
    t.equal(new Set(views.map(({ stateHash }) => stateHash)).size, 1, 'one state')
  },
)

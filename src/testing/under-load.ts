import type { Test } from 'tap'
import type { EsmeReport } from '../tools/esme-report.js'
import { EsmeClient } from '../tools/esme.js'
import { SmscSimulator } from '../tools/smsc-sim.js'
import { gatewayTo, ProcessCluster } from './process-cluster.js'
import { waitFor } from './wait-for.js'

const BINDS = 2
const WINDOW = 100

/** A cluster of three processes, its SMSC, and a client that keeps books. */
export interface UnderLoad {
  smsc: SmscSimulator
  cluster: ProcessCluster
  esme: EsmeClient
  running: Promise<EsmeReport>
}

/**
 * Starts them, ends them with the test, and resolves when the first 500 messages have reached the SMSC.
 *
 * @param rate   messages a second, over six sessions
 * @param count  in all, at least 1,000
 */
export async function underLoad(
  t: Test,
  { rate, count, settleMs }: { rate: number; count: number; settleMs: number },
): Promise<UnderLoad> {
  const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 20 } })
  await smsc.start()
  t.teardown(() => smsc.stop())
  const cluster = await ProcessCluster.start({
    gateway: gatewayTo(smsc.port, {
      connector: { binds: BINDS, window: WINDOW, inDoubt: 'wait 2s' },
    }),
  })
  t.teardown(() => cluster.stop())
  const addresses = cluster.nodes.map(({ smppPort }) => ({ host: '127.0.0.1', port: smppPort }))
  const esme = new EsmeClient({ addresses, sessions: 6, rate, count, resubmit: true, settleMs })
  const running = esme.run()
  await waitFor('the first 500 messages', () => smsc.stats().distinct > 500)
  return { smsc, cluster, esme, running }
}

/** All `count` messages were acknowledged, reached the SMSC, twice at most within the bound of one fault, and came back. */
export async function nothingLost(
  t: Test,
  { smsc, esme, running }: UnderLoad,
  count: number,
): Promise<EsmeReport> {
  const report = await running
  t.same(report.problems, [], 'the books of the client')
  t.equal(report.acknowledged, count)
  t.equal(smsc.tags.of(esme.runNumber).distinct, count, 'the SMSC has every message')
  t.equal(report.receipts?.lost, 0, 'every receipt came')
  t.ok(smsc.tags.of(esme.runNumber).duplicated <= BINDS * WINDOW, 'duplicates are bounded')
  return report
}

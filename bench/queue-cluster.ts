import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ConnectorView } from '../src/api/shapes.js'
import { gatewayTo, ProcessCluster } from '../src/testing/process-cluster.js'
import type { ProcessNode } from '../src/testing/process-node.js'
import { waitFor } from '../src/testing/wait-for.js'
import { sumAt, takenBy } from './load.js'
import { CONNECTOR_BINDS, CONNECTOR_WINDOW } from './scenario.js'
import { runEsme, SmscProcess } from './tool-processes.js'

export interface QueueLoad {
  sessions: number
  window: number
  octets: number
  warmUpMs: number
  durationMs: number
}

/** Messages a second that were taken, and that went to the SMSC meanwhile. */
export interface Flow {
  accepted: number
  dispatched: number
}

/** Real processes: a cluster and an SMSC, whose connector can be held back so that the queue stands. */
export class QueueCluster {
  readonly cluster: ProcessCluster
  readonly smsc: SmscProcess
  private readonly directory: string
  private readonly load: QueueLoad
  private runs = 0

  static async start(nodes: number, load: QueueLoad): Promise<QueueCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'carillon-queue-'))
    const smsc = await SmscProcess.start(join(directory, 'smsc.log'))
    try {
      const gateway = gatewayWith(smsc.port, HELD_BACK)
      const inside = join(directory, 'cluster')
      const cluster = await ProcessCluster.start({ size: nodes, gateway, directory: inside })
      await cluster.leader()
      return new QueueCluster(cluster, smsc, directory, load)
    } catch (error) {
      await smsc.stop()
      throw error
    }
  }

  private constructor(
    cluster: ProcessCluster,
    smsc: SmscProcess,
    directory: string,
    load: QueueLoad,
  ) {
    this.cluster = cluster
    this.smsc = smsc
    this.directory = directory
    this.load = load
  }

  async depth(): Promise<number> {
    const [view] = await this.cluster.views()
    if (view === undefined) throw new Error('no node answers')
    return view.queued
  }

  /** Fills the queue to `depth`, or lets it drain to it; it stands then. Resolves with the depth that came of it. */
  async stand(depth: number): Promise<number> {
    if ((await this.depth()) > 1.1 * depth) {
      await this.go(true)
      const most = { timeoutMs: DRAIN_MS_MAX, everyMs: 20 }
      await waitFor('the queue drains', async () => (await this.depth()) <= depth, most)
    }
    await this.go(false)
    const missing = depth - (await this.depth())
    if (missing > 0) await this.esme('--count', String(missing))
    return this.depth()
  }

  /** As fast as the windows allow, with the connector sending. */
  async flow(): Promise<Flow> {
    await this.go(true)
    const { durationMs, warmUpMs } = this.load
    const report = await this.esme(
      ...['--duration', `${durationMs + warmUpMs}ms`, '--warmup', `${warmUpMs}ms`],
    )
    const fromMs = report.startedAtMs + warmUpMs
    const untilMs = report.startedAtMs + report.sendingMs
    await new Promise(resolve => setTimeout(resolve, SECOND_MS)) // the SMSC notes its seconds as they end
    const taken = takenBy(await this.smsc.seconds())
    const dispatched = ((sumAt(taken, untilMs) - sumAt(taken, fromMs)) * 1000) / (untilMs - fromMs)
    return { accepted: report.throughput, dispatched: Math.round(dispatched) }
  }

  /**
   * Kills the leader, which is the connector's home as well, while the connector sends and some messages go on coming in.
   * Resolves with the ms until the SMSC has a message from a bind of the next home, and until the node, started again, is ready.
   */
  async takeOver(): Promise<{ sendsAgainMs: number; readyAgainMs: number }> {
    const leader = await this.leadAtHome()
    const load = this.esme('--rate', '500/s', '--duration', '6s')
    await this.go(true)
    const { binds } = await this.smsc.stats()
    const killedMs = performance.now()
    await leader.kill()
    const asked = { timeoutMs: 120_000, everyMs: 2 }
    const { accepted } = await waitFor(
      'the next home binds',
      async () => {
        const stats = await this.smsc.stats()
        return stats.binds > binds && stats
      },
      asked,
    )
    const sends = async (): Promise<boolean> => (await this.smsc.stats()).accepted > accepted
    await waitFor('a message comes from the next home', sends, asked)
    const sendsAgainMs = Math.round(performance.now() - killedMs)
    await load
    await this.go(false)
    const startedMs = performance.now()
    leader.start()
    await leader.ready(300_000)
    return { sendsAgainMs, readyAgainMs: Math.round(performance.now() - startedMs) }
  }

  async stop(): Promise<void> {
    await this.cluster.killAll() // draining a million messages is no part of it
    await this.smsc.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  private async leadAtHome(): Promise<ProcessNode> {
    const node = await this.cluster.leader()
    const { items } = (await node.get<{ items: ConnectorView[] }>('/api/v1/connectors'))!
    const home = items[0]?.home ?? node.id
    if (home === node.id) return node
    await post(node, '/api/v1/transfer-leader', 'application/json', JSON.stringify({ to: home }))
    return this.cluster.node(home)
  }

  /** Lets the connector send as fast as it can, or one message a second. */
  private async go(sends: boolean): Promise<void> {
    const gateway = stringify(gatewayWith(this.smsc.port, sends ? UNLIMITED : HELD_BACK))
    await post(await this.cluster.leader(), '/api/v1/settings', 'application/yaml', gateway)
    if (!sends) return
    const { accepted } = await this.smsc.stats()
    if ((await this.depth()) === 0) return
    await waitFor('the connector sends', async () => (await this.smsc.stats()).accepted > accepted)
  }

  private async esme(...args: string[]): ReturnType<typeof runEsme> {
    const { sessions, window, octets } = this.load
    const log = join(this.directory, `esme-${++this.runs}.log`)
    return runEsme(log, [
      ...['--connect', this.cluster.smppAddresses.join(','), '--no-receipts'],
      ...['--sessions', String(sessions), '--window', String(window), '--octets', String(octets)],
      ...args,
    ])
  }
}

const UNLIMITED = {}
const HELD_BACK = { throughput: '1/s' }
const SECOND_MS = 1_100
const DRAIN_MS_MAX = 600_000

/** Messages in doubt go out again at once: the SMSC answers all, and a killed home leaves some. */
function gatewayWith(smscPort: number, throughput: object): object {
  const room = { binds: CONNECTOR_BINDS, window: CONNECTOR_WINDOW, inDoubt: 'resend' }
  return gatewayTo(smscPort, {
    connector: { ...room, ...throughput },
    account: { queueLimit: 100_000_000 },
  })
}

async function post(node: ProcessNode, path: string, type: string, body: string): Promise<void> {
  const headers = { 'content-type': type }
  const answer = await fetch(node.httpUrl + path, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`node ${node.id}, ${path}: ${answer.status} ${text}`)
}

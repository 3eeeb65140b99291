import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '../src/testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../src/testing/process-cluster.js'
import { waitFor } from '../src/testing/wait-for.js'
import type { EsmeReport } from '../src/tools/esme-report.js'
import {
  esmeArguments,
  shareMin,
  sumAt,
  takenBy,
  type LoadOptions,
  type Measurement,
  type Path,
  type Reading,
} from './load.js'
import { runEsme, SmscProcess } from './tool-processes.js'

export interface ScenarioOptions {
  nodes: number
  path: Path
  load: LoadOptions
  /** Where its own directory is made. Default: the system's temporary directory. */
  parent?: string
  /** The program of the nodes; undefined for this build's. */
  main?: URL | undefined
  /** Node's own flags: `--cpu-prof`. */
  flags?: (id: number) => readonly string[]
}

/** A cluster and, unless nothing is dispatched, an SMSC: real processes in a directory of their own. */
export class Scenario {
  readonly cluster: ProcessCluster
  private readonly options: ScenarioOptions
  private readonly directory: string
  private readonly smsc: SmscProcess | undefined
  private runs = 0

  static async start(options: ScenarioOptions): Promise<Scenario> {
    const directory = await mkdtemp(join(options.parent ?? tmpdir(), 'carillon-bench-'))
    let smsc: SmscProcess | undefined
    try {
      if (options.path !== 'accept') smsc = await SmscProcess.start(join(directory, 'smsc.log'))
      const port = smsc?.port ?? (await freePorts(1))[0]!
      const cluster = await ProcessCluster.start({
        size: options.nodes,
        gateway: gatewayTo(port, {
          connector: { binds: CONNECTOR_BINDS, window: CONNECTOR_WINDOW },
        }),
        directory: join(directory, 'cluster'),
        main: options.main,
        ...(options.flags === undefined ? {} : { flags: options.flags }),
      })
      await cluster.leader()
      return new Scenario(options, directory, cluster, smsc)
    } catch (error) {
      await smsc?.stop()
      throw error
    }
  }

  private constructor(
    options: ScenarioOptions,
    directory: string,
    cluster: ProcessCluster,
    smsc: SmscProcess | undefined,
  ) {
    this.options = options
    this.directory = directory
    this.cluster = cluster
    this.smsc = smsc
  }

  /** Loads the cluster at a rate (null: as fast as it goes), and waits until it has nothing left to do. */
  async measure(rate: number | null): Promise<Measurement> {
    const { nodes, path, load } = this.options
    const args = esmeArguments(this.cluster.smppAddresses, path, rate, load)
    const cpu: Reading[] = []
    const loader: Reading[] = []
    const timer = setInterval(() => cpu.push({ atMs: Date.now(), sum: this.cpuMs }), 100)
    const report = await this.esme(args, loader).finally(() => clearInterval(timer))
    const drained = path === 'accept' ? undefined : await this.drained(DRAIN_MS_MAX)
    const sentUntilMs = report.startedAtMs + report.sendingMs
    const fromMs = report.startedAtMs + load.warmUpMs
    const taken = takenBy((await this.smsc?.seconds()) ?? [])
    const between = (sums: readonly Reading[]): number =>
      sumAt(sums, sentUntilMs) - sumAt(sums, fromMs)
    const problems = [...report.problems]
    if (drained === false) problems.push(`not drained after ${DRAIN_MS_MAX / 1000} s`)
    const hasSmsc = this.smsc !== undefined
    const perSecond = report.throughput
    return {
      nodes,
      path,
      rate,
      acceptedPerSecond: perSecond,
      refused: report.refused,
      dispatchedPerSecond: hasSmsc
        ? Math.round((between(taken) * 1000) / (sentUntilMs - fromMs))
        : null,
      dispatchedShareMin: hasSmsc ? shareMin(taken, fromMs, sentUntilMs, 5_000, perSecond) : null,
      drainMs: drained === true ? Math.max(0, Math.round(Date.now() - sentUntilMs)) : null,
      latencyMs: report.latencyMs,
      receiptLatencyMs: report.receipts?.latencyMs ?? null,
      longestGapMs: report.gaps.all[0]?.ms ?? 0,
      cpuUsPerMessage:
        Math.round((between(cpu) * 10_000) / Math.max(1, report.latencyMs.count)) / 10,
      fromMs,
      untilMs: sentUntilMs,
      loadCores: Math.round((between(loader) * 100) / (sentUntilMs - fromMs)) / 100,
      problems,
    }
  }

  /** Sends a number of messages and waits until they are through, receipts too. */
  async pass(count: number): Promise<EsmeReport> {
    const { path, load } = this.options
    const args = esmeArguments(this.cluster.smppAddresses, path, null, load)
    args.splice(args.indexOf('--duration'), 4, '--count', String(count))
    const report = await this.esme(args)
    await this.drained(10 * DRAIN_MS_MAX)
    return report
  }

  /** Waits until nothing is queued, in flight, or on its way back; false: not within the time. */
  async drained(timeoutMs: number): Promise<boolean> {
    const isIdle = async (): Promise<boolean> => {
      const views = await this.cluster.views()
      return (
        views.length > 0 &&
        views.every(view => view.queued + view.inFlight + view.receiptsQueued === 0)
      )
    }
    try {
      return await waitFor('nothing is left to do', isIdle, { timeoutMs, everyMs: 100 })
    } catch {
      return false
    }
  }

  /** CPU time of all nodes so far. */
  get cpuMs(): number {
    return this.cluster.nodes.reduce((sum, node) => sum + node.cpuMs, 0)
  }

  async stop(): Promise<void> {
    await this.cluster.stop({ deadlineMs: 15_000 })
    await this.smsc?.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  private async esme(args: readonly string[], cpu?: Reading[]): Promise<EsmeReport> {
    return runEsme(join(this.directory, `esme-${++this.runs}.log`), args, cpu)
  }
}

export const CONNECTOR_BINDS = 3
export const CONNECTOR_WINDOW = 1_000
const DRAIN_MS_MAX = 60_000

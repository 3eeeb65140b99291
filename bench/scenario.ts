import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { behindHaproxy, Haproxy, noHaproxy } from '../chaos/haproxy.js'
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
  type Way,
} from './load.js'
import { runEsme, SmscProcess } from './tool-processes.js'

export interface ScenarioOptions {
  nodes: number
  path: Path
  /** Default tcp. `haproxy` takes three nodes. */
  way?: Way
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
  private readonly haproxy: Haproxy | undefined
  /** Where ESMEs connect, and what the load client is told of TLS. */
  private readonly entry: { addresses: string[]; tls: string[] }
  private runs = 0

  static async start(options: ScenarioOptions): Promise<Scenario> {
    const directory = await mkdtemp(join(options.parent ?? tmpdir(), 'carillon-bench-'))
    let smsc: SmscProcess | undefined
    try {
      if (options.path !== 'accept') smsc = await SmscProcess.start(join(directory, 'smsc.log'))
      const { way = 'tcp' } = options
      const port = smsc?.port ?? (await freePorts(1))[0]!
      const tls = way === 'tls' ? await makeCertificate(directory) : undefined
      const cluster = await ProcessCluster.start({
        size: options.nodes,
        gateway: gatewayTo(port, {
          connector: { binds: CONNECTOR_BINDS, window: CONNECTOR_WINDOW },
        }),
        directory: join(directory, 'cluster'),
        main: options.main,
        smppTls: tls,
        settings: way === 'haproxy' ? { smpp: behindHaproxy } : {},
        ...(options.flags === undefined ? {} : { flags: options.flags }),
      })
      await cluster.leader()
      const haproxy = way === 'haproxy' ? await Haproxy.start(cluster) : undefined
      return new Scenario(options, directory, { cluster, smsc, haproxy, ca: tls?.cert })
    } catch (error) {
      await smsc?.stop()
      throw error
    }
  }

  private constructor(
    options: ScenarioOptions,
    directory: string,
    { cluster, smsc, haproxy, ca }: Processes,
  ) {
    this.options = options
    this.directory = directory
    this.cluster = cluster
    this.smsc = smsc
    this.haproxy = haproxy
    const tls = ca === undefined ? [] : ['--tls-ca', ca]
    const addresses = haproxy === undefined ? cluster.smppAddresses : [haproxy.address]
    this.entry = { addresses: ca === undefined ? addresses : cluster.smppTlsAddresses, tls }
  }

  /** Loads the cluster at a rate (null: as fast as it goes), and waits until it has nothing left to do. */
  async measure(rate: number | null): Promise<Measurement> {
    const { nodes, path, way = 'tcp', load } = this.options
    const args = esmeArguments(this.entry.addresses, path, rate, load)
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
      way,
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
    const args = esmeArguments(this.entry.addresses, path, null, load)
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
    await this.haproxy?.stop()
    await this.cluster.stop({ deadlineMs: 15_000 })
    await this.smsc?.stop()
    await rm(this.directory, { recursive: true, force: true })
  }

  private async esme(args: readonly string[], cpu?: Reading[]): Promise<EsmeReport> {
    return runEsme(
      join(this.directory, `esme-${++this.runs}.log`),
      [...args, ...this.entry.tls],
      cpu,
    )
  }
}

interface Processes {
  cluster: ProcessCluster
  smsc: SmscProcess | undefined
  haproxy: Haproxy | undefined
  /** File of the certificate that ESMEs trust; undefined: no TLS. */
  ca: string | undefined
}

/** Why a way cannot be gone here; undefined where it can. */
export function cannotGo(way: Way, nodes: number): string | undefined {
  if (way !== 'haproxy') return undefined
  return noHaproxy() ?? (nodes === 3 ? undefined : 'haproxy.cfg is for three nodes')
}

/** Self-signed, for this machine; ECDSA, as most use. */
async function makeCertificate(directory: string): Promise<{ cert: string; key: string }> {
  const { generate } = await import('selfsigned') // there for development alone
  const names = [{ type: 7 as const, ip: '127.0.0.1' }]
  const pem = await generate([{ name: 'commonName', value: 'carillon bench' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: names }],
  })
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') }
  await writeFile(files.cert, pem.cert)
  await writeFile(files.key, pem.private, { mode: 0o600 })
  return files
}

export const CONNECTOR_BINDS = 3
export const CONNECTOR_WINDOW = 1_000
const DRAIN_MS_MAX = 60_000

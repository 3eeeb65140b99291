import { openNode, type ClusterDependencies } from '../../cluster/node.js'
import { LogDamaged } from '../../cluster/log/records.js'
import type {
  ClusterNode,
  ClusterOptions,
  Group,
  GroupListener,
  StateMachine,
} from '../../cluster/types.js'
import type { Counter, CounterName, Gauge, Histogram } from '../../src/base/metrics.js'
import { SeededRandom } from '../../src/base/random.js'
import type { NodeConfig } from '../../src/config/node-file.js'
import type { Journal } from '../../src/journal/index.js'
import type { Machine } from '../../src/node/machine.js'
import { AddedAgain, CarillonNode } from '../../src/node/node.js'
import { Secrets } from '../../src/node/secrets.js'
import type { GatewaySettings } from '../../src/policy/settings.js'
import { PrometheusMetrics } from '../../src/telemetry/metrics.js'
import type { Checker } from './checker.js'
import type { ConnectionNetwork } from './connections.js'
import { SimDisk } from './disk.js'
import type { Mutation } from './mutation.js'
import type { PeerNetwork } from './peer-network.js'
import { SimProcess } from './process.js'
import { SUBMIT_TIMEOUT_MS } from './settings.js'
import type { Trace } from './trace.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'

export interface NodeParts {
  time: VirtualTime
  trace: Trace
  checker: Checker
  peers: PeerNetwork
  connections: ConnectionNetwork
  settings: GatewaySettings
  nodes: number
  /** Log entries kept for laggards: few, so that snapshots are sent. */
  keepEntries: number
  seedFor(what: string): number
  mutation: Mutation | undefined
  /** Called when its process has died of itself. */
  onDied(node: SimNode): void
  tooLate(count: number): void
}

/** One node: a disk that lasts, and a production node on it that lives as long as its process. */
export class SimNode {
  readonly id: number
  readonly name: string
  readonly disk: SimDisk
  process: SimProcess | undefined
  carillon: CarillonNode | undefined
  group: Group | undefined
  journal: Journal | undefined
  starts = 0
  wallOffsetMs = 0
  /** How much slower than the world's its clock has run at most. */
  slowness = 1
  private rate = 1
  /** Known since the last entry that may have changed them; undefined: to be asked for. */
  private knownVoters: readonly number[] | undefined
  /** Ways back of what was corrupted. */
  repair: (() => void) | undefined
  /** An error of its disk is to be expected in this process. */
  mayFail = false
  private readonly parts: NodeParts

  constructor(id: number, parts: NodeParts) {
    this.id = id
    this.name = `node ${id}`
    this.parts = parts
    this.disk = new SimDisk(new SeededRandom(parts.seedFor(`disk ${id}`)))
  }

  get isAlive(): boolean {
    return this.process !== undefined
  }

  get isReady(): boolean {
    return this.carillon !== undefined && !this.process!.isPaused
  }

  get leads(): boolean {
    return this.isAlive && this.group?.status().role === 'leader'
  }

  start(): void {
    if (this.isAlive) return
    const { time, trace } = this.parts
    const process = new SimProcess(time, {
      threw: error => this.onFatal(process, error),
      reachedLastOutput: () => {
        trace.add(this.name, 'dies at an output')
        this.kill()
        this.parts.onDied(this)
      },
    })
    process.wallOffsetMs = this.wallOffsetMs
    process.setRate(this.rate)
    this.process = process
    this.starts++
    this.mayFail = this.disk.faults.failing
    this.disk.mount(process)
    trace.add(this.name, `starts, for the ${this.starts}. time`)
    void this.run(process)
  }

  /** The process is gone, between one instant and the next. */
  kill(): void {
    const { process, parts } = this
    if (process === undefined) return
    process.end()
    this.forget()
    parts.peers.died(this.id)
    parts.connections.died(process)
    this.disk.crash()
    parts.checker.books.died(this.name, parts.time.monotonicMs())
  }

  /** Ends in good order; the process is gone when it resolves. */
  async stop(deadlineMs: number): Promise<void> {
    const { process, carillon } = this
    if (process === undefined || carillon === undefined) return
    await carillon.stop(deadlineMs)
    if (process.isDead) return
    this.parts.trace.add(this.name, 'has stopped')
    this.kill()
  }

  setWallOffset(ms: number): void {
    this.wallOffsetMs = ms
    this.process?.setWallOffset(ms)
  }

  /** Its clocks run at this rate, in this process and the next ones. */
  setRate(rate: number): void {
    this.rate = rate
    this.slowness = Math.max(this.slowness, 1 / rate)
    this.process?.setRate(rate)
  }

  /** Numbers of nodes that vote, as far as this one knows. */
  get voters(): readonly number[] {
    return (this.knownVoters ??= this.findVoters())
  }

  private findVoters(): readonly number[] {
    const members = this.group?.status().members ?? []
    const voters = members.filter(({ role }) => role === 'voter').map(({ id }) => id)
    return voters.length > 0 ? voters : Array.from({ length: this.parts.nodes }, (_, i) => i + 1)
  }

  private forget(): void {
    this.process = undefined
    this.carillon = undefined
    this.group = undefined
    this.journal = undefined
    this.knownVoters = undefined
  }

  private async run(process: SimProcess): Promise<void> {
    const { parts } = this
    try {
      const carillon = await CarillonNode.start({
        config: this.config(),
        machine: this.machine(process),
        logger: parts.trace.logger(this.name),
        metrics: new SimMetrics(count => parts.tooLate(count)),
        secrets: new Secrets({
          passwords: passwords(process),
          sealing: undefined,
          resolve: secret =>
            secret.kind === 'env' || secret.kind === 'file' ? { kind: 'plain', value: '' } : secret,
        }),
        version: 'sim',
        firstSettings: () => ({ settings: parts.settings, author: 'sim' }),
        fatal: error => this.onFatal(process, error),
      })
      if (!process.isDead) this.carillon = carillon
    } catch (error) {
      this.onFatal(process, error as Error)
    }
  }

  /** A process that ends itself: right where its disk failed or was damaged, wrong elsewhere. */
  private onFatal(process: SimProcess, error: Error): void {
    if (process.isDead) return
    const { trace, checker } = this.parts
    trace.add(this.name, `ends itself: ${error.message}`)
    const damaged = this.repair !== undefined && error instanceof LogDamaged
    if (damaged) {
      this.repair?.()
      this.repair = undefined
    } else if (error instanceof AddedAgain) {
      // right: what it gave up comes back with a start
    } else if (!this.mayFail && !this.disk.faults.failing)
      checker.fail('no crash', `node ${this.id} ended itself: ${error.stack ?? error.message}`)
    this.kill()
    this.parts.onDied(this)
  }

  private machine(process: SimProcess): Machine {
    const { parts, disk, name } = this
    const { connections } = parts
    const party = { name, process }
    const random = new SeededRandom(parts.seedFor(`node ${this.id} start ${this.starts}`))
    const machine: Machine = {
      clock: process,
      timers: process,
      random,
      passwords: passwords(process),
      openFolder: () =>
        Promise.resolve({ stores: disk, nextBoot: (above: number) => disk.nextBoot(above) }),
      openCluster: (options, dependencies) => this.openCluster(process, options, dependencies),
      listen: options => {
        const place = `${options.host}:${options.port}`
        const close = connections.listen(place, party, connection =>
          options.onConnection(connection),
        )
        return Promise.resolve({
          host: options.host,
          port: options.port,
          address: options.host,
          close: () => {
            close()
            return Promise.resolve()
          },
        })
      },
      connect: ({ host, port, timeoutMs, signal }) =>
        connections.connect(`${host}:${port}`, party, timeoutMs, signal),
      serveHttp: (_, address) =>
        Promise.resolve({ ...address, address: address.host, close: () => Promise.resolve() }),
    }
    return parts.mutation?.machine?.(machine, this) ?? machine
  }

  private async openCluster(
    process: SimProcess,
    options: ClusterOptions,
    dependencies: Partial<ClusterDependencies>,
  ): Promise<ClusterNode> {
    const { parts, disk, id } = this
    const inner = await openNode(options, {
      ...dependencies,
      openStore: name => disk.open(name),
      openTransport: () => parts.peers.open(id, `node-${id}:7101`, process),
      settings: { keepEntries: parts.keepEntries, keepBytes: 256 * 1024 * 1024 },
    })
    const outer = Object.create(inner) as ClusterNode
    outer.wasRemoved = () => inner.wasRemoved()
    outer.openGroup = async (number, machine, listener) => {
      const journal = (machine as unknown as { journal: Journal }).journal
      this.journal = journal
      parts.checker.onState(id, journal.state)
      const group = await inner.openGroup(
        number,
        this.watched(process, machine, journal),
        this.heard(process, listener),
      )
      if (!process.isDead) {
        this.group = group
        this.knownVoters = undefined
      }
      return group
    }
    return outer
  }

  /** The node's state machine, with the checker looking on. */
  private watched(process: SimProcess, machine: StateMachine, journal: Journal): StateMachine {
    const { checker, mutation } = this.parts
    const inner = mutation?.stateMachine?.(machine, this) ?? machine
    return {
      get durableIndex() {
        return inner.durableIndex
      },
      apply: (index, term, data) => {
        if (process.isDead) return
        if (data.length === 0) this.knownVoters = undefined // a change of members has no data
        inner.apply(index, term, data)
        checker.onApply(this.id, index, term, data, journal.state)
      },
      applied: () => inner.applied(),
      keeps: index => inner.keeps?.(index) ?? true,
      snapshot: () => inner.snapshot(),
      stage: () => inner.stage(),
      install: async index => {
        await inner.install(index)
        if (process.isDead) return
        this.knownVoters = undefined
        this.parts.trace.add(this.name, `installs a snapshot of ${index}`)
        checker.onState(this.id, journal.state)
      },
      staged: index => inner.staged(index),
    }
  }

  private heard(process: SimProcess, listener: GroupListener): GroupListener {
    const { checker, trace } = this.parts
    return {
      leaderChanged: (leader, term) => {
        if (process.isDead) return
        trace.add(this.name, `leader is ${leader ?? 'nobody'} in term ${term}`)
        if (leader !== null) checker.onLeader(leader, term)
        listener.leaderChanged(leader, term)
      },
      accepts: data => listener.accepts(data),
      fatal: error => listener.fatal(error),
    }
  }

  private config(): NodeConfig {
    const { id } = this
    // one that joins later is configured with itself
    const peers = Array.from({ length: Math.max(id, this.parts.nodes) }, (_, i) => ({
      id: i + 1,
      address: `node-${i + 1}:7101`,
    }))
    return {
      node: { id, dataDir: `/${id}`, secretKeyFile: null, drainTimeoutMs: 1000 },
      cluster: {
        listen: `node-${id}:7101`,
        peers,
        tls: null,
        heartbeatMs: 50,
        electionTimeoutMs: 500,
        isolationTimeoutMs: 3000,
      },
      smpp: {
        listen: { host: `node-${id}`, port: 2775 },
        tls: null,
        submitTimeoutMs: SUBMIT_TIMEOUT_MS,
        proxyProtocol: 'off',
        trustedProxies: [],
        allowFrom: [],
        receiptGuardMs: 500,
        bindTimeoutMs: 5000,
        enquireLinkMs: 5000,
        inactivityTimeoutMs: 12_000,
        responseTimeoutMs: 3000,
        pduOctetsMax: 65_536,
        connectionsMax: 100,
        connectionsPerAddressMax: null,
        listeners: [],
      },
      http: { listen: { host: `node-${id}`, port: 8081 }, apiKeys: [] },
      gateway: null,
      insecure: true,
    }
  }
}

/** Counts what the checker asks for, and nothing else. */
class SimMetrics extends PrometheusMetrics {
  private readonly tooLate: (count: number) => void

  constructor(tooLate: (count: number) => void) {
    super()
    this.tooLate = tooLate
  }

  override counter(name: CounterName): Counter {
    if (name !== 'submits_refused_but_sent_total') return { add: () => undefined }
    return { add: (by = 1) => this.tooLate(by) }
  }

  override gauge(): Gauge {
    return { set: () => undefined }
  }

  override histogram(): Histogram {
    return { observe: () => undefined }
  }
}

/** As slow as argon2, and as wrong as it may be. */
function passwords(process: SimProcess): Machine['passwords'] {
  return {
    hash: async password => {
      await process.sleep(15)
      return `$argon2id$${password}`
    },
    verify: async (hash, password) => {
      await process.sleep(15)
      return hash === `$argon2id$${password}`
    },
  }
}

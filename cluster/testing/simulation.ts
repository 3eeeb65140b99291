import { assert } from '../../src/base/assert.js'
import type { Cancel, Clock, Timers } from '../../src/base/clock.js'
import { SeededRandom } from '../../src/base/random.js'
import { silentLogger, type Logger } from '../../src/base/logger.js'
import { VirtualTime } from '../../src/testing/virtual-time.js'
import type { GroupSettings } from '../group-context.js'
import { openNode } from '../node.js'
import type { ClusterNode, Group, Member } from '../types.js'
import { ListMachine, RecordingListener, emptyDisk, type ListDisk } from './list-machine.js'
import { MemoryDisk } from './memory-store.js'
import { MemoryNetwork, type NetworkFaults } from './memory-network.js'

const PERSIST_MS = 50

export interface SimulationOptions {
  seed: number
  nodes?: number
  groups?: number
  settings?: GroupSettings
  faults?: Partial<NetworkFaults>
  /** Longest a disk write takes, ms. */
  writeMsMax?: number
  logger?: Logger
}

/**
 * A cluster in one process, on virtual time, from one seed. It checks on the way that all nodes
 * apply the same entry at the same index, and that no term has two leaders.
 */
export class Simulation {
  readonly time = new VirtualTime()
  readonly random: SeededRandom
  readonly network: MemoryNetwork
  readonly nodes: SimulatedNode[]
  readonly options: SimulationOptions
  readonly members: Member[]
  /** What was applied anywhere, by group and index. */
  readonly committed: Map<number, string>[]
  private readonly leaders = new Map<string, number>()

  constructor(options: SimulationOptions) {
    this.options = options
    this.random = new SeededRandom(options.seed)
    this.network = new MemoryNetwork(this.time, this.random, options.faults)
    const ids = Array.from({ length: options.nodes ?? 3 }, (_, i) => i + 1)
    this.members = ids.map(id => ({ id, address: `node-${id}` }))
    this.committed = Array.from({ length: options.groups ?? 1 }, () => new Map<number, string>())
    this.nodes = ids.map(id => new SimulatedNode(this, id, this.members))
  }

  node(id: number): SimulatedNode {
    return this.nodes.find(node => node.id === id)!
  }

  get living(): SimulatedNode[] {
    return this.nodes.filter(node => node.alive)
  }

  /** Starts all nodes and waits for a leader of every group. */
  async start(): Promise<void> {
    const starts = this.nodes.map(node => node.start())
    await this.until(() => this.living.length === this.nodes.length && this.settled())
    await Promise.all(starts)
  }

  /** Adds a node with empty disks. */
  add(id: number): SimulatedNode {
    const others = this.members.filter(member => member.id !== id)
    const node = new SimulatedNode(this, id, [...others, { id, address: `node-${id}` }])
    this.nodes.push(node)
    return node
  }

  leader(group = 0): SimulatedNode | undefined {
    return this.living.find(node => node.groups[group]?.status().role === 'leader')
  }

  /** All living nodes agree on a leader of every group. */
  settled(): boolean {
    return this.committed.every((_, group) => {
      const id = this.leader(group)?.id
      return (
        id !== undefined && this.living.every(node => node.groups[group]?.status().leader === id)
      )
    })
  }

  async run(ms: number): Promise<void> {
    await this.time.advanceAsync(ms)
  }

  async until(holds: () => boolean, limitMs = 60_000): Promise<number> {
    const beganAtMs = this.time.monotonicMs()
    while (!holds()) {
      const tookMs = this.time.monotonicMs() - beganAtMs
      assert(tookMs < limitMs, `seed ${this.options.seed}: never: ${holds.toString()}`)
      await this.time.advanceAsync(1)
    }
    return this.time.monotonicMs() - beganAtMs
  }

  /** Lets time pass until the promise settles. */
  async settle<T>(promise: Promise<T>, limitMs = 60_000): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    await this.until(() => settled, limitMs)
    return promise
  }

  /** Every node has applied what any has, to the same end. */
  converged(): boolean {
    return this.committed.every((entries, group) => {
      const last = Math.max(0, ...entries.keys())
      return this.living.every(node => node.machines[group]?.state.index === last)
    })
  }

  onApply(group: number, index: number, what: string): void {
    const before = this.committed[group]!.get(index)
    assert(before === undefined || before === what, `group ${group}, index ${index}: two entries`)
    this.committed[group]!.set(index, what)
  }

  onLeader(group: number, id: number, leader: number | null, term: number): void {
    if (leader !== id) return
    const key = `${group}/${term}`
    const before = this.leaders.get(key)
    assert(before === undefined || before === id, `two leaders in term ${key}`)
    this.leaders.set(key, id)
  }
}

/** One node: its disks outlive its processes. */
export class SimulatedNode {
  readonly id: number
  readonly disk: MemoryDisk
  node: ClusterNode | undefined
  groups: Group[] = []
  machines: ListMachine[] = []
  listeners: RecordingListener[] = []
  /** Proposed here and not applied here yet, by group: proposed again under every new leader. */
  readonly open: Set<string>[]
  /** Applied here after it was proposed here: promised to a client. */
  readonly acknowledged: Set<string>[]
  private readonly simulation: Simulation
  private readonly peers: Member[]
  private readonly listDisks: ListDisk[]
  private process: Process | undefined

  constructor(simulation: Simulation, id: number, peers: Member[]) {
    const { time, random, options, committed } = simulation
    this.simulation = simulation
    this.id = id
    this.peers = peers
    this.disk = new MemoryDisk(time, random, options.writeMsMax)
    this.listDisks = committed.map(emptyDisk)
    this.open = committed.map(() => new Set<string>())
    this.acknowledged = committed.map(() => new Set<string>())
  }

  get alive(): boolean {
    return this.process !== undefined && this.groups.length === this.listDisks.length
  }

  async start(): Promise<void> {
    const { simulation, id, peers, disk } = this
    const { time, random, network, options } = simulation
    const process = new Process(time)
    this.process = process
    this.node = await openNode(
      {
        id,
        dataDir: '',
        listen: `node-${id}`,
        peers,
        heartbeatMs: 50,
        electionTimeoutMs: 500,
      },
      {
        clock: time,
        timers: process,
        random,
        logger: (options.logger ?? silentLogger).with({ id }),
        openStore: () => Promise.resolve(disk.open()),
        openTransport: () => network.transport(id, `node-${id}`),
        ...(options.settings === undefined ? {} : { settings: options.settings }),
      },
    )
    for (const [group, listDisk] of this.listDisks.entries()) {
      const machine = new ListMachine(listDisk)
      machine.eager = false
      process.every(PERSIST_MS, () => machine.persist())
      machine.onEntry = (index, what) => simulation.onApply(group, index, what)
      machine.onApply = (_index, text) => {
        if (this.open[group]!.delete(text)) this.acknowledged[group]!.add(text)
      }
      const listener = new RecordingListener()
      listener.onFatal = error => {
        throw error
      }
      listener.onLeader = (leader, term) => {
        simulation.onLeader(group, id, leader, term)
        if (leader !== null) this.handAll(group)
      }
      machine.onInstall = () => this.handAll(group) // some may be in there; nobody here can tell
      this.machines[group] = machine
      this.listeners[group] = listener
      const opened = await this.node.openGroup(group, machine, listener)
      if (this.process !== process) return // killed meanwhile
      this.groups[group] = opened
    }
  }

  /** The process is gone, between one instant and the next. */
  kill(): void {
    this.process?.end()
    this.process = undefined
    this.simulation.network.kill(this.id)
    this.disk.crash()
    this.groups = []
    this.machines = []
    for (const open of this.open) open.clear() // its clients do not know what became of these
  }

  /** A client's request: proposed until it is applied here. */
  submit(text: string, group = 0): void {
    this.open[group]!.add(text)
    this.hand(group, text)
  }

  private handAll(group: number): void {
    for (const text of this.open[group]!) this.hand(group, text)
  }

  private hand(group: number, text: string): void {
    this.groups[group]?.propose(Buffer.from(text))
  }
}

/** The timers of one process: nothing of it runs after its end. */
class Process implements Timers {
  private readonly time: Clock & Timers
  private ended = false

  constructor(time: Clock & Timers) {
    this.time = time
  }

  after(ms: number, fn: () => void): Cancel {
    return this.time.after(ms, () => this.run(fn))
  }

  every(ms: number, fn: () => void): Cancel {
    const cancel = this.time.every(ms, () => {
      if (this.ended) cancel()
      else fn()
    })
    return cancel
  }

  soon(fn: () => void): void {
    this.time.soon(() => this.run(fn))
  }

  end(): void {
    this.ended = true
  }

  private run(fn: () => void): void {
    if (!this.ended) fn()
  }
}

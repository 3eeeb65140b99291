import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore, type ClusterNode, type Group, type Member } from '../cluster/index.js'
import { openNode, type Backends } from '../cluster/node.js'
import { GrpcTransport } from '../cluster/transport/grpc-transport.js'
import { MemoryNetwork } from '../cluster/testing/memory-network.js'
import type { SnapshotSink, StateMachine } from '../cluster/types.js'
import { systemClock, systemTimers } from '../src/base/clock.js'
import { systemRandom } from '../src/base/random.js'
import { freePorts } from '../src/testing/free-ports.js'
import { MemoryFolder } from '../src/testing/memory-store.js'
import { waitFor } from '../src/testing/wait-for.js'
import { Histogram } from '../src/tools/histogram.js'
import { SyntheticLog } from './journal/synthetic-log.js'

/**
 * What lies under the replicas: `memory` keeps logs in maps and hands messages over in the process, `disk` has LevelDB with
 * fsync, `network` LevelDB and gRPC on the loopback, as a node does.
 */
export const BACKENDS = ['memory', 'disk', 'network'] as const
export type Backend = (typeof BACKENDS)[number]

export interface RaftRow {
  backend: Backend
  messagesPerEntry: number
  octetsPerEntry: number
  entriesPerSecond: number
  messagesPerSecond: number
  mibPerSecond: number
  /** From the proposal to its being applied at the leader. */
  latencyMs: { p50: number; p99: number }
  /** CPU time of all three replicas, with all threads. */
  cpuUsPerEntry: number
}

export interface RaftOptions {
  backend: Backend
  messagesPerEntry: number
  /** Proposals that are not applied yet; a closed loop. */
  inFlight: number
  warmUpMs: number
  durationMs: number
}

const NODES = 3

/** On a busy machine a leader may be voted out in the middle of a run. */
const RUNS_MAX = 5

/**
 * Three replicas of one group in this process, driven at the leader. Begins anew where another one is elected.
 * Rejects where no leader stays.
 */
export async function benchRaft(options: RaftOptions): Promise<RaftRow> {
  for (let run = 0; run < RUNS_MAX; run++) {
    const replicas = await Replicas.open(options.backend)
    try {
      const row = await drive(replicas, options)
      if (row !== undefined) return row
    } finally {
      await replicas.close()
    }
  }
  throw new Error(`no leader stayed for as long as a run takes, in ${RUNS_MAX} runs`)
}

/** @returns undefined where leadership was lost */
async function drive(replicas: Replicas, options: RaftOptions): Promise<RaftRow | undefined> {
  const { backend, messagesPerEntry, inFlight, warmUpMs, durationMs } = options
  const leader = await replicas.leader()
  const entry = SyntheticLog.acceptOf(messagesPerEntry)
  const latency = new Histogram()
  const sentMs: number[] = []
  const { term } = leader.group.status()
  let refused = 0
  let applied = 0
  let measuring = false
  let going = true
  const propose = (): void => {
    // the group owns what it was given
    if (leader.group.propose(Buffer.from(entry)) === 'sent') sentMs.push(performance.now())
    else refused++
  }
  leader.machine.onEntry = () => {
    const tookMs = performance.now() - sentMs.shift()!
    if (measuring) {
      applied++
      latency.record(tookMs)
    }
    if (going) propose()
  }
  for (let i = 0; i < inFlight; i++) propose()
  await wait(warmUpMs)
  measuring = true
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  await wait(durationMs)
  const tookMs = performance.now() - fromMs
  const { role, term: lastTerm } = leader.group.status()
  if (refused > 0 || role !== 'leader' || lastTerm !== term) return undefined
  const { user, system } = process.cpuUsage(cpu)
  measuring = going = false
  await waitFor('all proposals are applied', () => sentMs.length === 0)
  const perSecond = (applied * 1000) / tookMs
  const { p50, p99 } = latency.quantiles()
  return {
    backend,
    messagesPerEntry,
    octetsPerEntry: entry.length,
    entriesPerSecond: Math.round(perSecond),
    messagesPerSecond: Math.round(perSecond * messagesPerEntry),
    mibPerSecond: Math.round((perSecond * entry.length * 10) / 2 ** 20) / 10,
    latencyMs: { p50, p99 },
    cpuUsPerEntry: Math.round((user + system) / Math.max(1, applied)),
  }
}

function wait(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

interface Replica {
  node: ClusterNode
  group: Group
  machine: CountingMachine
}

class Replicas {
  private readonly replicas: Replica[]
  private readonly directory: string

  static async open(backend: Backend): Promise<Replicas> {
    const directory = await mkdtemp(join(tmpdir(), 'carillon-raft-'))
    const ports = await freePorts(NODES)
    const peers = ports.map((port, i): Member => ({ id: i + 1, address: `127.0.0.1:${port}` }))
    const network = new MemoryNetwork(TIME, systemRandom, { delayMs: { min: 0, max: 0 } })
    const open = async ({ id, address }: Member): Promise<Replica> => {
      const machine = new CountingMachine()
      const options = { id, dataDir: directory, listen: address, peers, heartbeatMs: 50 }
      const node = await openNode(
        { ...options, electionTimeoutMs: 500 },
        backendsOf(backend, join(directory, String(id)), network, address),
      )
      const group = await node.openGroup(0, machine, LISTENER)
      return { node, group, machine }
    }
    return new Replicas(directory, await Promise.all(peers.map(open)))
  }

  private constructor(directory: string, replicas: Replica[]) {
    this.directory = directory
    this.replicas = replicas
  }

  async leader(): Promise<Replica> {
    return waitFor('a leader', () =>
      this.replicas.find(({ group }) => group.status().role === 'leader'),
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.replicas.map(({ node }) => node.stop()))
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** What is due at once comes with the next turn: a timer of Node.js takes a millisecond at least. */
const TIME = {
  ...systemClock,
  ...systemTimers,
  after: (ms: number, fn: () => void): (() => void) => {
    if (ms >= 1) return systemTimers.after(ms, fn)
    const soon = setImmediate(fn)
    return () => clearImmediate(soon)
  },
}

function backendsOf(
  backend: Backend,
  directory: string,
  network: MemoryNetwork,
  address: string,
): Backends {
  const disk = new MemoryFolder()
  disk.onWrite = () => new Promise(resolve => setImmediate(resolve))
  return {
    openStore: name =>
      backend === 'memory' ? disk.open(name) : openLevelStore(`${directory}-${name}`),
    openTransport: options =>
      backend === 'network'
        ? new GrpcTransport({ ...options, tls: undefined })
        : network.transport(options.id, address),
  }
}

const LISTENER = {
  leaderChanged: () => undefined,
  accepts: () => true,
  fatal: (error: Error) => {
    throw error
  },
}

/** Applies to nothing. What it applied is durable at once, so that the log can be cut. */
class CountingMachine implements StateMachine {
  durableIndex = 0
  onEntry: () => void = () => undefined

  apply(index: number, _term: number, data: Buffer): void {
    this.durableIndex = index
    if (data.length > 0) this.onEntry()
  }

  applied(): void {
    // nothing waits for it
  }

  keeps(): boolean {
    return false
  }

  snapshot(): Promise<never> {
    return noSnapshot()
  }

  /** Asked for at the start, to be thrown away. */
  stage(): Promise<SnapshotSink> {
    return Promise.resolve({
      write: noSnapshot,
      finish: noSnapshot,
      discard: () => Promise.resolve(),
    })
  }

  install(): Promise<never> {
    return noSnapshot()
  }

  staged(): Promise<boolean> {
    return Promise.resolve(false)
  }
}

function noSnapshot(): Promise<never> {
  return Promise.reject(new Error('no replica falls so far behind'))
}

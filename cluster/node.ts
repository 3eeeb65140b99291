import { assert } from '../src/base/assert.js'
import { systemClock, systemTimers, type Clock, type Timers } from '../src/base/clock.js'
import { silentLogger, type Logger } from '../src/base/logger.js'
import { systemRandom, type Random } from '../src/base/random.js'
import type { KeyValueStore } from '../src/base/store.js'
import {
  FirstStart,
  decodeGreeting,
  encodeGreeting,
  isRemoved,
  type Greeting,
  type KnownMembership,
} from './first-start.js'
import { DEFAULT_GROUP_SETTINGS, type GroupContext, type GroupSettings } from './group-context.js'
import type { Membership } from './log/records.js'
import { BadFrame, RECORD_HEADER, RecordKind } from './messages.js'
import { LaneMessenger } from './messenger.js'
import { NodeStore, type Origin } from './node-store.js'
import { RaftGroup } from './raft-group.js'
import { openSnapshot } from './snapshots.js'
import type { Lane, PeerEvent, PeerView, Transport } from './transport/transport.js'
import type {
  ClusterNode,
  ClusterOptions,
  Group,
  GroupListener,
  Member,
  Messenger,
  StateMachine,
} from './types.js'

/** What a node takes from the outside; simulations hand in their own. */
export interface ClusterDependencies {
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  /** Opens a store of this node by name. */
  openStore(name: string): Promise<KeyValueStore>
  openTransport(options: TransportOptions): Transport
  settings: GroupSettings
  /** Hears of every synced write of the log how long it took. */
  onLogWrite?: (ms: number) => void
  /** Ends a first start that waits for peers. */
  signal?: AbortSignal
}

export type TransportOptions = Pick<ClusterOptions, 'id' | 'listen' | 'tls' | 'electionTimeoutMs'> &
  Pick<ClusterDependencies, 'clock' | 'timers' | 'random' | 'logger'>

export type Backends = Pick<ClusterDependencies, 'openStore' | 'openTransport'>

/**
 * Opens a node on the given backends; see `openClusterNode`.
 */
export async function openNode(
  options: ClusterOptions,
  dependencies: Partial<ClusterDependencies> & Backends,
): Promise<ClusterNode> {
  check(options)
  const all: ClusterDependencies = {
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    logger: silentLogger,
    settings: DEFAULT_GROUP_SETTINGS,
    ...dependencies,
  }
  const store = await all.openStore('log')
  const transport = all.openTransport({ ...options, ...all })
  try {
    const nodeStore = await NodeStore.open(store, all.random, all.logger)
    const node = new Node(options, all, store, nodeStore, transport)
    await node.start()
    return node
  } catch (error) {
    await transport.stop()
    await store.close()
    throw error
  }
}

class Node implements ClusterNode {
  readonly id: number
  readonly messenger: Messenger
  private readonly options: ClusterOptions
  private readonly all: ClusterDependencies
  private readonly store: KeyValueStore
  private readonly nodeStore: NodeStore
  private readonly transport: Transport
  private readonly laneMessenger: LaneMessenger
  private readonly groups = new Map<number, RaftGroup>()
  private firstStart: FirstStart | undefined
  /** The newest membership that others have told of. */
  private told: KnownMembership | undefined
  private stopped = false

  constructor(
    options: ClusterOptions,
    all: ClusterDependencies,
    store: KeyValueStore,
    nodeStore: NodeStore,
    transport: Transport,
  ) {
    this.id = options.id
    this.options = options
    this.all = all
    this.store = store
    this.nodeStore = nodeStore
    this.transport = transport
    this.laneMessenger = new LaneMessenger(transport)
    this.messenger = this.laneMessenger
  }

  get clusterId(): string {
    return this.origin.clusterId
  }

  async start(): Promise<void> {
    const { all, transport, nodeStore, id, options } = this
    if (nodeStore.origin === undefined) {
      this.firstStart = new FirstStart({
        ...all,
        id,
        nonce: nodeStore.nonce,
        peers: options.peers,
        store: nodeStore,
        signal: all.signal,
        ask: (address, greeting) => this.ask(address, greeting),
      })
    }
    await transport.start({
      onRecord: (from, lane, record) => this.onRecord(from, lane, record),
      onSnapshot: (from, frames) => this.onSnapshot(from, frames),
      onHello: (request, peer) => this.onHello(request, peer),
      accepts: (peer, nonce) => nodeStore.accepts(peer, nonce),
      onPeer: (peer, event) => this.onPeer(peer, event),
    })
    await this.firstStart?.run()
    const { clusterId, joined } = this.origin
    this.told = joined
    all.logger.info('cluster known', { clusterId })
    this.updatePeers()
    transport.identify({ id, clusterId, nonce: nodeStore.nonce })
  }

  async openGroup(id: number, machine: StateMachine, listener: GroupListener): Promise<Group> {
    assert(!this.groups.has(id), `group ${id} is open already`)
    const context: GroupContext = {
      ...this.all,
      ...this.options,
      group: id,
      machine,
      listener,
      store: this.store,
      transport: this.transport,
      logger: this.all.logger.with({ group: id }),
      bootstrap: firstMembership(this.origin),
      onMembership: () => this.updatePeers(),
    }
    try {
      const group = await RaftGroup.open(context, opening => this.groups.set(id, opening))
      this.updatePeers()
      return group
    } catch (error) {
      this.groups.delete(id)
      throw error
    }
  }

  peer(id: number): PeerView {
    return this.transport.peer(id)
  }

  async wasRemoved(): Promise<boolean> {
    const { id, all, origin } = this
    const { index } = this.membership
    const others = this.knownMembers().filter(member => member.id !== id)
    const asked = await Promise.allSettled(
      others.map(({ address }) => this.ask(address, this.greeting())),
    )
    if (this.stopped) return false
    const answers = asked.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
    for (const { started } of answers) {
      if (started?.clusterId !== origin.clusterId || started.membership === undefined) continue
      if (started.membership.index <= Math.max(index, this.told?.index ?? 0)) continue
      this.told = started.membership
      all.logger.info('a later membership is known to others', {
        index: this.told.index,
        members: this.told.members.map(member => member.id),
      })
    }
    this.updatePeers()
    const { clusterId, joined } = origin
    return isRemoved({ id, clusterId, sinceIndex: joined?.index ?? 0, index }, answers)
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    this.stopped = true
    await Promise.all([...this.groups.values()].map(group => group.stop()))
    await this.transport.stop()
    await this.store.close()
  }

  private get origin(): Origin {
    const { origin } = this.nodeStore
    assert(origin !== undefined, 'the node has not started yet')
    return origin
  }

  private updatePeers(): void {
    const others = this.knownMembers().filter(member => member.id !== this.id)
    this.transport.setPeers(others)
  }

  /**
   * Replicated membership outranks the configuration, as soon as there is any. While others have told of a
   * later one, its members count as well: the log that brings it may have to come from one of them.
   */
  private knownMembers(): Member[] {
    const { told, options } = this
    const { index, members } = this.membership
    const known = new Map<number, Member>()
    for (const member of members.length > 0 ? members : options.peers) known.set(member.id, member)
    if (told !== undefined && told.index > index) {
      for (const member of told.members) known.set(member.id, member)
    }
    return [...known.values()]
  }

  /** The newest that is replicated here; index 0 where there is none. */
  private get membership(): { index: number; members: readonly Member[] } {
    let newest: RaftGroup['membership'] = { index: 0, members: [] }
    for (const { membership } of this.groups.values()) {
      if (membership.index > newest.index) newest = membership
    }
    return newest
  }

  private async ask(address: string, greeting: Greeting): Promise<Greeting> {
    return decodeGreeting(await this.transport.hello(address, encodeGreeting(greeting)))
  }

  private onRecord(from: number, _lane: Lane, record: Buffer): void {
    if (this.stopped) return
    if (record.length < RECORD_HEADER) throw new BadFrame('a record without a group')
    if (record[0] === RecordKind.message) this.laneMessenger.onRecord(from, record)
    // a group that is not open here (yet) gets nothing; Raft repeats itself
    else this.groups.get(record.readUInt16BE(1))?.onRecord(from, record)
  }

  private async onSnapshot(from: number, frames: AsyncIterable<Buffer>): Promise<void> {
    const { head, records } = await openSnapshot(frames)
    const group = this.groups.get(head.group)
    if (group === undefined) throw new Error(`group ${head.group} is not open on node ${this.id}`)
    await group.receiveSnapshot(from, head, records)
  }

  private onHello(request: Buffer, peer: number | undefined): Buffer {
    const asking = decodeGreeting(request)
    if (peer !== undefined && peer !== asking.id) {
      throw new Error(`the certificate is for node ${peer}, not ${asking.id}`)
    }
    return encodeGreeting(this.greeting())
  }

  private greeting(): Greeting {
    const { nodeStore, id, options } = this
    const { origin } = nodeStore
    if (origin === undefined && this.firstStart !== undefined) return this.firstStart.greeting()
    assert(origin !== undefined, 'neither starting nor started')
    const { index, members } = this.membership
    return {
      version: 1,
      id,
      nonce: nodeStore.nonce,
      configured: options.peers.map(peer => peer.id).sort((a, b) => a - b),
      known: nodeStore.nonces,
      started: {
        clusterId: origin.clusterId,
        nonces: origin.nonces,
        members: members.map(member => member.id),
        membership: index === 0 ? undefined : { index, members: [...members] },
      },
    }
  }

  private onPeer(peer: number, event: PeerEvent): void {
    for (const group of this.groups.values()) group.onPeer(peer, event)
  }
}

/** The voters that every group of a new cluster begins with, alike on all of them. */
function firstMembership(origin: Origin): Membership | undefined {
  if (origin.first === undefined) return undefined
  const members = [...origin.first].sort((a, b) => a.id - b.id)
  return {
    members,
    configuration: {
      voters: members.map(member => member.id),
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    },
  }
}

function check({ id, peers, heartbeatMs, electionTimeoutMs }: ClusterOptions): void {
  if (!Number.isInteger(id) || id < 1) throw new Error(`node id ${id}: a positive integer`)
  if (!peers.some(peer => peer.id === id)) throw new Error(`node ${id} is not among its peers`)
  if (new Set(peers.map(peer => peer.id)).size < peers.length) throw new Error('a peer id twice')
  if (heartbeatMs < 5) throw new Error('heartbeatMs: at least 5')
  if (electionTimeoutMs < 5 * heartbeatMs) {
    throw new Error('electionTimeoutMs: at least 5 × heartbeatMs')
  }
}

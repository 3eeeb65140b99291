import type { Clock, Timers } from '../../src/base/clock.js'
import type { Random } from '../../src/base/random.js'
import { RecordKind } from '../messages.js'
import type {
  Identity,
  Lane,
  PeerEvent,
  PeerView,
  Sent,
  Transport,
  TransportHandler,
} from '../transport/transport.js'
import type { Member, PeerState } from '../types.js'

export interface NetworkFaults {
  /** Delay of a record, ms. */
  delayMs: { min: number; max: number }
  /** Share of Raft messages that get lost on their way. (Streams do not lose what is in their middle; this is harsher.) */
  drop: number
  /** How long after its death a process's port is seen to refuse, ms. */
  refuseAfterMs: number
  /** How much longer each frame of a snapshot takes, ms. */
  snapshotMs: number
}

/**
 * A network for simulations: in order per peer and lane, with seeded delays and losses. Records of
 * a process that dies still arrive, as they would out of a socket's buffer.
 */
export class MemoryNetwork {
  readonly faults: NetworkFaults
  readonly time: Clock & Timers
  readonly random: Random
  private readonly nodes = new Map<number, MemoryTransport>()
  private readonly separated = new Set<string>()

  constructor(time: Clock & Timers, random: Random, faults: Partial<NetworkFaults> = {}) {
    this.time = time
    this.random = random
    this.faults = {
      delayMs: { min: 0.2, max: 2 },
      drop: 0,
      refuseAfterMs: 1,
      snapshotMs: 0,
      ...faults,
    }
  }

  /** The transport of a process that starts. */
  transport(id: number, address: string): Transport {
    const transport = new MemoryTransport(this, id, address)
    this.nodes.set(id, transport)
    return transport
  }

  /** The process is gone: its streams break, its port refuses. */
  kill(id: number): void {
    const dead = this.nodes.get(id)
    this.nodes.delete(id)
    dead?.die()
    for (const node of this.nodes.values()) node.peerDied(id)
  }

  /** Cuts off the nodes of `side` from all others. */
  separate(side: readonly number[]): void {
    for (const a of this.nodes.keys()) {
      for (const b of this.nodes.keys()) {
        if (side.includes(a) === side.includes(b)) continue
        this.separated.add(`${a}-${b}`)
        this.nodes.get(a)!.breakStream(b)
      }
    }
  }

  heal(): void {
    this.separated.clear()
    for (const node of this.nodes.values()) node.connectAll()
  }

  /** Breaks the streams between two nodes; they connect again by themselves. */
  breakStreams(a: number, b: number): void {
    this.nodes.get(a)?.breakStream(b)
    this.nodes.get(b)?.breakStream(a)
    this.time.after(20, () => this.nodes.get(a)?.connectAll())
  }

  find(id: number): MemoryTransport | undefined {
    return this.nodes.get(id)
  }

  at(address: string): MemoryTransport | undefined {
    return [...this.nodes.values()].find(node => node.address === address)
  }

  reaches(a: number, b: number): boolean {
    return !this.separated.has(`${a}-${b}`)
  }

  delay(): Promise<void> {
    return new Promise(resolve => this.time.after(this.delayMs(), resolve))
  }

  delayMs(): number {
    const { min, max } = this.faults.delayMs
    return min + this.random.unit() * (max - min)
  }
}

interface Link {
  /** Counts connections: what was sent on an earlier one is lost. */
  generation: number
  up: boolean
  arrivesAtMs: Record<Lane, number>
  state: PeerState
  sinceMs: number
}

class MemoryTransport implements Transport {
  readonly id: number
  readonly address: string
  handler: TransportHandler | undefined
  identity: Identity | undefined
  private readonly network: MemoryNetwork
  private readonly links = new Map<number, Link>()
  private dead = false

  constructor(network: MemoryNetwork, id: number, address: string) {
    this.network = network
    this.id = id
    this.address = address
  }

  start(handler: TransportHandler): Promise<number> {
    this.handler = handler
    return Promise.resolve(0)
  }

  identify(identity: Identity): void {
    this.identity = identity
    this.connectAll()
  }

  setPeers(peers: readonly Member[]): void {
    for (const id of this.links.keys()) {
      if (!peers.some(peer => peer.id === id)) this.links.delete(id)
    }
    for (const { id } of peers) {
      if (this.links.has(id)) continue
      this.links.set(id, {
        generation: 0,
        up: false,
        arrivesAtMs: { append: 0, control: 0 },
        state: 'silent',
        sinceMs: this.network.time.monotonicMs(),
      })
    }
    this.connectAll()
  }

  send(to: number, lane: Lane, record: Buffer): Sent {
    const link = this.links.get(to)
    if (this.dead || link?.up !== true) return 'down'
    const { network } = this
    if (record[0] === RecordKind.raft && network.random.unit() < network.faults.drop) return 'sent'
    const now = network.time.monotonicMs()
    const arrivesAtMs = Math.max(link.arrivesAtMs[lane], now + network.delayMs())
    link.arrivesAtMs[lane] = arrivesAtMs
    const { generation } = link
    const copy = Buffer.from(record)
    network.time.after(arrivesAtMs - now, () => {
      // what a dead process had sent arrives; what was on a broken stream does not
      if (link.generation === generation || this.dead) {
        network.find(to)?.receive(this.id, lane, copy)
      }
    })
    return 'sent'
  }

  async sendSnapshot(to: number, frames: AsyncIterable<Buffer>): Promise<void> {
    const { network } = this
    const link = this.links.get(to)
    const peer = network.find(to)
    if (link?.up !== true || peer?.handler === undefined) throw new Error(`no stream to ${to}`)
    const { generation } = link
    const check = (): void => {
      if (this.dead || link.generation !== generation) throw new Error('the call broke')
    }
    async function* carried(): AsyncGenerator<Buffer> {
      for await (const frame of frames) {
        await network.delay()
        if (network.faults.snapshotMs > 0)
          await new Promise<void>(resolve => network.time.after(network.faults.snapshotMs, resolve))
        check()
        yield Buffer.from(frame)
      }
    }
    await peer.handler.onSnapshot(this.id, carried())
    await network.delay()
    check()
  }

  async hello(address: string, request: Buffer): Promise<Buffer> {
    await this.network.delay()
    const peer = this.network.at(address)
    if (peer?.handler === undefined || !this.network.reaches(this.id, peer.id)) {
      throw new Error(`${address} does not answer`)
    }
    const answer = peer.handler.onHello(request, undefined)
    await this.network.delay()
    return answer
  }

  peer(id: number): PeerView {
    const link = this.links.get(id)
    if (link === undefined) return { state: 'silent', sinceMs: 0, heardAtMs: -Infinity }
    const heardAtMs = link.up ? this.network.time.monotonicMs() : link.sinceMs
    return { state: link.state, sinceMs: link.sinceMs, heardAtMs }
  }

  look(id: number): void {
    if (this.network.find(id) !== undefined || this.links.get(id)?.state === 'refused') return
    this.breakStream(id)
    this.become(id, 'refused', 'refused')
  }

  stop(): Promise<void> {
    this.network.kill(this.id)
    return Promise.resolve()
  }

  die(): void {
    this.dead = true
  }

  peerDied(id: number): void {
    if (!this.links.has(id)) return
    this.breakStream(id)
    this.network.time.after(this.network.faults.refuseAfterMs, () => {
      if (this.network.find(id) === undefined) this.become(id, 'refused', 'refused')
    })
  }

  breakStream(id: number): void {
    const link = this.links.get(id)
    if (link?.up !== true) return
    link.up = false
    link.generation++
    this.become(id, 'silent', 'down')
  }

  connectAll(): void {
    const { network } = this
    for (const [id, link] of this.links) {
      if (link.up) continue
      network.time.after(network.delayMs(), () => this.connect(id))
    }
  }

  private connect(id: number): void {
    const link = this.links.get(id)
    const peer = this.network.find(id)
    const other = peer?.links.get(this.id)
    if (this.dead || link === undefined || peer === undefined || other === undefined) return
    if (link.up || !this.network.reaches(this.id, id)) return
    if (this.identity === undefined || peer.identity === undefined) return
    if (this.identity.clusterId !== peer.identity.clusterId) return
    if (!peer.handler!.accepts(this.id, this.identity.nonce)) return
    if (!this.handler!.accepts(id, peer.identity.nonce)) return
    peer.up(this.id)
    this.up(id)
  }

  private up(id: number): void {
    const link = this.links.get(id)!
    link.up = true
    link.generation++
    if (link.state === 'refused') this.become(id, 'connected', 'accepting')
    link.state = 'connected'
    link.sinceMs = this.network.time.monotonicMs()
    this.tell(id, 'appendUp')
  }

  private receive(from: number, lane: Lane, record: Buffer): void {
    this.handler?.onRecord(from, lane, record)
  }

  private become(id: number, state: PeerState, event: PeerEvent): void {
    const link = this.links.get(id)
    if (link === undefined) return
    link.state = state
    link.sinceMs = this.network.time.monotonicMs()
    this.tell(id, event)
  }

  private tell(id: number, event: PeerEvent): void {
    if (!this.dead) this.handler?.onPeer(id, event)
  }
}

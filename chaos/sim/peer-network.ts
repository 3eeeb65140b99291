import type { Random } from '../../src/base/random.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import { BadFrame, RecordKind } from '../../cluster/messages.js'
import type {
  Identity,
  Lane,
  PeerEvent,
  PeerView,
  Sent,
  Transport,
  TransportHandler,
} from '../../cluster/transport/transport.js'
import { LANE_BYTES_MAX } from '../../cluster/transport/transport.js'
import type { Member, PeerState } from '../../cluster/types.js'
import { Heard, type Knowledge } from './heard.js'
import type { SimProcess } from './process.js'

/** The way from one node to another, one direction. */
export interface Path {
  /** Nothing gets through; a stream bears it for a while, then breaks. */
  cut: boolean
  delayMs: { min: number; max: number }
  /** Share of Raft's own messages that are lost (harsher than streams are). */
  drop: number
  /** Share of Raft's own messages that arrive twice. */
  duplicate: number
  /** Share of Raft's own messages of which a copy comes once more, out of order, whatever became of the stream. */
  late: number
}

/** A stream that is not acknowledged for so long is broken, ms. */
const STREAM_PATIENCE_MS = 1000
/** A late copy comes after the message by up to so long, ms. */
const LATE_MS_MAX = 1500
const CONNECT_EVERY_MS = 60
/** More than the greatest number of a node. */
const PATHS = 16
/** From the death of a process to the first refusal of its port. */
const REFUSAL_MS = 1.5

/**
 * The network between nodes: in order per peer and lane, each way with delays and faults of its own. What
 * lies in the sockets of a process that died still arrives. Held up, records wait as they do in TCP: they
 * come late, or go with their stream.
 */
export class PeerNetwork {
  readonly time: VirtualTime
  readonly random: Random
  /** Called with every record that a living process hands over. */
  onRecord: (from: number, to: number, record: Buffer) => void = () => undefined
  readonly heard = new Heard()
  private readonly nodes = new Map<number, SimTransport>()
  private readonly paths: (Path | undefined)[] = []

  constructor(time: VirtualTime, random: Random) {
    this.time = time
    this.random = random
  }

  open(id: number, address: string, process: SimProcess): Transport {
    const transport = new SimTransport(this, id, address, process)
    this.nodes.set(id, transport)
    this.heard.forget(id)
    return transport
  }

  /** The process is gone: its streams break, its port refuses. */
  died(id: number): void {
    const dead = this.nodes.get(id)
    if (dead === undefined) return
    this.nodes.delete(id)
    for (const node of this.nodes.values()) node.peerDied(id)
  }

  path(from: number, to: number): Path {
    return (this.paths[from * PATHS + to] ??= {
      cut: false,
      delayMs: { min: 0.1, max: 1.5 },
      drop: 0,
      duplicate: 0,
      late: 0,
    })
  }

  /** Breaks the streams between two nodes; they connect again by themselves. */
  breakStreams(a: number, b: number): void {
    this.nodes.get(a)?.breakStream(b)
    this.nodes.get(b)?.breakStream(a)
  }

  /** Node `id` believes for so long that the port of `about` refuses, though it does not. */
  lie(id: number, about: number, forMs: number): void {
    this.nodes.get(id)?.believeRefused(about, forMs)
  }

  find(id: number): SimTransport | undefined {
    return this.nodes.get(id)
  }

  at(address: string): SimTransport | undefined {
    return [...this.nodes.values()].find(node => node.address === address)
  }

  /** Connections need both ways. */
  reaches(a: number, b: number): boolean {
    return !this.path(a, b).cut && !this.path(b, a).cut
  }

  delayMs(from: number, to: number): number {
    const { min, max } = this.path(from, to).delayMs
    return min + this.random.unit() * (max - min)
  }
}

interface Link {
  /** Counts connections: what was sent on an earlier one is lost. */
  generation: number
  up: boolean
  arrivesAtMs: Record<Lane, number>
  /** Octets under way. */
  bytes: Record<Lane, number>
  /** Since when something waits behind a cut; undefined where nothing does. */
  heldSinceMs: number | undefined
  held: (() => void)[]
  state: PeerState
  sinceMs: number
  heardAtMs: number
  /** It is told until then that the port refuses. */
  refusedUntilMs: number
  broken: (() => void)[]
}

class SimTransport implements Transport {
  readonly id: number
  readonly address: string
  readonly process: SimProcess
  handler: TransportHandler | undefined
  identity: Identity | undefined
  private readonly network: PeerNetwork
  private readonly links = new Map<number, Link>()
  private cancelConnects: () => void = () => undefined
  private stopped = false

  constructor(network: PeerNetwork, id: number, address: string, process: SimProcess) {
    this.network = network
    this.id = id
    this.address = address
    this.process = process
  }

  start(handler: TransportHandler): Promise<number> {
    this.handler = handler
    this.cancelConnects = this.process.every(CONNECT_EVERY_MS, () => this.connectAll())
    return Promise.resolve(0)
  }

  identify(identity: Identity): void {
    this.identity = identity
    this.connectAll()
  }

  setPeers(peers: readonly Member[]): void {
    for (const id of this.links.keys()) {
      if (peers.some(peer => peer.id === id)) continue
      this.network.breakStreams(this.id, id) // a stream ends for both
      this.links.delete(id)
    }
    for (const { id } of peers) if (!this.links.has(id)) this.links.set(id, this.newLink())
    this.connectAll()
  }

  send(to: number, lane: Lane, record: Buffer): Sent {
    const link = this.links.get(to)
    if (this.stopped || link?.up !== true) return 'down'
    if (link.bytes[lane] + record.length > LANE_BYTES_MAX[lane]) return 'full'
    if (!this.process.mayAct()) return 'sent'
    this.network.onRecord(this.id, to, record)
    const { random } = this.network
    const path = this.network.path(this.id, to)
    const raft = record[0] === RecordKind.raft
    if (raft && random.unit() < path.drop) return 'sent'
    const copies = raft && random.unit() < path.duplicate ? 2 : 1
    const copy = Buffer.from(record)
    const knowledge = this.network.heard.sent(this.id, this.network.time.monotonicMs())
    if (raft && random.unit() < path.late) this.carryLate(to, lane, copy, knowledge)
    for (let i = 0; i < copies; i++) {
      link.bytes[lane] += copy.length
      this.carry(to, link, lane, copy, knowledge)
    }
    return 'sent'
  }

  async sendSnapshot(to: number, frames: AsyncIterable<Buffer>): Promise<void> {
    const { network } = this
    const link = this.links.get(to)
    const peer = network.find(to)
    if (link?.up !== true || peer?.handler === undefined) throw new Error(`no stream to ${to}`)
    const { generation } = link
    const isBroken = (): boolean => link.generation !== generation
    const broken = new Promise<never>((_, reject) => {
      link.broken.push(() => reject(new Error('the call broke')))
    })
    broken.catch(() => undefined)
    async function* carried(sender: SimTransport): AsyncGenerator<Buffer> {
      for await (const frame of frames) {
        await peer!.process.sleep(network.delayMs(sender.id, to))
        if (isBroken() || sender.process.isDead) throw new Error('the call broke')
        yield Buffer.from(frame)
      }
    }
    await Promise.race([peer.handler.onSnapshot(this.id, carried(this)), broken])
    await this.process.sleep(network.delayMs(to, this.id))
    if (isBroken()) throw new Error('the call broke')
  }

  async hello(address: string, request: Buffer): Promise<Buffer> {
    const { network, process } = this
    await process.sleep(1)
    const peer = network.at(address)
    if (
      peer?.handler === undefined ||
      !network.reaches(this.id, peer.id) ||
      peer.process.isPaused
    ) {
      throw new Error(`${address} does not answer`)
    }
    const answer = peer.handler.onHello(request, undefined)
    await process.sleep(network.delayMs(peer.id, this.id))
    return answer
  }

  peer(id: number): PeerView {
    const link = this.links.get(id)
    if (link === undefined) return { state: 'silent', sinceMs: 0, heardAtMs: -Infinity }
    return { state: link.state, sinceMs: link.sinceMs, heardAtMs: link.heardAtMs }
  }

  look(id: number): void {
    this.process.after(REFUSAL_MS, () => {
      const link = this.links.get(id)
      if (link === undefined || link.state === 'refused' || this.stopped) return
      if (this.network.find(id) !== undefined || !this.network.reaches(this.id, id)) return
      this.breakStream(id)
      this.become(id, link, 'refused', 'refused')
    })
  }

  stop(): Promise<void> {
    this.stopped = true
    this.cancelConnects()
    if (this.network.find(this.id) === this) this.network.died(this.id)
    return Promise.resolve()
  }

  peerDied(id: number): void {
    this.breakStream(id)
    this.process.after(REFUSAL_MS, () => this.connectAll())
  }

  breakStream(id: number): void {
    const link = this.links.get(id)
    if (link?.up !== true) return
    link.up = false
    link.generation++
    link.bytes = { append: 0, control: 0 }
    link.held = []
    link.heldSinceMs = undefined
    for (const tell of link.broken.splice(0)) tell()
    this.become(id, link, 'silent', 'down')
  }

  believeRefused(about: number, forMs: number): void {
    const link = this.links.get(about)
    if (link === undefined || link.state === 'refused') return
    link.refusedUntilMs = this.network.time.monotonicMs() + forMs
    this.become(about, link, 'refused', 'refused')
  }

  private newLink(): Link {
    const now = this.network.time.monotonicMs()
    return {
      generation: 0,
      up: false,
      arrivesAtMs: { append: 0, control: 0 },
      bytes: { append: 0, control: 0 },
      heldSinceMs: undefined,
      held: [],
      state: 'silent',
      sinceMs: now,
      heardAtMs: -Infinity,
      refusedUntilMs: -Infinity,
      broken: [],
    }
  }

  private carry(to: number, link: Link, lane: Lane, record: Buffer, knowledge: Knowledge): void {
    const { network } = this
    const { generation } = link
    if (network.path(this.id, to).cut || link.held.length > 0) {
      link.heldSinceMs ??= network.time.monotonicMs()
      link.held.push(() => this.carry(to, link, lane, record, knowledge))
      return
    }
    const now = network.time.monotonicMs()
    const arrivesAtMs = Math.max(link.arrivesAtMs[lane], now + network.delayMs(this.id, to))
    link.arrivesAtMs[lane] = arrivesAtMs
    network.time.after(arrivesAtMs - now, () => {
      // what a dead process had sent arrives; what was on a broken stream does not
      if (link.generation !== generation && !this.process.isDead) return
      link.bytes[lane] -= record.length
      const peer = network.find(to)
      peer?.process.run(() => peer.receive(this.id, lane, record, knowledge))
    })
  }

  private carryLate(to: number, lane: Lane, record: Buffer, knowledge: Knowledge): void {
    const { network } = this
    network.time.after(network.random.unit() * LATE_MS_MAX, () => {
      const peer = network.find(to)
      peer?.process.run(() => peer.receive(this.id, lane, record, knowledge))
    })
  }

  private receive(from: number, lane: Lane, record: Buffer, knowledge: Knowledge): void {
    this.network.heard.came(this.id, from, knowledge)
    const link = this.links.get(from)
    if (link !== undefined) link.heardAtMs = this.network.time.monotonicMs()
    try {
      this.handler?.onRecord(from, lane, record)
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error
      this.network.breakStreams(this.id, from)
    }
  }

  private connectAll(): void {
    if (this.stopped) return
    for (const [id, link] of this.links) {
      if (link.up) this.see(id, link)
      else this.connect(id, link)
    }
  }

  /** Releases what waited behind a cut, or breaks the stream where it waits too long. */
  private see(id: number, link: Link): void {
    const { network } = this
    const now = network.time.monotonicMs()
    if (link.state === 'refused' && now >= link.refusedUntilMs) {
      // a new attempt at a port that was said to refuse
      this.become(id, link, 'connected', 'accepting')
    }
    if (link.heldSinceMs === undefined) return
    if (now - link.heldSinceMs > STREAM_PATIENCE_MS) return network.breakStreams(this.id, id)
    if (network.path(this.id, id).cut) return
    const held = link.held
    link.held = []
    link.heldSinceMs = undefined
    for (const carry of held) carry()
  }

  private connect(id: number, link: Link): void {
    const { network } = this
    if (this.identity === undefined || !network.reaches(this.id, id)) return
    const peer = network.find(id)
    if (peer === undefined) {
      if (link.state !== 'refused') this.become(id, link, 'refused', 'refused')
      return
    }
    if (link.state === 'refused') this.become(id, link, 'silent', 'accepting')
    const other = peer.links.get(this.id)
    if (other === undefined || peer.identity === undefined || peer.process.isPaused) return
    if (this.identity.clusterId !== peer.identity.clusterId) return
    if (!peer.handler!.accepts(this.id, this.identity.nonce)) return
    if (!this.handler!.accepts(id, peer.identity.nonce)) return
    peer.up(this.id, other)
    this.up(id, link)
  }

  private up(id: number, link: Link): void {
    if (link.up) {
      link.up = false
      for (const tell of link.broken.splice(0)) tell()
    }
    link.up = true
    link.generation++
    link.bytes = { append: 0, control: 0 }
    link.held = []
    link.heldSinceMs = undefined
    const now = this.network.time.monotonicMs()
    if (link.state === 'refused') this.become(id, link, 'connected', 'accepting')
    link.state = 'connected'
    link.sinceMs = now
    link.heardAtMs = now
    this.tell(id, 'appendUp')
  }

  private become(id: number, link: Link, state: PeerState, event: PeerEvent): void {
    link.state = state
    link.sinceMs = this.network.time.monotonicMs()
    this.tell(id, event)
  }

  private tell(id: number, event: PeerEvent): void {
    this.process.run(() => {
      if (!this.stopped) this.handler?.onPeer(id, event)
    })
  }
}

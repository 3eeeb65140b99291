import type { Member, PeerState } from '../types.js'

/** `append`: entries and forwarded proposals. `control`: all else, so that heartbeats never queue behind data. */
export type Lane = 'append' | 'control'

/** `down`: no stream at present; `full`: its bound is reached. Neither sends anything. */
export type Sent = 'sent' | 'down' | 'full'

/** Carries records (opaque octets) between the nodes of one cluster. */
export interface Transport {
  /** Listens; answers hellos from now on, streams only after `identify`. Resolves with the port. */
  start(handler: TransportHandler): Promise<number>
  /** What every stream is checked against, on both ends. */
  identify(identity: Identity): void
  /** The other members: streams are kept up to these, and to no others. */
  setPeers(peers: readonly Member[]): void
  /** In order per peer and lane, or not at all. `record` belongs to the transport afterwards. */
  send(to: number, lane: Lane, record: Buffer): Sent
  /** Resolves when the peer has taken the whole snapshot and answered; rejects with its refusal. */
  sendSnapshot(to: number, frames: AsyncIterable<Buffer>): Promise<void>
  /** Asks the node at `address`; before and after there is a cluster. Rejects when it does not answer. */
  hello(address: string, request: Buffer): Promise<Buffer>
  peer(id: number): PeerView
  /** Finds out now whether the port of this peer refuses connections, and tells so as ever (`refused`). */
  look(id: number): void
  stop(): Promise<void>
}

export interface TransportHandler {
  /** Throws `BadFrame` for what cannot be read: it costs the peer its stream. */
  onRecord(from: number, lane: Lane, record: Buffer): void
  /** Takes a snapshot; what it rejects with is told to the sender. */
  onSnapshot(from: number, frames: AsyncIterable<Buffer>): Promise<void>
  /** `peer`: the id that the peer's certificate vouches for; undefined without TLS. */
  onHello(request: Buffer, peer: number | undefined): Buffer
  /** False: this node was known with another nonce, so its data is not what it was. */
  accepts(id: number, nonce: string): boolean
  onPeer(id: number, event: PeerEvent): void
}

/**
 * `appendUp`: the append lane stands (again): what was on it before may be lost. `down`: a stream
 * broke. `refused`: its port refused a connection. `accepting`: it no longer does.
 */
export type PeerEvent = 'appendUp' | 'down' | 'refused' | 'accepting'

export interface Identity {
  id: number
  clusterId: string
  nonce: string
}

export interface PeerView {
  state: PeerState
  /** Monotonic ms. */
  sinceMs: number
  /** Monotonic ms; -Infinity for never. */
  heardAtMs: number
}

/** Version of records and snapshot frames; other versions are refused on every stream. */
export const PROTOCOL_VERSION = '1'

/** Octets on their way to a peer, by lane. */
export const LANE_BYTES_MAX: Record<Lane, number> = {
  append: 8 * 1024 * 1024,
  control: 2 * 1024 * 1024,
}

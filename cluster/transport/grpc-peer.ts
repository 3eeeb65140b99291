import { Client, type Metadata } from '@grpc/grpc-js'

import type { Cancel, Clock, Timers } from '../../src/base/clock.js'
import type { Logger } from '../../src/base/logger.js'
import type { Random } from '../../src/base/random.js'
import type { PeerState } from '../types.js'
import {
  CHANNEL_OPTIONS,
  METHODS,
  clientCredentials,
  closeClient,
  identityMetadata,
  readIdentity,
  setTry,
  type TlsMaterial,
  type Try,
} from './grpc-service.js'
import { StreamLane, type Stream } from './lane.js'
import type { PortState } from './port-probe.js'
import {
  LANE_BYTES_MAX,
  PROTOCOL_VERSION,
  type Identity,
  type Lane,
  type PeerEvent,
  type PeerView,
  type Sent,
} from './transport.js'

const REDIAL_MS = { first: 20, max: 500 }
const PROBE_MS = { first: 3, max: 250, timeout: 300 }
const DIAL_TIMEOUT_MS = 3000
const PING: Buffer = Buffer.alloc(0)
const LANES: readonly Lane[] = ['append', 'control']

export interface PeerContext {
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  tls: TlsMaterial | undefined
  /** Silence after which a stream is given up and dialled anew. */
  silenceMs: number
  identity(): Identity | undefined
  /** Tells this process from those before it. */
  run: string
  /** See probePort. */
  probe(address: string, timeoutMs: number): Promise<PortState>
  onRecord(from: number, lane: Lane, record: Buffer): void
  onPeer(id: number, event: PeerEvent): void
}

/** One other node: its two lanes, who dials whom (the lower id dials), and what is known of its process. */
export class GrpcPeer {
  readonly id: number
  readonly address: string
  private readonly context: PeerContext
  private readonly lanes: Record<Lane, StreamLane>
  private readonly dials: Record<Lane, Dial>
  private readonly stopPings: Cancel
  private state: PeerState = 'silent'
  private sinceMs: number
  private heardAtMs = -Infinity
  private pingedAtMs = -Infinity
  private probing = false
  private looking = false
  private stopped = false

  constructor(id: number, address: string, context: PeerContext) {
    this.id = id
    this.address = address
    this.context = context
    this.sinceMs = context.clock.monotonicMs()
    const lane = (name: Lane): StreamLane =>
      new StreamLane(LANE_BYTES_MAX[name], {
        onRecord: record => {
          this.heardAtMs = context.clock.monotonicMs()
          this.dials[name].heardAtMs = this.heardAtMs
          if (record.length > 0) context.onRecord(id, name, record)
        },
        onDown: reason => this.laneDown(name, reason),
      })
    this.lanes = { append: lane('append'), control: lane('control') }
    this.dials = { append: newDial(), control: newDial() }
    this.stopPings = context.timers.every(context.silenceMs / 8, () => this.ping())
  }

  /** Begins to keep the streams up. */
  start(): void {
    for (const lane of LANES) this.dial(lane)
    if (!this.isDialler()) void this.probe()
  }

  /**
   * Whether a stream of the peer's try `made` may take the lane. Not where the peer has dialled anew since: what it gave up
   * may come through later, when the network repeats it.
   */
  takes(lane: Lane, made: Try | undefined): boolean {
    const { accepted } = this.dials[lane]
    return made === undefined || made.run !== accepted?.run || made.number >= accepted.number
  }

  /** Takes a stream that the peer dialled. */
  accept(lane: Lane, stream: Stream, abort: () => void, made?: Try): void {
    this.dials[lane].accepted = made
    this.attach(lane, stream, abort)
  }

  send(lane: Lane, record: Buffer): Sent {
    return this.lanes[lane].send(record)
  }

  /** Dials the bare port once, though its lanes may be up: somebody thinks that its process is gone. */
  async look(): Promise<void> {
    if (this.looking) return
    this.looking = true
    const beganAtMs = this.context.clock.monotonicMs()
    const found = await this.context.probe(this.address, PROBE_MS.timeout)
    this.looking = false
    if (found === 'refused' && !this.stopped) this.onRefused(beganAtMs)
  }

  get view(): PeerView {
    return { state: this.state, sinceMs: this.sinceMs, heardAtMs: this.heardAtMs }
  }

  stop(): void {
    this.stopped = true
    this.stopPings()
    for (const lane of LANES) {
      this.dials[lane].cancel()
      this.lanes[lane].close('stopped')
      this.hangUp(lane)
    }
  }

  private isDialler(): boolean {
    const own = this.context.identity()
    return own !== undefined && own.id < this.id
  }

  private dial(lane: Lane): void {
    const own = this.context.identity()
    const dial = this.dials[lane]
    dial.cancel()
    dial.waiting = false
    if (this.stopped || own === undefined || own.id >= this.id || this.lanes[lane].up) return
    if (this.state === 'refused') {
      dial.waiting = true // until a probe finds that somebody listens
      return
    }
    dial.client ??= new Client(
      this.address,
      clientCredentials(this.context.tls, this.id),
      CHANNEL_OPTIONS,
    )
    const { path, requestSerialize, responseDeserialize } = METHODS[lane]
    const call = dial.client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      setTry(identityMetadata(own), { run: this.context.run, number: ++dial.tries }),
    )
    let settled = false
    const failed = (reason: string): void => {
      if (settled) return
      settled = true
      call.cancel()
      this.redial(lane, reason)
    }
    dial.giveUp = () => {
      if (settled) return
      this.hangUp(lane) // a new connection: this one may wait for minutes to send its SYN again
      failed('no answer')
    }
    dial.cancel = this.context.timers.after(DIAL_TIMEOUT_MS, dial.giveUp)
    call.on('error', error => failed(error.message))
    call.on('end', () => failed('stream ended'))
    call.on('metadata', (metadata: Metadata) => {
      if (settled) return
      const reason = strangeness(metadata, own, this.id)
      if (reason !== undefined) {
        failed(reason)
        return
      }
      settled = true
      dial.cancel()
      dial.backoffMs = REDIAL_MS.first
      this.attach(lane, call, () => call.cancel())
    })
  }

  private hangUp(lane: Lane): void {
    const { client } = this.dials[lane]
    this.dials[lane].client = undefined
    if (client !== undefined) closeClient(client)
  }

  private redial(lane: Lane, reason: string): void {
    if (this.stopped) return
    const { timers, random, clock, logger } = this.context
    const dial = this.dials[lane]
    const now = clock.monotonicMs()
    if (now - dial.saidAtMs > 5000) {
      dial.saidAtMs = now
      logger.info('peer not connected', { peer: this.id, address: this.address, lane, reason })
    }
    void this.probe()
    dial.cancel()
    dial.waiting = true
    dial.cancel = timers.after(dial.backoffMs * (0.5 + random.unit()), () => this.dial(lane))
    dial.backoffMs = Math.min(REDIAL_MS.max, dial.backoffMs * 1.6)
  }

  private attach(lane: Lane, stream: Stream, abort: () => void): void {
    const { clock, logger } = this.context
    this.lanes[lane].attach(stream, abort)
    this.heardAtMs = clock.monotonicMs()
    this.dials[lane].heardAtMs = this.heardAtMs
    this.dials[lane].attachedAtMs = this.heardAtMs
    if (lane === 'control') {
      this.become('connected')
      logger.info('peer connected', { peer: this.id })
    } else {
      this.context.onPeer(this.id, 'appendUp')
    }
  }

  private laneDown(lane: Lane, reason: string): void {
    if (this.stopped || reason === 'replaced') return
    void this.probe() // before all else: whether the process is gone decides about an election
    if (lane === 'control') this.become('silent')
    this.context.onPeer(this.id, 'down')
    this.context.logger.info('peer stream broke', { peer: this.id, lane, reason })
    if (this.isDialler()) this.redial(lane, reason)
  }

  private become(state: PeerState): void {
    if (state === this.state) return
    const before = this.state
    this.state = state
    this.sinceMs = this.context.clock.monotonicMs()
    if (state === 'refused') this.context.onPeer(this.id, 'refused')
    else if (before === 'refused') this.context.onPeer(this.id, 'accepting')
  }

  /** While a lane is down: dials the bare port, to tell a dead process from a slow network. */
  private async probe(): Promise<void> {
    if (this.probing) return
    this.probing = true
    let lost = false
    for (let waitMs = PROBE_MS.first; ; waitMs = Math.min(PROBE_MS.max, waitMs * 1.6)) {
      if (this.stopped || (this.lanes.control.up && this.lanes.append.up)) break
      const beganAtMs = this.context.clock.monotonicMs()
      const found = await this.context.probe(this.address, PROBE_MS.timeout)
      if (this.isStopped()) break
      if (lost && found !== 'unknown') this.dialAnew()
      lost = found === 'unknown'
      if (found === 'refused') this.onRefused(beganAtMs)
      else {
        const refused = this.state === 'refused'
        if (refused) this.become('silent')
        if (refused || found === 'accepts') this.dialWaiting()
      }
      await new Promise<void>(resolve => this.context.timers.after(waitMs, resolve))
    }
    this.probing = false
  }

  /** A lane that has not broken yet will: there is no process at its other end, unless it began since. */
  private onRefused(probedAtMs: number): void {
    if (this.dials.control.attachedAtMs >= probedAtMs) return
    this.lanes.control.close('port refuses connections')
    this.become('refused')
  }

  /** The peer listens (again), so lanes that wait for their next try need not. */
  private dialWaiting(): void {
    for (const lane of LANES) {
      const dial = this.dials[lane]
      if (!dial.waiting) continue
      dial.backoffMs = REDIAL_MS.first
      this.dial(lane)
    }
  }

  /** The way to the peer is whole again: what was dialled while it was not waits until its SYN is sent again, for a second or more. */
  private dialAnew(): void {
    for (const lane of LANES) this.dials[lane].giveUp()
  }

  private isStopped(): boolean {
    return this.stopped
  }

  private ping(): void {
    const { clock, silenceMs } = this.context
    const now = clock.monotonicMs()
    // after a pause of our own, what the peer said meanwhile has not been read yet
    const paused = now - this.pingedAtMs > silenceMs / 4
    this.pingedAtMs = now
    for (const lane of LANES) {
      if (!this.lanes[lane].up) continue
      if (!paused && now - this.dials[lane].heardAtMs > silenceMs) {
        this.lanes[lane].close('peer is silent')
      } else {
        this.lanes[lane].send(PING)
      }
    }
  }
}

interface Dial {
  client: Client | undefined
  cancel: Cancel
  /** Ends a try that has had no answer yet; the next one follows. */
  giveUp: () => void
  backoffMs: number
  /** Until the next try. */
  waiting: boolean
  /** How often this node has dialled. */
  tries: number
  /** The try of the peer's whose stream was taken last. */
  accepted: Try | undefined
  attachedAtMs: number
  heardAtMs: number
  saidAtMs: number
}

function newDial(): Dial {
  return {
    client: undefined,
    cancel: () => undefined,
    giveUp: () => undefined,
    backoffMs: REDIAL_MS.first,
    waiting: false,
    tries: 0,
    accepted: undefined,
    attachedAtMs: -Infinity,
    heardAtMs: -Infinity,
    saidAtMs: -Infinity,
  }
}

function strangeness(metadata: Metadata, own: Identity, expected: number): string | undefined {
  const found = readIdentity(metadata)
  if (found.version !== PROTOCOL_VERSION) return `peer speaks version ${found.version}`
  if (found.clusterId !== own.clusterId) return 'peer belongs to another cluster'
  if (found.id !== expected) return `peer is node ${found.id}, not ${expected}`
  return undefined
}

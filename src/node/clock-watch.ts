import type { Messenger } from '../../cluster/types.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import { judgeClock, median, type ClockJudgement } from './clock-judgement.js'
import { MESSAGE_KIND } from './message-kinds.js'

const EVERY_MS = 1000
/** Round trips kept of each peer; the median of their offsets counts. */
const SAMPLES = 9
/** Fewer say nothing yet. */
const SAMPLES_LEAST = 3
/** A round trip that took longer says too little. */
const ROUND_TRIP_MAX_MS = 500
/** Peers that did not answer for this long are left out. */
const STALE_MS = 15_000

interface Peer {
  offsets: number[]
  answeredAtMs: number
}

export interface ClockWatchOptions {
  messenger: Messenger
  clock: Clock
  timers: Timers
  logger: Logger
  metrics: Metrics
  /** The other members, and whether they vote. */
  peers(): { id: number; voter: boolean }[]
  /** Does this node vote? */
  votes(): boolean
  changed(judgement: ClockJudgement): void
}

/**
 * Measures how far other nodes' clocks are from ours, by round trips, and says when ours is the one that is
 * wrong (DESIGN I7). Probes carry no state: f64 monotonic ms of the sender, f64 wall clock of the answer.
 */
export class ClockWatch {
  judgement: ClockJudgement = 'agrees'
  private readonly options: ClockWatchOptions
  private readonly peers: Map<number, Peer> = new Map()
  private readonly cancel: Cancel

  constructor(options: ClockWatchOptions) {
    this.options = options
    const { messenger, timers, metrics } = options
    metrics.gauge('alarms', { alarm: 'clock' }).set(0)
    messenger.onMessage(MESSAGE_KIND.clockProbe, (from, body) => this.onProbe(from, body))
    messenger.onMessage(MESSAGE_KIND.clockAnswer, (from, body) => this.onAnswer(from, body))
    this.cancel = timers.every(EVERY_MS, () => this.tick())
  }

  stop(): void {
    this.cancel()
  }

  private tick(): void {
    const { messenger, clock } = this.options
    const now = clock.monotonicMs()
    const members = this.options.peers()
    const probe = Buffer.alloc(8)
    probe.writeDoubleBE(now)
    for (const { id } of members) messenger.send(id, MESSAGE_KIND.clockProbe, probe)
    for (const [id, { answeredAtMs }] of this.peers)
      if (now - answeredAtMs > STALE_MS || !members.some(member => member.id === id))
        this.peers.delete(id)
    const offsets = members.flatMap(({ id, voter }) => {
      const offset = this.offsetOf(id)
      return voter && offset !== undefined ? [offset] : []
    })
    const voters = members.filter(({ voter }) => voter).length + (this.options.votes() ? 1 : 0)
    this.judge(judgeClock(offsets, voters), offsets)
  }

  private judge(judgement: ClockJudgement, offsets: readonly number[]): void {
    if (judgement === this.judgement) return
    const { logger, metrics } = this.options
    this.judgement = judgement
    const shown = { judgement, offsetsMs: offsets.map(Math.round) }
    if (judgement === 'agrees') logger.info('clock agrees again', shown)
    else logger.error('clocks disagree: check time synchronisation', shown)
    metrics.gauge('alarms', { alarm: 'clock' }).set(judgement === 'agrees' ? 0 : 1)
    this.options.changed(judgement)
  }

  private onProbe(from: number, body: Buffer): void {
    if (body.length !== 8) return
    const answer = Buffer.alloc(16)
    body.copy(answer)
    answer.writeDoubleBE(this.options.clock.nowMs(), 8)
    this.options.messenger.send(from, MESSAGE_KIND.clockAnswer, answer)
  }

  private onAnswer(from: number, body: Buffer): void {
    if (body.length !== 16) return
    const { clock, metrics } = this.options
    const now = clock.monotonicMs()
    const roundTripMs = now - body.readDoubleBE(0)
    const offset = body.readDoubleBE(8) - (clock.nowMs() - roundTripMs / 2)
    if (!(roundTripMs >= 0 && roundTripMs <= ROUND_TRIP_MAX_MS) || !Number.isFinite(offset)) return
    const peer = this.peers.get(from) ?? { offsets: [], answeredAtMs: now }
    this.peers.set(from, peer)
    peer.offsets.push(offset)
    if (peer.offsets.length > SAMPLES) peer.offsets.shift()
    peer.answeredAtMs = now
    metrics.gauge('clock_offset_seconds', { peer: String(from) }).set(median(peer.offsets) / 1000)
  }

  private offsetOf(id: number): number | undefined {
    const peer = this.peers.get(id)
    return peer === undefined || peer.offsets.length < SAMPLES_LEAST
      ? undefined
      : median(peer.offsets)
  }
}

import type { Clock } from '../src/base/clock.js'

/** Octets of proposals that wait on the leader to be appended. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024
/** Under load, proposals are gathered for so long before they make a round. */
const GATHER_MS = 5
/** So much goes at once. */
const GATHER_BYTES = 256 * 1024
/** Entries given to the engine in one message. */
const BATCH_ENTRIES_MAX = 1024

export interface Proposal {
  data: Buffer
  /** The node that handed it over. */
  from: number
}

/**
 * Proposals on the leader, on their way into the log. The gather is adaptive: at once after a
 * quiet moment, every few milliseconds under load, because a Raft round costs as much as hundreds
 * of messages.
 */
export class Proposals {
  private readonly clock: Clock
  private readonly bytesMax: number
  private queue: Proposal[] = []
  private queuedBytes = 0
  private tookAtMs = -Infinity

  constructor(clock: Clock, bytesMax = QUEUE_BYTES_MAX) {
    this.clock = clock
    this.bytesMax = bytesMax
  }

  get length(): number {
    return this.queue.length
  }

  /** False: the queue is full, and the proposal not in it. */
  add(data: Buffer, from: number): boolean {
    if (this.queuedBytes > 0 && this.queuedBytes + data.length > this.bytesMax) return false
    this.queue.push({ data, from })
    this.queuedBytes += data.length
    return true
  }

  /** Milliseconds until the next batch should go; 0 for now. */
  dueInMs(): number {
    if (this.queuedBytes >= GATHER_BYTES) return 0
    return Math.max(0, this.tookAtMs + GATHER_MS - this.clock.monotonicMs())
  }

  /** Takes out the oldest, up to `bytesMax` octets and at least one. */
  take(bytesMax: number): Proposal[] {
    let bytes = 0
    let count = 0
    for (const { data } of this.queue) {
      if (count > 0 && (bytes + data.length > bytesMax || count >= BATCH_ENTRIES_MAX)) break
      bytes += data.length
      count++
    }
    this.queuedBytes -= bytes
    this.tookAtMs = this.clock.monotonicMs()
    return this.queue.splice(0, count)
  }

  /** Empties the queue; returns the nodes whose proposals went with it. */
  drop(): Set<number> {
    const from = new Set(this.queue.map(proposal => proposal.from))
    this.queue = []
    this.queuedBytes = 0
    return from
  }
}

import type { Clock, Timers } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { Link } from '../link/link.js'
import type { ResponseKind } from '../link/types.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { DueQueue } from './due-queue.js'
import { Fifo } from './fifo.js'

/** A deliver_sm that waits to be taken. */
export interface Outgoing {
  kind: 'receipt' | 'notification' | 'mo'
  body: Buffer
  /** Times it was sent. */
  attempts: number
}

export interface OutgoingCounts {
  made: number
  /** deliver_sm sent, repetitions included. */
  sent: number
  /** Answered ESME_ROK. */
  acknowledged: number
  /** Answered otherwise; sent again later. */
  refused: number
  /** Sent again, for the session broke or did not answer. */
  unanswered: number
  /** Left, for the queue was full or too many attempts failed. */
  dropped: number
}

export const noOutgoing = (): OutgoingCounts => ({
  made: 0,
  sent: 0,
  acknowledged: 0,
  refused: 0,
  unanswered: 0,
  dropped: 0,
})

/**
 * Receipts and MO for one system_id: they wait for a session that can receive, go to any of those,
 * and are sent again until one is answered ESME_ROK. Bounded by `OUTBOX_MAX`, and by attempts.
 */
export class Outbox {
  private readonly counts: Record<Outgoing['kind'], OutgoingCounts>
  private readonly timers: Timers
  private readonly random: Random
  private readonly receivers: Link[] = []
  private readonly queue = new Fifo<Outgoing>()
  private readonly retries: DueQueue<Outgoing>
  private turn = 0
  private pumpAsked = false
  private inFlight = 0

  constructor(
    counts: Record<Outgoing['kind'], OutgoingCounts>,
    effects: { clock: Clock; timers: Timers; random: Random },
  ) {
    this.counts = counts
    this.timers = effects.timers
    this.random = effects.random
    this.retries = new DueQueue(effects.clock, effects.timers, item => {
      this.queue.push(item)
      this.pumpSoon()
    })
  }

  /** Not yet acknowledged. */
  get waiting(): number {
    return this.queue.length + this.retries.length + this.inFlight
  }

  get hasReceiver(): boolean {
    return this.receivers.length > 0
  }

  attach(link: Link): void {
    this.receivers.push(link)
    this.pumpSoon()
  }

  detach(link: Link): void {
    const at = this.receivers.indexOf(link)
    if (at >= 0) this.receivers.splice(at, 1)
  }

  push(kind: Outgoing['kind'], body: Buffer): void {
    this.counts[kind].made++
    if (this.waiting >= OUTBOX_MAX) {
      this.counts[kind].dropped++
      return
    }
    this.queue.push({ kind, body, attempts: 0 })
    this.pumpSoon()
  }

  /** What became of a deliver_sm that `link.request` was given with the item as its tag. */
  answered(item: Outgoing, kind: ResponseKind, command_status: number): void {
    if (kind === 'late') return // it has been counted as unanswered, and is sent again
    this.inFlight--
    const counts = this.counts[item.kind]
    if (kind === 'response' && command_status === 0) {
      counts.acknowledged++
      this.pumpSoon()
      return
    }
    counts[kind === 'response' ? 'refused' : 'unanswered']++
    if (item.attempts >= ATTEMPTS_MAX) {
      counts.dropped++
      return
    }
    if (kind === 'closed') {
      this.queue.unshift(item)
      this.pumpSoon()
      return
    }
    const backOffMs = Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** (item.attempts - 1))
    this.retries.add(backOffMs * (0.5 + this.random.unit() / 2), item)
  }

  /** Sends what the windows have room for, when this turn of the event loop is over. */
  pumpSoon(): void {
    if (this.pumpAsked) return
    this.pumpAsked = true
    this.timers.soon(() => {
      this.pumpAsked = false
      this.pump()
    })
  }

  clear(): void {
    this.retries.clear()
  }

  private pump(): void {
    let full = 0
    while (this.queue.length > 0 && full < this.receivers.length) {
      this.turn = (this.turn + 1) % this.receivers.length
      const link = this.receivers[this.turn]!
      if (link.windowFree === 0) {
        full++
        continue
      }
      full = 0
      const item = this.queue.shift()!
      item.attempts++
      if (typeof link.request(COMMAND_IDS.deliver_sm, item.body, item) === 'number') {
        this.inFlight++
        this.counts[item.kind].sent++
      } else {
        item.attempts--
        this.queue.unshift(item)
        full++
      }
    }
    for (const link of this.receivers) link.flush()
  }
}

/** Receipts and MO of one system_id that may wait; more are dropped and counted. */
export const OUTBOX_MAX = 1_000_000

const ATTEMPTS_MAX = 100
const RETRY_MS = 200
const RETRY_MS_MAX = 10_000

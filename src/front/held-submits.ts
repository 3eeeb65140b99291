import type { Clock, Timers } from '../base/clock.js'
import type { EsmeSession } from './esme-session.js'

/** Submits held at once on this node; one more is refused. */
export const HELD_MAX = 1000
const LOOK_MS = 10

/** A submit whose like is open under another session. */
export interface HeldSubmit {
  session: EsmeSession
  /** Monotonic: when it came. */
  atMs: number
  /** What its account's sessions had open at this position is waited for, and nothing that comes later. */
  before: number
}

/**
 * Submits of accounts with a resubmission window that wait until it is known whether the same submit of another session
 * was answered (docs/decisions/0012): a node that died is noticed later than its ESMEs are back.
 */
export class HeldSubmits<H extends HeldSubmit> {
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly timeoutMs: number
  private readonly again: (held: H) => 'wait' | 'done'
  private readonly late: (held: H) => void
  private held: H[] = []
  private looking = false

  /**
   * @param again  tries it once more
   * @param late   it waited for `timeoutMs`
   */
  constructor(
    clock: Clock,
    timers: Timers,
    timeoutMs: number,
    again: (held: H) => 'wait' | 'done',
    late: (held: H) => void,
  ) {
    this.clock = clock
    this.timers = timers
    this.timeoutMs = timeoutMs
    this.again = again
    this.late = late
  }

  /** False: as many as may wait do. */
  hold(held: H): boolean {
    if (this.held.length >= HELD_MAX) return false
    this.held.push(held)
    this.lookSoon()
    return true
  }

  private lookSoon(): void {
    if (this.looking || this.held.length === 0) return
    this.looking = true
    this.timers.after(LOOK_MS, () => {
      this.looking = false
      const held = this.held
      this.held = []
      for (const one of held) if (!this.isSettled(one)) this.held.push(one)
      this.lookSoon()
    })
  }

  private isSettled(held: H): boolean {
    if (held.session.bound === undefined) return true // nobody hears the answer
    if (this.clock.monotonicMs() - held.atMs >= this.timeoutMs) {
      this.late(held)
      return true
    }
    return this.again(held) === 'done'
  }
}

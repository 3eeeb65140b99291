import type { Cancel, Clock, Timers } from '../base/clock.js'

const EVERY_MS = 500

/**
 * Whether this node keeps up: now and then it asks the leader how far the log is committed, and notes when it
 * asked once it has applied that much. Costs no log entries.
 */
export class CurrentReads {
  /** Monotonic ms when the newest read that was answered began; -Infinity at first. */
  caughtUpAtMs = -Infinity
  private readonly clock: Clock
  private readonly read: () => Promise<unknown>
  private reading = false
  private readonly cancel: Cancel

  constructor(clock: Clock, timers: Timers, read: () => Promise<unknown>) {
    this.clock = clock
    this.read = read
    this.cancel = timers.every(EVERY_MS, () => this.look())
    this.look()
  }

  /** Asks now, unless a question is under way. */
  look(): void {
    if (this.reading) return
    this.reading = true
    const askedAtMs = this.clock.monotonicMs()
    this.read()
      .then(
        () => {
          this.caughtUpAtMs = askedAtMs
        },
        () => undefined, // no quorum: readiness sees that time passes
      )
      .finally(() => {
        this.reading = false
      })
  }

  stop(): void {
    this.cancel()
  }
}

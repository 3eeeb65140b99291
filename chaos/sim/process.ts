import type { Cancel, Clock, Timers } from '../../src/base/clock.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'

/** A turn of the event loop takes so long: nothing spins for ever at one instant. */
const TURN_MS = 0.01

export interface ProcessEvents {
  /** Something in it threw where nobody catches: a real process ends here. */
  threw(error: Error): void
  /** The output at which it was to die has come. */
  reachedLastOutput(): void
}

/**
 * One operating-system process on the world's time: its clock, its timers, its death. A dead one runs
 * nothing and says nothing any more, whatever its promises still do; a paused one hears everything late.
 *
 *     RUNNING ─ pause ─► PAUSED ─ resume ─► RUNNING ─ end ─► DEAD
 */
export class SimProcess implements Clock, Timers {
  /** Wall clock against the world's, ms. */
  wallOffsetMs = 0
  private readonly time: VirtualTime
  private readonly events: ProcessEvents
  private dead = false
  private paused = false
  /** What fell due while it was paused. */
  private missed: (() => void)[] = []
  private outputsLeft = Infinity

  constructor(time: VirtualTime, events: ProcessEvents) {
    this.time = time
    this.events = events
  }

  get isDead(): boolean {
    return this.dead
  }

  get isPaused(): boolean {
    return this.paused
  }

  nowMs(): number {
    return Math.floor(this.time.nowMs() + this.wallOffsetMs)
  }

  monotonicMs(): number {
    return this.time.monotonicMs()
  }

  after(ms: number, fn: () => void): Cancel {
    let cancelled = false
    const cancel = this.time.after(Math.max(ms, 0), () =>
      this.run(() => {
        if (!cancelled) fn()
      }),
    )
    return () => {
      cancelled = true
      cancel()
    }
  }

  every(ms: number, fn: () => void): Cancel {
    let cancelled = false
    let waiting = false
    const cancel = this.time.every(ms, () => {
      if (this.dead) return cancel()
      if (waiting) return
      waiting = true
      this.run(() => {
        waiting = false
        if (!cancelled) fn()
      })
    })
    return () => {
      cancelled = true
      cancel()
    }
  }

  soon(fn: () => void): void {
    this.time.after(TURN_MS, () => this.run(fn))
  }

  /** Runs an event of this process: now, at its wake-up, or never. */
  run(fn: () => void): void {
    if (this.dead) return
    if (this.paused) {
      this.missed.push(fn)
      return
    }
    try {
      fn()
    } catch (error) {
      this.events.threw(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /** Resolves in this process after `ms`; never where it dies before. */
  sleep(ms: number): Promise<void> {
    return new Promise(resolve => this.after(ms, resolve))
  }

  /**
   * Asked before everything that the process does to its outside: a record, a write to disk, octets to
   * a socket. False: it did not live to do it.
   */
  mayAct(): boolean {
    if (this.dead) return false
    if (--this.outputsLeft >= 0) return true
    this.events.reachedLastOutput()
    return false
  }

  /** It dies at its next output but `count`. */
  dieAfterOutputs(count: number): void {
    this.outputsLeft = count
  }

  pause(): void {
    this.paused = true
  }

  /** Wakes up: everything it missed comes at once, in order. */
  resume(): void {
    if (!this.paused) return
    this.paused = false
    const missed = this.missed
    this.missed = []
    for (const fn of missed) this.time.after(TURN_MS, () => this.run(fn))
  }

  end(): void {
    this.dead = true
    this.missed = []
  }
}

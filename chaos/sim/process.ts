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
  /** What the monotonic clock of the process gains on the world's per ms. */
  private rate = 1
  /** Both clocks, when the rate changed last. */
  private since = { worldMs: 0, ownMs: 0 }
  /** What the clocks have gained so far: the wall clock loses it at its next setting. */
  private gainedMs = 0
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
    this.since = { worldMs: time.monotonicMs(), ownMs: time.monotonicMs() }
  }

  get isDead(): boolean {
    return this.dead
  }

  get isPaused(): boolean {
    return this.paused
  }

  nowMs(): number {
    const driftMs = this.monotonicMs() - this.time.monotonicMs() - this.gainedMs
    return Math.floor(this.time.nowMs() + this.wallOffsetMs + driftMs)
  }

  monotonicMs(): number {
    const { worldMs, ownMs } = this.since
    return ownMs + (this.time.monotonicMs() - worldMs) * this.rate
  }

  /** From now on the clocks of the process run at this rate. */
  setRate(rate: number): void {
    const ownMs = this.monotonicMs()
    this.since = { worldMs: this.time.monotonicMs(), ownMs }
    this.rate = rate
  }

  /** Time synchronisation has its way: the wall clock stands at `offsetMs` from the world's. */
  setWallOffset(offsetMs: number): void {
    this.gainedMs = this.monotonicMs() - this.time.monotonicMs()
    this.wallOffsetMs = offsetMs
  }

  after(ms: number, fn: () => void): Cancel {
    let cancelled = false
    const cancel = this.time.after(Math.max(ms, 0) / this.rate, () =>
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
    let cancel: Cancel = () => undefined
    const next = (): void => {
      cancel = this.time.after(ms / this.rate, () => {
        if (this.dead || cancelled) return
        next()
        if (waiting) return
        waiting = true
        this.run(() => {
          waiting = false
          if (!cancelled) fn()
        })
      })
    }
    next()
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

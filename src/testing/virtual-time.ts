import { Heap } from '../base/heap.js'
import { assert } from '../base/assert.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'

/** Timers run between two turns of the real event loop, by `advanceSettled`. */
const IMMEDIATES = 64

/**
 * A clock that moves only when told, and the timers that hang on it. Deterministic: timers due at
 * the same instant run in the order they were set, and what was asked for `soon` runs before time
 * moves on. Hand it in both as `clock` and as `timers`.
 *
 *     const time = new VirtualTime()
 *     time.after(100, () => t.pass('a tenth of a second later'))
 *     time.advance(100)
 */
export class VirtualTime implements Clock, Timers {
  private wallMs: number
  private monoMs = 0
  private order = 0
  /** Cancelled timers stay until they come up. */
  private readonly heap = new Heap<Timer>(isBefore)
  private soonQueue: (() => void)[] = []

  /** @param startMs  the wall clock at the start, ms since the Unix epoch */
  constructor(startMs: number = Date.UTC(2026, 0, 1)) {
    this.wallMs = startMs
  }

  nowMs(): number {
    return this.wallMs
  }

  monotonicMs(): number {
    return this.monoMs
  }

  after(ms: number, fn: () => void): Cancel {
    return this.schedule(ms, undefined, fn)
  }

  every(ms: number, fn: () => void): Cancel {
    assert(ms > 0, 'an interval must be longer than 0 ms')
    return this.schedule(ms, ms, fn)
  }

  soon(fn: () => void): void {
    this.soonQueue.push(fn)
  }

  /**
   * Runs what was asked for `soon`, and what that asks for, until nothing is left.
   * Throws after 100,000 rounds: something asks for itself for ever.
   */
  turn(): void {
    for (let rounds = 0; this.soonQueue.length > 0; rounds++) {
      assert(rounds < 100_000, 'soon() asks for itself for ever')
      const queue = this.soonQueue
      this.soonQueue = []
      for (const fn of queue) fn()
    }
  }

  /** Moves both clocks on by `ms`, running on the way everything that falls due, `soon` included. */
  advance(ms: number): void {
    const untilMs = this.monoMs + ms
    this.turn()
    for (let next = this.peek(); next !== undefined && next.dueMs <= untilMs; next = this.peek()) {
      this.moveTo(next.dueMs)
      this.run(this.heap.pop()!)
      this.turn()
    }
    this.moveTo(untilMs)
  }

  /**
   * As `advance`, but lets promises settle after each timer: for code under test that awaits.
   * Between timers it yields to the real event loop once, so that real I/O is not starved.
   */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.monoMs + ms
    await this.settle()
    for (let next = this.peek(); next !== undefined && next.dueMs <= untilMs; next = this.peek()) {
      this.moveTo(next.dueMs)
      this.run(this.heap.pop()!)
      await this.settle()
    }
    this.moveTo(untilMs)
  }

  /**
   * As `advanceAsync`, several times faster, for code under test that does no real I/O: promises settle after
   * each timer (Node drains them between two immediates), but the event loop gets a turn only once in a while.
   */
  advanceSettled(ms: number): Promise<void> {
    const untilMs = this.monoMs + ms
    return new Promise((resolve, reject) => {
      let over = false
      let left = 0
      const end = (settle: () => void): void => {
        over = true
        settle()
      }
      const step = (): void => {
        if (over) return
        try {
          this.turn()
          const next = this.peek()
          if (next === undefined || next.dueMs > untilMs) {
            this.moveTo(untilMs)
            return end(resolve)
          }
          this.moveTo(next.dueMs)
          this.run(this.heap.pop()!)
        } catch (error) {
          return end(() => reject(error instanceof Error ? error : new Error(String(error))))
        }
        if (--left <= 0) more()
      }
      const more = (): void => {
        left = IMMEDIATES
        for (let i = 0; i < IMMEDIATES; i++) setImmediate(step)
      }
      more()
    })
  }

  /** Sets the wall clock alone, as a time server would: the monotonic clock goes on as it was. */
  jumpWallTo(nowMs: number): void {
    this.wallMs = nowMs
  }

  /** Ms until the next timer is due, or undefined when none is set. */
  get nextInMs(): number | undefined {
    const next = this.peek()
    return next === undefined ? undefined : next.dueMs - this.monoMs
  }

  /** Timers set and neither run nor taken back: a test's check that nothing leaks. */
  get pending(): number {
    return this.heap.all.filter(timer => !timer.cancelled).length
  }

  private async settle(): Promise<void> {
    this.turn()
    await new Promise<void>(resolve => setImmediate(resolve))
    this.turn()
  }

  private schedule(ms: number, everyMs: number | undefined, fn: () => void): Cancel {
    const timer: Timer = {
      dueMs: this.monoMs + Math.max(0, ms),
      order: this.order++,
      everyMs,
      fn,
      cancelled: false,
    }
    this.heap.push(timer)
    return () => {
      timer.cancelled = true
    }
  }

  private run(timer: Timer): void {
    if (timer.everyMs !== undefined) {
      timer.dueMs += timer.everyMs
      timer.order = this.order++
      this.heap.push(timer)
    }
    timer.fn()
  }

  private moveTo(monotonicMs: number): void {
    this.wallMs += monotonicMs - this.monoMs
    this.monoMs = monotonicMs
  }

  private peek(): Timer | undefined {
    while (this.heap.peek()?.cancelled === true) this.heap.pop()
    return this.heap.peek()
  }
}

interface Timer {
  dueMs: number
  order: number
  everyMs: number | undefined
  fn: () => void
  cancelled: boolean
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order)
}

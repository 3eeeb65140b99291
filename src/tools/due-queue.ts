import type { Cancel, Clock, Timers } from '../base/clock.js'

/**
 * Many things that are due later, in order of their due time to the millisecond, with one timer for
 * all of them: a bucket a millisecond, looked at every `stepMs` while there are any.
 */
export class DueQueue<T> {
  private readonly buckets = new Map<number, T[]>()
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly take: (item: T) => void
  private nextMs = 0
  private size = 0
  private cancel: Cancel | undefined

  /** @param take  gets each item when it is due */
  constructor(clock: Clock, timers: Timers, take: (item: T) => void) {
    this.clock = clock
    this.timers = timers
    this.take = take
  }

  get length(): number {
    return this.size
  }

  add(delayMs: number, item: T): void {
    const nowMs = Math.floor(this.clock.monotonicMs())
    if (this.size++ === 0) {
      this.nextMs = nowMs
      this.cancel ??= this.timers.every(STEP_MS, () => this.run())
    }
    const dueMs = Math.max(this.nextMs, nowMs + Math.ceil(delayMs))
    const bucket = this.buckets.get(dueMs)
    if (bucket === undefined) this.buckets.set(dueMs, [item])
    else bucket.push(item)
  }

  /** Forgets everything. */
  clear(): void {
    this.buckets.clear()
    this.size = 0
    this.cancel?.()
    this.cancel = undefined
  }

  private run(): void {
    const nowMs = Math.floor(this.clock.monotonicMs())
    while (this.nextMs <= nowMs && this.size > 0) {
      const bucket = this.buckets.get(this.nextMs)
      this.buckets.delete(this.nextMs)
      this.nextMs++ // what `take` adds now is due in the next bucket at the earliest
      if (bucket === undefined) continue
      this.size -= bucket.length
      for (const item of bucket) this.take(item)
    }
    if (this.size === 0) this.clear()
  }
}

const STEP_MS = 2

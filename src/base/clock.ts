/** Reads time. Nothing that decides may read it any other way. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch, UTC; may jump. For time stamps and validity periods. */
  nowMs(): number
  /** Milliseconds (fractional) since an arbitrary start; never goes back. For timeouts and latency. */
  monotonicMs(): number
}

/** Takes back a timer; taking it back twice, or after it ran, does nothing. */
export type Cancel = () => void

/** Runs things later. Simulations hand in a virtual one. */
export interface Timers {
  /** Runs `fn` once, `ms` milliseconds from now. */
  after(ms: number, fn: () => void): Cancel
  /** Runs `fn` every `ms` milliseconds; a late run does not pile up. */
  every(ms: number, fn: () => void): Cancel
  /** Runs `fn` when the current turn of the event loop has handled the I/O that is ready. */
  soon(fn: () => void): void
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
}

export const systemTimers: Timers = {
  after(ms, fn) {
    const timer = setTimeout(fn, ms)
    return () => clearTimeout(timer)
  },
  every(ms, fn) {
    const timer = setInterval(fn, ms)
    return () => clearInterval(timer)
  },
  soon(fn) {
    setImmediate(fn)
  },
}

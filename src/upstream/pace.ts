import type { Bucket } from '../policy/throttle.js'
import { bucket, takeUpTo, waitMs } from '../policy/throttle.js'

/** One step down per this long: a burst of ESME_RTHROTTLED is one event. */
const SLOW_EVERY_MS = 500
/** Without throttling this long, the pace rises again. */
const QUIET_MS = 1000
/** Below this share of what was written, refusals are single messages' (a full mailbox), not the pace's. */
const THROTTLED_SHARE = 0.1
/** Up to what was too fast the pace rises by this share of it each second, and beyond by this share of itself. */
const STEP_SHARE = 1 / 20
const GROWTH = 0.5
/** Without a limit the pace is free again when it has come to so many times what was written at first. */
const FREE_AT = 4
/** A burst is 50 ms' worth of messages. */
const BURSTS_PER_SECOND = 20

/**
 * How fast a connector may send: the limit of its settings, and below it what the SMSC has shown to take.
 * Throttling that meets a tenth of the messages or more halves the pace, down to 1/s. After a quiet
 * second it rises each second: by a twentieth of what was too fast until it is there again, carefully, as an
 * SMSC with a limit would throttle there again; beyond that by a half of itself, since an SMSC that takes
 * more has got over what ailed it, be it a minute of refusing all. It is over when the pace is back at the limit
 * (without one: at four times what was written when the throttling began).
 * All times are monotonic milliseconds.
 */
export class Pace {
  private limit: number | null
  /** Below the limit, while the SMSC throttles; null: it does not. */
  private slowed: number | null = null
  /** What the SMSC throttled last, and what was too fast when it began to. */
  private tooFast = 0
  private tooFastAtFirst = 0
  private slowedAtMs = -Infinity
  private raisedAtMs: number
  private tokens: Bucket
  // what went out lately, to know the pace of a connector without a limit
  private countedFromMs: number
  private counted = 0
  private lastRate = 0
  private messages = 0
  private lastMessages = 0
  private throttles = 0
  private lastThrottles = 0

  /** Begins with one token, so that a home that takes over does not begin with a burst. */
  constructor(limitPerSecond: number | null, atMs: number) {
    this.limit = usable(limitPerSecond)
    this.raisedAtMs = this.countedFromMs = atMs
    this.tokens = filled(this.limit, 1, atMs)
  }

  /** Messages per second; null: no limit. */
  get perSecond(): number | null {
    if (this.slowed === null) return this.limit
    return this.limit === null ? this.slowed : Math.min(this.slowed, this.limit)
  }

  /**
   * The way to the SMSC is open, or open again: nothing was gained while there was none, so that what has waited
   * does not leave in a burst.
   */
  begin(atMs: number): void {
    if (this.tokens.ratePerSecond !== null) this.tokens = filled(this.perSecond, 1, atMs)
  }

  /**
   * How many messages may be claimed and not yet written: enough for twice the time that a claim takes, a
   * tenth of a second's worth at least and a second's at most.
   */
  ahead(claimMs: number): number {
    const rate = this.perSecond
    if (rate === null) return Infinity
    return Math.max(1, Math.ceil((rate * Math.min(Math.max(100, 2 * claimMs), 1000)) / 1000))
  }

  setLimit(limitPerSecond: number | null, atMs: number): void {
    if (usable(limitPerSecond) === this.limit) return
    this.limit = usable(limitPerSecond)
    this.refit(atMs)
  }

  /** Takes up to `wanted` tokens; `giveBack` returns what was not used, or takes what was used beyond. */
  take(wanted: number, atMs: number): number {
    if (this.tokens.ratePerSecond === null) return wanted
    const [next, got] = takeUpTo(this.tokens, wanted, atMs)
    this.tokens = next
    return got
  }

  giveBack(count: number): void {
    if (count === 0 || this.tokens.ratePerSecond === null) return
    const { burst, tokens } = this.tokens
    this.tokens = { ...this.tokens, tokens: Math.min(burst, tokens + count) }
  }

  /** Milliseconds until there is a token. */
  waitMs(atMs: number): number {
    return waitMs(this.tokens, atMs)
  }

  /** Says how many messages were written, and the tokens that they took. */
  wrote(messages: number, tokens: number, atMs: number): void {
    const spanMs = atMs - this.countedFromMs
    if (spanMs >= 1000) {
      this.lastRate = (this.counted * 1000) / spanMs
      this.counted = 0
      this.lastMessages = this.messages
      this.messages = 0
      this.lastThrottles = this.throttles
      this.throttles = 0
      this.countedFromMs = atMs
    }
    this.counted += tokens
    this.messages += messages
  }

  /** The SMSC said ESME_RTHROTTLED or ESME_RMSGQFUL. */
  slow(atMs: number): void {
    this.raisedAtMs = atMs // it does not rise while it is throttled
    this.throttles++
    const share = (this.throttles + this.lastThrottles) / (this.messages + this.lastMessages)
    if (atMs - this.slowedAtMs < SLOW_EVERY_MS || share < THROTTLED_SHARE) return
    this.tooFast = this.perSecond ?? this.measured(atMs)
    if (this.slowed === null) this.tooFastAtFirst = this.tooFast
    this.slowed = Math.max(1, this.tooFast / 2)
    this.slowedAtMs = atMs
    this.refit(atMs)
  }

  /** Lets the pace rise when it is time; call it about once a second. */
  recover(atMs: number): void {
    if (this.slowed === null || atMs - this.raisedAtMs < QUIET_MS) return
    this.raisedAtMs = atMs
    const step = this.slowed < this.tooFast ? this.tooFast * STEP_SHARE : this.slowed * GROWTH
    this.slowed += Math.max(1, step)
    if (this.slowed >= (this.limit ?? FREE_AT * this.tooFastAtFirst)) this.slowed = null
    this.refit(atMs)
  }

  private measured(atMs: number): number {
    const spanMs = Math.max(100, atMs - this.countedFromMs)
    return Math.max(2, this.lastRate, (this.counted * 1000) / spanMs)
  }

  private refit(atMs: number): void {
    const [now] = takeUpTo(this.tokens, 0, atMs)
    this.tokens = filled(this.perSecond, now.ratePerSecond === null ? 1 : now.tokens, atMs)
  }
}

function filled(rate: number | null, tokens: number, atMs: number): Bucket {
  const full = bucket(rate, atMs, (rate ?? 0) / BURSTS_PER_SECOND)
  return { ...full, tokens: Math.min(full.burst, tokens) }
}

const usable = (rate: number | null): number | null => (rate !== null && rate > 0 ? rate : null)

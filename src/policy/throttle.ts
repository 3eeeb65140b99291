/** A token bucket: plain data, so that it can be tested without waiting. */
export interface Bucket {
  /** Null: no limit. */
  ratePerSecond: number | null
  /** Most tokens it holds; at least 1, or a rate below 1/s would never pass anything. */
  burst: number
  /** Below 0 after what cost more than there were. */
  tokens: number
  /** Monotonic milliseconds of the last filling. */
  filledAtMs: number
}

/**
 * A full bucket.
 *
 * @param ratePerSecond  null or not above 0: no limit (PITFALLS 16: never a division by zero)
 * @param burst          default: a tenth of a second's worth; raised to 1
 */
export function bucket(ratePerSecond: number | null, atMs: number, burst?: number): Bucket {
  const rate = ratePerSecond !== null && ratePerSecond > 0 ? ratePerSecond : null
  const most = Math.max(1, burst ?? (rate ?? 0) / 10)
  return { ratePerSecond: rate, burst: most, tokens: most, filledAtMs: atMs }
}

/**
 * Takes as many tokens as a message costs, or none. One that costs more than the burst passes when the bucket is full, and what
 * comes after it waits until that is made up for. `atMs` is monotonic; a step back in time gains nothing and costs nothing.
 */
export function take(from: Bucket, atMs: number, cost = 1): [Bucket, 'pass' | 'throttled'] {
  if (from.ratePerSecond === null) return [from, 'pass']
  const filled = refill(from, from.ratePerSecond, atMs)
  if (filled.tokens < Math.min(cost, filled.burst) - ROUNDING) return [filled, 'throttled']
  return [{ ...filled, tokens: without(filled.tokens, cost) }, 'pass']
}

/** Takes up to `wanted` whole tokens. Returns how many it got: all of them where there is no limit. */
export function takeUpTo(from: Bucket, wanted: number, atMs: number): [Bucket, number] {
  if (from.ratePerSecond === null) return [from, wanted]
  const filled = refill(from, from.ratePerSecond, atMs)
  const got = Math.max(0, Math.min(wanted, Math.floor(filled.tokens + ROUNDING)))
  return [{ ...filled, tokens: without(filled.tokens, got) }, got]
}

/** Milliseconds until there is a token; 0 when there is one now. */
export function waitMs(of: Bucket, atMs: number): number {
  if (of.ratePerSecond === null) return 0
  const { tokens } = refill(of, of.ratePerSecond, atMs)
  return tokens >= 1 - ROUNDING ? 0 : ((1 - tokens) * 1000) / of.ratePerSecond
}

/** The same bucket under another rate: what was gained so far stays, up to the new burst. */
export function withRate(of: Bucket, ratePerSecond: number | null, atMs: number): Bucket {
  const next = bucket(ratePerSecond, atMs)
  if (of.ratePerSecond === null || next.ratePerSecond === null) return next
  const { tokens } = refill(of, of.ratePerSecond, atMs)
  return { ...next, tokens: Math.min(next.burst, tokens) }
}

/** Sums of fractions fall short of 1 by some 1e-16; such a token counts. */
const ROUNDING = 1e-9

function without(tokens: number, cost: number): number {
  const left = tokens - cost
  return left < 0 && left > -ROUNDING ? 0 : left
}

function refill(of: Bucket, ratePerSecond: number, atMs: number): Bucket {
  const gained = (Math.max(0, atMs - of.filledAtMs) * ratePerSecond) / 1000
  return {
    ...of,
    tokens: Math.min(of.burst, of.tokens + gained),
    filledAtMs: Math.max(of.filledAtMs, atMs),
  }
}

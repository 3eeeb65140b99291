/** A distribution of durations, in milliseconds. */
export interface Quantiles {
  count: number
  mean: number
  p50: number
  p90: number
  p95: number
  p99: number
  p999: number
  max: number
}

/**
 * Durations in buckets whose width grows with the value: exact to 1 µs below 256 µs, to 0.8 % above.
 * The idea is HdrHistogram's. Size is fixed (26 kB), whatever is recorded; up to 19 hours.
 */
export class Histogram {
  private readonly counts = new Float64Array(BUCKETS)
  private total = 0
  private sumMs = 0
  private maxMs = 0

  /** @param ms  milliseconds, fractional; below 0 counts as 0 */
  record(ms: number): void {
    if (!(ms > 0)) ms = 0
    this.counts[bucketOf(Math.round(ms * 1000))]!++
    this.total++
    this.sumMs += ms
    if (ms > this.maxMs) this.maxMs = ms
  }

  get count(): number {
    return this.total
  }

  get max(): number {
    return this.maxMs
  }

  get mean(): number {
    return this.total === 0 ? 0 : this.sumMs / this.total
  }

  /**
   * The value that a share of all does not exceed, in ms: the middle of its bucket, and never more
   * than the largest recorded. 0 where nothing was recorded.
   */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.total))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.counts[bucket]!
      if (seen >= rank) return Math.min(this.maxMs, middleOf(bucket) / 1000)
    }
    return 0
  }

  quantiles(): Quantiles {
    const at = (share: number): number => round(this.quantile(share))
    return {
      count: this.total,
      mean: round(this.mean),
      p50: at(0.5),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      p999: at(0.999),
      max: round(this.maxMs),
    }
  }

  clear(): void {
    this.counts.fill(0)
    this.total = 0
    this.sumMs = 0
    this.maxMs = 0
  }
}

/** Values below 2 × SUB have a bucket each; above, each doubling is cut into SUB buckets. */
const SUB_BITS = 7
const SUB = 1 << SUB_BITS
const DOUBLINGS = 29
const BUCKETS = (DOUBLINGS + 1) * SUB

function bucketOf(us: number): number {
  if (us < SUB) return us
  const doublings = Math.min(DOUBLINGS - 1, Math.floor(Math.log2(us)) - SUB_BITS)
  const sub = Math.min(SUB - 1, Math.floor(us / 2 ** doublings) - SUB)
  return (doublings + 1) * SUB + sub
}

function middleOf(bucket: number): number {
  if (bucket < SUB) return bucket
  const doublings = Math.floor(bucket / SUB) - 1
  const width = 2 ** doublings
  return (SUB + (bucket % SUB)) * width + (width - 1) / 2
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000
}

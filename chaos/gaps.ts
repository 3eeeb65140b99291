/**
 * The longest pause between neighbours of `times` that ends after `fromMs` and begins before
 * `untilMs`; a pause that has not ended counts up to `untilMs`. Null: nothing came at all.
 *
 * @param times  in order, beginning some time before `fromMs`
 */
export function longestGap(
  times: readonly number[],
  fromMs: number,
  untilMs: number,
): { atMs: number; ms: number } | null {
  let longest: { atMs: number; ms: number } | null = null
  times.forEach((atMs, i) => {
    const next = times[i + 1] ?? untilMs
    const counts = atMs < untilMs && next > fromMs && next > atMs
    if (counts && next - atMs > (longest?.ms ?? -1)) longest = { atMs, ms: next - atMs }
  })
  return longest
}

export interface Spread {
  count: number
  p50: number
  p95: number
  max: number
}

/** Of samples in any order; by nearest rank. Null where there are none. */
export function spread(samples: readonly number[]): Spread | null {
  if (samples.length === 0) return null
  const sorted = [...samples].sort((a, b) => a - b)
  return {
    count: sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    max: sorted.at(-1)!,
  }
}

/** Nearest rank; `sorted` has at least one. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

/** The one line of figures that `redis-benchmark --csv` prints of a test. */
export interface RedisFigures {
  perSecond: number
  meanMs: number
  p50: number
  p95: number
  p99: number
  max: number
}

/**
 * Reads `"test","rps","avg_latency_ms","min_latency_ms","p50_…","p95_…","p99_…","max_…"` and the line below.
 * @returns undefined where there is no such line, as of a version before 6.2
 */
export function parseBenchmark(output: string): RedisFigures | undefined {
  const row = output
    .split('\n')
    .map(line => line.split(',').map(cell => cell.replaceAll('"', '')))
    .find(cells => cells.length === 8 && cells[0] !== 'test')
  if (row === undefined) return undefined
  const [perSecond, meanMs, , p50, p95, p99, max] = row.slice(1).map(Number)
  const figures = { perSecond, meanMs, p50, p95, p99, max } as RedisFigures
  return Object.values(figures).every(Number.isFinite) ? figures : undefined
}

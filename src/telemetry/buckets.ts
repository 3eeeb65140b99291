import type { Histogram } from '../base/metrics.js'

/** Upper bounds: a durable submit takes some milliseconds, a failover some hundred. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10] as const

/** One child of a histogram, in plain numbers: observing is a short walk and two additions. */
export class Buckets implements Histogram {
  readonly labels: Readonly<Record<string, string>>
  /** By bucket, each for itself; the last for what is above all bounds. */
  private readonly counts = new Float64Array(SECONDS.length + 1)
  private sum = 0

  constructor(labels: Readonly<Record<string, string>>) {
    this.labels = labels
  }

  observe(value: number): void {
    let i = 0
    while (i < SECONDS.length && value > SECONDS[i]!) i++
    this.counts[i]!++
    this.sum += value
  }

  /** Its lines of Prometheus text: buckets count what is in smaller ones too. */
  lines(name: string): string[] {
    const labels = Object.entries(this.labels).map(
      ([label, value]) => `${label}="${escaped(value)}"`,
    )
    const lines: string[] = []
    let count = 0
    for (const [i, own] of this.counts.entries()) {
      count += own
      const le = `le="${SECONDS[i] ?? '+Inf'}"`
      lines.push(`${name}_bucket{${[le, ...labels].join(',')}} ${count}`)
    }
    const braces = labels.length > 0 ? `{${labels.join(',')}}` : ''
    return [...lines, `${name}_sum${braces} ${this.sum}`, `${name}_count${braces} ${count}`]
  }
}

/** A whole histogram as Prometheus text format 0.0.4. */
export function histogramText(name: string, help: string, children: readonly Buckets[]): string {
  const head = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`]
  return [...head, ...children.flatMap(child => child.lines(name)), ''].join('\n')
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}

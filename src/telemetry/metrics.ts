import * as prom from 'prom-client'
import {
  METRICS,
  type Counter,
  type CounterName,
  type Gauge,
  type GaugeName,
  type Histogram,
  type HistogramName,
  type LabelsOf,
  type MetricName,
  type Metrics,
} from '../base/metrics.js'

/** The metrics of one node, kept as plain numbers and turned into Prometheus text when asked. */
export class PrometheusMetrics implements Metrics {
  private readonly registry = new prom.Registry()
  private readonly children = new Map<string, Child>()
  private readonly families = new Map<MetricName, prom.Metric>()
  private readonly sizes = new Map<MetricName, number>()

  /** @param process  also report the process's memory, CPU, event loop and garbage collection */
  constructor(options: { process: boolean } = { process: false }) {
    if (options.process) prom.collectDefaultMetrics({ register: this.registry, prefix: PREFIX })
  }

  counter<N extends CounterName>(name: N, labels: LabelsOf<N>): Counter {
    return this.child(name, labels, (family, values) => new CounterChild(family, values))
  }

  gauge<N extends GaugeName>(name: N, labels: LabelsOf<N>): Gauge {
    return this.child(name, labels, (family, values) => new GaugeChild(family, values))
  }

  histogram<N extends HistogramName>(name: N, labels: LabelsOf<N>): Histogram {
    return this.child(name, labels, (family, values) => new HistogramChild(family, values))
  }

  /** Prometheus text format 0.0.4. */
  async text(): Promise<string> {
    for (const child of this.children.values()) child.export()
    return this.registry.metrics()
  }

  /** For the content-type header of `text`. */
  get contentType(): string {
    return this.registry.contentType
  }

  private child<C extends Child>(
    name: MetricName,
    labels: Record<string, string>,
    make: (family: never, labels: Record<string, string>) => C,
  ): C {
    const key = keyOf(name, labels)
    const known = this.children.get(key)
    if (known !== undefined) return known as C
    const size = this.sizes.get(name) ?? 0
    if (size === CHILDREN_MAX) {
      // A label that peers can invent values for must not fill our memory, or the operator's.
      const other = Object.fromEntries(Object.keys(labels).map(label => [label, 'other']))
      const otherKey = keyOf(name, other)
      const rest = this.children.get(otherKey) ?? make(this.family(name) as never, other)
      this.children.set(otherKey, rest)
      return rest as C
    }
    const made = make(this.family(name) as never, labels)
    this.children.set(key, made)
    this.sizes.set(name, size + 1)
    return made
  }

  private family(name: MetricName): prom.Metric {
    const known = this.families.get(name)
    if (known !== undefined) return known
    const { kind, help, labels } = METRICS[name]
    const options = {
      name: PREFIX + name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
    }
    const made =
      kind === 'counter'
        ? new prom.Counter(options)
        : kind === 'gauge'
          ? new prom.Gauge(options)
          : new prom.Histogram({ ...options, buckets: SECONDS })
    this.families.set(name, made)
    return made
  }
}

const PREFIX = 'carillon_'
/** Label values a metric keeps; the rest are counted together as `other`. */
const CHILDREN_MAX = 10_000
/** A durable submit takes some milliseconds, a failover some hundred. */
const SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]

function keyOf(name: MetricName, labels: Record<string, string>): string {
  return [name, ...METRICS[name].labels.map((label: string) => labels[label] ?? '')].join('\0')
}

interface Child {
  /** Hands the numbers to prom-client. */
  export(): void
}

class CounterChild implements Counter, Child {
  private count = 0
  private exported = 0
  private readonly child: prom.Counter.Internal

  constructor(family: prom.Counter, labels: Record<string, string>) {
    this.child = family.labels(labels)
  }

  add(by = 1): void {
    this.count += by
  }

  export(): void {
    this.child.inc(this.count - this.exported)
    this.exported = this.count
  }
}

class GaugeChild implements Gauge, Child {
  private value = 0
  private readonly child: prom.Gauge.Internal<string>

  constructor(family: prom.Gauge, labels: Record<string, string>) {
    this.child = family.labels(labels)
  }

  set(value: number): void {
    this.value = value
  }

  export(): void {
    this.child.set(this.value)
  }
}

class HistogramChild implements Histogram, Child {
  private readonly child: prom.Histogram.Internal<string>

  constructor(family: prom.Histogram, labels: Record<string, string>) {
    this.child = family.labels(labels)
  }

  observe(value: number): void {
    this.child.observe(value)
  }

  export(): void {
    // prom-client holds the buckets themselves
  }
}

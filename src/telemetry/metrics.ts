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
import { Buckets, histogramText } from './buckets.js'

/** The metrics of one node, kept as plain numbers and turned into Prometheus text when asked. */
export class PrometheusMetrics implements Metrics {
  private readonly registry = new prom.Registry()
  private readonly children = new Map<string, Child>()
  private readonly families = new Map<MetricName, prom.Metric>()
  /** Not prom-client's: one of those costs a leader at full load 2 to 3 % of its time. */
  private readonly histograms = new Map<HistogramName, Buckets[]>()
  private readonly sizes = new Map<MetricName, number>()

  /** @param process  also report the process's memory, CPU, event loop and garbage collection */
  constructor(options: { process: boolean } = { process: false }) {
    for (const [name, { labels }] of Object.entries(METRICS))
      if (labels.length === 0) this.unlabelled(name as MetricName)
    if (options.process) prom.collectDefaultMetrics({ register: this.registry, prefix: PREFIX })
  }

  counter<N extends CounterName>(name: N, labels: LabelsOf<N>): Counter {
    return this.child(name, labels, (family, values) => new CounterChild(family, values))
  }

  gauge<N extends GaugeName>(name: N, labels: LabelsOf<N>): Gauge {
    return this.child(name, labels, (family, values) => new GaugeChild(family, values))
  }

  histogram<N extends HistogramName>(name: N, labels: LabelsOf<N>): Histogram {
    return this.child(name, labels, (_, values) => {
      const made = new Buckets(values)
      const others = this.histograms.get(name)
      if (others === undefined) this.histograms.set(name, [made])
      else others.push(made)
      return made
    })
  }

  /** Prometheus text format 0.0.4. */
  async text(): Promise<string> {
    for (const child of this.children.values()) if (!(child instanceof Buckets)) child.export()
    const histograms = [...this.histograms].map(([name, children]) =>
      histogramText(PREFIX + name, METRICS[name].help, children),
    )
    return [await this.registry.metrics(), ...histograms].join('\n')
  }

  /** For the content-type header of `text`. */
  get contentType(): string {
    return this.registry.contentType
  }

  /** There from the beginning: to a rule, what is not there yet is not 0. */
  private unlabelled(name: MetricName): void {
    const { kind } = METRICS[name]
    if (kind === 'histogram') this.histogram(name as HistogramName, {} as LabelsOf<HistogramName>)
    else if (kind === 'counter') this.counter(name as CounterName, {} as LabelsOf<CounterName>)
    else this.gauge(name as GaugeName, {} as LabelsOf<GaugeName>)
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

  /** Undefined for a histogram. */
  private family(name: MetricName): prom.Metric | undefined {
    const known = this.families.get(name)
    if (known !== undefined || METRICS[name].kind === 'histogram') return known
    const { kind, help, labels } = METRICS[name]
    const options = {
      name: PREFIX + name,
      help,
      labelNames: [...labels],
      registers: [this.registry],
    }
    const made = kind === 'counter' ? new prom.Counter(options) : new prom.Gauge(options)
    this.families.set(name, made)
    return made
  }
}

const PREFIX = 'carillon_'
/** Label values a metric keeps; the rest are counted together as `other`. */
const CHILDREN_MAX = 10_000

function keyOf(name: MetricName, labels: Record<string, string>): string {
  return [name, ...METRICS[name].labels.map((label: string) => labels[label] ?? '')].join('\0')
}

type Child = CounterChild | GaugeChild | Buckets

interface Exported {
  /** Hands the numbers to prom-client. */
  export(): void
}

class CounterChild implements Counter, Exported {
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

class GaugeChild implements Gauge, Exported {
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

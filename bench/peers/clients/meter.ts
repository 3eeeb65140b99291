import { Histogram, type Quantiles } from '../../../src/tools/histogram.js'

/** How long a load goes on, ms; what the warm-up did is not counted. */
export interface LoadTime {
  warmUpMs: number
  durationMs: number
}

/** What a load client saw between warm-up and end. */
export interface LoadReport {
  /** Answered, a second. */
  perSecond: number
  latencyMs: Quantiles
  /** What it was measured over, ms since the Unix epoch. */
  fromMs: number
  untilMs: number
  /** CPU time of the client over that time: 1 is a core. */
  clientCores: number
  /** What makes the figures doubtful, a sentence each. */
  problems: string[]
}

export interface MeterPorts {
  /** ms, monotonic. */
  nowMs: () => number
  /** CPU time of this process so far, ms. */
  cpuMs: () => number
  /** ms since the Unix epoch. */
  epochMs: () => number
}

/** Counts what is answered in `[warm-up, warm-up + duration)`; what was sent before and is answered then counts too. */
export class Meter {
  private readonly ports: MeterPorts
  private readonly fromMs: number
  private readonly untilMs: number
  private readonly durationMs: number
  private readonly epochMs: number
  private readonly latency = new Histogram()
  private items = 0
  private cpuBeforeMs: number | undefined
  private cpuAfterMs: number | undefined

  constructor({ warmUpMs, durationMs }: LoadTime, ports: MeterPorts) {
    this.ports = ports
    this.fromMs = ports.nowMs() + warmUpMs
    this.untilMs = this.fromMs + durationMs
    this.durationMs = durationMs
    this.epochMs = ports.epochMs() + warmUpMs
  }

  now(): number {
    return this.ports.nowMs()
  }

  /** Nothing more is to be sent. */
  get isOver(): boolean {
    return this.now() >= this.untilMs
  }

  /** An answer; `items` is what it stands for: 100 where it was a transaction of so many. */
  answered(sentAtMs: number, items = 1): void {
    const now = this.now()
    if (now < this.fromMs) return
    this.cpuBeforeMs ??= this.ports.cpuMs()
    if (now >= this.untilMs) {
      this.cpuAfterMs ??= this.ports.cpuMs()
      return
    }
    this.items += items
    this.latency.record(now - sentAtMs)
  }

  report(problems: readonly string[]): LoadReport {
    const cpuMs = (this.cpuAfterMs ?? this.ports.cpuMs()) - (this.cpuBeforeMs ?? 0)
    return {
      perSecond: Math.round((this.items * 1000) / this.durationMs),
      latencyMs: this.latency.quantiles(),
      fromMs: this.epochMs,
      untilMs: this.epochMs + this.durationMs,
      clientCores: Math.round((cpuMs * 100) / this.durationMs) / 100,
      problems: [...problems, ...(this.items === 0 ? ['nothing was answered'] : [])],
    }
  }
}

/** Of this process. */
export const PROCESS_PORTS: MeterPorts = {
  nowMs: () => performance.now(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
  epochMs: () => Date.now(),
}

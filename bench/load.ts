import type { EsmeReport } from '../src/tools/esme-report.js'
import type { SmscSecond } from '../src/tools/smsc-stats.js'

/** What a run sends and how it is measured. */
export interface LoadOptions {
  durationMs: number
  warmUpMs: number
  sessions: number
  window: number
  octets: number
}

/**
 * - `accept`: the connector has nobody to talk to; messages are taken, replicated and queued.
 * - `dispatch`: they go on to the SMSC.
 * - `receipts`: and receipts come back.
 */
export type Path = 'accept' | 'dispatch' | 'receipts'

/** How ESMEs reach the nodes: by TCP, by TLS, or through HAProxy, which tells their addresses by PROXY protocol v2. */
export type Way = 'tcp' | 'tls' | 'haproxy'

/** One run of the load client against one cluster. */
export interface Measurement {
  nodes: number
  path: Path
  way: Way
  /** Messages a second that were offered; null: as many as the windows allow. */
  rate: number | null
  /** Positive answers a second after the warm-up. */
  acceptedPerSecond: number
  refused: Record<string, number>
  /** Messages the SMSC took while they were sent, a second; null where there is none. */
  dispatchedPerSecond: number | null
  /** Least share of what was accepted that went out to the SMSC, over any five seconds. */
  dispatchedShareMin: number | null
  /** From the end of sending until nothing was queued or in flight; null: not waited for. */
  drainMs: number | null
  latencyMs: EsmeReport['latencyMs']
  receiptLatencyMs: EsmeReport['latencyMs'] | null
  longestGapMs: number
  /** CPU time of all nodes a message, after the warm-up, µs, threads and kernel included. */
  cpuUsPerMessage: number
  /** After the warm-up, to the end of sending, ms since the Unix epoch. */
  fromMs: number
  untilMs: number
  /** CPU time of the load client over that time: 1 is a core. */
  loadCores: number
  problems: string[]
}

/** Arguments of `carillon esme` for a run. */
export function esmeArguments(
  addresses: readonly string[],
  path: Path,
  rate: number | null,
  { durationMs, warmUpMs, sessions, window, octets }: LoadOptions,
): string[] {
  return [
    ...['--connect', addresses.join(',')],
    ...['--sessions', String(sessions), '--window', String(window), '--octets', String(octets)],
    ...['--duration', `${durationMs + warmUpMs}ms`, '--warmup', `${warmUpMs}ms`],
    ...(rate === null ? [] : ['--rate', `${rate}/s`]),
    ...(path === 'receipts' ? ['--settle', '120s'] : ['--no-receipts']),
  ]
}

/** A running sum, read at a time (ms since the Unix epoch). */
export interface Reading {
  atMs: number
  sum: number
}

/** What the SMSC had taken, second by second. */
export function takenBy(seconds: readonly SmscSecond[]): Reading[] {
  return seconds.map(({ atMs, accepted }) => ({ atMs, sum: accepted }))
}

/** A running sum at a time, between two readings by proportion. */
export function sumAt(readings: readonly Reading[], atMs: number): number {
  let before: Reading | undefined
  for (const reading of readings) {
    if (reading.atMs >= atMs) {
      if (before === undefined) return reading.sum
      const part = (atMs - before.atMs) / (reading.atMs - before.atMs)
      return before.sum + part * (reading.sum - before.sum)
    }
    before = reading
  }
  return before?.sum ?? 0
}

/**
 * The least of (sent to the SMSC) / (accepted), over any `spanMs` within `[fromMs, toMs)`, where
 * `acceptedPerSecond` were accepted. Null where the time is shorter.
 */
export function shareMin(
  taken: readonly Reading[],
  fromMs: number,
  toMs: number,
  spanMs: number,
  acceptedPerSecond: number,
): number | null {
  const accepted = (acceptedPerSecond * spanMs) / 1000
  let least: number | null = null
  for (let at = fromMs; accepted > 0 && at + spanMs <= toMs; at += 250) {
    const share = (sumAt(taken, at + spanMs) - sumAt(taken, at)) / accepted
    if (least === null || share < least) least = share
  }
  return least === null ? null : Math.round(least * 100) / 100
}

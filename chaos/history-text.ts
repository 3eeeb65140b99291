import type { Io } from '../src/cli/io.js'
import { tableText } from '../src/cli/table.js'
import type { Spread } from './gaps.js'
import type { HistoryLine } from './history.js'
import type { NetworkKind } from './network/choice.js'

/** A row for each run. */
export function runsText(lines: readonly HistoryLine[], paint: Io['paint']): string {
  return tableText(
    lines,
    {
      drill: placedName,
      started: line => line.startedAt.slice(0, 19),
      build: line => line.commit ?? '-',
      result: line => line.result,
      s: line => Math.round(line.tookMs / 1000),
      rate: line => line.rate,
      faults: line => line.faults,
      acknowledged: line => line.acknowledged,
      lost: line => line.lost,
      'twice/bound': line => `${line.duplicatedUpstream}/${line.duplicateBound}`,
      'gap surviving': line => spreadText(line.spreads.survivingGapMs),
      'new leader': line => spreadText(line.spreads.newLeaderMs),
      'bind_resp to ESME_ROK': line => spreadText(line.spreads.okAfterBindMs),
      'failed, missed': line => line.reason ?? [...line.failed, ...line.missed].join('; '),
    },
    paint,
  )
}

/** In namespaces, a drill of the network is another one than by proxies: its times are not compared with theirs. */
export const placedName = (run: { drill: string; network?: NetworkKind }): string =>
  run.network === 'namespaces' ? `${run.drill}, namespaces` : run.drill

/** A row for each drill: how often it ran and passed, and where its times went. */
export function trendsText(lines: readonly HistoryLine[], paint: Io['paint']): string {
  const rows = [...groups(lines, placedName)].map(([drill, all]) => ({
    drill,
    all,
    ran: all.filter(({ result }) => result === 'passed' || result === 'failed'),
  }))
  const gaps = (ran: readonly HistoryLine[]): number[] =>
    ran.flatMap(({ spreads }) => spreads.survivingGapMs?.p50 ?? [])
  const leaders = (ran: readonly HistoryLine[]): number[] =>
    ran.flatMap(({ spreads }) => spreads.newLeaderMs?.p50 ?? [])
  const rebinds = (ran: readonly HistoryLine[]): number[] =>
    ran.flatMap(({ spreads }) => spreads.okAfterBindMs?.p95 ?? [])
  return tableText(
    rows,
    {
      drill: ({ drill }) => drill,
      runs: ({ ran }) => ran.length,
      passed: ({ ran }) => ran.filter(({ result }) => result === 'passed').length,
      faults: ({ ran }) => sum(ran, line => line.faults),
      acknowledged: ({ ran }) => sum(ran, line => line.acknowledged),
      lost: ({ ran }) => sum(ran, line => line.lost),
      'gap surviving, p50 ms': ({ ran }) => trend(gaps(ran)),
      'new leader, p50 ms': ({ ran }) => trend(leaders(ran)),
      'bind_resp to ESME_ROK, p95 ms': ({ ran }) => trend(rebinds(ran)),
      last: ({ all }) => `${all.at(-1)!.startedAt.slice(0, 16)} ${all.at(-1)!.result}`,
    },
    paint,
  )
}

/**
 * `▂▃█▂ 158 → 140 (-11 %)`: the last twelve values, the median of those before the last one, the last.
 * One value stands alone; none is `-`.
 */
export function trend(values: readonly number[]): string {
  const last = values.at(-1)
  if (last === undefined) return '-'
  const before = values.slice(-SHOWN, -1).sort((a, b) => a - b)
  const median = before[(before.length - 1) >> 1]
  if (median === undefined) return String(Math.round(last))
  const change = median === 0 ? '' : ` (${signed(Math.round((100 * (last - median)) / median))} %)`
  return `${bars(values.slice(-SHOWN))} ${Math.round(median)} → ${Math.round(last)}${change}`
}

/** `p50/p95/max ms of count`; one sample stands alone. */
export function spreadText(spread: Spread | null): string {
  if (spread === null) return '-'
  const { count, p50, p95, max } = spread
  const ms = (value: number): string => String(Math.round(value))
  return count === 1 ? `${ms(p50)} ms` : `${ms(p50)}/${ms(p95)}/${ms(max)} ms of ${count}`
}

/** In the order in which the keys first appear. */
export function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = found.get(key)
    if (group === undefined) found.set(key, [item])
    else group.push(item)
  }
  return found
}

export const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0)

const SHOWN = 12
const BARS = '▁▂▃▄▅▆▇█'

function bars(values: readonly number[]): string {
  const top = Math.max(1, ...values)
  return values.map(value => BARS[Math.min(7, Math.floor((value / top) * 8))]!).join('')
}

const signed = (value: number): string => (value > 0 ? `+${value}` : String(value))

import { grouped, msText } from '../../src/tools/units.js'
import { machineText, type Machine } from '../machine.js'
import { plainTable, trimmed } from '../report.js'
import {
  figureOf,
  spread,
  windowText,
  type Compared,
  type Figure,
  type Row,
  type Spread,
} from './ratios.js'

export interface PeersReport {
  machine: Machine
  settings: { rounds: number; warmUpMs: number; durationMs: number; octets: number }
  /** By system: what it is, and its version. */
  systems: { name: string; title: string; version: string }[]
  rows: Row[]
  comparisons: Compared[]
  /** Whether clients had enough in flight; see windowText. */
  windows: string[]
}

/** @param inFlight  of Carillon's load client, and of the connector to the SMSC */
export function windowsOf(
  rows: readonly Row[],
  inFlight: { esme: number; connector: number },
): string[] {
  const rate = (workload: string): number => {
    const row = rows.find(row => row.system === 'carillon-3' && row.workload === workload)
    return medianOf(row, 'perSecond') ?? 0
  }
  const most = Math.max(rate('accept'), rate('dispatch'), rate('receipts'))
  if (most === 0) return []
  return [
    windowText('load client, sessions × window', inFlight.esme, most),
    windowText('connector, binds × window', inFlight.connector, rate('dispatch')),
  ]
}

export function peersText(report: PeersReport): string {
  const { machine, settings, systems, comparisons, windows } = report
  const seconds = (ms: number): string => `${ms / 1000} s`
  const measured =
    `${settings.rounds} rounds, ${seconds(settings.durationMs)} each after ` +
    `${seconds(settings.warmUpMs)} of warm-up, ${settings.octets} octets`
  const titles = systems.map(({ name, title, version }) =>
    `${name}: ${title}${version === '' ? '' : ` (${version})`}`.trim(),
  )
  return [
    `${machineText(machine)}\n${measured}`,
    titles.join('\n'),
    rowsText(report.rows),
    comparisons.length === 0 ? '' : comparisonsText(comparisons),
    windows.join('\n'),
  ]
    .filter(part => part !== '')
    .join('\n\n')
}

function rowsText(rows: readonly Row[]): string {
  const table = plainTable([
    ...['system', 'workload', 'a second', 'min–max', 'to SMSC/s', 'p50', 'p99'],
    ...['cores: system', 'client', 'machine', 'client, and remarks'],
  ])
  for (const row of rows) {
    const samples = row.samples.filter(sample => sample !== undefined)
    const problems = [...new Set(samples.flatMap(({ problems }) => problems))]
    const remarks = [row.client, ...problems]
    if (row.skipped !== '') remarks.unshift(`skipped: ${row.skipped}`)
    const rate = spread(samples.map(({ perSecond }) => perSecond))
    const cores = (name: 'systemCores' | 'clientCores' | 'machineCores'): string =>
      spread(samples.map(sample => sample[name]))?.median.toFixed(2) ?? '-'
    table.push([
      row.system,
      row.workload,
      rate === undefined ? '-' : grouped(rate.median),
      rate === undefined ? '-' : `${grouped(rate.min)}–${grouped(rate.max)}`,
      textOf(medianOf(row, 'dispatchedPerSecond'), grouped),
      textOf(medianOf(row, 'p50'), msText),
      textOf(medianOf(row, 'p99'), msText),
      ...(['systemCores', 'clientCores', 'machineCores'] as const).map(cores),
      remarks.join('; '),
    ])
  }
  return trimmed(table)
}

function comparisonsText(comparisons: readonly Compared[]): string {
  const table = plainTable(['Carillon, three nodes unless said', 'goal', 'measured', 'min–max', ''])
  for (const { name, theirs, goal, value, reached } of comparisons) {
    const sign = theirs === null ? '' : '× '
    const wanted = goal === null ? '-' : 'least' in goal ? `≥ ${goal.least}` : `< ${goal.below}`
    const range = value === null ? '-' : rangeText(value)
    const median = value === null ? '-' : `${sign}${value.median.toFixed(2)}`
    table.push([name, wanted, median, range, verdict(reached)])
  }
  return trimmed(table)
}

function verdict(reached: boolean | null): string {
  if (reached === null) return ''
  return reached ? 'reached' : 'not reached'
}

function rangeText({ min, max }: Spread): string {
  return `${min.toFixed(2)}–${max.toFixed(2)}`
}

function medianOf(row: Row | undefined, figure: Figure): number | undefined {
  const values = (row?.samples ?? []).map(sample => figureOf(sample, figure))
  return spread(values.filter(value => value !== undefined))?.median
}

function textOf(value: number | undefined, text: (value: number) => string): string {
  return value === undefined ? '-' : text(value)
}

import { grouped } from '../src/tools/units.js'
import type { Summary } from './evidence.js'
import { spread } from './gaps.js'
import { groups, sum } from './history-text.js'

/**
 * The table of results of chaos/README.md, as prettier would leave it, and what stands under it: a row
 * for each drill and rate, in the order of `drills`.
 */
export function resultsTable(all: readonly Summary[], drills: readonly string[]): string {
  const place = ({ drill }: Summary): number => {
    const at = drills.indexOf(drill)
    return at < 0 ? drills.length : at
  }
  const ran = all
    .filter(({ result }) => result === 'passed' || result === 'failed')
    .toSorted((a, b) => place(a) - place(b))
  if (ran.length === 0) return 'No run has been kept yet.\n'
  const rows = [...groups(ran, key).values()].map(row)
  return `${markdownTable(HEADS, rows)}\n${notes(ran)}`
}

/**
 * Puts the table between its two marks.
 * @throws Error where the page has no marks
 */
export function withResults(page: string, table: string): string {
  const begin = page.indexOf(BEGIN)
  const end = page.indexOf(END)
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`)
  return `${page.slice(0, begin)}${BEGIN}\n\n${table}\n${page.slice(end)}`
}

export const BEGIN = '<!-- results: ./carillon drill history --markdown -->'
export const END = '<!-- end of results -->'

const HEADS = [
  'drill',
  'messages/s',
  'runs',
  'passed',
  'faults',
  'acknowledged',
  'lost',
  'no receipt',
  'twice',
  'bound',
  'second receipts',
  'gap surviving, ms',
  'gap affected, ms',
  'new leader, ms',
]

const key = ({ drill, settings }: Summary): string => `${drill} ${settings.rate}`

function row(runs: readonly Summary[]): string[] {
  const { drill, settings } = runs[0]!
  const faults = runs.flatMap(run => run.faults)
  const count = (of: (run: Summary) => number | undefined): string =>
    grouped(sum(runs, run => of(run) ?? 0))
  return [
    drill,
    String(settings.rate),
    String(runs.length),
    String(runs.filter(({ result }) => result === 'passed').length),
    grouped(faults.length),
    count(({ books }) => books?.acknowledged),
    count(({ books }) => books?.lost),
    count(({ books }) => books?.receiptsMissing),
    count(({ books }) => books?.duplicatedUpstream),
    count(({ duplicateBound }) => duplicateBound?.bound),
    count(({ books }) => books?.duplicatedReceipts),
    percentiles(faults.map(({ surviving }) => surviving.gapMs)),
    percentiles(faults.map(({ affected }) => affected.gapMs)),
    percentiles(faults.map(({ newLeaderMs }) => newLeaderMs)),
  ]
}

/** `p50/p95/max`, or all of up to two samples. */
function percentiles(samples: readonly (number | null)[]): string {
  const present = samples.filter(sample => sample !== null)
  const found = spread(present)
  if (found === null) return '-'
  const { count, p50, p95, max } = found
  const shown = count <= 2 ? present : [p50, p95, max]
  return shown.map(ms => grouped(ms)).join(count <= 2 ? ', ' : '/')
}

function notes(runs: readonly Summary[]): string {
  const builds = [...groups(runs, ({ build }) => build.commit ?? build.hash)]
  const loads = runs.map(({ machine }) => machine.loadBefore).sort((a, b) => a - b)
  const cpus = [...new Set(runs.map(({ machine }) => machine.cpus))].join(' or ')
  const days = runs.map(({ startedAt }) => startedAt.slice(0, 10)).sort()
  const commits = builds.map(([commit, of]) => `${commit} (${of.length})`).join(', ')
  const span = days[0] === days.at(-1) ? days[0]! : `${days[0]!} to ${days.at(-1)!}`
  return [
    'Gaps and new leader: p50/p95/max over all faults of the row, by nearest rank; of one or two faults, each.',
    `Commits (runs): ${commits}. ${span}, ${cpus} processors, load average before a run` +
      ` ${loads[0]!.toFixed(1)} to ${loads.at(-1)!.toFixed(1)}.`,
    '',
  ].join('\n')
}

/** Columns as wide as their widest cell, as prettier does it. */
function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) =>
    Math.max(3, head.length, ...rows.map(row => row[i]!.length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`
  return line(heads) + line(widths.map(width => '-'.repeat(width))) + rows.map(line).join('')
}

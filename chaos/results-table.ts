import { grouped } from '../src/tools/units.js'
import type { FaultSample, Summary } from './evidence.js'
import { spread } from './gaps.js'
import { groups, placedName, sum } from './history-text.js'
import type { Rebind } from './rebinds.js'

/**
 * The table of results of chaos/README.md, as prettier would leave it, and what stands under it: a row
 * for each drill (in namespaces apart) and rate, in the order of `drills`.
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
  const columns = rebindsOf(ran).length === 0 ? COLUMNS : [...COLUMNS, ...REBIND_COLUMNS]
  const rows = [...groups(ran, key).values()].map(runs => columns.map(({ of }) => of(runs)))
  const heads = columns.map(({ head }) => head)
  return `${markdownTable(heads, rows)}\n${notes(ran)}`
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

type Runs = readonly Summary[]
interface Column {
  head: string
  of: (runs: Runs) => string
}

const faultsOf = (runs: Runs): FaultSample[] => runs.flatMap(({ faults }) => faults)
const rebindsOf = (runs: Runs): Rebind[] => faultsOf(runs).flatMap(({ rebinds }) => rebinds)
const count = (head: string, of: (run: Summary) => number | undefined): Column => ({
  head,
  of: runs => grouped(sum(runs, run => of(run) ?? 0)),
})

const COLUMNS: readonly Column[] = [
  { head: 'drill', of: runs => nameOf(runs[0]!) },
  { head: 'messages/s', of: runs => String(runs[0]!.settings.rate) },
  { head: 'runs', of: runs => String(runs.length) },
  { head: 'passed', of: runs => String(runs.filter(({ result }) => result === 'passed').length) },
  count('faults', ({ faults }) => faults.length),
  count('acknowledged', ({ books }) => books?.acknowledged),
  count('lost', ({ books }) => books?.lost),
  count('no receipt', ({ books }) => books?.receiptsMissing),
  count('twice', ({ books }) => books?.duplicatedUpstream),
  count('bound', ({ duplicateBound }) => duplicateBound?.bound),
  count('second receipts', ({ books }) => books?.duplicatedReceipts),
  {
    head: 'gap surviving, ms',
    of: runs => percentiles(faultsOf(runs).map(({ surviving }) => surviving.gapMs)),
  },
  {
    head: 'gap affected, ms',
    of: runs => percentiles(faultsOf(runs).map(({ affected }) => affected.gapMs)),
  },
  {
    head: 'new leader, ms',
    of: runs => percentiles(faultsOf(runs).map(({ newLeaderMs }) => newLeaderMs)),
  },
]

/** Left out where no run has measured it. */
const REBIND_COLUMNS: readonly Column[] = [
  { head: 'rebinds', of: runs => grouped(rebindsOf(runs).length).replace(/^0$/, '-') },
  {
    head: 'bind_resp to ESME_ROK, ms',
    of: runs => percentiles(rebindsOf(runs).map(({ okAfterBindMs }) => okAfterBindMs)),
  },
  {
    head: 'connect to ESME_ROK, ms',
    of: runs => percentiles(rebindsOf(runs).map(({ okAfterConnectMs }) => okAfterConnectMs)),
  },
]

const nameOf = ({ drill, settings: { network } }: Summary): string =>
  placedName({ drill, ...(network === undefined ? {} : { network }) })
const key = (run: Summary): string => `${nameOf(run)} ${run.settings.rate}`

/** `p50/p95/max`, or all of up to two samples. */
function percentiles(samples: readonly (number | null)[]): string {
  const present = samples.filter(sample => sample !== null)
  const found = spread(present)
  if (found === null) return '-'
  const { count, p50, p95, max } = found
  const shown = count <= 2 ? present : [p50, p95, max]
  return shown.map(ms => grouped(Math.round(ms))).join(count <= 2 ? ', ' : '/')
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
    ...(rebindsOf(runs).length === 0 ? [] : [REBINDS]),
    `Commits (runs): ${commits}. ${span}, ${cpus} processors, load average before a run` +
      ` ${loads[0]!.toFixed(1)} to ${loads.at(-1)!.toFixed(1)}.`,
    '',
  ].join('\n')
}

const REBINDS =
  'To ESME_ROK: the same over all rebinds, to the first positive submit_sm_resp of a session that came back; from connect' +
  ' on, its bind and the hashing of its password are in it.'

/** Columns as wide as their widest cell, as prettier does it. */
function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, i) =>
    Math.max(3, head.length, ...rows.map(row => row[i]!.length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |\n`
  return line(heads) + line(widths.map(width => '-'.repeat(width))) + rows.map(line).join('')
}

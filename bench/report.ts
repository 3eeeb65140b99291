import Table from 'cli-table3'
import type { Build } from '../chaos/evidence.js'
import { grouped, msText } from '../src/tools/units.js'
import type { Measurement } from './load.js'
import { machineText, type Machine } from './machine.js'
import type { ProfileSummary } from './profile.js'
import type { SuiteResult } from './suites/suite.js'

/** One run of `carillon bench`. */
export interface BenchReport {
  machine: Machine
  build: Build
  settings: Record<string, unknown>
  /** By name. */
  suites: Record<string, SuiteResult>
}

/** Where the time of a cluster under full load went. */
export interface NodeProfile {
  nodes: number
  path: string
  acceptedPerSecond: number
  /** Of the main threads: of the leader's, and of all. */
  leader: ProfileSummary
  all: ProfileSummary
  /** CPU time of the processes over the busy time of their main threads: what other threads do. */
  cpuOverMainThread: number
  /** The file of the flame graph. */
  flameGraph: string
}

export interface MemoryReport {
  nodes: number
  points: { messages: number; rssMiB: number[]; acceptedPerSecond: number }[]
  /** RSS of all nodes at the last point over that at the first. */
  growth: number
}

export function measurementsText(measurements: readonly Measurement[]): string {
  if (measurements.length === 0) return ''
  const head = [
    'nodes',
    'path',
    'by',
    'offered/s',
    'accepted/s',
    'to SMSC/s',
    'least share',
    'drain',
  ]
  const table = plainTable([...head, 'p50', 'p95', 'p99', 'max', 'µs CPU/msg', 'remarks'])
  for (const m of measurements) {
    const refused = Object.entries(m.refused).map(([name, n]) => `${name} ${grouped(n)}`)
    table.push([
      String(m.nodes),
      m.path,
      m.way,
      m.rate === null ? 'closed loop' : grouped(m.rate),
      grouped(m.acceptedPerSecond),
      m.dispatchedPerSecond === null ? '-' : grouped(m.dispatchedPerSecond),
      m.dispatchedShareMin === null ? '-' : `${Math.round(m.dispatchedShareMin * 100)} %`,
      m.drainMs === null ? '-' : msText(m.drainMs),
      ...[m.latencyMs.p50, m.latencyMs.p95, m.latencyMs.p99, m.latencyMs.max].map(msText),
      String(m.cpuUsPerMessage),
      [...refused, ...m.problems].join('; '),
    ])
  }
  return trimmed(table)
}

export function profileText(profile: NodeProfile): string {
  const { busyMs, idleMs } = profile.leader
  const { nodes, path, acceptedPerSecond, leader, all, cpuOverMainThread, flameGraph } = profile
  return [
    `${nodes} nodes, ${path}, closed loop, profiled: ${grouped(acceptedPerSecond)} accepted/s; ` +
      `the leader's main thread was busy ${percent(busyMs / (busyMs + idleMs))} of the time; ` +
      `processes used ${cpuOverMainThread.toFixed(2)} × the CPU time of their main threads`,
    groupsText(leader, all),
    `flame graph: ${flameGraph}`,
  ].join('\n\n')
}

/** Shares by room of one node's main thread, beside those of all nodes, and its functions with the most self time. */
export function groupsText(one: ProfileSummary, all?: ProfileSummary): string {
  const groups = plainTable(['group', ...(all === undefined ? ['share'] : ['leader', 'all nodes'])])
  for (const { group, share } of (all ?? one).groups) {
    if (share < 0.005) continue
    const its = one.groups.find(known => known.group === group)?.share ?? 0
    groups.push([group, percent(its), ...(all === undefined ? [] : [percent(share)])])
  }
  const title = all === undefined ? 'function' : 'leader: function'
  const top = plainTable([title, 'group', 'self time'])
  for (const { function: name, group, share } of one.top) top.push([name, group, percent(share)])
  return `${trimmed(groups)}\n\n${trimmed(top)}`
}

export function memoryText(memory: MemoryReport): string {
  const table = plainTable(['messages', 'RSS MiB by node', 'sum', 'accepted/s'])
  for (const { messages, rssMiB, acceptedPerSecond } of memory.points) {
    const sum = rssMiB.reduce((a, b) => a + b, 0)
    table.push([grouped(messages), rssMiB.join(' '), grouped(sum), grouped(acceptedPerSecond)])
  }
  return `${trimmed(table)}\n\ngrowth × ${memory.growth.toFixed(2)}`
}

export function reportText({ machine, build, suites }: BenchReport): string {
  const parts = [machineText(machine), `commit ${build.commit ?? 'unknown'}, build ${build.hash}`]
  for (const [name, { text, problems }] of Object.entries(suites)) {
    parts.push(`${name}:`, text.trimEnd())
    if (problems.length > 0) parts.push(problems.map(problem => `PROBLEM: ${problem}`).join('\n'))
  }
  return parts.join('\n\n')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** Columns by spaces, which can be pasted anywhere. */
export function plainTable(head: string[]): Table.Table {
  const none = ['top', 'bottom', 'left', 'right', 'mid'].flatMap(side =>
    side === 'left' || side === 'right' || side === 'mid'
      ? [side, `${side}-mid`]
      : [side, `${side}-mid`, `${side}-left`, `${side}-right`],
  )
  const chars = Object.fromEntries([...none, 'mid-mid', 'middle'].map(name => [name, '']))
  const style = { head: [], border: [], 'padding-left': 0, 'padding-right': 2 }
  return new Table({ head, chars, style })
}

export function trimmed(table: Table.Table): string {
  return table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}

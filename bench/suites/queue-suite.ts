import { grouped, msText } from '../../src/tools/units.js'
import { loadOf } from '../flags.js'
import type { Spread } from '../peers/ratios.js'
import { benchQueue, type QueueRow } from '../queue.js'
import type { Flow } from '../queue-cluster.js'
import { plainTable, trimmed } from '../report.js'
import type { Suite } from './suite.js'

/** The queue that deep ones are compared with. */
const SHALLOW = 10_000

export const queueSuite: Suite = async ({ flags, note }) => {
  const figures = await benchQueue({
    nodes: Math.max(...flags.nodes),
    depths: flags.depths.toSorted((a, b) => a - b),
    shallow: SHALLOW,
    rounds: flags.rounds,
    load: loadOf(flags),
    note,
  })
  return { figures, text: queueText(figures), problems: [] }
}

function queueText(rows: readonly QueueRow[]): string {
  const head = ['queued', 'taken/s', 'sent/s', `at ${grouped(SHALLOW)}: taken/s`, 'sent/s']
  const table = plainTable([
    ...head,
    ...[
      'taken, ratio',
      'sent, ratio',
      'both, ratio',
      'RSS added by node',
      'sends again',
      'ready again',
    ],
  ])
  for (const row of rows)
    table.push([
      grouped(row.depth),
      ...[mean(row.deep, 'accepted'), mean(row.deep, 'dispatched')],
      ...[mean(row.shallow, 'accepted'), mean(row.shallow, 'dispatched')],
      ...[row.accepted, row.dispatched, row.both].map(ratioText),
      `${row.addedMiB.join(' ')} MiB`,
      ...[row.sendsAgainMs, row.readyAgainMs].map(ms => (ms === null ? '-' : msText(ms))),
    ])
  return trimmed(table)
}

function mean(flows: readonly Flow[], of: keyof Flow): string {
  return grouped(flows.reduce((sum, flow) => sum + flow[of], 0) / flows.length)
}

function ratioText({ median, min, max }: Spread): string {
  return `× ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}

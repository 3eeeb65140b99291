import { grouped, msText } from '../../src/tools/units.js'
import { BACKENDS, benchRaft, type RaftRow } from '../raft.js'
import { plainTable, trimmed } from '../report.js'
import type { Suite } from './suite.js'

const SIZES = [1, 10, 100, 1_000]
/** One by one: the latency of a round; and as many as fill the disk's and the network's time. */
const IN_FLIGHT = [1, 64]

export const raftSuite: Suite = async ({ flags, note }) => {
  const figures: (RaftRow & { inFlight: number })[] = []
  const time = { warmUpMs: flags.warmup / 3, durationMs: flags.duration / 5 }
  await benchRaft({ backend: 'memory', messagesPerEntry: 10, inFlight: 64, ...time }) // compiles
  for (const backend of BACKENDS)
    for (const messagesPerEntry of SIZES)
      for (const inFlight of IN_FLIGHT) {
        const row = await benchRaft({ backend, messagesPerEntry, inFlight, ...time })
        figures.push({ ...row, inFlight })
        note(raftText(figures.slice(-1)))
      }
  return { figures, text: raftText(figures), problems: [] }
}

function raftText(rows: readonly (RaftRow & { inFlight: number })[]): string {
  const head = ['replicas over', 'messages an entry', 'octets', 'in flight', 'entries/s']
  const table = plainTable([...head, 'messages/s', 'MiB/s', 'p50', 'p99', 'µs CPU an entry'])
  for (const row of rows)
    table.push([
      row.backend,
      grouped(row.messagesPerEntry),
      grouped(row.octetsPerEntry),
      String(row.inFlight),
      grouped(row.entriesPerSecond),
      grouped(row.messagesPerSecond),
      row.mibPerSecond.toFixed(1),
      msText(row.latencyMs.p50),
      msText(row.latencyMs.p99),
      grouped(row.cpuUsPerEntry),
    ])
  return trimmed(table)
}

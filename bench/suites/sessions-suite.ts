import { grouped } from '../../src/tools/units.js'
import { plainTable, trimmed } from '../report.js'
import { benchSessions, type SessionsRow } from '../sessions.js'
import type { Suite } from './suite.js'

/** A node by itself, then node 1 of a cluster, as `--nodes` says. */
export const sessionsSuite: Suite = async ({ flags, note }) => {
  const figures: SessionsRow[] = []
  for (const nodes of flags.nodes) {
    const measureMs = 2 * flags.duration
    const options = { nodes, sessions: flags.binds, enquireLinkMs: flags.duration, measureMs }
    figures.push(await benchSessions(options))
    note(sessionsText(figures.slice(-1)))
  }
  return { figures, text: sessionsText(figures), problems: [] }
}

function sessionsText(rows: readonly SessionsRow[]): string {
  const head = ['nodes', 'sessions', 'binds/s', 'RSS before', 'RSS', 'added', 'a session']
  const table = plainTable([...head, 'other nodes', 'cores', 'enquire_link/s', 'µs CPU each'])
  for (const row of rows)
    table.push([
      String(row.nodes),
      grouped(row.sessions),
      grouped(row.bindsPerSecond),
      `${row.rssBeforeMiB} MiB`,
      `${row.rssMiB} MiB`,
      `${row.rssMiB - row.rssBeforeMiB} MiB`,
      `${(row.octetsPerSession / 1024).toFixed(1)} KiB`,
      row.nodes === 1 ? '-' : `+${row.othersAddedMiB} MiB`,
      `${row.idleCores.toFixed(3)} → ${row.cores.toFixed(3)}`,
      grouped(row.enquireLinksPerSecond),
      String(row.enquireLinkUs),
    ])
  return trimmed(table)
}

import { join } from 'node:path'
import { DRILLS } from '../../chaos/drills/index.js'
import type { Evidence } from '../../chaos/evidence.js'
import type { Spread } from '../../chaos/gaps.js'
import { runDrill } from '../../chaos/run.js'
import { msText } from '../../src/tools/units.js'
import { plainTable, trimmed } from '../report.js'
import type { Suite } from './suite.js'

/** Repeats by chance nothing: this drill draws no numbers. */
const SEED = 1

/** The drill `leader-kill`, its report included, at the first of `--rates`. */
export const failoverSuite: Suite = async ({ flags, note }) => {
  const drill = DRILLS.find(({ name }) => name === 'leader-kill')
  if (drill === undefined) throw new Error('there is no drill leader-kill')
  const { evidence, directory } = await runDrill(drill, {
    out: join(flags.results, 'failover'),
    rate: flags.rates[0] ?? null,
    seed: SEED,
    times: flags.kills,
    keep: false,
    say: note,
    signal: new AbortController().signal,
  })
  const { faults, spreads, books, latencyMs, gaps, settings } = evidence
  const figures = { rate: settings.rate, faults, spreads, books, latencyMs, gaps, directory }
  return { figures, text: failoverText(evidence, directory), problems: problemsOf(evidence) }
}

function problemsOf({ result, reason, checks }: Evidence): string[] {
  if (result === 'passed') return []
  const failed = checks.filter(({ kind, ok }) => kind === 'must' && !ok)
  const found = failed.map(check => `${check.name}: ${check.found}, not ${check.expected}`)
  return found.length > 0 ? found : [`the drill was ${result}: ${reason ?? 'nobody knows why'}`]
}

function failoverText({ faults, spreads, settings }: Evidence, directory: string): string {
  const each = plainTable([
    'kill',
    'new leader',
    'SMSC again',
    'gap: sessions elsewhere',
    'its sessions',
  ])
  faults.forEach(({ newLeaderMs, homeHit, upstreamMs, surviving, affected }, i) =>
    each.push([
      String(i + 1),
      known(newLeaderMs),
      homeHit ? known(upstreamMs) : 'home elsewhere',
      known(surviving.gapMs),
      known(affected.gapMs),
    ]),
  )
  const all = plainTable(['ms', 'of', 'p50', 'p95', 'max'])
  const line = (name: string, spread: Spread | null): void => {
    if (spread === null) return
    const { count, p50, p95, max } = spread
    all.push([name, ...[count, p50, p95, max].map(value => String(Math.round(value)))])
  }
  line('new leader', spreads.newLeaderMs)
  line('SMSC again', spreads.upstreamMs)
  line('gap, sessions elsewhere', spreads.survivingGapMs)
  line('gap, its sessions', spreads.affectedGapMs)
  const load = `${settings.size} nodes, ${settings.rate} messages a second`
  return [load, trimmed(each), trimmed(all), `report: ${directory}/report.html`].join('\n\n')
}

function known(ms: number | null): string {
  return ms === null ? '-' : msText(ms)
}

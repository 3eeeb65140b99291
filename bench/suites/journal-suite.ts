import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { grouped, msText } from '../../src/tools/units.js'
import { flameGraphHtml } from '../flame-html.js'
import { benchAppends, type AppendsRow } from '../journal/appends.js'
import { benchApplies, type AppliesOptions, type AppliesRow } from '../journal/applies.js'
import { profiled } from '../journal/profiled.js'
import { summarise, type ProfileSummary } from '../profile.js'
import { groupsText, plainTable, trimmed } from '../report.js'
import type { Suite } from './suite.js'

const SIZES = [1, 10, 100, 1_000]
/** Entries of a busy cluster have some tens of messages. */
const PROFILED_SIZE = 100
const LOAD = { messagesPerRound: 1_000, awaiting: 20_000, kept: 100_000 }

/** With `--profile` the applying alone, under the profiler. */
export const journalSuite: Suite = async ({ flags, note }) => {
  const load = { ...LOAD, warmUpMs: flags.warmup, durationMs: flags.duration }
  if (flags.profile === true) return profileApplies(load, flags.results)
  const appends: AppendsRow[] = []
  const applies: AppliesRow[] = []
  for (const messagesPerEntry of SIZES) {
    const durationMs = flags.duration / 2
    appends.push(await benchAppends({ messagesPerEntry, durationMs }))
  }
  note(appendsText(appends))
  for (const messagesPerEntry of SIZES) {
    applies.push(await benchApplies({ ...load, messagesPerEntry }))
    note(appliesText(applies.slice(-1)))
  }
  const text = `${appendsText(appends)}\n\n${appliesText(applies)}`
  return { figures: { load, appends, applies }, text, problems: [] }
}

async function profileApplies(
  load: Omit<AppliesOptions, 'messagesPerEntry'>,
  results: string,
): ReturnType<Suite> {
  const [row, profile] = await profiled(() =>
    benchApplies({ ...load, messagesPerEntry: PROFILED_SIZE }),
  )
  const summary: ProfileSummary = summarise([profile], undefined, 20)
  const flameGraph = join(results, 'flame-journal.html')
  const title = `A replica that applies, ${PROFILED_SIZE} messages an entry`
  await mkdir(results, { recursive: true })
  await writeFile(flameGraph, flameGraphHtml(title, [{ title: 'main thread', profile }]))
  const parts = [appliesText([row]), groupsText(summary), `flame graph: ${flameGraph}`]
  return { figures: { load, row, summary, flameGraph }, text: parts.join('\n\n'), problems: [] }
}

function appendsText(rows: readonly AppendsRow[]): string {
  const head = ['messages an entry', 'octets', 'entries/s', 'messages/s', 'MiB/s', 'p50', 'p99']
  const table = plainTable([...head, 'µs CPU/msg', 'bare file p50'])
  for (const row of rows)
    table.push([
      grouped(row.messagesPerEntry),
      grouped(row.octetsPerEntry),
      grouped(row.entriesPerSecond),
      grouped(row.messagesPerSecond),
      row.mibPerSecond.toFixed(1),
      msText(row.latencyMs.p50),
      msText(row.latencyMs.p99),
      row.cpuUsPerMessage.toFixed(2),
      msText(row.bareP50Ms),
    ])
  return trimmed(table)
}

function appliesText(rows: readonly AppliesRow[]): string {
  const head = ['messages an entry', 'µs CPU a message', 'log', 'apply', 'flush: collect', 'write']
  const table = plainTable([...head, 'forget', 'all'])
  for (const { messagesPerEntry, steps } of rows)
    for (const { step, logUs, applyUs, collectUs, writeUs, forgetUs, allUs } of steps)
      table.push([
        grouped(messagesPerEntry),
        step,
        ...[logUs, applyUs, collectUs, writeUs, forgetUs, allUs].map(us => us.toFixed(2)),
      ])
  const speeds = rows.map(
    ({ messagesPerEntry, perSecond, flushMs }) =>
      `${grouped(messagesPerEntry)} an entry: ${grouped(perSecond)} messages/s, a flush ${msText(flushMs)}`,
  )
  return `${trimmed(table)}\n\n${speeds.join('\n')}`
}

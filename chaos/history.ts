import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { NetworkKind } from './network/choice.js'
import { NO_SPREADS, summaryOf, type Evidence, type Summary } from './evidence.js'

/** A line of history.jsonl: a run in short. */
export interface HistoryLine {
  drill: string
  startedAt: string
  carillon: string
  /** Hash of the build, and its commit. */
  build: string
  commit: string | null
  rate: number | 'unlimited'
  times: number
  /** See Evidence.settings. */
  network?: NetworkKind
  result: Evidence['result']
  reason?: string
  tookMs: number
  faults: number
  acknowledged: number
  lost: number
  receiptsMissing: number
  duplicatedUpstream: number
  duplicateBound: number
  duplicatedReceipts: number
  refused: Record<string, number>
  spreads: Evidence['spreads']
  latencyMs: Evidence['latencyMs']
  /** Checks that failed, and goals that were missed. */
  failed: string[]
  missed: string[]
  directory: string
}

export function historyLine(evidence: Summary, directory: string): HistoryLine {
  const { drill, startedAt, carillon, build, result, reason, tookMs, books, checks } = evidence
  const not = (kind: 'must' | 'goal'): string[] =>
    checks.filter(check => check.kind === kind && !check.ok).map(({ name }) => name)
  return {
    drill,
    startedAt,
    carillon,
    build: build.hash,
    commit: build.commit,
    rate: evidence.settings.rate,
    times: evidence.settings.times,
    ...(evidence.settings.network === undefined ? {} : { network: evidence.settings.network }),
    result,
    ...(reason === undefined ? {} : { reason }),
    tookMs,
    faults: evidence.faults.length,
    acknowledged: books?.acknowledged ?? 0,
    lost: books?.lost ?? 0,
    receiptsMissing: books?.receiptsMissing ?? 0,
    duplicatedUpstream: books?.duplicatedUpstream ?? 0,
    duplicateBound: evidence.duplicateBound?.bound ?? 0,
    duplicatedReceipts: books?.duplicatedReceipts ?? 0,
    refused: books?.refused ?? {},
    spreads: evidence.spreads,
    latencyMs: evidence.latencyMs,
    failed: not('must'),
    missed: not('goal'),
    directory,
  }
}

export function appendHistory(out: string, line: HistoryLine): void {
  mkdirSync(out, { recursive: true })
  appendFileSync(join(out, FILE), `${JSON.stringify(line)}\n`)
}

/** Oldest first. Lines that cannot be read, say the last of a full disk, are left out. */
export function readHistory(out: string): HistoryLine[] {
  const file = join(out, FILE)
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap(text => {
      try {
        return text === '' ? [] : [completed({ ...OLDER, ...(JSON.parse(text) as HistoryLine) })]
      } catch {
        return []
      }
    })
}

/** Keeps what a run found for good: `DIRECTORY/leader-kill/20261125T151501Z.json`. @returns the file */
export function keepSummary(directory: string, evidence: Evidence): string {
  const folder = join(directory, evidence.drill)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, `${evidence.startedAt.replace(/[-:]|\.\d+/g, '')}.json`)
  writeFileSync(file, `${JSON.stringify(summaryOf(evidence), null, 1)}\n`)
  return file
}

/** What was kept, by drill and time. @throws Error that names a file which is no JSON */
export function readSummaries(directory: string): Summary[] {
  if (!existsSync(directory)) return []
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return files
    .filter(file => file.endsWith('.json'))
    .sort()
    .map(file => {
      try {
        const summary = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Summary
        const faults = summary.faults.map(fault => ({ ...OLDER_FAULT, ...fault }))
        return { ...completed(summary), faults }
      } catch (cause) {
        throw new Error(`${join(directory, file)} cannot be read`, { cause })
      }
    })
}

const FILE = 'history.jsonl'
/** What earlier versions did not write down. */
const OLDER = {
  build: '',
  commit: null,
  rate: 200,
  times: 1,
  receiptsMissing: 0,
  latencyMs: null,
} satisfies Partial<HistoryLine>
const OLDER_FAULT = { rebinds: [] } satisfies Partial<Evidence['faults'][number]>

function completed<T extends Pick<Evidence, 'spreads'>>(record: T): T {
  return { ...record, spreads: { ...NO_SPREADS, ...record.spreads } }
}

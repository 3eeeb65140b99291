import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Evidence } from './evidence.js'

/** A line of history.jsonl: a run in short. */
export interface HistoryLine {
  drill: string
  startedAt: string
  carillon: string
  result: Evidence['result']
  reason?: string
  tookMs: number
  faults: number
  acknowledged: number
  lost: number
  duplicatedUpstream: number
  duplicateBound: number
  duplicatedReceipts: number
  refused: Record<string, number>
  spreads: Evidence['spreads']
  /** Checks that failed, and goals that were missed. */
  failed: string[]
  missed: string[]
  directory: string
}

export function historyLine(evidence: Evidence, directory: string): HistoryLine {
  const { drill, startedAt, carillon, result, reason, tookMs, books, checks } = evidence
  const not = (kind: 'must' | 'goal'): string[] =>
    checks.filter(check => check.kind === kind && !check.ok).map(({ name }) => name)
  return {
    drill,
    startedAt,
    carillon,
    result,
    ...(reason === undefined ? {} : { reason }),
    tookMs,
    faults: evidence.faults.length,
    acknowledged: books?.acknowledged ?? 0,
    lost: books?.lost ?? 0,
    duplicatedUpstream: books?.duplicatedUpstream ?? 0,
    duplicateBound: evidence.duplicateBound?.bound ?? 0,
    duplicatedReceipts: books?.duplicatedReceipts ?? 0,
    refused: books?.refused ?? {},
    spreads: evidence.spreads,
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
        return text === '' ? [] : [JSON.parse(text) as HistoryLine]
      } catch {
        return []
      }
    })
}

const FILE = 'history.jsonl'

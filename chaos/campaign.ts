import type { Clock } from '../src/base/clock.js'
import type { Io } from '../src/cli/io.js'
import type { Drill } from './drill.js'
import type { Check, Evidence } from './evidence.js'
import { appendHistory, historyLine, keepSummary, type HistoryLine } from './history.js'
import { spreadText } from './history-text.js'
import type { DrillResult, RunOptions } from './run.js'

/** One run that is to be made. */
export interface PlannedRun {
  drill: Drill
  /** How often its fault comes. */
  times: number
}

export interface CampaignOptions extends Omit<RunOptions, 'times' | 'seed' | 'say'> {
  /** Of every run; drawn for each where it is not given. */
  seed: number | undefined
  /** Summaries are kept here too, for good; undefined: they are not. */
  record: string | undefined
  output: 'table' | 'json'
}

export interface CampaignEffects {
  io: Io
  clock: Clock
  drawSeed: () => number
  /** See runDrill. */
  perform: (drill: Drill, options: RunOptions) => Promise<DrillResult>
}

/**
 * Every drill once, then all of them again, so that a campaign that is broken off has a bit of everything.
 *
 * @param done  how many good runs a drill has already
 */
export function plan(
  drills: readonly Drill[],
  options: {
    repeat: number
    timesOf: (drill: string) => number
    done: (drill: string, times: number) => number
  },
): PlannedRun[] {
  const { repeat, timesOf, done } = options
  return Array.from({ length: repeat }, (_, round) =>
    drills
      .map((drill): PlannedRun => ({ drill, times: timesOf(drill.name) }))
      .filter(({ drill, times }) => done(drill.name, times) <= round),
  ).flat()
}

/** How many runs of a drill count as done: passed, of this build, at this rate, with as many faults. */
export function goodRuns(
  history: readonly HistoryLine[],
  wanted: { drill: string; times: number; build: string; rate: number | null },
): number {
  const rate = wanted.rate ?? 'unlimited'
  return history.filter(
    line =>
      line.drill === wanted.drill &&
      line.result === 'passed' &&
      line.build === wanted.build &&
      line.rate === rate &&
      line.times >= wanted.times,
  ).length
}

/** How long a run may take, ms: the median of earlier ones that passed, or a guess. */
export function estimateMs(run: PlannedRun, history: readonly HistoryLine[]): number {
  const took = history
    .filter(({ drill, result }) => drill === run.drill.name && result === 'passed')
    .map(({ tookMs, times }) => tookMs + (run.times - times) * REPETITION_GUESS_MS)
    .sort((a, b) => a - b)
  const median = took[took.length >> 1] ?? FIRST_GUESS_MS + run.times * REPETITION_GUESS_MS
  return Math.max(FIRST_GUESS_MS, median)
}

/**
 * Makes the runs one after the other; after each there is its line in the history, and its summary.
 * Ends early when `options.signal` is aborted.
 *
 * @param history  earlier runs, for the estimate of how long it takes
 * @returns the exit status: 1 where a check failed or it was stopped
 */
export async function campaign(
  runs: readonly PlannedRun[],
  options: CampaignOptions,
  history: readonly HistoryLine[],
  effects: CampaignEffects,
): Promise<{ exitStatus: number; lines: HistoryLine[] }> {
  const { io, clock, drawSeed, perform } = effects
  const { out, record, output } = options
  const lines: HistoryLine[] = []
  for (const [i, { drill, times }] of runs.entries()) {
    if (options.signal.aborted) break
    if (runs.length > 1) {
      const known = [...history, ...lines]
      const leftMs = runs.slice(i).reduce((sum, run) => sum + estimateMs(run, known), 0)
      io.note(io.paint.dim(progressText(i, runs.length, leftMs, clock.nowMs())))
    }
    io.note(`${io.paint.bold(drill.name)}: ${drill.summary}`)
    const { evidence, directory } = await perform(drill, {
      ...options,
      times,
      seed: options.seed ?? drawSeed(),
      say: text => io.note(`${io.paint.dim(timeText(clock.nowMs(), 23))} ${text}`),
    })
    const line = historyLine(evidence, directory)
    appendHistory(out, line)
    if (record !== undefined && evidence.result !== 'not run') keepSummary(record, evidence)
    lines.push(line)
    if (output === 'json') io.out(JSON.stringify(evidence))
    else io.out(resultText(evidence, line, io))
  }
  const bad = lines.some(({ result }) => result === 'failed' || result === 'stopped')
  return { exitStatus: bad || options.signal.aborted ? 1 : 0, lines }
}

const FIRST_GUESS_MS = 30_000
const REPETITION_GUESS_MS = 7_000

/** `run 3 of 57, about 52 min left, until about 17:15` */
function progressText(done: number, all: number, leftMs: number, nowMs: number): string {
  const left =
    leftMs < 90_000 ? `${Math.round(leftMs / 1000)} s` : `${Math.round(leftMs / 60_000)} min`
  return `run ${done + 1} of ${all}, about ${left} left, until about ${timeText(nowMs + leftMs, 16)} UTC`
}

const timeText = (ms: number, to: number): string => new Date(ms).toISOString().slice(11, to)

function resultText(evidence: Evidence, line: HistoryLine, io: Io): string {
  const { result, reason, checks, settings, drill } = evidence
  const paint = result === 'passed' ? io.paint.green : io.paint.red
  const why = reason === undefined ? '' : `: ${reason}`
  return [
    ...checks.map(check => checkText(check, io)),
    ...(settings.times > 1 ? spreadLines(line) : []),
    `${drill} ${paint(result)}${why} · ${line.directory}/report.html`,
  ].join('\n')
}

function checkText({ kind, ok, name, found, expected }: Check, io: Io): string {
  const word = ok ? io.paint.green('ok') : kind === 'goal' ? 'missed' : io.paint.red('FAILED')
  return `  ${word} ${name}: ${found}${ok ? '' : ` (expected: ${expected})`}`
}

function spreadLines({ spreads }: HistoryLine): string[] {
  const lines = [
    ['gap, surviving sessions', spreads.survivingGapMs],
    ['gap, affected sessions', spreads.affectedGapMs],
    ['new leader', spreads.newLeaderMs],
    ['SMSC served again', spreads.upstreamMs],
    ['connect to first ESME_ROK', spreads.okAfterConnectMs],
    ['bind_resp to first ESME_ROK', spreads.okAfterBindMs],
  ] as const
  return lines.map(([name, spread]) => `  ${name}: ${spreadText(spread)}`)
}

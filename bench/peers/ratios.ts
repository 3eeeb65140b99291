import type { Sample } from './system.js'

/** The samples of one workload of one system, one for each round that it ran in. */
export interface Row {
  system: string
  workload: string
  client: string
  /** By round; undefined where it failed, or was skipped. */
  samples: (RoundSample | undefined)[]
  /** Why there is none: what is missing, or what failed. Empty where all is well. */
  skipped: string
}

export interface RoundSample extends Sample {
  /** CPU time over the measured time: of the system's own processes, and of the whole machine. 1 is a core. */
  systemCores: number
  machineCores: number
}

/** A figure over the rounds. */
export interface Spread {
  median: number
  min: number
  max: number
}

/** @returns undefined where there are no values */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  const [min, max] = [sorted[0], sorted.at(-1)]
  if (min === undefined || max === undefined) return undefined
  const middle = (sorted.length - 1) / 2
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2
  return { median, min, max }
}

export type Figure = 'perSecond' | 'dispatchedPerSecond' | 'p50' | 'p99'

/** A workload of a system, and which figure of it. */
export interface Place {
  system: string
  workload: string
  figure: Figure
}

export function figureOf(sample: Sample | undefined, figure: Figure): number | undefined {
  if (sample === undefined) return undefined
  if (figure === 'p50' || figure === 'p99') return sample.latencyMs[figure]
  return sample[figure] ?? undefined
}

/** What is compared: ours over theirs, or where `theirs` is null ours alone; and what we want of it. */
export interface Comparison {
  name: string
  ours: Place
  theirs: Place | null
  /** `least`: to be reached; `below`: to stay under. Null: told, with no goal. */
  goal: { least: number } | { below: number } | null
}

export interface Compared extends Comparison {
  /** Of the rounds in which both ran; each round's own ratio, so that both met the same machine. Null: there was none. */
  value: Spread | null
  /** By the median; null where there is no goal, or no value. */
  reached: boolean | null
}

export function compare(comparison: Comparison, rows: readonly Row[]): Compared {
  const { ours, theirs, goal } = comparison
  const our = figures(rows, ours)
  const their = theirs === null ? our.map(() => 1) : figures(rows, theirs)
  const ratios = our.flatMap((value, round) => {
    const other = their[round]
    return value === undefined || other === undefined || other === 0 ? [] : [value / other]
  })
  const value = spread(ratios) ?? null
  return { ...comparison, value, reached: reached(value, goal) }
}

function reached(value: Spread | null, goal: Comparison['goal']): boolean | null {
  if (value === null || goal === null) return null
  return 'least' in goal ? value.median >= goal.least : value.median < goal.below
}

function figures(rows: readonly Row[], place: Place): (number | undefined)[] {
  const { system, workload, figure } = place
  const row = rows.find(row => row.system === system && row.workload === workload)
  return (row?.samples ?? []).map(sample => figureOf(sample, figure))
}

/**
 * Whether what may be in flight is enough for a rate, where an answer takes 40 ms: by Little's law a client
 * with fewer measures its own window.
 */
export function windowText(what: string, inFlight: number, perSecond: number): string {
  const needed = Math.ceil(perSecond * 0.04)
  const verdict = inFlight >= needed ? '≥' : '< (too few)'
  return `${what}: ${inFlight} in flight ${verdict} ${Math.round(perSecond)}/s × 40 ms = ${needed}`
}

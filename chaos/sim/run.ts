import { SeededRandom } from '../../src/base/random.js'
import { faultText, schedule, type Fault } from './faults.js'
import type { Mutation } from './mutation.js'
import type { Cutting, Cuttings, Windows } from './settings.js'
import type { Violation } from './violations.js'
import { World, type WorldOptions, type WorldResult } from './world.js'

/** Faults begin when the cluster has had time to start, and end before this. */
const FAULTS_FROM_MS = 1200
const FAULTS_MS = 10_000
const CALM_MS = 1000
/** A world that is steady: it has the time to recover, to cut logs, to forget. */
const STEADY_MS = 60_000
/** Of accounts, those with a resubmission window. */
const WINDOW_SHARE = 1 / 3
/** Of connectors, those that cut long messages. */
const CUTTING_SHARE = 0.6
/** Runs that shrinking may cost. */
const SHRINK_RUNS_MAX = 60
const TIMELINE_MS = 4000
const TIMELINE_LINES = 200

/** Storms are short, with faults on top of each other; steady worlds are long, and recover in between. */
export type Pace = 'storm' | 'steady'

export interface PlanOptions {
  mutation?: Mutation
  pace?: Pace
  faultsMs?: number
  /** Different numbers that messages go to, by each route. */
  numbers?: number
}

/** What a seed stands for: a world and its faults. */
export function planOf(
  seed: number,
  nodes: number,
  { mutation, pace = 'storm', faultsMs, numbers = mutation?.numbers }: PlanOptions = {},
): WorldOptions {
  const random = new SeededRandom(seed ^ 0x5eed)
  const steady = pace === 'steady'
  const toMs = FAULTS_FROM_MS + (faultsMs ?? (steady ? STEADY_MS : FAULTS_MS))
  const everyMs = (steady ? 900 : 150) * Math.pow(8, random.unit()) // storms: 150 to 1,200 ms
  const only = mutation?.under
  const faults = schedule({ seed, nodes, fromMs: FAULTS_FROM_MS, toMs, everyMs, only })
  const rate = (15 + random.below(25)) / (steady ? 4 : 1)
  const windows = windowsOf(random, mutation?.windows === true ? 1 : WINDOW_SHARE)
  const traits = {
    windows,
    cuttings: cuttingsOf(
      random,
      mutation?.cuts === undefined ? CUTTING_SHARE : Number(mutation.cuts),
    ),
  }
  return { seed, nodes, faults, untilMs: toMs + CALM_MS, rate, numbers, traits, mutation }
}

/** A share of the accounts has a resubmission window; of some it is over before the world is. */
function windowsOf(random: SeededRandom, share: number): Windows {
  const windows = new Map<string, number>()
  for (const account of ['esme1', 'esme2']) {
    const has = random.unit() < share
    const ms = random.below(3) === 0 ? 3000 : 60_000
    if (has) windows.set(account, ms)
  }
  return windows
}

/** A share of the connectors cuts long messages. */
function cuttingsOf(random: SeededRandom, share: number): Cuttings {
  const cuttings = new Map<string, Cutting>()
  for (const connector of ['smsc-a', 'smsc-b']) {
    const cuts = random.unit() < share
    const how = (['udh8', 'udh16', 'sar'] as const)[random.below(3)]!
    const changes = random.below(2) === 0
    const oneReceipt = random.below(4) === 0
    if (cuts) cuttings.set(connector, { how, changes, oneReceipt })
  }
  return cuttings
}

/** What a seed has where nobody says; all kinds come in any twelve seeds. */
export function kindOf(seed: number): { nodes: number; pace: Pace; numbers: number } {
  return {
    nodes: [3, 5, 7][seed % 3]!,
    pace: seed % 2 === 0 ? 'steady' : 'storm',
    numbers: seed % 4 < 2 ? 4 : 1e8,
  }
}

/** Runs a world; a mutation that patches production code does so for this run only. */
export async function runWorld(options: WorldOptions): Promise<WorldResult> {
  const restore = options.mutation?.patch?.()
  try {
    return await new World(options).run()
  } finally {
    restore?.()
  }
}

/**
 * Removes faults as long as the same rule still breaks: halves first, then ever smaller parts.
 * Returns what is left of the plan, and its run.
 */
export async function shrink(
  plan: WorldOptions,
  result: WorldResult,
  say: (text: string) => void,
): Promise<{ plan: WorldOptions; result: WorldResult }> {
  const rule = result.violations[0]?.rule
  let best = { plan, result }
  let runs = 0
  const fails = async (faults: readonly Fault[]): Promise<boolean> => {
    if (runs >= SHRINK_RUNS_MAX) return false
    runs++
    const smaller = { ...plan, faults }
    const again = await runWorld(smaller)
    if (again.violations[0]?.rule !== rule) return false
    best = { plan: smaller, result: again }
    say(`shrinking: ${faults.length} faults still break it`)
    return true
  }
  // what comes after the violation did not cause it
  const atMs = result.violations[0]?.atMs ?? Infinity
  await fails(plan.faults.filter(fault => fault.atMs <= atMs))
  for (let size = Math.ceil(best.plan.faults.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.plan.faults.length && runs < SHRINK_RUNS_MAX;) {
      const { faults } = best.plan
      if (!(await fails([...faults.slice(0, at), ...faults.slice(at + size)]))) at += size
    }
  }
  return best
}

/** What a failing seed says of itself. */
export function report(plan: WorldOptions, result: WorldResult): string {
  const [violation] = result.violations
  if (violation === undefined) return ''
  return [
    `seed ${plan.seed}, ${plan.nodes} nodes: ${result.violations.length} violations`,
    ...result.violations.map(shown),
    '',
    `faults (${plan.faults.length}):`,
    ...plan.faults.map(fault => `  ${faultText(fault)}`),
    '',
    `timeline, the last ${TIMELINE_MS / 1000} s before it:`,
    ...result.trace.around(violation.atMs, TIMELINE_MS, violation.words).slice(-TIMELINE_LINES),
  ].join('\n')
}

function shown({ rule, text, atMs }: Violation): string {
  return `  ${(atMs / 1000).toFixed(3)}s  ${rule}: ${text}`
}

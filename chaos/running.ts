import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../src/base/clock.js'
import { systemRandom } from '../src/base/random.js'
import type { Io } from '../src/cli/io.js'
import { outputOption } from '../src/tools/smsc-sim-main.js'
import { limit, option, perSecond, whole } from '../src/tools/units.js'
import {
  campaign,
  type CampaignEffects,
  type CampaignOptions,
  type PlannedRun,
} from './campaign.js'
import type { Drill } from './drill.js'
import { noteRunning, stopOnSignals } from './hard-stop.js'
import { readHistory } from './history.js'
import { runsText } from './history-text.js'
import { openLive, type Ask } from './live.js'

/** Of every command that runs drills. */
export interface Flags {
  out: string
  record?: string
  rate: number
  seed?: number
  keep: boolean
  /** nodes.yaml of a running cluster. */
  cluster?: string
  /** Do not ask whether it may be broken. */
  yes: boolean
  output: 'table' | 'json'
}

/** What a drill runs with; tests hand in others. */
export interface DrillWorld {
  io: Io
  drills: readonly Drill[]
  perform: CampaignEffects['perform']
  /** Undefined where there is no terminal. */
  ask?: Ask | undefined
}

export const OUT = '.carillon/drills'
/** Low enough for three nodes, an SMSC and the load on two processors. */
const RATE = 200

export function withFlags(command: Command): Command {
  return command
    .option('--out <dir>', 'where the evidence goes', OUT)
    .option('--record <dir>', 'also keep a summary of each run there, for good')
    .addOption(
      option('--rate <rate>', 'messages a second, or unlimited', perSecond, RATE, `${RATE}/s`),
    )
    .option('--seed <n>', "of the drill's own chance (default: drawn)", whole(0, 2 ** 32 - 1))
    .option('--keep', "keep the nodes' data and logs", false)
    .option('--cluster <nodes.yaml>', 'a running cluster, as this file says, instead of a new one')
    .option('--yes', 'with --cluster: break it without asking', false)
    .addOption(outputOption())
}

/** Runs them one after the other, as a campaign. @returns the exit status */
export async function runAll(
  runs: readonly PlannedRun[],
  flags: Flags,
  world: DrillWorld,
): Promise<number> {
  const { io, perform } = world
  const drills = [...new Set(runs.map(({ drill }) => drill))]
  return stoppable(flags, drills, world, async options => {
    const effects = { io, clock: systemClock, drawSeed, perform }
    const { exitStatus, lines } = await campaign(runs, options, readHistory(options.out), effects)
    const table = lines.length > 1 && options.output === 'table'
    if (table) io.out(`\n${runsText(lines, io.paint)}`)
    return exitStatus
  })
}

/**
 * Does something that Ctrl-C and `drill stop` end in good order.
 *
 * @throws CommandFailed where the running cluster of --cluster cannot be used
 */
export async function stoppable<T>(
  flags: Flags,
  drills: readonly Drill[],
  { io, ask }: DrillWorld,
  work: (options: CampaignOptions) => Promise<T>,
): Promise<T> {
  const { cluster, yes } = flags
  const live =
    cluster === undefined ? undefined : await openLive({ cluster, yes }, drills, { io, ask })
  const out = resolve(flags.out)
  const record = flags.record === undefined ? undefined : resolve(flags.record)
  const stop = stopOnSignals(text => io.note(text))
  const forget = noteRunning(out)
  try {
    const { keep, seed, output } = flags
    const rate = limit(flags.rate)
    return await work({ out, record, rate, seed, keep, output, live, signal: stop.signal })
  } finally {
    forget()
    stop.forget()
  }
}

export const drawSeed = (): number => systemRandom.below(2 ** 32)

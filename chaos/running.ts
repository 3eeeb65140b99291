import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { systemClock } from '../src/base/clock.js'
import { systemRandom } from '../src/base/random.js'
import { CommandFailed, EXIT } from '../src/cli/failure.js'
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
import {
  NETWORK_CHOICES,
  NO_NAMESPACES,
  type Namespaces,
  type NetworkChoice,
} from './network/choice.js'

/** Of every command that runs drills. */
export interface Flags {
  out: string
  record?: string
  rate: number
  seed?: number
  keep: boolean
  /** nodes.yaml of a running cluster. */
  cluster?: string
  network: NetworkChoice
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
  /** Undefined where the drills run in a process that cannot leave its network, as in tests. */
  network?: OwnNetwork | undefined
}

/** A network namespace that this process can have for itself. */
export interface OwnNetwork {
  isInOwn: () => boolean
  here: () => Promise<Namespaces>
  /** Does everything there instead. @returns the exit status */
  enter: () => Promise<number>
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
    .addOption(
      new Option('--network <how>', 'how the network is broken (see below)')
        .choices(NETWORK_CHOICES)
        .default('auto'),
    )
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
 * Does something that Ctrl-C and `drill stop` end in good order: in a network namespace of its own, in a process that is begun for it,
 * where a drill is to have namespaces and they can be used.
 *
 * @param work    resolves with the exit status
 * @throws CommandFailed where the running cluster of --cluster, or namespaces that were asked for, cannot be used
 */
export async function stoppable(
  flags: Flags,
  drills: readonly Drill[],
  world: DrillWorld,
  work: (options: CampaignOptions) => Promise<number>,
): Promise<number> {
  const { io, ask } = world
  const { cluster, yes } = flags
  const namespaces = await namespacesFor(flags, drills, world)
  if (namespaces.missing === undefined && world.network?.isInOwn() === false)
    return world.network.enter()
  const live =
    cluster === undefined ? undefined : await openLive({ cluster, yes }, drills, { io, ask })
  const out = resolve(flags.out)
  const record = flags.record === undefined ? undefined : resolve(flags.record)
  const stop = stopOnSignals(text => io.note(text))
  const forget = noteRunning(out)
  try {
    const { keep, seed, output } = flags
    const rate = limit(flags.rate)
    const network = { choice: flags.network, namespaces }
    return await work({ out, record, rate, seed, keep, output, live, network, signal: stop.signal })
  } finally {
    forget()
    stop.forget()
  }
}

async function namespacesFor(
  { network, cluster }: Flags,
  drills: readonly Drill[],
  world: DrillWorld,
): Promise<Namespaces> {
  const wanted = network === 'namespaces' || drills.some(({ setup }) => setup?.breaks !== undefined)
  if (cluster !== undefined) return NO_NAMESPACES
  if (!wanted || network === 'proxy') return NO_NAMESPACES
  const found = (await world.network?.here()) ?? NO_NAMESPACES
  if (network === 'namespaces' && found.missing !== undefined) {
    throw new CommandFailed(EXIT.usage, `--network namespaces cannot be had: ${found.missing}`)
  }
  return found
}

export const drawSeed = (): number => systemRandom.below(2 ** 32)

import { existsSync, readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock, systemTimers } from '../src/base/clock.js'
import type { Io } from '../src/cli/io.js'
import { waitFor } from '../src/testing/wait-for.js'
import { whole } from '../src/tools/units.js'
import { campaign } from './campaign.js'
import { cronTimes, type CronTimes } from './cron.js'
import type { Drill } from './drill.js'
import { GUARDS } from './guards.js'
import { runningIn, systemProcesses } from './hard-stop.js'
import { drawSeed, OUT, stoppable, withFlags, type DrillWorld, type Flags } from './running.js'
import { schedule } from './schedule.js'

/**
 * `drill schedule` and `drill stop`.
 *
 * @param known  a drill's name, or commander's error with the nearest one
 * @param done   gets the exit status
 */
export function addGameDays(
  program: Command,
  options: { world: DrillWorld; known: (name: string) => string; done: (status: number) => void },
): void {
  const { world, known, done } = options
  withFlags(program.command('schedule'))
    .description('game days: run drills, one at each time, in turn; ends when one does not pass')
    .argument('<cron>', "when, such as '0 14 * * TUE' (minute hour day month weekday)")
    .argument('[names...]', 'which ones (default: all)', (name, names: string[] | undefined) => [
      ...(names ?? []),
      known(name),
    ])
    .option('--timezone <name>', 'of the times', 'UTC')
    .option('--runs <n>', 'end after so many (default: never)', whole(1, 1_000_000))
    .addHelpText('after', SCHEDULE_HELP)
    .action(async (cron: string, names: string[], flags: ScheduleFlags, command: Command) => {
      try {
        flags.times = cronTimes(cron, flags.timezone)
      } catch (error) {
        command.error(`error: ${(error as Error).message}`)
      }
      const chosen = world.drills.filter(({ name }) => names.length === 0 || names.includes(name))
      done(await runSchedule(chosen, flags, world))
    })
  program
    .command('stop')
    .description('the hard stop: ends what runs drills here, and heals their faults')
    .option('--out <dir>', 'where the evidence goes', OUT)
    .option('--now', 'end at once; the nodes die with it', false)
    .action(async (flags: { out: string; now: boolean }) => {
      done(await stopRunning(flags, world.io))
    })
}

interface ScheduleFlags extends Flags {
  times: CronTimes
  timezone: string
  runs?: number
}

const SCHEDULE_HELP = `
Example, a game day each Tuesday at 14:00 in Berlin:
  ./carillon drill schedule '0 14 * * TUE' leader-kill smsc-outage --timezone Europe/Berlin

It breaks a drill off when a guard trips: no positive submit_sm_resp for ${GUARDS.silentMs / 1000} s while nothing is
broken on purpose, a node down that the drill has not taken down, less than ${GUARDS.diskFreeShare * 100} % of the disk free.
After a drill that did not pass (a lost message, say) no other one begins. By hand: Ctrl-C, or
./carillon drill stop in another terminal; faults are healed first.
`

/** Each time is a campaign of one run. */
async function runSchedule(
  chosen: readonly Drill[],
  flags: ScheduleFlags,
  world: DrillWorld,
): Promise<number> {
  const { io, perform } = world
  return stoppable(flags, chosen, world, options => {
    const effects = { io, clock: systemClock, drawSeed, perform }
    const { times, runs = null } = flags
    return schedule(
      { times, drills: chosen, runs, signal: options.signal },
      {
        clock: systemClock,
        timers: systemTimers,
        say: text => io.note(text),
        perform: async drill =>
          (await campaign([{ drill, times: 1 }], options, [], effects)).exitStatus === 0,
      },
    )
  })
}

/** @returns the exit status: 1 where nothing runs */
async function stopRunning(flags: { out: string; now: boolean }, io: Io): Promise<number> {
  const out = resolve(flags.out)
  const pids = (): number[] => runningIn(out, existsSync(out) ? readdirSync(out) : [])
  const found = pids()
  if (found.length === 0) {
    io.note(`no drill runs with its evidence in ${out}`)
    return 1
  }
  for (const pid of found) {
    systemProcesses.kill(pid, 'SIGINT')
    if (flags.now) systemProcesses.kill(pid, 'SIGTERM')
    io.note(`told process ${pid} to heal its faults and stop`)
  }
  await waitFor('the drills have ended', () => pids().length === 0, { timeoutMs: 60_000 })
  io.out('stopped')
  return 0
}

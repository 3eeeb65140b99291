import type { Clock, Timers } from '../src/base/clock.js'
import type { CronTimes } from './cron.js'
import type { Drill } from './drill.js'

export interface ScheduleOptions {
  times: CronTimes
  /** One of them each time, in turn. */
  drills: readonly Drill[]
  /** It ends after so many; null: never by itself. */
  runs: number | null
  /** Ends the schedule, and whatever runs. */
  signal: AbortSignal
}

export interface ScheduleEffects {
  clock: Clock
  timers: Timers
  say: (text: string) => void
  /** Runs one drill. @returns whether it passed, or could not run here */
  perform: (drill: Drill) => Promise<boolean>
}

/**
 * Game days: waits for each time of the pattern and runs the next drill. A drill that does not pass ends
 * the schedule, for somebody must look first; so does whoever aborts the signal. Times that come while a
 * drill runs are left out.
 *
 * @returns the exit status: 0 where the runs, or the times, came to their end
 */
export async function schedule(
  { times, drills, runs, signal }: ScheduleOptions,
  { clock, timers, say, perform }: ScheduleEffects,
): Promise<number> {
  const stopped = (): boolean => signal.aborted
  for (let i = 0; i < (runs ?? Infinity); i++) {
    const dueMs = times.next(clock.nowMs())
    if (dueMs === null) {
      say('the pattern has no time left')
      return 0
    }
    const drill = drills[i % drills.length]!
    say(`next: ${drill.name} at ${new Date(dueMs).toISOString()}`)
    await until(dueMs, signal, { clock, timers })
    if (stopped()) return 1
    if (!(await perform(drill))) {
      say(`${drill.name} did not pass: the schedule ends here`)
      return 1
    }
    if (stopped()) return 1
  }
  return 0
}

/** The wall clock may jump, and timers hold no more than 24 days: it looks again every minute. */
async function until(
  dueMs: number,
  signal: AbortSignal,
  { clock, timers }: Pick<ScheduleEffects, 'clock' | 'timers'>,
): Promise<void> {
  while (!signal.aborted && clock.nowMs() < dueMs) {
    await new Promise<void>(resolve => {
      const end = (): void => {
        cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = timers.after(Math.min(LOOK_EVERY_MS, dueMs - clock.nowMs()), end)
      signal.addEventListener('abort', end)
    })
  }
}

const LOOK_EVERY_MS = 60_000

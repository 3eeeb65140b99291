import { Cron } from 'croner'

/** When a cron pattern is due next. Wraps the library. */
export interface CronTimes {
  /** The first time after `afterMs`, both ms since the Unix epoch; null: never again. */
  next(afterMs: number): number | null
}

/**
 * @param pattern   five fields, or six with seconds first: `0 14 * * TUE`
 * @param timezone  IANA name
 * @throws Error that says what is wrong with it
 */
export function cronTimes(pattern: string, timezone: string): CronTimes {
  const cron = new Cron(pattern, { paused: true, timezone, mode: '5-or-6-parts' })
  cron.nextRun() // an unknown zone is noticed here
  return { next: afterMs => cron.nextRun(new Date(afterMs))?.getTime() ?? null }
}

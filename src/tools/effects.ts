import { systemClock, systemTimers, type Clock, type Timers } from '../base/clock.js'
import { silentLogger, type Logger } from '../base/logger.js'
import { systemRandom, type Random } from '../base/random.js'

/** The world outside a tool. */
export interface ToolEffects {
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
}

export const systemEffects: ToolEffects = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  logger: silentLogger,
}

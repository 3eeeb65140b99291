import type { DrainView } from '../api/shapes.js'
import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'

/** What draining does to the parts of the node; each bounded by its caller. */
export interface DrainSteps {
  /** Hands leadership over, where this node has it and somebody else can. */
  giveUpLeadership(): Promise<void>
  /** Lets windows of ESMEs empty and unbinds them, at the latest after `deadlineMs`. */
  drainFront(deadlineMs: number): Promise<void>
  /** Tells the cluster to give this node nothing, and to move what it has. */
  declare(): Promise<void>
  /** Lets windows of SMSCs empty and gives homes up. */
  drainUpstream(): Promise<void>
}

export interface DrainOptions {
  clock: Clock
  timers: Timers
  logger: Logger
  steps: DrainSteps
  sessions(): number
  inFlight(): number
  /** Nothing can be committed any more, as when all nodes are stopped together: waiting would be in vain. */
  hopeless(): boolean
}

/** Of the whole time, the front end gets most: ESMEs have to answer. */
const FRONT_SHARE = 0.6
const LEADERSHIP_MS = 2000
const LOOK_MS = 50

/**
 * Takes the node out of service without losing anything (DESIGN §3): not ready, leadership away, ESMEs unbound,
 * then ownership and homes away. ESMEs come first: what they acknowledge counts only while this node owns
 * their deliveries.
 */
export class Drain {
  private readonly options: DrainOptions
  private phase: DrainView['state'] = 'serving'
  private running: Promise<void> | undefined

  constructor(options: DrainOptions) {
    this.options = options
  }

  get state(): DrainView {
    const { options, phase } = this
    return { state: phase, sessions: options.sessions(), inFlight: options.inFlight() }
  }

  get begun(): boolean {
    return this.phase !== 'serving'
  }

  /** Resolves when all is handed over, or the time is over. A second call joins the first. */
  run(deadlineMs: number): Promise<void> {
    this.running ??= this.perform(deadlineMs)
    return this.running
  }

  private async perform(deadlineMs: number): Promise<void> {
    const { clock, logger, steps } = this.options
    const until = clock.monotonicMs() + deadlineMs
    const left = (): number => Math.max(0, until - clock.monotonicMs())
    this.phase = 'draining'
    logger.info('draining', { deadlineMs })
    await this.within(Math.min(LEADERSHIP_MS, left()), 'leadership', steps.giveUpLeadership())
    const frontMs = left() * FRONT_SHARE
    await this.within(left(), 'sessions', steps.drainFront(frontMs))
    await this.within(left(), 'homes', steps.declare())
    await this.within(left(), 'windows', steps.drainUpstream())
    this.phase = 'drained'
    logger.info('drained', { leftMs: Math.round(left()) })
  }

  private async within(ms: number, what: string, step: Promise<void>): Promise<void> {
    const { timers, logger, clock } = this.options
    const until = clock.monotonicMs() + ms
    let cancel: (() => void) | undefined
    const givenUp = new Promise<string>(resolve => {
      cancel = timers.every(LOOK_MS, () => {
        if (clock.monotonicMs() >= until) resolve('the time is over')
        else if (this.options.hopeless()) resolve('there is no leader')
      })
    })
    const failure = await Promise.race([
      step.then(
        () => undefined,
        (error: unknown) => (error instanceof Error ? error.message : String(error)),
      ),
      givenUp,
    ])
    cancel?.()
    if (failure !== undefined) logger.warn('drain goes on without', { what, why: failure })
  }
}

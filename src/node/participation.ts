import type { Group } from '../../cluster/types.js'
import type { Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Journal } from '../journal/index.js'
import type { Upstream } from '../upstream/index.js'
import type { ClockJudgement } from './clock-judgement.js'
import type { Drain } from './drain.js'
import type { Leadership } from './leadership.js'

/** How long a node that stops waits for the cluster to hear of it. */
const LEAVE_MS = 1000

export interface ParticipationOptions {
  node: number
  journal: Journal
  timers: Timers
  logger: Logger
  leadership: Leadership
  drainer: Drain
  group(): Group | undefined
  upstream(): Upstream | undefined
  /** The boot that is registered, if one is. */
  boot(): number | undefined
}

/**
 * Whether this node takes part in what the cluster shares out: it says when it drains, stands aside while its clock is
 * wrong (DESIGN I7), and says good-bye.
 */
export class Participation {
  private readonly options: ParticipationOptions
  private aside = false
  private returning = false

  constructor(options: ParticipationOptions) {
    this.options = options
  }

  /** Handed away what it had, for its clock is wrong. */
  get stoodAside(): boolean {
    return this.aside
  }

  /** Elected all the same: a node that stands aside, or was drained, hands it on. */
  onLeading(): void {
    const { leadership, drainer, logger } = this.options
    const group = this.options.group()
    if (group === undefined) return
    if (!this.aside && drainer.state.state !== 'drained') return
    leadership.giveUp(group).catch((error: unknown) => {
      logger.warn('leadership stays here for want of another voter', { error })
    })
  }

  /** DESIGN I7: a node whose clock is wrong proposes nothing of time, and holds nothing that needs it to. */
  onClock(judgement: ClockJudgement): void {
    if (judgement === 'outvoted') this.standAside()
    else if (this.aside) {
      this.aside = false
      if (this.options.drainer.begun) return
      void this.declare(false)
      this.options.upstream()?.resume()
    }
  }

  /** Entries were applied. A leader that did not hear this node has relieved it (steward.ts): here it is. */
  look(): void {
    const { journal, node, drainer, logger } = this.options
    const boot = this.options.boot()
    const known = journal.state.nodes.get(node)
    if (known?.draining !== true || !known.alive || known.boot !== boot) return
    if (this.aside || this.returning || drainer.begun) return
    logger.info('others run the connectors of this node, which was silent: it takes part again')
    this.returning = true
    const done = (): void => {
      this.returning = false
    }
    this.declare(false).then(done, done)
  }

  /** Tells the cluster that this boot drains, or takes part again. */
  async declare(draining: boolean): Promise<void> {
    const { journal, node } = this.options
    const boot = this.options.boot()
    if (boot === undefined) return
    await journal.proposer.command({ kind: 'draining', node, boot, draining })
  }

  /** Ends this boot in good order: nobody has to find out that the node is gone. Resolves after a second at most. */
  leave(boot: number): Promise<void> {
    const { timers, journal, node } = this.options
    return new Promise(resolve => {
      const cancel = timers.after(LEAVE_MS, () => resolve())
      const done = (): void => {
        cancel()
        resolve()
      }
      if (!journal.proposer.propose({ kind: 'nodeDown', node, boot }, done)) done()
    })
  }

  private standAside(): void {
    this.aside = true
    const { leadership, logger } = this.options
    const group = this.options.group()
    const handed = Promise.all([
      group === undefined ? undefined : leadership.giveUp(group),
      this.declare(true).then(() => this.options.upstream()?.drain()),
    ])
    handed.catch((error: unknown) => logger.warn('not everything was handed over', { error }))
  }
}

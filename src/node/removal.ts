import type { ClusterNode } from '../../cluster/types.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import { LEADERLESS_TIMEOUTS } from './readiness.js'

/** Between two questions to the other nodes. */
const EVERY_MS = 1000

export interface RemovalOptions {
  clock: Clock
  timers: Timers
  logger: Logger
  electionTimeoutMs: number
  cluster: Pick<ClusterNode, 'wasRemoved'>
  /** Monotonic ms; undefined while a leader is known. */
  leaderlessSinceMs(): number | undefined
  /** By the newest membership that is replicated here; true where there is none yet. */
  isMember(): boolean
  /** Once. */
  removed(): void
  /** The cluster took a removed node in again, which no command of ours does. */
  addedAgain(): void
}

/**
 * Finds out whether this node is a member no longer. A leader tells nothing more to a node that was removed, so
 * one that hears none for a while asks the others.
 */
export class Removal {
  private readonly options: RemovalOptions
  private readonly cancel: Cancel
  private asking = false
  private was = false

  constructor(options: RemovalOptions) {
    this.options = options
    this.cancel = options.timers.every(EVERY_MS, () => this.look())
  }

  get removed(): boolean {
    return this.was
  }

  stop(): void {
    this.cancel()
  }

  private look(): void {
    const { options } = this
    if (this.was) {
      if (options.leaderlessSinceMs() === undefined && options.isMember()) options.addedAgain()
      return
    }
    if (this.asking || !this.isInDoubt()) return
    this.asking = true
    void options.cluster.wasRemoved().then(removed => {
      this.asking = false
      // meanwhile a leader may have been heard
      if (!removed || this.was || !this.isInDoubt()) return
      this.was = true
      options.logger.error(
        'this node was removed from the cluster: it serves nobody any more; stop it',
      )
      options.removed()
    })
  }

  /**
   * A node that has applied its own removal asks for no votes, and so does not notice that its leader is silent. One
   * that replays what came before it was added is no member either: the others know better.
   */
  private isInDoubt(): boolean {
    const { options } = this
    if (!options.isMember()) return true
    const sinceMs = options.leaderlessSinceMs() ?? Infinity
    return options.clock.monotonicMs() - sinceMs >= LEADERLESS_TIMEOUTS * options.electionTimeoutMs
  }
}

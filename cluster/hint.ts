import type { Cancel, Clock, Timers } from '../src/base/clock.js'
import type { Logger } from '../src/base/logger.js'
import type { Random } from '../src/base/random.js'
import type { Engine } from './engine.js'

/** Between two voters' pre-votes, so that they do not split the vote. */
const RANK_MS = 40
/** A candidate waits so long for its votes before it asks anew. */
const VOTES_MS = 150
const RETRY_MS = { min: 12, max: 40 }

export interface HintContext {
  id: number
  engine: Engine
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  electionTimeoutMs: number
  /** Whether the port of this peer refuses connections now. */
  refused(id: number): boolean
  /** Runs `change` on the engine and sees to what follows from it. */
  act(change: () => void): void
}

/**
 * The leader's port refuses connections, so its process is gone: this node gives up its own
 * patience, and asks for pre-votes when its rank comes up. Nobody else is forced: voters that
 * still trust the leader ignore the pre-votes until their own hint comes.
 *
 * Frames that the dead leader sent before it died can still arrive and renew the trust in it;
 * therefore the hint is applied again and again until another leader is known, the port accepts
 * connections, or two election timeouts have passed.
 */
export class Hint {
  private readonly context: HintContext
  private active: { dead: number; sinceMs: number; term: number; notBeforeMs: number } | undefined
  private cancel: Cancel = () => undefined

  constructor(context: HintContext) {
    this.context = context
  }

  /** `peer` refuses connections, and was the leader as far as this node knows. */
  begin(peer: number): void {
    if (this.active?.dead === peer) return
    const { clock, engine, logger, id } = this.context
    if (!engine.configuration.voters.includes(id)) return
    this.end()
    const now = clock.monotonicMs()
    const rank = this.rank(peer)
    this.active = { dead: peer, sinceMs: now, term: engine.term, notBeforeMs: now + rank * RANK_MS }
    logger.info('leader process is gone', { leader: peer, rank })
    this.attempt()
  }

  end(): void {
    this.cancel()
    this.active = undefined
  }

  private attempt(): void {
    const { active } = this
    const { clock, engine, timers, random, electionTimeoutMs } = this.context
    if (active === undefined) return
    const now = clock.monotonicMs()
    const { leader } = engine
    if (
      (leader !== null && leader !== active.dead) ||
      now - active.sinceMs > 2 * electionTimeoutMs ||
      !this.context.refused(active.dead)
    ) {
      this.end()
      return
    }
    if (engine.term !== active.term) {
      active.term = engine.term // somebody is being elected: leave it the time
      active.notBeforeMs = now + RANK_MS
    }
    this.context.act(() => {
      engine.giveUpPatience()
      const patienceMs = engine.isCandidate ? VOTES_MS : 0 // real votes are being collected
      if (now >= active.notBeforeMs + patienceMs) engine.campaign()
    })
    const waitMs = RETRY_MS.min + random.unit() * (RETRY_MS.max - RETRY_MS.min)
    this.cancel = timers.after(waitMs, () => this.attempt())
  }

  /** Place among the voters that live, counted from the dead leader on. */
  private rank(dead: number): number {
    const { engine, id } = this.context
    const living = engine.configuration.voters.filter(
      voter => voter === id || (voter !== dead && !this.context.refused(voter)),
    )
    const order = [...living.filter(voter => voter > dead), ...living.filter(voter => voter < dead)]
    return order.indexOf(id)
  }
}

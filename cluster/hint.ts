import type { Cancel, Clock, Timers } from '../src/base/clock.js'
import type { Logger } from '../src/base/logger.js'
import type { Random } from '../src/base/random.js'
import type { Engine } from './engine.js'
import type { RaftMessage } from './messages.js'

/** The living voters ask in turn, each for so long, so that they do not split the vote. */
const TURN_MS = 40
/** An election under way, one's own or another's, is given so long. */
const VOTES_MS = 60
const RETRY_MS = { min: 5, max: 12 }

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
  /** This node trusts its leader no more. */
  heed(): void
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
  private active:
    | {
        dead: number
        sinceMs: number
        rank: number
        living: number
        term: number
        termAtMs: number
        /** Since when it is known that a node of an earlier turn cannot win: its log is behind this one's. */
        aheadAtMs: number
      }
    | undefined
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
    const order = this.order(peer)
    const rank = order.indexOf(id)
    this.active = {
      dead: peer,
      sinceMs: clock.monotonicMs(),
      rank,
      living: order.length,
      term: engine.term,
      termAtMs: -Infinity,
      aheadAtMs: Infinity,
    }
    this.attempt()
    this.context.heed()
    logger.info('leader process is gone', { leader: peer, rank })
  }

  /**
   * Somebody asked for pre-votes; false: there is no hint. Where the log that was asked for is behind this node's, it
   * is refused whatever its rank; waiting for one's own turn would only cost time.
   */
  onPreVote(message: RaftMessage): boolean {
    const { active } = this
    if (active === undefined) return false
    if (this.context.engine.isUpToDate(message.index, message.logTerm)) return true
    if (active.aheadAtMs < Infinity) return true
    active.aheadAtMs = this.context.clock.monotonicMs()
    this.cancel()
    this.attempt()
    return true
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
      active.term = engine.term
      active.termAtMs = now
    }
    const turn = Math.floor((now - active.sinceMs) / TURN_MS) % active.living
    const ahead = now - active.aheadAtMs >= (active.rank - 1) * TURN_MS
    this.context.act(() => {
      engine.giveUpPatience()
      if ((ahead || turn === active.rank) && now - active.termAtMs >= VOTES_MS) engine.campaign()
    })
    const waitMs = RETRY_MS.min + random.unit() * (RETRY_MS.max - RETRY_MS.min)
    this.cancel = timers.after(waitMs, () => this.attempt())
  }

  /** The voters that live, counted from the dead leader on. */
  private order(dead: number): number[] {
    const { engine, id } = this.context
    const living = engine.configuration.voters.filter(
      voter => voter === id || (voter !== dead && !this.context.refused(voter)),
    )
    return [...living.filter(voter => voter > dead), ...living.filter(voter => voter < dead)]
  }
}

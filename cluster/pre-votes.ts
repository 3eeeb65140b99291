import type { Clock } from '../src/base/clock.js'
import type { Engine } from './engine.js'
import type { RaftMessage } from './messages.js'

export interface PreVotesContext {
  engine: Engine
  clock: Clock
  electionTimeoutMs: number
  /** Has the port of this peer dialled now. */
  look(id: number): void
  /** Runs `change` on the engine and sees to what follows from it. */
  act(change: () => void): void
}

/**
 * Pre-votes that get no yes at once, and what this node can do about it so that an election does not wait for
 * another turn. The engine ignores one while this node trusts its leader, and whoever asked asks again an election
 * timeout later; one from a log behind this node's is refused, and this node would stand when its own turn comes.
 * Nobody is forced: what is done here are pre-votes and answers to them. Raft thesis §9.6
 */
export class PreVotes {
  private readonly context: PreVotesContext
  /** The last one that came while this node trusted its leader. */
  private unheeded: { message: RaftMessage; atMs: number } | undefined

  constructor(context: PreVotesContext) {
    this.context = context
  }

  /** The engine has seen it. */
  onPreVote(message: RaftMessage): void {
    const { engine, clock } = this.context
    if (engine.isLeader) return
    if (!engine.trustsLeader) return this.standInstead(message)
    const leader = engine.leader!
    if (leader === message.from) return
    this.unheeded = { message, atMs: clock.monotonicMs() }
    this.context.look(leader)
  }

  /** After each tick of the engine. */
  onTick(): void {
    if (this.unheeded !== undefined && !this.context.engine.trustsLeader) this.heed()
  }

  /** This node trusts its leader no more: what was asked a while ago is answered now, instead of when it is asked again. */
  heed(): void {
    const { unheeded } = this
    const { engine, clock, electionTimeoutMs } = this.context
    this.unheeded = undefined
    if (unheeded === undefined || engine.isLeader) return
    if (clock.monotonicMs() - unheeded.atMs > electionTimeoutMs) return // asked again by now
    this.context.act(() => engine.step(unheeded.message))
    this.standInstead(unheeded.message)
  }

  /**
   * Of three voters whose leader is gone, one whose log is behind does not win without the third: that one stands
   * now. With more of them others may elect it, and two that stand at once would split the vote.
   */
  private standInstead({ from, index, logTerm }: RaftMessage): void {
    const { engine } = this.context
    const { voters, votersOutgoing } = engine.configuration
    if (engine.role !== 'follower' || votersOutgoing.length > 0) return
    if (voters.length > 3 || !voters.includes(from)) return
    if (!engine.isUpToDate(index, logTerm)) this.context.act(() => engine.campaign())
  }
}

import type { Engine } from './engine.js'
import type { GroupContext } from './group-context.js'
import type { LogStore } from './log/log-store.js'
import { losesVote, planChange, successor } from './membership.js'
import type { ReadyLoop } from './ready-loop.js'
import type { MemberChange } from './types.js'

const LOOK_MS = 10
/** The one who is asked may not have been ready, or the question was lost. */
const ASK_EVERY_MS = 100
/** A membership change has so many election timeouts, because a learner's disk may be far away. */
const CHANGE_TIMEOUTS = 20

/** Leadership transfer and membership changes, as the application asks for them. */
export class MembershipChanges {
  private readonly context: GroupContext
  private readonly log: LogStore
  private readonly engine: Engine
  private readonly loop: ReadyLoop
  private readonly act: (change: () => void) => void
  private waiters: (() => void)[] = []
  private failure: Error | undefined

  constructor(
    context: GroupContext,
    log: LogStore,
    engine: Engine,
    loop: ReadyLoop,
    act: (change: () => void) => void,
  ) {
    this.context = context
    this.log = log
    this.engine = engine
    this.loop = loop
    this.act = act
  }

  /**
   * A leader hands over to nobody who is far behind, a snapshot on its way to it say: proposals would wait for an
   * election timeout, and in vain. So it is waited for, and asked again.
   */
  async transferLeadership(to: number, leader: () => number | null): Promise<void> {
    if (leader() === to) return
    if (!this.engine.configuration.voters.includes(to)) {
      throw new Error(`node ${to} is no voter of group ${this.context.group}`)
    }
    if (leader() === null) throw new Error('there is no leader that could hand over')
    const { clock, electionTimeoutMs } = this.context
    const beganAtMs = clock.monotonicMs()
    let nextAtMs = beganAtMs
    await this.until(
      () => {
        if (leader() === to) return true
        const nowMs = clock.monotonicMs()
        // not later: a leader has tried for an election timeout then, without proposals; once is enough
        const isTime = nowMs >= nextAtMs && nowMs - beganAtMs < electionTimeoutMs
        if (isTime && this.mayLead(to)) {
          nextAtMs = nowMs + ASK_EVERY_MS
          this.act(() => this.engine.transferLeader(to))
        }
        return false
      },
      2,
      () =>
        this.mayLead(to)
          ? `leadership did not go to node ${to} in time`
          : `node ${to} is too far behind to lead`,
    )
  }

  /** As far as this node knows: it may be asked for leadership in favour of `to`. */
  mayLead(to: number): boolean {
    return !this.engine.isLeader || this.engine.progress().get(to)?.closeBehind === true
  }

  async change(changes: readonly MemberChange[], leader: () => number | null): Promise<void> {
    const { id } = this.context
    if (!this.engine.isLeader) throw new Error(`only the leader changes members: ${said(leader())}`)
    if (losesVote(id, changes)) {
      // a leader that removes itself would go on leading without a vote (guard 5)
      const to = successor(this.engine, id, changes)
      if (to === undefined) throw new Error('there is no other voter that could lead')
      await this.transferLeadership(to, leader)
      throw new Error(`leadership went to node ${to} first: ask it again`)
    }
    await this.until(
      () => this.loop.appliedIndex >= this.engine.pendingChangeIndex && !this.isJoint(),
      CHANGE_TIMEOUTS,
      () => 'an earlier membership change is not finished',
    )
    const membership = this.log.membership
    const planned = membership === undefined ? undefined : planChange(membership, changes)
    if (planned === undefined) return
    let outcome: number | { refused: string } = { refused: 'the group was stopped' }
    this.act(() => {
      outcome = this.engine.proposeChange(planned)
    })
    await this.finished(outcome)
  }

  /** Called after every run of applied entries. */
  onApplied(): void {
    for (const look of this.waiters.splice(0)) look()
  }

  stop(reason: Error): void {
    this.failure = reason
    this.onApplied()
  }

  private async finished(outcome: number | { refused: string }): Promise<void> {
    if (typeof outcome !== 'number') throw new Error(`membership not changed: ${outcome.refused}`)
    const { term } = this.engine
    await this.until(
      () => {
        if (this.loop.appliedIndex >= outcome && !this.isJoint()) return true
        if (this.engine.term !== term) {
          throw new Error('leadership was lost; the change may or may not take effect')
        }
        return false
      },
      CHANGE_TIMEOUTS,
      () => 'the membership change is not finished; it may still take effect',
    )
  }

  private isJoint(): boolean {
    return this.engine.configuration.votersOutgoing.length > 0
  }

  private async until(
    holds: () => boolean,
    timeouts: number,
    otherwise: () => string,
  ): Promise<void> {
    const { clock, timers, electionTimeoutMs } = this.context
    const untilMs = clock.monotonicMs() + timeouts * electionTimeoutMs
    while (!holds()) {
      if (this.failure !== undefined) throw this.failure
      if (clock.monotonicMs() >= untilMs) throw new Error(otherwise())
      await new Promise<void>(resolve => {
        const cancel = timers.after(LOOK_MS, resolve)
        this.waiters.push(() => {
          cancel()
          resolve()
        })
      })
    }
  }
}

function said(leader: number | null): string {
  return leader === null ? 'none is known' : `node ${leader} leads`
}

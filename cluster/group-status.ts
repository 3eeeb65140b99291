import type { Engine } from './engine.js'
import type { GroupContext } from './group-context.js'
import type { LogStore } from './log/log-store.js'
import type { ReadyLoop } from './ready-loop.js'
import type { GroupStatus, MemberStatus } from './types.js'

/** Puts `GroupStatus` together. */
export class GroupStatusView {
  private readonly context: GroupContext
  private readonly log: LogStore
  private readonly engine: Engine
  private readonly loop: ReadyLoop

  constructor(context: GroupContext, log: LogStore, engine: Engine, loop: ReadyLoop) {
    this.context = context
    this.log = log
    this.engine = engine
    this.loop = loop
  }

  status(): GroupStatus {
    const { engine, log, context } = this
    return {
      group: context.group,
      id: context.id,
      leader: engine.leader,
      term: engine.term,
      role: engine.role,
      commitIndex: engine.commitIndex,
      appliedIndex: this.loop.appliedIndex,
      firstIndex: log.firstIndex,
      lastIndex: engine.lastIndex,
      members: this.members(),
    }
  }

  private members(): MemberStatus[] {
    const { clock, transport, electionTimeoutMs, id: self } = this.context
    const progress = this.engine.progress()
    const now = clock.monotonicMs()
    const { voters, votersOutgoing } = this.engine.configuration
    return (this.log.membership?.members ?? []).map(({ id, address }) => ({
      id,
      address,
      role: voters.includes(id) || votersOutgoing.includes(id) ? 'voter' : 'learner',
      alive: id === self || now - transport.peer(id).heardAtMs <= 2 * electionTimeoutMs,
      matchIndex: progress.get(id)?.matchIndex ?? null,
    }))
  }
}

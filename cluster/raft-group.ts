import type { Cancel } from '../src/base/clock.js'
import { Engine, MESSAGE_BYTES_MAX, TICKS_PER_HEARTBEAT } from './engine.js'
import type { GroupContext } from './group-context.js'
import { appliedAtOpen, openLog } from './group-open.js'
import { GroupStatusView } from './group-status.js'
import { Hint } from './hint.js'
import type { LogStore } from './log/log-store.js'
import { MembershipChanges } from './membership-changes.js'
import {
  RECORD_HEADER,
  RecordKind,
  decodeMessage,
  encodeRecordOf,
  BadFrame,
  MessageKind,
} from './messages.js'
import { Outbox } from './outbox.js'
import { PreVotes } from './pre-votes.js'
import { Proposals } from './proposals.js'
import { Reads } from './reads.js'
import { ReadyLoop } from './ready-loop.js'
import { Snapshots, type SnapshotHead } from './snapshots.js'
import type { PeerEvent } from './transport/transport.js'
import type { Group, GroupStatus, Member, MemberChange, Proposed } from './types.js'

const EMPTY = Buffer.alloc(0)
/** Between two repeated `leaderChanged` calls for frames that may be lost. */
const REANNOUNCE_MS = 20
const COMPLAIN_MS = 5000
/** Named for the node that shall lead, or that wants to read; a follower passes them on to its leader. */
const PASSED_ON = new Set<number>([MessageKind.MsgTransferLeader, MessageKind.MsgReadIndex])

/** One Raft group on this node: what the application sees, and what the transport brings. */
export class RaftGroup implements Group {
  readonly id: number
  private readonly context: GroupContext
  private readonly log: LogStore
  private readonly engine: Engine
  private readonly proposals: Proposals
  private readonly reads: Reads
  private readonly preVotes: PreVotes
  private readonly hint: Hint
  private readonly snapshots: Snapshots
  private readonly loop: ReadyLoop
  private readonly changes: MembershipChanges
  private readonly view: GroupStatusView
  private readonly cancels: Cancel[] = []
  private gathering: Cancel | undefined
  /** What the listener was told last. */
  private announced: { leader: number | null; term: number } = { leader: null, term: 0 }
  private reannouncing = false
  private refusedProposals = 0
  private complainedAtMs = -Infinity
  private stopped = false

  /** Opens the log, finishes what a crash left, replays what the state machine has not on disk. */
  static async open(
    context: GroupContext,
    onOpening: (group: RaftGroup) => void,
  ): Promise<RaftGroup> {
    const log = await openLog(context)
    const group = new RaftGroup(context, log)
    onOpening(group) // peers are heard while the log is replayed
    group.begin()
    const commit = group.engine.commitIndex
    await group.loop.untilApplied(commit)
    return group
  }

  private constructor(context: GroupContext, log: LogStore) {
    const { group, id, machine, clock, transport } = context
    const applied = appliedAtOpen(log, machine.durableIndex)
    this.id = group
    this.context = context
    this.log = log
    this.engine = new Engine({
      ...context,
      log,
      applied,
      snapshotAt: () => machine.durableIndex,
    })
    const act = (change: () => void): void => this.act(change)
    this.snapshots = new Snapshots(context, log, this.engine, act)
    const outbox = new Outbox(group, this.engine, transport, clock, message =>
      this.snapshots.send(message),
    )
    this.proposals = new Proposals(clock)
    this.loop = new ReadyLoop(context, log, this.engine, applied, outbox, this.snapshots, {
      beforeReady: () => {
        // first the news: what a new leader held for the old one goes with its first entry
        this.announce()
        this.proposeGathered()
      },
      onRead: (index, readContext) => this.reads.onAnswer(index, readContext),
      onApplied: () => {
        this.reads.onApplied()
        this.changes.onApplied()
      },
      onFatal: error => this.fail(error),
    })
    const boot = context.random.octets(8).toString('hex')
    this.reads = new Reads({
      ...context,
      prefix: `${id}.${boot}`,
      ask: readContext => act(() => this.engine.readIndex(readContext)),
      appliedIndex: () => this.loop.appliedIndex,
    })
    this.preVotes = new PreVotes({
      ...context,
      engine: this.engine,
      look: peer => transport.look(peer),
      act,
    })
    this.hint = new Hint({
      ...context,
      engine: this.engine,
      refused: peer => transport.peer(peer).state === 'refused',
      heed: () => this.preVotes.heed(),
      act,
    })
    this.changes = new MembershipChanges(context, log, this.engine, this.loop, act)
    this.view = new GroupStatusView(context, log, this.engine, this.loop)
  }

  propose(data: Buffer): Proposed {
    const { id, transport } = this.context
    const { leader } = this.announced
    if (leader === null || this.stopped) return 'noLeader'
    if (leader === id) {
      if (!this.proposals.add(data, id)) return 'full'
      this.loop.kick()
      return 'sent'
    }
    const record = encodeRecordOf(RecordKind.proposal, this.id, data)
    const sent = transport.send(leader, 'append', record)
    return sent === 'down' ? 'noLeader' : sent
  }

  readIndex(): Promise<number> {
    if (this.stopped) return Promise.reject(new Error('the group was stopped'))
    return this.reads.read()
  }

  quorumProbeSentAtMs(): number {
    return this.reads.probeSentAtMs
  }

  status(): GroupStatus {
    return this.view.status()
  }

  /** The newest membership that this node knows; index 0 where there is none. */
  get membership(): { index: number; members: readonly Member[] } {
    return { index: this.log.membershipIndex, members: this.log.membership?.members ?? [] }
  }

  transferLeadership(to: number): Promise<void> {
    return this.changes.transferLeadership(to, () => this.announced.leader)
  }

  changeMembers(changes: MemberChange[]): Promise<void> {
    return this.changes.change(changes, () => this.announced.leader)
  }

  value(index: number): Buffer | undefined {
    return this.log.value(index)
  }

  release(indexes: readonly number[]): Promise<void> {
    return this.log.release(indexes)
  }

  rewrite(index: number, value: Buffer): Promise<void> {
    return this.log.rewrite(index, value)
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    this.halt(new Error('the group was stopped'))
    await this.loop.idle()
  }

  /** A record of a peer. Throws `BadFrame`. */
  onRecord(from: number, record: Buffer): void {
    if (this.stopped) return
    switch (record[0]) {
      case RecordKind.raft: {
        const message = decodeMessage(record, this.context.id)
        if (message.from !== from && !PASSED_ON.has(message.type)) {
          throw new BadFrame(`node ${from} speaks for node ${message.from}`)
        }
        // names the heir, whoever asks; in vain where that one is far behind
        if (message.type === MessageKind.MsgTransferLeader && !this.changes.mayLead(message.from))
          return
        this.act(() => this.engine.step(message))
        if (message.type === MessageKind.MsgPreVote && !this.hint.onPreVote(message))
          this.preVotes.onPreVote(message)
        return
      }
      case RecordKind.proposal:
        this.onForwarded(from, record.subarray(RECORD_HEADER))
        return
      case RecordKind.dropped:
        if (from === this.announced.leader) this.reannounce()
        return
      default:
        throw new BadFrame(`a record of kind ${record[0] ?? 'none'}`)
    }
  }

  onPeer(peer: number, event: PeerEvent): void {
    if (this.stopped) return
    const leader = this.engine.leader ?? this.announced.leader
    switch (event) {
      case 'appendUp':
        // what was under way on the broken stream may be lost
        if (peer === this.announced.leader) this.reannounce()
        return
      case 'down':
        this.act(() => this.engine.reportUnreachable(peer))
        return
      case 'refused':
        if (peer === leader) this.hint.begin(peer)
        return
      case 'accepting':
        return
    }
  }

  receiveSnapshot(from: number, head: SnapshotHead, records: AsyncIterable<Buffer>): Promise<void> {
    if (this.stopped) return Promise.reject(new Error('the group was stopped'))
    return this.snapshots.receive(from, head, records)
  }

  private begin(): void {
    const { timers, heartbeatMs, id } = this.context
    this.cancels.push(
      timers.every(heartbeatMs / TICKS_PER_HEARTBEAT, () => this.tick()),
      timers.every(heartbeatMs, () => this.reads.tick()),
    )
    const { voters } = this.engine.configuration
    if (voters.length === 1 && voters[0] === id) this.act(() => this.engine.campaign())
    this.loop.kick()
  }

  private tick(): void {
    this.act(() => this.engine.tick())
    if (!this.stopped) this.preVotes.onTick()
  }

  /** Changes the engine, sends what need not wait for the disk, and lets the loop see to the rest. */
  private act(change: () => void): void {
    if (this.stopped) return
    try {
      change()
      this.loop.afterStep()
    } catch (error) {
      this.fail(error)
    }
  }

  private onForwarded(from: number, data: Buffer): void {
    if (this.engine.isLeader && this.proposals.add(data, from)) this.loop.kick()
    else this.tellDropped(from)
  }

  /** Gives the engine what was gathered, as one message, where the time has come. */
  private proposeGathered(): void {
    const { proposals, engine } = this
    if (proposals.length === 0) return
    if (!engine.isLeader) {
      for (const from of proposals.drop()) this.tellDropped(from)
      return
    }
    const waitMs = proposals.dueInMs()
    if (waitMs > 0) {
      this.gathering ??= this.context.timers.after(waitMs, () => {
        this.gathering = undefined
        this.loop.kick()
      })
      return
    }
    // while leadership is handed over, or too much is uncommitted, they wait
    if (!engine.takes(MESSAGE_BYTES_MAX)) return
    const accepted = proposals.take(MESSAGE_BYTES_MAX).filter(({ data, from }) => {
      if (from === this.context.id || this.context.listener.accepts(data)) return true
      this.complain(from)
      return false
    })
    if (accepted.length === 0) return
    if (!engine.propose(accepted.map(({ data }) => data))) {
      for (const { from } of accepted) this.tellDropped(from)
    }
  }

  private tellDropped(from: number): void {
    if (from === this.context.id) {
      this.reannounce()
      return
    }
    const record = encodeRecordOf(RecordKind.dropped, this.id, EMPTY)
    this.context.transport.send(from, 'control', record)
  }

  private complain(from: number): void {
    this.refusedProposals++
    const now = this.context.clock.monotonicMs()
    if (now - this.complainedAtMs < COMPLAIN_MS) return
    this.complainedAtMs = now
    this.context.logger.warn('proposals of a peer refused', { from, count: this.refusedProposals })
  }

  private announce(): void {
    const { leader, term } = this.engine
    if (leader === this.announced.leader && term === this.announced.term) return
    if (leader !== this.announced.leader) {
      this.context.logger.info('leader changed', { leader, term })
    }
    this.announced = { leader, term }
    this.context.listener.leaderChanged(leader, term)
    // its last frames may come after the news of its death
    if (leader !== null && this.context.transport.peer(leader).state === 'refused') {
      this.hint.begin(leader)
    }
  }

  /** Tells the listener the same leader again: what was sent to it may be lost. */
  private reannounce(): void {
    if (this.reannouncing) return
    this.reannouncing = true
    this.context.timers.after(REANNOUNCE_MS, () => {
      this.reannouncing = false
      if (this.stopped) return
      const { leader, term } = this.announced
      this.context.listener.leaderChanged(leader, term)
    })
  }

  private fail(error: unknown): void {
    if (this.stopped) return
    const fatal = error instanceof Error ? error : new Error(String(error))
    this.context.logger.error('group failed', { error: fatal.message })
    this.halt(fatal)
    this.context.listener.fatal(fatal)
  }

  private halt(reason: Error): void {
    this.stopped = true
    for (const cancel of this.cancels) cancel()
    this.gathering?.()
    this.hint.end()
    this.loop.stop()
    this.snapshots.stop()
    this.reads.stop(reason)
    this.changes.stop(reason)
  }
}

/* eslint-disable @typescript-eslint/no-unsafe-class-instance-assignment, @typescript-eslint/no-unsafe-enum-assignment --
   the engine's classes and enums are plain records and numbers; ours have the same fields */
// rawnode first: the engine's modules import each other in a circle
import { RawNode } from '@coaty/consensus.raft/ported/rawnode.js'
import { SnapshotStatus, type Ready as EngineReady } from '@coaty/consensus.raft/ported/node.js'
import { ProgressStateType } from '@coaty/consensus.raft/ported/tracker/state.js'
import { RaftConfig, StateType } from '@coaty/consensus.raft/ported/raft.js'
import {
  type Entry,
  EntryType as EngineEntryType,
  Message,
  MessageType,
} from '@coaty/consensus.raft/ported/raftpb/raft.pb.js'

import type { Random } from '../src/base/random.js'
import {
  type ConfigurationChange,
  decodeChange,
  encodeChange,
  toConfiguration,
  toEngineChange,
  whyInvalid,
} from './engine-conf.js'
import { engineLogger, patchEngine } from './engine-guards.js'
import { fromEngine, idOf, toEngine } from './engine-messages.js'
import { engineStorage } from './engine-storage.js'
import type { EngineOptions, Progress, Ready } from './engine-types.js'
import type { Configuration } from './log/records.js'
import type { RaftMessage } from './messages.js'
import type { Role } from './types.js'

/** Ticks in a heartbeat: `tick` is called every heartbeatMs / 5. */
export const TICKS_PER_HEARTBEAT = 5
/** Octets of entries in one MsgApp. */
export const MESSAGE_BYTES_MAX = 512 * 1024
const INFLIGHT_MESSAGES_MAX = 64
const UNCOMMITTED_BYTES_MAX = 64 * 1024 * 1024
const COMMITTED_BYTES_PER_READY = 2 * 1024 * 1024
/** While leadership is handed over proposals wait, and the heir gets what it lacks. */
const CLOSE_BEHIND_ENTRIES = 500

/** What `mayLeaveEarly` looks at: fields alike in the engine's messages and in ours. */
type EarlyMessage = Pick<RaftMessage, 'type' | 'term' | 'commit'> & { entries: readonly unknown[] }

patchEngine()

/**
 * etcd's Raft core with its guards. Does no I/O and reads no clock; ids are numbers and data are
 * buffers on this side. Any exception out of it is fatal for the node.
 */
export class Engine {
  private readonly node: RawNode
  private readonly random: Random
  private readonly ticksPerElection: number
  private current: EngineReady | undefined
  private clamped = false
  /** The leader that this node's patience is measured for. */
  private followed = ''

  constructor(options: EngineOptions) {
    this.random = options.random
    this.ticksPerElection = Math.round(
      (options.electionTimeoutMs * TICKS_PER_HEARTBEAT) / options.heartbeatMs,
    )
    this.node = RawNode.NewRawNode(
      new RaftConfig({
        id: String(options.id),
        electionTick: this.ticksPerElection,
        heartbeatTick: TICKS_PER_HEARTBEAT,
        storage: engineStorage(options.log, options.applied, options.snapshotAt),
        applied: options.applied,
        maxSizePerMsg: MESSAGE_BYTES_MAX,
        maxCommittedSizePerReady: COMMITTED_BYTES_PER_READY,
        maxUncommittedEntriesSize: UNCOMMITTED_BYTES_MAX,
        maxInflightMsgs: INFLIGHT_MESSAGES_MAX,
        checkQuorum: true,
        preVote: true,
        disableProposalForwarding: true,
        logger: engineLogger(options.logger),
      }),
    )
    const { raft } = this.node
    raft.resetRandomizedElectionTimeout = () => {
      raft.randomizedElectionTimeout = this.electionTicks()
    }
    raft.resetRandomizedElectionTimeout()
  }

  get term(): number {
    return this.node.raft.term
  }

  /** Id of the known leader, or null. */
  get leader(): number | null {
    return idOf(this.node.raft.lead)
  }

  get isLeader(): boolean {
    return this.node.raft.state === StateType.StateLeader
  }

  /** A follower that has heard its leader within the election timeout: it heeds no pre-votes. */
  get trustsLeader(): boolean {
    const { raft } = this.node
    return !this.isLeader && raft.lead !== '' && raft.electionElapsed < this.ticksPerElection
  }

  get role(): Role {
    const { raft } = this.node
    if (raft.state === StateType.StateLeader) return 'leader'
    if (raft.isLearner) return 'learner'
    return raft.state === StateType.StateFollower ? 'follower' : 'candidate'
  }

  get commitIndex(): number {
    return this.node.raft.raftLog.committed
  }

  get lastIndex(): number {
    return this.node.raft.raftLog.lastIndex()
  }

  /** Last index that is known to be on this node's disk. */
  get stableIndex(): number {
    return this.node.raft.raftLog.unstable.offset - 1
  }

  /** Index of the newest membership change that may be unapplied; nothing new is accepted before. */
  get pendingChangeIndex(): number {
    return this.node.raft.pendingConfIndex
  }

  get transferTarget(): number | null {
    return idOf(this.node.raft.leadTransferee)
  }

  get configuration(): Configuration {
    return toConfiguration(this.node.raft.prs.confState())
  }

  /** On the leader: every member's progress. (Not `withProgress`, which breaks the next proposal: guard 1.) */
  progress(): Map<number, Progress> {
    const found = new Map<number, Progress>()
    if (!this.isLeader) return found
    for (const [id, progress] of this.node.status().progress) {
      found.set(Number(id), {
        matchIndex: progress.match,
        recentlyActive: progress.recentActive,
        closeBehind:
          progress.recentActive &&
          progress.state === ProgressStateType.StateReplicate &&
          this.lastIndex - progress.match <= CLOSE_BEHIND_ENTRIES,
        learner: progress.isLearner,
      })
    }
    return found
  }

  tick(): void {
    this.node.tick()
  }

  /** Takes a message of a peer. What is stale or senseless is ignored, as Raft does. */
  step(message: RaftMessage): void {
    const { raft } = this.node
    const engineMessage = toEngine(message)
    if ((message.type as MessageType) !== MessageType.MsgReadIndexResp) {
      this.node.step(engineMessage)
      this.follow()
      return
    }
    if (engineMessage.entries.length !== 1) return
    const earlier = raft.readStates // the engine doubles what it finds there (guard 2)
    raft.readStates = []
    this.node.step(engineMessage)
    raft.readStates = [...earlier, ...raft.readStates.slice(-1)]
  }

  /** Whether a proposal of `bytes` would be appended now. */
  takes(bytes: number): boolean {
    const { raft } = this.node
    return (
      this.isLeader &&
      raft.leadTransferee === '' &&
      (raft.uncommittedSize === 0 || raft.uncommittedSize + bytes <= UNCOMMITTED_BYTES_MAX)
    )
  }

  /** Appends on the leader, as one message. False: nothing was appended. */
  propose(datas: readonly Buffer[]): boolean {
    const entries = datas.map(data => ({
      type: EngineEntryType.EntryNormal,
      term: 0,
      index: 0,
      data: data.length === 0 ? null : data,
    }))
    return this.proposeEntries(entries)
  }

  /**
   * Appends a membership change. Returns its index, or says why not. Leaving joint consensus
   * (no changes) is the engine's own doing.
   */
  proposeChange(change: ConfigurationChange): number | { refused: string } {
    const invalid = whyInvalid(this.node.raft, change)
    if (invalid !== null) return { refused: invalid }
    const entry = {
      type: EngineEntryType.EntryConfChangeV2,
      term: 0,
      index: 0,
      data: toEngineChange(change) as unknown,
    }
    const entries = [entry]
    if (!this.proposeEntries(entries)) return { refused: 'not the leader' }
    // the engine replaces what it refuses by an empty entry
    if (entries[0] !== entry) return { refused: 'another change is under way' }
    entry.data = encodeChange(change) // from here on it is octets, in the log as on the wire
    return entry.index
  }

  /** Applies a committed change. Returns undefined, on every node alike, where it does not fit. */
  applyChange(
    data: Buffer | null,
  ): { change: ConfigurationChange; configuration: Configuration } | undefined {
    const change = decodeChange(data)
    if (whyInvalid(this.node.raft, change) !== null) return undefined
    const state = this.node.applyConfChange(toEngineChange(change))
    return { change, configuration: toConfiguration(state) }
  }

  /** `context` is never used twice. The answer comes with a later `Ready`, or never. */
  readIndex(context: string): void {
    this.node.readIndex(context)
  }

  campaign(): void {
    this.node.campaign()
  }

  /**
   * Ends this node's trust in its leader, and nothing else: pre-votes of others are answered now,
   * and its own next tick starts no election. Terms, votes and PreVote stay as they are. HOTPATH.md
   */
  giveUpPatience(): void {
    const { raft } = this.node
    if (this.isLeader) return
    raft.electionElapsed = this.ticksPerElection
    raft.randomizedElectionTimeout = 2 * this.ticksPerElection - 1
  }

  /** Whether a log that ends at this entry has all that this node's has. Raft thesis §3.6.1 */
  isUpToDate(index: number, logTerm: number): boolean {
    return this.node.raft.raftLog.isUpToDate(index, logTerm)
  }

  transferLeader(to: number): void {
    this.node.transferLeader(String(to))
  }

  reportUnreachable(id: number): void {
    this.node.reportUnreachable(String(id))
  }

  /** Must follow every MsgSnap, or its receiver stays paused (guard 6). */
  reportSnapshot(id: number, ok: boolean): void {
    this.node.reportSnapshot(
      String(id),
      ok ? SnapshotStatus.SnapshotFinish : SnapshotStatus.SnapshotFailure,
    )
  }

  /** A snapshot was accepted by `step` and waits for the next Ready, or is in the present one. */
  get hasPendingSnapshot(): boolean {
    return this.node.raft.raftLog.hasPendingSnapshot()
  }

  hasReady(): boolean {
    return this.node.hasReady()
  }

  /** Never a second one before `advance`. */
  ready(): Ready {
    if (this.current !== undefined) throw new Error('a second Ready before advance')
    const ready = this.node.ready()
    this.current = ready
    const { hardState, snapshot } = ready
    return {
      entries: ready.entries,
      hardState: hardState.isEmptyHardState()
        ? undefined
        : { term: hardState.term, vote: idOf(hardState.vote) ?? 0, commit: hardState.commit },
      mustSync: ready.mustSync,
      snapshot: snapshot.isEmptySnap()
        ? undefined
        : {
            index: snapshot.metadata.index,
            term: snapshot.metadata.term,
            membership: {
              configuration: toConfiguration(snapshot.metadata.confState),
              members: [],
            },
          },
      committed: ready.committedEntries,
      messages: ready.messages.map(fromEngine),
      reads: ready.readStates.map(({ index, requestCtx }) => ({
        index,
        context: String(requestCtx),
      })),
    }
  }

  advance(): void {
    if (this.current === undefined) throw new Error('advance without a Ready')
    const ready = this.current
    this.current = undefined
    this.node.advance(ready)
    if (!this.clamped) return
    // followers were told less than was committed: tell them now that it is on disk here too
    this.clamped = false
    if (this.isLeader) this.node.raft.bcastAppend()
  }

  /**
   * Takes out, while a Ready is being written, the messages that need not wait for the disk:
   * heartbeats and their answers, reads, and the leader's own entries. `durableTerm` is the term
   * on disk: what speaks for a newer one waits.
   */
  takeEarly(durableTerm: number): RaftMessage[] {
    const { raft } = this.node
    const early: RaftMessage[] = []
    const keep: Message[] = []
    for (const message of raft.msgs) {
      if (message.term <= durableTerm && this.mayLeaveEarly(message))
        early.push(fromEngine(message))
      else keep.push(message)
    }
    if (early.length > 0) raft.msgs = keep
    return early
  }

  /** Splits messages into those that may leave before the write, clamped, and those that may not. */
  split(messages: RaftMessage[], durableTerm: number): [early: RaftMessage[], rest: RaftMessage[]] {
    const early: RaftMessage[] = []
    const rest: RaftMessage[] = []
    for (const message of messages) {
      if (message.term <= durableTerm && this.mayLeaveEarly(message)) early.push(message)
      else rest.push(message)
    }
    return [early, rest]
  }

  /** Never lets a commit out that this node's own disk does not hold: HOTPATH.md, traps. */
  clamp(message: RaftMessage): void {
    const type = message.type as MessageType
    if (type !== MessageType.MsgApp && type !== MessageType.MsgHeartbeat) return
    const durable = this.stableIndex
    if (message.commit <= durable) return
    message.commit = durable
    if (type === MessageType.MsgApp) this.clamped = true
  }

  private mayLeaveEarly(message: EarlyMessage): boolean {
    switch (message.type as MessageType) {
      case MessageType.MsgHeartbeatResp:
      case MessageType.MsgReadIndex:
      case MessageType.MsgReadIndexResp:
        return true
      case MessageType.MsgHeartbeat:
      case MessageType.MsgTimeoutNow:
        return this.isLeader && message.term === this.term
      case MessageType.MsgApp:
        // one that only says what is committed waits until it is so here as well
        return (
          this.isLeader &&
          message.term === this.term &&
          (message.entries.length > 0 || message.commit <= this.stableIndex)
        )
      default:
        return false
    }
  }

  private proposeEntries(entries: Entry[]): boolean {
    const { raft } = this.node
    const message = new Message({ type: MessageType.MsgProp, from: raft.id })
    message.entries = entries // not copied: the engine numbers these very objects
    return raft.Step(message) === null
  }

  /** Whoever leads will not stand when it is gone: the ranks of the others close up. */
  private follow(): void {
    const { raft } = this.node
    if (raft.lead === this.followed) return
    this.followed = raft.lead
    if (raft.state === StateType.StateFollower) raft.resetRandomizedElectionTimeout()
  }

  /**
   * E + (rank + 0.1 + 0.5 · random) · E / n, in ticks, ranks being those of the voters that do not lead: votes
   * seldom split, and the first to stand is not so early that others still trust the leader. DESIGN §4
   */
  private electionTicks(): number {
    const { raft } = this.node
    const voters = raft.prs.voterNodes()
    const rank = voters.filter(id => id !== raft.lead && Number(id) < Number(raft.id)).length
    const step = this.ticksPerElection / Math.max(1, voters.length)
    return this.ticksPerElection + Math.floor((rank + 0.1 + 0.5 * this.random.unit()) * step)
  }
}

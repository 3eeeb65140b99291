/**
 * What a user of the cluster library sees. It replicates opaque entries and knows nothing of what
 * they mean.
 */

/** The application's half: applies committed entries, and hands its state over as snapshots. */
export interface StateMachine {
  /** Index of the last entry whose effect is on this node's disk; 0 when empty. Entries after it are replayed. */
  readonly durableIndex: number
  /**
   * Applies one committed entry. Called in index order, each index once since open (Raft's own empty
   * and membership entries come with empty `data`, so that indexes have no holes). Synchronous,
   * deterministic, never throws on content. `data` may be a view of a larger buffer: copy what is kept.
   */
  apply(index: number, term: number, data: Buffer): void
  /**
   * Called after a run of `apply` calls: the moment to act on what they decided. Nothing more is applied
   * before the promise, if there is one, resolves: the brake of a state whose changes pile up unwritten.
   */
  applied(): void | Promise<void>
  /** Whether the value of an applied entry is still needed when the log is cut past it. Absent: all are, until released. */
  keeps?(index: number): boolean
  /** The state as it is on disk, together with its index. Closed by the caller. */
  snapshot(): Promise<SnapshotSource>
  /** A place to receive another node's state, beside the current one. An earlier unfinished one is discarded. */
  stage(): Promise<SnapshotSink>
  /**
   * Puts the staged and finished state in place of the current one. Also called at start-up when a
   * crash came between; must then be repeatable. Afterwards `durableIndex` is `index`.
   */
  install(index: number): Promise<void>
  /** True where a finished stage for exactly this index lies on disk. */
  staged(index: number): Promise<boolean>
}

export interface SnapshotSource {
  readonly index: number
  /** The state's chunks, up to 1 MiB each, in an order that the sink of another node understands. */
  chunks(): AsyncIterable<Buffer>
  /** Indexes of the log values that this state still refers to; they travel with it, pinned while sent. */
  liveValues(): AsyncIterable<number>
  close(): Promise<void>
}

export interface SnapshotSink {
  write(chunk: Buffer): Promise<void>
  /** Verifies, fsyncs; after it `staged(index)` is true. Rejects what does not verify. */
  finish(index: number): Promise<void>
  discard(): Promise<void>
}

export interface Member {
  id: number
  /** host:port of the peer listener. */
  address: string
}

export type Role = 'follower' | 'candidate' | 'leader' | 'learner'

export interface GroupStatus {
  group: number
  id: number
  /** null where no leader is known. */
  leader: number | null
  term: number
  role: Role
  commitIndex: number
  appliedIndex: number
  firstIndex: number
  lastIndex: number
  members: MemberStatus[]
}

export interface MemberStatus extends Member {
  role: 'voter' | 'learner'
  /** Heard by this node within two election timeouts (this node itself: true). */
  alive: boolean
  /** On the leader: the last index known to be on that member's disk; null elsewhere. */
  matchIndex: number | null
}

/**
 * What became of handing over a proposal: `sent` means on its way to the leader and no more; what is
 * committed shows in `apply`. The others mean that nothing was sent.
 */
export type Proposed = 'sent' | 'noLeader' | 'full'

/** One Raft group on this node. */
export interface Group {
  readonly id: number
  /** Hands one entry to the leader, here or over the peer stream, in the order of the calls. `data` belongs to the group afterwards. */
  propose(data: Buffer): Proposed
  /** Resolves once this node has applied everything that was committed when it was called. Rejects without a quorum after two election timeouts. */
  readIndex(): Promise<number>
  /** When (monotonic ms) the newest probe was *sent* that a leader with a quorum has answered; -Infinity at first. DESIGN I5. */
  quorumProbeSentAtMs(): number
  status(): GroupStatus
  /** Resolves when `to` leads, which may have to catch up first; rejects after two election timeouts. */
  transferLeadership(to: number): Promise<void>
  /** Adds, removes, promotes or demotes members through joint consensus; resolves when applied here. Leader only. */
  changeMembers(changes: MemberChange[]): Promise<void>
  /** The value of a log entry, also of one that the log was cut past, as long as it was not released; undefined else. Synchronous. */
  value(index: number): Buffer | undefined
  /** Gives values up. Only those below `firstIndex` go from disk at once; the others when the log is cut. */
  release(indexes: readonly number[]): Promise<void>
  /** Puts a shorter form of a value that the log was already cut past. */
  rewrite(index: number, value: Buffer): Promise<void>
  stop(): Promise<void>
}

export type MemberChange =
  { kind: 'addLearner' | 'addVoter'; member: Member } | { kind: 'remove'; id: number }

/** What a group tells its user, besides `StateMachine`. */
export interface GroupListener {
  /**
   * A new leader is known here, or (null) none any more; also called when only the term changed, and
   * again with the same leader and term where proposals sent to it may be lost (the stream broke and
   * came back, the leader dropped some). In each case: propose again what is unanswered.
   */
  leaderChanged(leader: number | null, term: number): void
  /**
   * On the leader: checks a forwarded proposal before it is appended. False drops it and counts against that peer.
   */
  accepts(data: Buffer): boolean
  /** An exception in the group, or an fsync error: the node must stop. */
  fatal(error: Error): void
}

/** Unlogged messages between nodes, on the control stream; lost when the peer is away or its queue (bounded) is full. */
export interface Messenger {
  send(to: number, kind: number, body: Buffer): boolean
  onMessage(kind: number, handler: (from: number, body: Buffer) => void): void
}

/** What is known of a peer's process. `refused`: its port refused a connection, so its process is gone. */
export type PeerState = 'connected' | 'silent' | 'refused'

/** One node's cluster side: transport, log store and its groups. */
export interface ClusterNode {
  readonly id: number
  /** SHA-256 over the sorted nonces of the first members, hex. */
  readonly clusterId: string
  readonly messenger: Messenger
  /**
   * Opens the group's log and replays what the machine has not on disk; resolves when all that this
   * node knew to be committed is applied. The listener and the machine may be called before that.
   * Rejects with `LogDamaged` where log or state cannot be trusted.
   */
  openGroup(id: number, machine: StateMachine, listener: GroupListener): Promise<Group>
  /** Since when (monotonic ms) the peer is in this state, and when it was last heard. */
  peer(id: number): { state: PeerState; sinceMs: number; heardAtMs: number }
  /**
   * Asks all nodes it knows of what became of the membership: for a node that hears no leader. True: a later
   * membership is without it. Where others know members that this node does not, it speaks with them from now on:
   * one of them may be the leader that it misses. Never rejects.
   */
  wasRemoved(): Promise<boolean>
  stop(): Promise<void>
}

export interface ClusterOptions {
  id: number
  dataDir: string
  /** host:port to listen on. */
  listen: string
  /** The first members; once started, the replicated membership outranks it. */
  peers: Member[]
  tls?: { cert: string; key: string; ca: string }
  /** Default 50. */
  heartbeatMs: number
  /** Default 500; at least 5 × heartbeatMs. */
  electionTimeoutMs: number
}

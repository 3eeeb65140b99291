import type { Logger } from '../src/base/logger.js'
import type { Random } from '../src/base/random.js'
import type { LogStore } from './log/log-store.js'
import type { HardState, LogEntry, SnapshotMetadata } from './log/records.js'
import type { RaftMessage } from './messages.js'

export interface EngineOptions {
  id: number
  log: LogStore
  /** Index that the state machine has on disk. */
  applied: number
  /** Index that a snapshot taken now would have at least. */
  snapshotAt: () => number
  heartbeatMs: number
  electionTimeoutMs: number
  random: Random
  logger: Logger
}

/** What has to be done now, in this order: write, send, apply, answer reads; then `advance`. */
export interface Ready {
  entries: LogEntry[]
  /** Undefined where it did not change. */
  hardState: HardState | undefined
  mustSync: boolean
  snapshot: SnapshotMetadata | undefined
  committed: LogEntry[]
  messages: RaftMessage[]
  reads: { index: number; context: string }[]
}

/** A member's place in replication, on the leader. */
export interface Progress {
  matchIndex: number
  recentlyActive: boolean
  /** It follows entry by entry and lacks few: leadership can be handed to it without a long pause for proposals. */
  closeBehind: boolean
  learner: boolean
}

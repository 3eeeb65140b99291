import type { Clock, Timers } from '../src/base/clock.js'
import type { Logger } from '../src/base/logger.js'
import type { Random } from '../src/base/random.js'
import type { KeyValueStore } from '../src/base/store.js'
import type { Membership } from './log/records.js'
import type { Transport } from './transport/transport.js'
import type { GroupListener, StateMachine } from './types.js'

/** What one group needs of its node. */
export interface GroupContext {
  group: number
  /** This node. */
  id: number
  machine: StateMachine
  listener: GroupListener
  store: KeyValueStore
  transport: Transport
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  heartbeatMs: number
  electionTimeoutMs: number
  settings: GroupSettings
  /** What an empty log starts with; undefined on a node that was added later. */
  bootstrap: Membership | undefined
  /** See `ClusterDependencies`. */
  onLogWrite?: ((ms: number) => void) | undefined
  /** The membership of this group changed, or was learned. */
  onMembership(): void
}

/** The log is cut once it holds more than either of these below the state's durable index. */
export interface GroupSettings {
  /** Entries kept for followers that lag. Default 50,000. */
  keepEntries: number
  /** Octets kept for followers that lag. Default 256 MiB. */
  keepBytes: number
}

export const DEFAULT_GROUP_SETTINGS: GroupSettings = {
  keepEntries: 50_000,
  keepBytes: 256 * 1024 * 1024,
}

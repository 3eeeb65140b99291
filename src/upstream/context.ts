import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import type { Random } from '../base/random.js'
import type { ConnectorState, Journal } from '../journal/index.js'
import type { LinkTraces } from '../link/link-traces.js'
import type { Connection } from '../link/types.js'
import type { ConnectorTls, Secret } from '../policy/settings.js'
import type { AddressBinds } from './binds.js'

/** Where to connect to, and from where. */
export interface ConnectTo {
  host: string
  port: number
  /** null: the system chooses. */
  localAddress: string | null
  /** null: plain TCP. */
  tls: ConnectorTls | null
  timeoutMs: number
  /** Aborted when the connection is wanted no more. */
  signal: AbortSignal
}

/** All of the outside that the connectors of one node touch. */
export interface UpstreamOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  metrics: Metrics
  /** Rejects with an Error whose `code`, where it has one, says why (`ECONNREFUSED`). */
  connect(to: ConnectTo): Promise<Connection>
  /** Is told whose each link is. */
  traces?: LinkTraces | undefined
  /** The password in clear. Throws where the key is missing. */
  openSecret(secret: Secret): string
  /**
   * False: this node may write no message, for the last probe that a leader with a quorum answered was
   * sent over two election timeouts ago (DESIGN I5). Asked before every write.
   */
  fence(): boolean
}

/** What the parts of one home share. */
export interface Context extends UpstreamOptions {
  /** The connector's number and id. */
  readonly number: number
  readonly id: string
  readonly epoch: number
  /**
   * The connector as applied now; undefined once this epoch is over. Ask again in every turn: a snapshot
   * may have replaced the state.
   */
  view(): ConnectorState | undefined
}

/** What a home counted since it began. */
export interface Tallies {
  sent: number
  retried: number
  failed: number
  doubt: number
  expired: number
  /** Answers ESME_RTHROTTLED and ESME_RMSGQFUL. */
  throttled: number
  /** Responses that came after their time-out. */
  late: number
}

/** One home as the API shows it. Plain data. */
export interface HomeStatus extends Tallies {
  connector: string
  epoch: number
  bindsWanted: number
  bindsBound: number
  /** Receivers of pairs that stand (`bindType: tx+rx`); null where there are no pairs. */
  receiversBound: number | null
  /** Whom the binds that stand are bound to: one of `host`, `otherHosts`. */
  addresses: AddressBinds[]
  /** Written and unanswered, over all binds. */
  windowUsed: number
  /** binds that stand × window. */
  windowSize: number
  /** Claimed and not written yet. */
  waiting: number
  /** Of the last failure of a bind: `ESME_RINVPASWD`, `ECONNREFUSED`; null: none since it last stood. */
  lastError: string | null
  /** Messages per second that may go out now; null: no limit. */
  pacePerSecond: number | null
  handingOver: boolean
}

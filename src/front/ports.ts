import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import type { Random } from '../base/random.js'
import type { Journal } from '../journal/index.js'
import type { ConnectorTls, Secret } from '../policy/settings.js'
import type { LinkTraces } from '../link/link-traces.js'
import type { Connection, SessionLimits } from '../link/types.js'
import type { AccountRates } from './account-rates.js'

/** Everything the front end touches outside of itself. */
export interface FrontOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  metrics: Metrics
  passwords: PasswordPort
  cluster: ClusterPort
  messenger: MessengerPort
  /** Where ESMEs connect; each is opened by `start` and closed by `drain` and `stop`. */
  listen: readonly Listen[]
  /** Of a connection before its bind; windows are the account's afterwards. */
  limits: SessionLimits
  /** A bind that is not committed by then is answered ESME_RSYSERR. The proposer has its own for submits. */
  submitTimeoutMs: number
  /** Without a leader for this long, ESMEs are unbound and binds refused. Default 10,000. */
  isolationTimeoutMs: number
  /** How long a receipt waits for its submit_sm_resp to be written. Default 500. */
  receiptGuardMs: number
  /** What accounts may submit on this node. Default: even parts of their rates, by nodes with sessions. */
  rates?: AccountRates
  /** Is told whose each link is. */
  traces?: LinkTraces
  /** Without it no ESME is called. */
  outbind?: OutbindPorts
}

export interface OutbindPorts {
  /** Whether this node leads, with a quorum: it is the one that calls. */
  leads(): boolean
  connect(to: OutbindTo): Promise<Connection>
  /** @throws Error where it was sealed under a key that this node does not have */
  openSecret(secret: Secret): string
}

export interface OutbindTo {
  host: string
  port: number
  localAddress: string | null
  tls: ConnectorTls | null
  timeoutMs: number
  signal: AbortSignal
}

/** Opens a listener; connections go to `onConnection`, which calls their `listen` in the same turn. */
export type Listen = (onConnection: (connection: Connection) => void) => Promise<OpenListener>

export interface OpenListener {
  readonly address: string
  readonly port: number
  close(): Promise<void>
}

/** Checks a password against a PHC string; slow on purpose, on other threads. Rejects what is no hash. */
export interface PasswordPort {
  verify(hash: string, password: string): Promise<boolean>
}

export interface ClusterPort {
  /** Monotonic ms since when no leader is known here; undefined while one is. */
  leaderlessSinceMs(): number | undefined
  /** Resolves once all that was committed before the call is applied here; rejects without a quorum. */
  currentRead(): Promise<unknown>
}

/** Unlogged messages between the front ends of nodes; they may get lost. */
export interface MessengerPort {
  send(to: number, body: Buffer): boolean
  onMessage(handler: (from: number, body: Buffer) => void): void
}

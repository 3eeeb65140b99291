import type { ClusterDependencies } from '../../cluster/index.js'
import type { ClusterNode, ClusterOptions } from '../../cluster/types.js'
import type { Address } from '../base/address.js'
import type { Clock, Timers } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { StoreFolder } from '../base/store.js'
import type { Connection } from '../link/types.js'
import type { ConnectorTls } from '../policy/settings.js'

/**
 * Everything of the operating system that a running node touches. `systemMachine` is the real one; a
 * simulation hands in its own, and runs whole production nodes in one process.
 */
export interface Machine {
  clock: Clock
  timers: Timers
  random: Random
  passwords: Passwords
  /** Makes the data directory where there is none (mode 0700), and opens it. */
  openFolder(path: string): Promise<NodeFolder>
  openCluster(
    options: ClusterOptions,
    dependencies: Partial<ClusterDependencies>,
  ): Promise<ClusterNode>
  listen(options: ListenOptions): Promise<OpenListener>
  connect(options: ConnectOptions): Promise<Connection>
  /** Serves HTTP; `app` answers. */
  serveHttp(app: HttpApp, address: Address): Promise<OpenListener>
}

export interface NodeFolder {
  stores: StoreFolder
  /** Counts this directory's boots: larger than any before, and than `above`; on disk when it resolves. */
  nextBoot(above: number): Promise<number>
}

/** Slow and memory-hard on purpose; on other threads. */
export interface Passwords {
  /** A salted PHC string. */
  hash(password: string): Promise<string>
  verify(hash: string, password: string): Promise<boolean>
}

export interface ListenOptions extends Address {
  tls: { cert: string; key: string; ca: string | null } | null
  connectionsMax: number
  connectionsPerAddressMax: number | null
  allowFrom: readonly string[]
  proxy: { mode: 'off' | 'accept' | 'require'; trustedProxies: readonly string[] }
  onConnection(connection: Connection): void
  onRefused(reason: string, remoteAddress: string): void
  /** The certificate's files hold another one, which is in force now; or why it is not. */
  onCertificates(error: Error | undefined): void
}

export interface OpenListener extends Address {
  readonly address: string
  close(): Promise<void>
}

export interface ConnectOptions extends Address {
  localAddress: string | null
  /** null: plain TCP. Paths of PEM files; an Error that names the one that cannot be read. */
  tls: ConnectorTls | null
  timeoutMs: number
  signal: AbortSignal
}

/** What serving needs of fastify. */
export interface HttpApp {
  listen(options: Address): Promise<string>
  addresses(): (string | { address: string; port: number })[]
  close(): Promise<void>
}

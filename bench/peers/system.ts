import type { LoadReport, LoadTime } from './clients/meter.js'

/** What is done to a system, and by whom. */
export interface Workload {
  name: string
  /** Which client loads it, and how. */
  client: string
}

/** What one run of a workload came to. */
export interface Sample extends LoadReport {
  /** What went out to the SMSC, a second; null where there is none. */
  dispatchedPerSecond: number | null
}

/** Carillon, or one of those that it stands beside. Each is started anew for each round. */
export interface System {
  name: string
  /** In the table: how many nodes, and what of theirs is on disk when they answer. */
  title: string
  workloads: readonly Workload[]
  /** Why it cannot run here, and what helps; undefined where it can. */
  missing(): string | undefined
  version(): string
  /**
   * Resolves when it is ready for load. What it starts ends by `stop`, or where the start fails.
   * @throws Unable where this version cannot do what is measured
   */
  start(room: Room): Promise<RunningSystem>
}

/** Where a system lives for a round. */
export interface Room {
  /** Empty, and removed afterwards: data, configuration and logs. */
  directory: string
  time: LoadTime
  /** Of each message or value. */
  octets: number
}

export interface RunningSystem {
  /** CPU time of the system's own processes so far, ms: not of its load, nor of its SMSC. */
  readonly cpuMs: number
  measure(workload: string): Promise<Sample>
  stop(): Promise<void>
}

/** That this version or machine cannot do a workload, in words for the table. */
export class Unable extends Error {
  override readonly name = 'Unable'
}

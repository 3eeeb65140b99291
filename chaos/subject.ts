import type { ProcessCluster } from '../src/testing/process-cluster.js'
import type { ProcessNode } from '../src/testing/process-node.js'
import type { SmscSimulator } from '../src/tools/smsc-sim.js'

type Watched = 'id' | 'pid' | 'isRunning' | 'rssOctets' | 'smppAddress' | 'logFile'
type Asked = 'get' | 'post' | 'cluster' | 'ready' | 'kill' | 'terminate'
type Whole = 'directory' | 'smppAddresses' | 'ready' | 'views' | 'settled' | 'stop' | 'killAll'

/** A node that a drill breaks: one of its own, or one of a running cluster. */
export interface DrillNode extends Pick<ProcessNode, Watched | Asked> {
  start(): Promise<void> | void
  freeze(): Promise<void> | void
  thaw(): Promise<void> | void
}

/** The nodes together. */
export interface DrillCluster extends Pick<ProcessCluster, Whole> {
  readonly nodes: readonly DrillNode[]
  readonly running: DrillNode[]
  node(id: number): DrillNode
  /** Who leads, and in which term: of one answer. */
  lead(timeoutMs?: number): Promise<{ node: DrillNode; term: number }>
  /** Of a running cluster: starts and continues what the drill has taken down and paused. Never rejects. */
  mend?(): Promise<void>
  /** Of a running cluster: what is not as it was found, after so long at most; a sentence each. */
  leftBroken?(timeoutMs: number): Promise<string[]>
}

/** The SMSC that counts what comes out. */
export interface DrillSmsc extends Pick<SmscSimulator, 'stats' | 'acceptedSince' | 'behaviour'> {
  change(to: Parameters<SmscSimulator['change']>[0]): Promise<void> | void
  cut(): Promise<void> | number
  readonly tags: Pick<SmscSimulator['tags'], 'count'>
  /** Of a running one: these runs are the load's; nothing else is counted. */
  follow?(runs: readonly number[]): void
  /** Of a running one: fetches what `tags` and the others show. */
  refresh?(): Promise<void>
  /** Of a running one: it behaves again as it was found. */
  mend?(): Promise<void>
}

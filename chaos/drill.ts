import type { ProcessCluster } from '../src/testing/process-cluster.js'
import type { SmscBehaviour } from '../src/tools/smsc-faults.js'
import type { Scene } from './scene.js'

/** One way to break a cluster, and to see what became of its messages. */
export interface Drill {
  /** As printed in the documentation; stable. */
  name: string
  /** What is done, in a sentence. */
  summary: string
  /** What is set otherwise than by default, or only imitated; the report repeats it. */
  says?: readonly string[]
  setup?: DrillSetup
  /** What it breaks; on a running cluster nodes.yaml must say how. */
  needs?: readonly ('kill' | 'stop' | 'pause' | 'smsc')[]
  /** Why it cannot run on this machine; undefined: it can. */
  cannotRun?: () => Promise<string | undefined>
  /** What a repetition (--times) adds to the time that a run may take, ms. Default 10,000. */
  repetitionMs?: number
  /** Faults and recoveries, under load; may be called several times on one cluster. */
  run: (scene: Scene) => Promise<void>
}

/** The cluster and the load a drill starts with, where they differ from the usual. */
export interface DrillSetup {
  /** Nodes. Default 3. */
  size?: number
  /** Of the connector, the account and the node files: see ProcessClusterOptions and gatewayTo. */
  connector?: object
  account?: object
  /** More accounts, as in a gateway file. */
  accounts?: readonly object[]
  settings?: Readonly<Record<string, object>>
  behaviour?: Partial<SmscBehaviour>
  /**
   * What it breaks of the network, see network/choice.ts: `lines` between the nodes, which a proxy can break too, `delays`
   * of them, or whole `hosts`, which takes namespaces.
   */
  breaks?: 'lines' | 'delays' | 'hosts'
  /** After so long a silence its ESMEs send enquire_link, and give a session up. Default: those of the load client. */
  esme?: { enquireLinkMs: number; inactivityTimeoutMs: number }
  /** Nodes take orders for faults inside of them (inside/faults.ts), and begin with these. */
  inside?: InsideFaults
  /** After the files are written, before the nodes start. @returns where ESMEs connect, where not to the nodes */
  before?: (
    cluster: ProcessCluster,
    onEnd: (cleanup: () => Promise<void> | void) => void,
  ) => Promise<readonly string[] | undefined>
}

/** Faults inside a node process. */
export interface InsideFaults {
  /** Added to the wall clock. */
  clockOffsetMs?: number
  /** Every synced write takes longer by so much. */
  diskDelayMs?: number
  /** Read at the start only: the log is cut to so many entries. */
  keepEntries?: number
}

/** The connector of all drills. Doubts are resent after three seconds, so that a drill is short. */
export const CONNECTOR = { binds: 2, window: 50, inDoubt: 'wait 3s' }
/** Its window where the load has no rate; the same as that of ./carillon up. */
export const UNLIMITED_WINDOW = 500

import type { Spread } from './gaps.js'
import type { NetworkKind } from './network/choice.js'
import type { Rebind } from './rebinds.js'
import type { Reconciliation } from './reconcile.js'
import type { Timeline } from './timeline.js'
import type { RoleChange } from './watch.js'

/** A verdict. A `must` that fails makes the drill fail; a `goal` that is missed is shown. */
export interface Check {
  kind: 'must' | 'goal'
  name: string
  ok: boolean
  /** What was found, and what was expected. */
  found: string
  expected: string
}

/** Something that was done to the cluster, or seen of it; a mark on the plot. */
export interface Mark {
  atMs: number
  text: string
  kind: 'fault' | 'recovery'
}

/** What one fault did. Times are ms from the fault; null: did not happen, or could not be measured. */
export interface FaultSample {
  what: string
  atMs: number
  /** Nodes that it hit. */
  nodes: number[]
  /** Until a node that it did not hit led in a later term; null where the leader was not hit. */
  newLeaderMs: number | null
  /** Whether it hit the home of the connector, and until messages flowed to the SMSC again. */
  homeHit: boolean
  upstreamMs: number | null
  /** Sessions on nodes that it did not hit, and that did not break: the longest gap without a positive submit_sm_resp on all of them. */
  surviving: {
    sessions: number
    gapMs: number | null
    /** Of gaps that began before the recovery: a node that starts takes processors from the others. Older runs have none. */
    untilRecoveryMs?: number | null
  }
  /** The others. */
  affected: { sessions: number; gapMs: number | null }
  /** Of affected sessions, after it and before the next fault. */
  rebinds: Rebind[]
}

/** What is known of a node's process and disk. */
export interface NodeUse {
  node: number
  rssBefore: number
  rssMax: number
  rssAfter: number
  diskBefore: number
  diskAfter: number
  /** Of its state at the end, and the log index that it belongs to; null: it did not answer. */
  stateHash: string | null
  stateHashIndex: number | null
}

/** Which program ran. */
export interface Build {
  /** Of the checkout, short, with `-dirty` where it has changes; null: no checkout. */
  commit: string | null
  /** Of the compiled JavaScript of nodes and drills: runs with the same one are of the same build. */
  hash: string
}

/** Everything a drill found; what the report shows. */
export interface Evidence {
  version: 1
  drill: string
  summary: string
  says: string[]
  startedAt: string
  tookMs: number
  carillon: string
  build: Build
  machine: { node: string; platform: string; cpus: number; loadBefore: number; loadAfter: number }
  seed: number
  settings: {
    size: number
    /** Messages a second; unlimited: as many as come back, receipts and all. */
    rate: number | 'unlimited'
    /** How often the fault came. */
    times: number
    /** By what its nodes were connected. Older runs have none: proxies where the network was broken, else loopback. */
    network?: NetworkKind
    gateway: unknown
    node: unknown
  }
  /** stopped: by hand, or by a guard; it proves nothing, and its faults were healed. */
  result: 'passed' | 'failed' | 'stopped' | 'not run'
  /** Why it was not run, or was stopped. */
  reason?: string
  checks: Check[]
  faults: FaultSample[]
  spreads: {
    survivingGapMs: Spread | null
    affectedGapMs: Spread | null
    newLeaderMs: Spread | null
    upstreamMs: Spread | null
    /** See Rebind. */
    okAfterConnectMs: Spread | null
    okAfterBindMs: Spread | null
  }
  books: Reconciliation | null
  /** What may have been sent twice: binds that ended times their window. */
  duplicateBound: { bindsEnded: number; window: number; bound: number } | null
  /** Longest gaps of the whole run, ms. */
  gaps: { all: number | null; sessionsThatBroke: number }
  latencyMs: { p50: number; p95: number; p99: number; max: number } | null
  nodes: NodeUse[]
  marks: Mark[]
  roles: RoleChange[]
  /** Anything else that was measured, by its name. */
  measured: Record<string, number | string | null>
  /** What the load's sessions went through: a sentence each, with its time. */
  events: { atMs: number; text: string }[]
  timeline: Timeline | null
}

/** Nothing was measured. */
export const NO_SPREADS: Evidence['spreads'] = {
  survivingGapMs: null,
  affectedGapMs: null,
  newLeaderMs: null,
  upstreamMs: null,
  okAfterConnectMs: null,
  okAfterBindMs: null,
}

/** What only the plot needs. */
const PLOT = ['timeline', 'roles', 'marks', 'events'] as const

/** What is kept for good of a run: a few kilobytes. */
export type Summary = Omit<Evidence, (typeof PLOT)[number]>

export function summaryOf(evidence: Evidence): Summary {
  const left: readonly string[] = PLOT
  const kept = Object.entries(evidence).filter(([name]) => !left.includes(name))
  return Object.fromEntries(kept) as unknown as Summary
}

export const failed = (checks: readonly Check[]): boolean =>
  checks.some(({ kind, ok }) => kind === 'must' && !ok)

import type { Spread } from './gaps.js'
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
  surviving: { sessions: number; gapMs: number | null }
  /** The others. */
  affected: { sessions: number; gapMs: number | null }
}

/** What is known of a node's process and disk. */
export interface NodeUse {
  node: number
  rssBefore: number
  rssMax: number
  rssAfter: number
  diskBefore: number
  diskAfter: number
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
  machine: { node: string; platform: string; cpus: number; loadBefore: number; loadAfter: number }
  seed: number
  settings: { size: number; rate: number; gateway: unknown; node: unknown }
  result: 'passed' | 'failed' | 'not run'
  /** Why it was not run. */
  reason?: string
  checks: Check[]
  faults: FaultSample[]
  spreads: {
    survivingGapMs: Spread | null
    affectedGapMs: Spread | null
    newLeaderMs: Spread | null
    upstreamMs: Spread | null
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

export const failed = (checks: readonly Check[]): boolean =>
  checks.some(({ kind, ok }) => kind === 'must' && !ok)

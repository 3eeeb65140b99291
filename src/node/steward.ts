import type { PeerState } from '../../cluster/types.js'
import type { Journal, State } from '../journal/index.js'
import { commandsOfTime } from './steward-times.js'

/** A peer whose port refused connections for this long is gone: its process has ended. */
export const REFUSED_MS = 300
/**
 * A peer that is not heard is unreachable after this many election timeouts: later than a leader loses
 * its followers' trust, for this costs the peer its sessions, and a busy process is not a dead one.
 */
export const SILENT_TIMEOUTS = 3

/** What the leader's steward looks at. Times are monotonic ms, but for `nowMs`. */
export interface StewardView {
  journal: Journal
  /** Since when this node leads. */
  leadingSinceMs: number
  monotonicMs: number
  /** Wall clock; undefined where it must not be trusted (DESIGN I7). */
  nowMs: number | undefined
  electionTimeoutMs: number
  /** Ids of the cluster's members. */
  members: ReadonlySet<number>
  /** `silentMs`: since it was last heard, as far as this node was awake. */
  peer(id: number): { state: PeerState; sinceMs: number; silentMs: number }
  /** 16 random bits. */
  generation: number
  /** A gateway file for the first settings is at hand. */
  hasFirstSettings: boolean
}

export type StewardDecision =
  | { kind: 'bootstrap'; generation: number }
  | { kind: 'firstSettings' }
  | { kind: 'nodeDown'; node: number; boot: number; why: 'refused' | 'silent' | 'removed' }
  | { kind: 'retire'; upTo: number; unawaited: number[] }
  | { kind: 'delivered'; account: number; epoch: number; seqs: number[]; expired: boolean }
  | {
      kind: 'expire'
      connector: number
      epoch: number
      refs: number[]
      buckets: number[]
      seen: number
    }
  | { kind: 'forgetOrphans'; connector: number; epoch: number; count: number }
  | { kind: 'forgetLost'; account: number; refs: number[] }
  | { kind: 'giveUpParts'; account: number; epoch: number; refs: number[] }
  | { kind: 'liftBans'; bans: { account: number; address: string }[] }

/**
 * What the leader should propose now: what no home and no delivery owner is there to propose. Decides nothing
 * that apply would not check again, so that two leaders at once do no harm.
 */
export function decide(view: StewardView): StewardDecision[] {
  const { state } = view.journal
  const decisions: StewardDecision[] = []
  if (state.generation < 0) decisions.push({ kind: 'bootstrap', generation: view.generation })
  else if (state.revision === 0 && view.hasFirstSettings) decisions.push({ kind: 'firstSettings' })
  decisions.push(...nodesDown(view, state))
  if (view.nowMs !== undefined) decisions.push(...commandsOfTime(view.journal, view.nowMs))
  return decisions
}

/** Nodes whose boot counts as alive, and whose process is gone, or cut off. Never this node. */
function nodesDown(view: StewardView, state: State): StewardDecision[] {
  const { monotonicMs, leadingSinceMs, electionTimeoutMs } = view
  // A new leader has not heard everybody yet.
  if (monotonicMs - leadingSinceMs < electionTimeoutMs) return []
  return state.nodes.all().flatMap(({ node, boot, alive }): StewardDecision[] => {
    if (!alive || node === view.journal.node) return []
    const why = absence(view, node)
    return why === undefined ? [] : [{ kind: 'nodeDown', node, boot, why }]
  })
}

function absence(view: StewardView, node: number): 'refused' | 'silent' | 'removed' | undefined {
  if (!view.members.has(node)) return 'removed'
  const { monotonicMs, electionTimeoutMs } = view
  const { state, sinceMs, silentMs } = view.peer(node)
  if (state === 'refused' && monotonicMs - sinceMs >= REFUSED_MS) return 'refused'
  return silentMs >= SILENT_TIMEOUTS * electionTimeoutMs ? 'silent' : undefined
}

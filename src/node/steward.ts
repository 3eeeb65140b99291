import type { PeerState } from '../../cluster/types.js'
import type { Journal, State } from '../journal/index.js'
import { relieves } from '../journal/rules.js'
import { commandsOfTime } from './steward-times.js'

/** A peer whose port refused connections for this long is gone: its process has ended. */
export const REFUSED_MS = 300
/**
 * A peer that is not heard is unreachable after this many election timeouts: later than a leader loses
 * its followers' trust, for this costs the peer its sessions, and a busy process is not a dead one.
 */
export const SILENT_TIMEOUTS = 3
/**
 * Who led before is relieved of its homes once a new leader has led so long without a word from it, and has not heard it
 * for so long altogether, in election timeouts. A majority has missed it for one, or nobody else would have been
 * elected; it may be awake again by now, and answers the new leader's heartbeats then. Nobody else is relieved: whether
 * only this node misses them nobody knows.
 */
export const RELIEVED = { afterOffice: 0.3, afterHeard: 1.3 }

/** What the leader's steward looks at. Times are monotonic ms, but for `nowMs`. */
export interface StewardView {
  journal: Journal
  /** Since when this node leads. */
  leadingSinceMs: number
  /** For how long it has led, as far as it was awake. */
  leadingAwakeMs: number
  /** Who led before; undefined where this node does not know. */
  predecessor: number | undefined
  monotonicMs: number
  /** Wall clock; undefined where it must not be trusted (DESIGN I7). */
  nowMs: number | undefined
  electionTimeoutMs: number
  /** Ids of the cluster's members. */
  members: ReadonlySet<number>
  peer(id: number): PeerSeen
  /** 16 random bits. */
  generation: number
  /** A gateway file for the first settings is at hand. */
  hasFirstSettings: boolean
}

export interface PeerSeen {
  state: PeerState
  sinceMs: number
  heardAtMs: number
  /** Since it was last heard, as far as this node was awake and led. */
  silentMs: number
}

export type StewardDecision =
  | { kind: 'bootstrap'; generation: number }
  | { kind: 'firstSettings' }
  | { kind: 'nodeDown'; node: number; boot: number; why: 'refused' | 'silent' | 'removed' }
  | { kind: 'relieve'; node: number; boot: number }
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
  decisions.push(...relief(view, state), ...nodesDown(view, state))
  if (view.nowMs !== undefined) decisions.push(...commandsOfTime(view.journal, view.nowMs))
  return decisions
}

/** Whoever led before, where it fell silent or is gone: its connectors need not wait until it counts as down. */
function relief(view: StewardView, state: State): StewardDecision[] {
  const { predecessor: node, electionTimeoutMs, leadingAwakeMs, leadingSinceMs, monotonicMs } = view
  const known = node === undefined ? undefined : state.nodes.get(node)
  if (known?.alive !== true || known.draining || !relieves(state)) return []
  if (leadingAwakeMs < RELIEVED.afterOffice * electionTimeoutMs) return []
  const { state: port, heardAtMs } = view.peer(known.node)
  if (heardAtMs >= leadingSinceMs) return []
  const isLong = monotonicMs - heardAtMs >= RELIEVED.afterHeard * electionTimeoutMs
  return isLong || port === 'refused'
    ? [{ kind: 'relieve', node: known.node, boot: known.boot }]
    : []
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

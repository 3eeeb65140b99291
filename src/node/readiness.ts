import type { Health } from '../api/shapes.js'

/** A leader that is missed for less than this many election timeouts is only being elected (DESIGN §3). */
export const LEADERLESS_TIMEOUTS = 3
/** A read that a leader with a quorum answered counts for this long. */
export const CAUGHT_UP_MS = 3000

/** What /readyz looks at. Times are monotonic ms. */
export interface ReadinessView {
  monotonicMs: number
  electionTimeoutMs: number
  /** The log is open and replayed. */
  started: boolean
  /** Undefined while a leader is known; -Infinity where none ever was. */
  leaderlessSinceMs: number | undefined
  /** When the last read began that this node has since answered from its own state; -Infinity at first. */
  caughtUpAtMs: number
  smppListens: boolean
  bootRegistered: boolean
  revision: number
  draining: boolean
  /** No member of the cluster any more. */
  removed: boolean
  stopping: boolean
}

/** What speaks against sending ESMEs here; empty: nothing. Connectors never matter (DESIGN §5). */
export function readiness(view: ReadinessView): Health {
  const reasons: string[] = []
  const patienceMs = LEADERLESS_TIMEOUTS * view.electionTimeoutMs
  if (!view.started) reasons.push('the cluster has not started')
  else {
    const { leaderlessSinceMs, monotonicMs } = view
    if (leaderlessSinceMs !== undefined && monotonicMs - leaderlessSinceMs >= patienceMs)
      reasons.push('no leader is known')
    // Losing the leader takes the reads away too: that alone is the other reason.
    if (monotonicMs - view.caughtUpAtMs >= CAUGHT_UP_MS)
      reasons.push('this node has not caught up with the cluster')
    if (!view.bootRegistered) reasons.push('this process is not registered with the cluster')
    if (view.revision === 0) reasons.push('no gateway settings are applied')
  }
  if (!view.smppListens) reasons.push('SMPP does not listen')
  if (view.removed) reasons.push('this node was removed from the cluster')
  if (view.draining) reasons.push('this node is draining')
  if (view.stopping) reasons.push('this node is stopping')
  return { status: reasons.length === 0 ? 'ok' : 'unavailable', reasons }
}

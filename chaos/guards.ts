import type { Cancel, Clock, Timers } from '../src/base/clock.js'

/** What the guards look at; times are monotonic, ms. */
export interface Health {
  atMs: number
  /** Since when nothing has been broken on purpose; undefined while something is. */
  wholeSinceMs: number | undefined
  /** The last positive submit_sm_resp; undefined: there was none yet. */
  acknowledgedAtMs: number | undefined
  /** Nodes that are down, and were not taken down by the drill. */
  nodesDown: readonly number[]
  /** Of the disk where nodes and evidence write. */
  diskFreeShare: number
}

/** When a drill is broken off: it goes on in no case in which it would do harm. */
export interface Guards {
  /** No positive submit_sm_resp for so long, although nothing is broken on purpose. */
  silentMs: number
  /** So many nodes are down that the drill has not taken down. */
  nodesDown: number
  diskFreeShare: number
}

/** A node that ends by itself is bad news; nodes that come back may take most of a minute. */
export const GUARDS: Guards = { silentMs: 30_000, nodesDown: 1, diskFreeShare: 0.03 }

/** Why a drill must end now, in a sentence; undefined: it may go on. */
export function tripped(health: Health, guards: Guards = GUARDS): string | undefined {
  const { atMs, wholeSinceMs, acknowledgedAtMs = 0, nodesDown, diskFreeShare } = health
  const silentMs = wholeSinceMs === undefined ? 0 : atMs - Math.max(wholeSinceMs, acknowledgedAtMs)
  if (silentMs >= guards.silentMs) {
    return `no positive submit_sm_resp for ${Math.round(silentMs / 1000)} s, and nothing is broken on purpose`
  }
  if (nodesDown.length >= guards.nodesDown) {
    return `down, and not by the drill: node ${nodesDown.join(', ')}`
  }
  if (diskFreeShare < guards.diskFreeShare) {
    return `the disk is nearly full: ${(diskFreeShare * 100).toFixed(1)} % free`
  }
  return undefined
}

/**
 * Looks once a second, and calls `onTrip` once, with the reason.
 *
 * @param look  `acknowledged`: how many messages so far
 */
export function watchHealth(
  look: () => Omit<Health, 'atMs' | 'acknowledgedAtMs'> & { acknowledged: number },
  onTrip: (reason: string) => void,
  { clock, timers }: { clock: Clock; timers: Timers },
): Cancel {
  let acknowledged = 0
  let acknowledgedAtMs: number | undefined
  const cancel = timers.every(LOOK_EVERY_MS, () => {
    const atMs = clock.monotonicMs()
    const seen = look()
    if (seen.acknowledged > acknowledged) {
      acknowledged = seen.acknowledged
      acknowledgedAtMs = atMs
    }
    const reason = tripped({ ...seen, atMs, acknowledgedAtMs })
    if (reason === undefined) return
    cancel()
    onTrip(reason)
  })
  return cancel
}

const LOOK_EVERY_MS = 1_000

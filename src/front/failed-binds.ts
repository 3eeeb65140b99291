/** Pairs of address and system_id that are remembered; the one that failed longest ago goes first. */
const PAIRS_MAX = 10_000
/** A pair is forgiven after this long without a failure. */
const FORGIVEN_AFTER_MS = 60_000
const FIRST_MS = 200
/** A refused bind is answered within a second (DESIGN §3). */
const MOST_MS = 900

/**
 * How long refusals of a bind are held back: 200 ms, doubled with each failure of the same address and
 * system_id, at most 900 ms. The first wait is as long for all: it hides how long a check took.
 * Behind a balancer all share one address, so that an address alone says nothing.
 */
export class FailedBinds {
  private readonly pairs: Map<string, { failures: number; atMs: number }> = new Map()

  /** Notes a failure; returns how long after the bind came its refusal leaves. */
  failed(address: string, systemId: string, atMs: number): number {
    const key = `${address} ${systemId}`
    const before = this.pairs.get(key)
    this.pairs.delete(key)
    const recent = before !== undefined && atMs - before.atMs < FORGIVEN_AFTER_MS
    const failures = recent ? Math.min(before.failures + 1, 10) : 1
    if (this.pairs.size >= PAIRS_MAX)
      for (const oldest of this.pairs.keys()) {
        this.pairs.delete(oldest)
        break
      }
    this.pairs.set(key, { failures, atMs })
    return Math.min(MOST_MS, FIRST_MS * 2 ** (failures - 1))
  }

  succeeded(address: string, systemId: string): void {
    this.pairs.delete(`${address} ${systemId}`)
  }

  get size(): number {
    return this.pairs.size
  }
}

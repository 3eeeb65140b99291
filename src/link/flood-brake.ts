/** A PDU that moves nothing: enquire_link, what is unknown, not allowed now, or answers nothing of ours. */
const IDLE_COST = 10
/** A request beyond the window: clients that take no notice of it are many, and mean no harm. */
const THROTTLED_COST = 1
/** What a peer may cost for good: 1,000 idle PDUs a second, or 10,000 throttled ones; and at once, before that counts. */
const COST_PER_SECOND = 10_000
const COST_AT_ONCE = 5_000
/** Less than any time-out: what is not read meanwhile must not look like silence. */
const REST_MS_MAX = 5_000

/**
 * Says how long a peer is not read from, for it asks more than its share of what moves no message. TCP holds it back then, and the
 * thread that all sessions share is free for the others.
 */
export class FloodBrake {
  private cost = 0
  private atMs = 0

  /** It has used more than half of what may come at once: read it by small slices. */
  get isStrained(): boolean {
    return this.cost > COST_AT_ONCE / 2
  }

  /**
   * @param idle       PDUs that moved nothing, the throttled ones left out
   * @param throttled  requests beyond the window
   * @param atMs       monotonic
   * @returns          how long not to read, in ms; 0: go on
   */
  rest(idle: number, throttled: number, atMs: number): number {
    const paid = ((atMs - this.atMs) * COST_PER_SECOND) / 1_000
    this.cost = Math.max(0, this.cost - paid) + idle * IDLE_COST + throttled * THROTTLED_COST
    this.atMs = atMs
    const over = this.cost - COST_AT_ONCE
    return over <= 0 ? 0 : Math.min(REST_MS_MAX, Math.ceil((over * 1_000) / COST_PER_SECOND))
  }
}

/** What one look may add at most, as a multiple of the time between two looks. */
const STALL_LOOKS = 2

/**
 * How long peers were silent while this node was awake to hear them. A process that was stopped, or whose
 * event loop stood still, wakes up and finds everybody silent: the time it slept does not count.
 */
export class Silence {
  private readonly everyMs: number
  private awakeForMs = 0
  private lookedAtMs: number | undefined
  private readonly peers: Map<number, { heardAtMs: number; awakeMs: number }> = new Map()

  /** @param everyMs  time between two calls of `look` */
  constructor(everyMs: number) {
    this.everyMs = everyMs
  }

  /** For how long this node was awake altogether, up to the last look. */
  get awakeMs(): number {
    return this.awakeForMs
  }

  /** Notes that this node is awake at this monotonic time. */
  look(monotonicMs: number): void {
    const passed = monotonicMs - (this.lookedAtMs ?? monotonicMs)
    this.awakeForMs += Math.min(passed, STALL_LOOKS * this.everyMs)
    this.lookedAtMs = monotonicMs
  }

  /** Awake milliseconds since the peer was last heard, at `heardAtMs` by the monotonic clock. */
  of(peer: number, heardAtMs: number): number {
    const known = this.peers.get(peer)
    if (known?.heardAtMs === heardAtMs) return this.awakeForMs - known.awakeMs
    this.peers.set(peer, { heardAtMs, awakeMs: this.awakeForMs })
    return 0
  }
}

/** A stretch without a positive answer. */
export interface Gap {
  /** When it began, ms since the Unix epoch. */
  atMs: number
  /** How long it was, ms. */
  ms: number
}

/**
 * In which milliseconds a session was answered positively: a bit each, so that gaps can be found
 * afterwards over any set of sessions, say those that did not break. 450 kB an hour; after
 * `TIMELINE_MS_MAX` nothing more is noted.
 */
export class AnswerTimeline {
  private bits = new Uint32Array(1_024)
  /** One past the last word in use. */
  private words = 0

  /** @param ms  since the start of the run */
  note(ms: number): void {
    if (ms < 0 || ms >= TIMELINE_MS_MAX) return
    const at = Math.floor(ms)
    const word = at >>> 5
    if (word >= this.bits.length) {
      const larger = new Uint32Array(Math.max(word + 1, this.bits.length * 2))
      larger.set(this.bits)
      this.bits = larger
    }
    this.bits[word]! |= 1 << (at & 31)
    if (word >= this.words) this.words = word + 1
  }

  /** Adds what another one noted. */
  merge(other: AnswerTimeline): void {
    if (other.words > this.bits.length) {
      const larger = new Uint32Array(other.words)
      larger.set(this.bits)
      this.bits = larger
    }
    for (let i = 0; i < other.words; i++) this.bits[i]! |= other.bits[i]!
    this.words = Math.max(this.words, other.words)
  }

  /** The first noted millisecond at or after `fromMs`, or undefined. */
  next(fromMs: number): number | undefined {
    for (let at = Math.max(0, Math.ceil(fromMs)); at < this.words * 32; at++) {
      const word = this.bits[at >>> 5]!
      if (word === 0) at |= 31
      else if ((word >>> (at & 31)) & 1) return at
    }
    return undefined
  }

  /**
   * Gaps of at least `leastMs` between the first answer and `endMs`, the longest first.
   * @param startMs  what the milliseconds count from, ms since the Unix epoch
   * @param endMs    since the start: when the last answer was due or came
   */
  gaps(startMs: number, endMs: number, leastMs: number, limit: number): Gap[] {
    const gaps: Gap[] = []
    let last = this.next(0)
    while (last !== undefined) {
      const next = this.next(last + 1)
      const ms = (next ?? endMs) - last
      if (ms >= leastMs) gaps.push({ atMs: startMs + last, ms: Math.round(ms) })
      last = next
    }
    return gaps.sort((a, b) => b.ms - a.ms).slice(0, limit)
  }
}

/** Four hours. */
export const TIMELINE_MS_MAX = 4 * 3_600_000

/**
 * Gathers PDUs of one turn into one buffer, so that a run of responses is one write. Scratch space is
 * shared: a gatherer takes a piece when it begins and gives it back when it is flushed, so that idle
 * links hold none.
 */
export class Gatherer {
  private scratch: Buffer | undefined
  private used = 0
  private readonly flushed: (octets: Buffer) => void

  /** @param flushed  gets what was gathered; it owns the buffer */
  constructor(flushed: (octets: Buffer) => void) {
    this.flushed = flushed
  }

  /** Octets gathered and not flushed. */
  get length(): number {
    return this.used
  }

  /**
   * Room for `length` octets, to be written in whole before the next call: the buffer, and in
   * `this.at` where to begin.
   */
  room(length: number): Buffer {
    if (length > SCRATCH_OCTETS) {
      // flushed first, for order; then a piece of its own, gone with the next call
      this.flush()
      this.scratch = Buffer.allocUnsafe(length)
    } else if (this.scratch === undefined) {
      this.scratch = free.pop() ?? Buffer.allocUnsafeSlow(SCRATCH_OCTETS)
    } else if (this.used + length > this.scratch.length) {
      this.flush()
      this.scratch = free.pop() ?? Buffer.allocUnsafeSlow(SCRATCH_OCTETS)
    }
    this.at = this.used
    this.used += length
    return this.scratch
  }

  at = 0

  flush(): void {
    const { scratch, used } = this
    if (scratch === undefined) return
    this.scratch = undefined
    this.used = 0
    if (scratch.length === SCRATCH_OCTETS) {
      const octets = Buffer.allocUnsafe(used)
      scratch.copy(octets, 0, 0, used)
      if (free.length < FREE_MAX) free.push(scratch)
      this.flushed(octets)
    } else {
      this.flushed(scratch)
    }
  }
}

const SCRATCH_OCTETS = 16 * 1024
const FREE_MAX = 256
const free: Buffer[] = []

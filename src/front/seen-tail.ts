/** Marks lie at least this far apart: a few dozen of them cover the guard's time. */
const GRAIN_MS = 25

/** Remembers since when the places of a growing list have been known here, to within 25 ms. */
export class SeenTail {
  private readonly ripeAfterMs: number
  private marks: { tail: number; atMs: number }[] = []
  private ripeBelow: number

  /** @param known  places below have been known for long */
  constructor(ripeAfterMs: number, known: number) {
    this.ripeAfterMs = ripeAfterMs
    this.ripeBelow = known
  }

  /** The list reaches to `tail` now. Monotonic ms. */
  note(tail: number, nowMs: number): void {
    this.ripen(nowMs)
    const last = this.marks.at(-1)
    if (tail <= (last?.tail ?? this.ripeBelow)) return
    if (last !== undefined && nowMs - last.atMs < GRAIN_MS) last.tail = tail
    else this.marks.push({ tail, atMs: nowMs })
  }

  /** Whether the place was known `ripeAfterMs` ago. */
  isRipe(seq: number, nowMs: number): boolean {
    this.ripen(nowMs)
    return seq < this.ripeBelow
  }

  /** When the place will be ripe; it has been noted and is not ripe yet. */
  ripeAtMs(seq: number): number {
    const mark = this.marks.find(({ tail }) => seq < tail)
    return (mark?.atMs ?? 0) + this.ripeAfterMs
  }

  private ripen(nowMs: number): void {
    while (this.marks.length > 0 && this.marks[0]!.atMs + this.ripeAfterMs <= nowMs)
      this.ripeBelow = this.marks.shift()!.tail
  }
}

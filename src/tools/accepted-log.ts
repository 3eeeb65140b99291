import { runText } from './message-tag.js'

/** A tagged message that the simulator took. */
export interface AcceptedItem {
  /** Counts from 1, over everything taken. */
  seq: number
  run: string
  n: number
  /** ms since the Unix epoch. */
  atMs: number
}

/** The last million tagged messages, in the order they were taken; 20 octets each. */
export class AcceptedLog {
  private capacity = 1 << 12
  private runs = new Float64Array(this.capacity)
  private numbers = new Uint32Array(this.capacity)
  private times = new Float64Array(this.capacity)
  private written = 0

  add(run: number, n: number, atMs: number): void {
    if (this.written === this.capacity && this.capacity < ACCEPTED_LOG_MAX) this.grow()
    const at = this.written++ % this.capacity
    this.runs[at] = run
    this.numbers[at] = n
    this.times[at] = atMs
  }

  /** Items with a larger `seq`, oldest first, at most `limit`; older ones may have been forgotten. */
  since(seq: number, limit: number): AcceptedItem[] {
    const items: AcceptedItem[] = []
    const first = Math.max(seq, this.written - this.capacity, 0)
    for (let i = first; i < this.written && items.length < limit; i++) {
      const at = i % this.capacity
      items.push({
        seq: i + 1,
        run: runText(this.runs[at]!),
        n: this.numbers[at]!,
        atMs: this.times[at]!,
      })
    }
    return items
  }

  private grow(): void {
    const { runs, numbers, times } = this
    this.capacity *= 2
    this.runs = new Float64Array(this.capacity)
    this.runs.set(runs)
    this.numbers = new Uint32Array(this.capacity)
    this.numbers.set(numbers)
    this.times = new Float64Array(this.capacity)
    this.times.set(times)
  }
}

const ACCEPTED_LOG_MAX = 1 << 20

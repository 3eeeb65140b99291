import { Heap } from '../base/heap.js'
import type { ClaimedRange } from './commands.js'
import { numberIn, octets, scheduleKey } from './keys.js'
import type { StateStore } from './state-store.js'

/** index u48 | lo u16 | hi u16 */
const RANGE_OCTETS = 10
/** Ranges of one key: a second to which millions are scheduled is not one value. */
const CHUNK_RANGES = 512
/** Of one connector, 100 MB: queueLimit bounds the messages that wait, but not the ranges of those that were cancelled since. */
const RANGES_MAX = 10_000_000

/** A range, and the second under which it stood. */
export interface ScheduledRange extends ClaimedRange {
  second: number
}

/** Some ranges of one second: those in [start, end) of `octets`. */
interface Chunk {
  octets: Buffer
  start: number
  end: number
}

interface Bucket {
  /** By number, the oldest first. */
  chunks: Map<number, Chunk>
  next: number
}

/**
 * Messages of one connector that wait for their schedule_delivery_time (SMPP 3.4 §5.2.12), as ranges [lo, hi) of
 * entries by the second in which they are due. It may name messages that wait no more (cancelled, expired): whoever takes
 * them looks at their marks. All of it is in memory, ten octets a range: what is submitted together is one range.
 */
export class Schedules {
  /** Messages that wait. */
  size = 0
  /** Ranges that name them, or messages that wait no more. */
  private count = 0
  private readonly connector: number
  private readonly rangesMax: number
  private readonly buckets: Map<number, Bucket> = new Map()
  /** Of the buckets. */
  private readonly seconds = new Heap<number>((a, b) => a < b)
  private readonly dirty: Map<string, Chunk | null> = new Map()

  constructor(connector: number, rangesMax = RANGES_MAX) {
    this.connector = connector
    this.rangesMax = rangesMax
  }

  /** No more is to be proposed: front ends refuse it. What is under way then is still added. */
  get isFull(): boolean {
    return this.count >= this.rangesMax
  }

  /** Seconds since the Unix epoch; undefined: none waits. */
  get earliest(): number | undefined {
    return this.seconds.peek()
  }

  add(second: number, index: number, lo: number, hi: number): void {
    this.count++
    const bucket = this.bucket(second)
    let chunk = bucket.chunks.get(bucket.next - 1)
    if (chunk === undefined || chunk.end === CHUNK_RANGES * RANGE_OCTETS) {
      chunk = { octets: Buffer.allocUnsafe(16 * RANGE_OCTETS), start: 0, end: 0 }
      bucket.chunks.set(bucket.next++, chunk)
    }
    if (chunk.end === chunk.octets.length) {
      const larger = Buffer.allocUnsafe(
        Math.min(2 * chunk.octets.length, CHUNK_RANGES * RANGE_OCTETS),
      )
      chunk.octets.copy(larger)
      chunk.octets = larger
    }
    chunk.octets.writeUIntBE(index, chunk.end, 6)
    chunk.octets.writeUInt16BE(lo, chunk.end + 6)
    chunk.octets.writeUInt16BE(hi, chunk.end + 8)
    chunk.end += RANGE_OCTETS
    this.dirty.set(scheduleKey(this.connector, second, bucket.next - 1), chunk)
  }

  /** Takes whole ranges that are due by the second `upTo`, the earliest first, until they have `messages` or more. */
  take(upTo: number, messages: number): ScheduledRange[] {
    const taken: ScheduledRange[] = []
    for (let left = messages; left > 0;) {
      const second = this.earliest
      if (second === undefined || second > upTo) break
      const range = this.shift(second)
      left -= range.hi - range.lo
      taken.push({ ...range, second })
    }
    return taken
  }

  /** All ranges there are now; may be read on in a later turn, and leaves out what was taken meanwhile. */
  *ranges(): Generator<ClaimedRange> {
    for (const bucket of [...this.buckets.values()])
      for (const number of [...bucket.chunks.keys()]) {
        const chunk = bucket.chunks.get(number)
        if (chunk === undefined) continue
        for (let at = chunk.start; at < chunk.end; at = Math.max(at + RANGE_OCTETS, chunk.start))
          yield rangeAt(chunk, at)
      }
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const [key, chunk] of this.dirty) {
      if (chunk === null) del(key)
      else put(key, Buffer.from(chunk.octets.subarray(chunk.start, chunk.end)))
    }
    this.dirty.clear()
  }

  /** Reads back what `collect` gave; `size` is its connector's to set. */
  async load(store: StateStore): Promise<void> {
    await store.load('t' + octets(this.connector, 2), (key, value) => {
      const bucket = this.bucket(numberIn(key, 3, 5))
      const number = numberIn(key, 8, 4)
      bucket.chunks.set(number, { octets: Buffer.from(value), start: 0, end: value.length })
      bucket.next = number + 1
      this.count += value.length / RANGE_OCTETS
    })
  }

  private bucket(second: number): Bucket {
    let bucket = this.buckets.get(second)
    if (bucket === undefined) {
      bucket = { chunks: new Map(), next: 0 }
      this.buckets.set(second, bucket)
      this.seconds.push(second)
    }
    return bucket
  }

  private shift(second: number): ClaimedRange {
    const { chunks } = this.buckets.get(second)!
    const [number, chunk] = chunks.entries().next().value!
    const range = rangeAt(chunk, chunk.start)
    chunk.start += RANGE_OCTETS
    this.count--
    const over = chunk.start === chunk.end
    this.dirty.set(scheduleKey(this.connector, second, number), over ? null : chunk)
    if (!over) return range
    chunks.delete(number)
    if (chunks.size > 0) return range
    this.buckets.delete(second)
    this.seconds.pop()
    return range
  }
}

function rangeAt({ octets: from }: Chunk, at: number): ClaimedRange {
  return {
    index: from.readUIntBE(at, 6),
    lo: from.readUInt16BE(at + 6),
    hi: from.readUInt16BE(at + 8),
  }
}

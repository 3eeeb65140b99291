import { octets } from './keys.js'
import type { StateStore } from './state-store.js'

/** Records of a segment: what one key holds. */
const SEGMENT_RECORDS = 512

/** Where a list begins and ends: kept by its owner. */
export interface ListCursor {
  /** Sequence number of the first record. */
  head: number
  /** One past the last. */
  tail: number
}

/**
 * A first-in-first-out list of records of one size, numbered from 0 on and never renumbered, in segments
 * of 512 under one key each. Only the segments in use are in memory (a bounded few), so a queue may be
 * as long as the disk allows.
 */
export class SegmentedList {
  private readonly store: StateStore
  private readonly prefix: string
  private readonly width: number
  private readonly segments: Map<number, Buffer> = new Map()
  private readonly dirty: Set<number> = new Set()
  /** Segments that went from the list and may lie on disk. */
  private readonly gone: Set<number> = new Set()
  readonly cursor: ListCursor

  /** `width`: octets of a record. `cursor` is changed in place. */
  constructor(store: StateStore, prefix: string, width: number, cursor: ListCursor) {
    this.store = store
    this.prefix = prefix
    this.width = width
    this.cursor = cursor
  }

  get length(): number {
    return this.cursor.tail - this.cursor.head
  }

  /** Appends a record that `write` fills in at `at`; returns its number. */
  append(write: (into: Buffer, at: number) => void): number {
    const number = this.cursor.tail++
    const segment = segmentOf(number)
    let octets = this.segments.get(segment)
    if (octets === undefined) {
      octets =
        number % SEGMENT_RECORDS === 0
          ? Buffer.alloc(SEGMENT_RECORDS * this.width)
          : this.load(segment)
      this.segments.set(segment, octets)
    }
    write(octets, (number % SEGMENT_RECORDS) * this.width)
    this.dirty.add(segment)
    return number
  }

  /** The record's place, to read; the number lies in [head, tail). */
  at(number: number): { octets: Buffer; at: number } {
    const segment = segmentOf(number)
    let octets = this.segments.get(segment)
    if (octets === undefined) {
      octets = this.load(segment)
      this.evict()
      this.segments.set(segment, octets)
    }
    return { octets, at: (number % SEGMENT_RECORDS) * this.width }
  }

  /** The same place, to write. */
  change(number: number): { octets: Buffer; at: number } {
    const place = this.at(number)
    this.dirty.add(segmentOf(number))
    return place
  }

  /** Drops the first record. */
  shift(): void {
    const segment = segmentOf(this.cursor.head++)
    if (segmentOf(this.cursor.head) !== segment) {
      this.segments.delete(segment)
      this.dirty.delete(segment)
      this.gone.add(segment)
    }
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const segment of this.gone) del(this.key(segment))
    for (const segment of this.dirty)
      put(this.key(segment), Buffer.from(this.segments.get(segment)!))
    this.gone.clear()
    this.dirty.clear()
  }

  /** Keeps at most 8 clean segments. */
  private evict(): void {
    if (this.segments.size < 8) return
    for (const segment of this.segments.keys())
      if (!this.dirty.has(segment) && segment !== segmentOf(this.cursor.tail - 1)) {
        this.segments.delete(segment)
        return
      }
  }

  private load(segment: number): Buffer {
    const octets = this.store.get(this.key(segment))
    if (octets === undefined) throw new Error(`state is damaged: a list segment is missing`)
    return octets
  }

  private key(segment: number): string {
    return this.prefix + octets(segment, 5)
  }
}

const segmentOf = (number: number): number => Math.floor(number / SEGMENT_RECORDS)

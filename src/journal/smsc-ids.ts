import { assert } from '../base/assert.js'
import { ConcludedIds } from './concluded-ids.js'
import type { Ref } from './ids.js'
import { numberIn, octets, smscIdPrefix } from './keys.js'
import type { Persistent, StateStore } from './state-store.js'

/** Additions to a segment before a new one is begun. */
export const SEGMENT_ADDITIONS = 16_384
/** Slots of a segment's table: at most half full. */
const SLOTS = 2 * SEGMENT_ADDITIONS
/** Candidates that one look-up examines: SMSCs may give every message the same id. */
const CANDIDATES_MAX = 32
/** A full segment with fewer live ids than this is emptied into the newest one. */
const MERGE_BELOW = SEGMENT_ADDITIONS / 16
/** Octets of a change on disk: hash u32 | hash u32 | ref f64, negative where removed, 0 where none awaits anything. */
const CHANGE_OCTETS = 16

/**
 * Which message a (connector, SMSC id) is, for receipts that are awaited: hashes in packed tables by
 * segment, newest first. A hash may lie: the caller compares the id that the message's block holds.
 */
export class SmscIds implements Persistent {
  /** Ids of concluded messages are kept for a while, when their segment goes. */
  remembers = false
  private readonly store: StateStore
  private readonly concluded: ConcludedIds
  /** Newest first. */
  private segments: Segment[]
  private readonly emptied: Segment[] = []
  private newest: Segment

  constructor(store: StateStore) {
    this.store = store
    store.add(this)
    this.concluded = new ConcludedIds(store, SLOTS)
    this.newest = new Segment(0)
    this.segments = [this.newest]
  }

  /** Reads the segments back; call once, before anything is added. */
  async load(): Promise<void> {
    await this.store.load('i', (key, value) => {
      const number = numberIn(key, 1, 5)
      const segment = this.loaded(number)
      segment.chunks = numberIn(key, 6, 5) + 1
      for (let at = 0; at < value.length; at += CHANGE_OCTETS) {
        const low = value.readUInt32BE(at)
        const high = value.readUInt32BE(at + 4)
        const ref = value.readDoubleBE(at + 8)
        if (ref >= 0) segment.add(low, high, ref)
        else segment.remove(low, high, -ref)
      }
    })
    await this.concluded.load()
  }

  private loaded(number: number): Segment {
    if (this.newest.number === number) return this.newest
    // Keys come in order, so that a number not met yet is the newest.
    this.newest = this.segments.find(known => known.number === number) ?? new Segment(number)
    if (!this.segments.includes(this.newest)) this.segments.unshift(this.newest)
    return this.newest
  }

  /** Live ids. */
  get size(): number {
    let size = 0
    for (const segment of this.segments) size += segment.live
    return size
  }

  add(connector: number, smscId: string, ref: Ref): void {
    hash(connector, smscId)
    this.addHash(hashed[0]!, hashed[1]!, ref)
  }

  /** An id under which nothing is awaited, from the start: known, as one that was removed is. */
  addUnawaited(connector: number, smscId: string): void {
    this.add(connector, smscId, UNAWAITED)
  }

  /** Takes the pair out; false where it is not there. */
  remove(connector: number, smscId: string, ref: Ref): boolean {
    hash(connector, smscId)
    const low = hashed[0]!
    const high = hashed[1]!
    for (const segment of this.segments) {
      if (!segment.remove(low, high, ref)) continue
      segment.note(low, high, -ref)
      this.tidy(segment)
      return true
    }
    return false
  }

  /** Messages under this id, newest first, at most 32. */
  candidates(connector: number, smscId: string): Ref[] {
    hash(connector, smscId)
    const low = hashed[0]!
    const high = hashed[1]!
    let found: Ref[] = NONE
    for (const segment of this.segments) {
      const refs = segment.candidates(low, high, CANDIDATES_MAX - found.length)
      if (refs.length > 0) found = found.length === 0 ? refs : found.concat(refs)
      if (found.length >= CANDIDATES_MAX) break
    }
    return found
  }

  /**
   * Whether a message of ours has or had this id: one that is concluded too, as long as it is remembered (the
   * segments here, and those that ConcludedIds keeps: a million ids, over all connectors).
   */
  knows(connector: number, smscId: string): boolean {
    hash(connector, smscId)
    const low = hashed[0]!
    const high = hashed[1]!
    return (
      this.segments.some(segment => segment.had(low, high)) ||
      this.concluded.has(low % SLOTS, markOf(high))
    )
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const segment of this.emptied)
      for (let chunk = 0; chunk < segment.chunks; chunk++) del(chunkKey(segment.number, chunk))
    this.emptied.length = 0
    for (const segment of this.segments) {
      const changes = segment.takeChanges()
      if (changes !== undefined) put(chunkKey(segment.number, segment.chunks++), changes)
    }
  }

  private addHash(low: number, high: number, ref: Ref): void {
    if (this.newest.additions >= SEGMENT_ADDITIONS) {
      const full = this.newest
      this.newest = new Segment(full.number + 1)
      this.segments.unshift(this.newest)
      this.tidy(full)
    }
    this.newest.add(low, high, ref)
    this.newest.note(low, high, ref)
  }

  /** Drops a full segment with nothing left, and moves the rest of one with little left. */
  private tidy(segment: Segment): void {
    if (segment === this.newest || segment.live >= MERGE_BELOW) return
    this.segments = this.segments.filter(other => other !== segment)
    this.emptied.push(segment)
    if (this.remembers) this.concluded.add(segment.marks())
    for (const [low, high, ref] of segment.entries()) this.addHash(low, high, ref)
  }
}

const chunkKey = (segment: number, chunk: number): string =>
  smscIdPrefix(segment) + octets(chunk, 5)

/** Held by a slot whose id concerns no message any more; no message has it, for the first entry is the engine's own. */
const UNAWAITED: Ref = 0

/** One open-addressed table. Removed slots keep their hash. */
class Segment {
  readonly number: number
  /** Chunks on disk. */
  chunks = 0
  additions = 0
  live = 0
  private readonly hashes = new Uint32Array(2 * SLOTS)
  private readonly refs = new Float64Array(SLOTS)
  private readonly used = new Uint8Array(SLOTS)
  private changes: number[] = []

  constructor(number: number) {
    this.number = number
  }

  add(low: number, high: number, ref: Ref): void {
    assert(this.additions < SEGMENT_ADDITIONS, 'an id segment is overfull')
    let slot = low % SLOTS
    while (this.used[slot] === 1) slot = (slot + 1) % SLOTS
    this.used[slot] = 1
    this.hashes[2 * slot] = low
    this.hashes[2 * slot + 1] = high
    this.refs[slot] = ref
    this.additions++
    if (ref !== UNAWAITED) this.live++
  }

  remove(low: number, high: number, ref: Ref): boolean {
    for (let slot = low % SLOTS; this.used[slot] === 1; slot = (slot + 1) % SLOTS) {
      if (this.refs[slot] !== ref || !this.holds(slot, low, high)) continue
      this.refs[slot] = UNAWAITED
      this.live--
      return true
    }
    return false
  }

  /** Up to `most` refs under the hash, newest first. */
  candidates(low: number, high: number, most: number): Ref[] {
    const found: Ref[] = []
    for (let slot = low % SLOTS; this.used[slot] === 1; slot = (slot + 1) % SLOTS)
      if (this.refs[slot] !== UNAWAITED && this.holds(slot, low, high)) found.push(this.refs[slot]!)
    return found.length < 2 ? found : found.sort((a, b) => b - a).slice(0, most)
  }

  /** Whether this hash was ever added, removed since or not. */
  had(low: number, high: number): boolean {
    for (let slot = low % SLOTS; this.used[slot] === 1; slot = (slot + 1) % SLOTS)
      if (this.holds(slot, low, high)) return true
    return false
  }

  /** What ConcludedIds keeps of it. */
  marks(): Uint32Array {
    const marks = new Uint32Array(SLOTS)
    for (let slot = 0; slot < SLOTS; slot++)
      if (this.used[slot] === 1) marks[slot] = markOf(this.hashes[2 * slot + 1]!)
    return marks
  }

  note(low: number, high: number, ref: Ref): void {
    this.changes.push(low, high, ref)
  }

  takeChanges(): Buffer | undefined {
    if (this.changes.length === 0) return undefined
    const out = Buffer.allocUnsafe((this.changes.length / 3) * CHANGE_OCTETS)
    for (let i = 0, at = 0; i < this.changes.length; i += 3, at += CHANGE_OCTETS) {
      out.writeUInt32BE(this.changes[i]!, at)
      out.writeUInt32BE(this.changes[i + 1]!, at + 4)
      out.writeDoubleBE(this.changes[i + 2]!, at + 8)
    }
    this.changes = []
    return out
  }

  *entries(): Generator<[low: number, high: number, ref: Ref]> {
    for (let slot = 0; slot < SLOTS; slot++)
      if (this.used[slot] === 1 && this.refs[slot] !== UNAWAITED)
        yield [this.hashes[2 * slot]!, this.hashes[2 * slot + 1]!, this.refs[slot]!]
  }

  private holds(slot: number, low: number, high: number): boolean {
    return this.hashes[2 * slot] === low && this.hashes[2 * slot + 1] === high
  }
}

/** 0 stands for a free slot. */
const markOf = (high: number): number => (high === 0 ? 1 : high)

const NONE: Ref[] = []
const hashed = new Uint32Array(2)

/** Two independent 32-bit hashes (FNV-1a and a multiply-rotate) into `hashed`. */
function hash(connector: number, smscId: string): void {
  let low = Math.imul(0x811c9dc5 ^ connector, 0x01000193)
  let high = Math.imul(connector + 0x9e3779b9, 0x85ebca6b)
  for (let i = 0; i < smscId.length; i++) {
    const code = smscId.charCodeAt(i)
    low = Math.imul(low ^ code, 0x01000193)
    high = Math.imul((high << 13) | (high >>> 19), 5) + Math.imul(code, 0xcc9e2d51)
  }
  hashed[0] = low ^ (low >>> 15)
  hashed[1] = high ^ (high >>> 16)
}

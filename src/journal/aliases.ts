import type { Block } from './block.js'
import type { Ref } from './ids.js'
import { MESSAGES_PER_ENTRY, refOf } from './ids.js'
import { aliasKey } from './keys.js'
import type { Persistent, StateStore } from './state-store.js'

/** Aliases are 8 decimal digits; the number behind one goes on rising. */
export const ALIASES = 100_000_000
/** The first number: so the number that an entry's offset 0 would have is never negative. */
export const FIRST_ALIAS = MESSAGES_PER_ENTRY
/** Older messages of the same 8 digits that a look-up goes back to. */
const ROUNDS_MAX = 4
/** Numbers under one key: what a look-up reads. */
const CHUNK = 256
/** Chunks kept in memory besides the changed ones. */
const CACHED_MAX = 64

/**
 * Which message an 8-digit id is: for SMPP 3.3 sessions, and accounts with `messageIdStyle: short`. Numbers
 * rise by one from message to message, and chunks of 256 of them lie under a key each: looked up in place,
 * without an index. The way back, from a message to its number, is in its block. Bound on disk: a chunk
 * goes when the last of its messages' blocks is gone.
 */
export class Aliases implements Persistent {
  /** The next message's number; the state's meta keeps it. */
  next = FIRST_ALIAS
  private readonly store: StateStore
  private readonly chunks: Map<number, Chunk> = new Map()
  private readonly dirty: Set<number> = new Set()

  constructor(store: StateStore) {
    this.store = store
    store.add(this)
  }

  /** Gives the message the next number. Offsets of one block come in rising order. */
  add(block: Block, offset: number): void {
    if (block.aliasBase === 0) block.aliasBase = this.next - offset
    const number = block.aliasBase + offset
    block.setShort(offset)
    this.set(number, refOf(block.index, offset))
    this.next = number + 1
  }

  /** The block goes, and its messages' numbers with it. */
  remove(block: Block): void {
    if (block.aliasBase === 0) return
    for (let offset = 0; offset < block.count; offset++)
      if (block.isShort(offset)) this.set(block.aliasBase + offset, 0)
  }

  /** Messages of this alias, newest first: more than one where 10^8 others came while it lived. */
  refs(alias: number): Ref[] {
    const found: Ref[] = []
    let number = this.next - 1 - ((((this.next - 1 - alias) % ALIASES) + ALIASES) % ALIASES)
    for (let round = 0; round < ROUNDS_MAX && number >= FIRST_ALIAS; round++) {
      const ref = this.chunk(Math.floor(number / CHUNK)).refs[number % CHUNK]!
      if (ref !== 0) found.push(ref)
      number -= ALIASES
    }
    return found
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const number of this.dirty) {
      const { refs, live } = this.chunks.get(number)!
      if (live === 0) del(aliasKey(number))
      else put(aliasKey(number), encode(refs))
    }
    this.dirty.clear()
    this.trim()
  }

  private set(number: number, ref: Ref): void {
    const at = Math.floor(number / CHUNK)
    const chunk = this.chunk(at)
    const slot = number % CHUNK
    chunk.live += (ref === 0 ? 0 : 1) - (chunk.refs[slot] === 0 ? 0 : 1)
    chunk.refs[slot] = ref
    this.dirty.add(at)
  }

  private chunk(number: number): Chunk {
    const known = this.chunks.get(number)
    if (known !== undefined) return known
    const octets = this.store.get(aliasKey(number))
    const refs = new Float64Array(CHUNK)
    let live = 0
    if (octets !== undefined)
      for (let slot = 0; slot < CHUNK; slot++) {
        refs[slot] = octets.readDoubleBE(slot * 8)
        if (refs[slot] !== 0) live++
      }
    if (this.chunks.size >= 2 * CACHED_MAX) this.trim()
    const chunk = { refs, live }
    this.chunks.set(number, chunk)
    return chunk
  }

  private trim(): void {
    for (const number of this.chunks.keys()) {
      if (this.chunks.size <= CACHED_MAX) return
      if (!this.dirty.has(number)) this.chunks.delete(number)
    }
  }
}

/** The 8 digits. */
export function aliasText(number: number): string {
  return String(number % ALIASES).padStart(8, '0')
}

/** The alias that an id is, leading zeros or not; undefined where it is none. */
export function parseAlias(id: string): number | undefined {
  return /^\d{1,8}$/.test(id) ? Number(id) : undefined
}

interface Chunk {
  refs: Float64Array
  live: number
}

function encode(refs: Float64Array): Buffer {
  const octets = Buffer.allocUnsafe(CHUNK * 8)
  refs.forEach((ref, slot) => octets.writeDoubleBE(ref, slot * 8))
  return octets
}

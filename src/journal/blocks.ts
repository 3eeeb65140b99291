import { Block } from './block.js'
import type { Ref } from './ids.js'
import { indexOf, offsetOf, refOf } from './ids.js'
import { blockKey, numberIn } from './keys.js'
import type { Persistent, StateStore } from './state-store.js'

/** Decoded blocks that no change keeps in memory: at most this many octets of them. */
const CACHE_OCTETS_MAX = 4 * 1024 * 1024

/** All blocks, with the recently used ones in memory. */
export class Blocks implements Persistent {
  private readonly store: StateStore
  private readonly cache: Map<number, Block> = new Map()
  private readonly dirty: Set<Block> = new Set()
  private readonly gone: Set<number> = new Set()
  private cachedOctets = 0

  constructor(store: StateStore) {
    this.store = store
    store.add(this)
  }

  add(block: Block): void {
    this.remember(block)
    this.dirty.add(block)
  }

  /** To read. */
  get(index: number): Block | undefined {
    const known = this.cache.get(index)
    if (known !== undefined) return known
    if (this.gone.has(index)) return undefined
    const octets = this.store.get(blockKey(index))
    if (octets === undefined) return undefined
    const block = Block.decode(index, octets)
    this.remember(block)
    return block
  }

  /** The message whose id its ESME knows it by; itself, where its block is gone. */
  headOf(ref: Ref): Ref {
    const index = indexOf(ref)
    return refOf(index, this.get(index)?.headOf(offsetOf(ref)) ?? offsetOf(ref))
  }

  /** Says that a block from `get` was changed. One that was removed since stays so. */
  changed(block: Block): void {
    if (this.gone.has(block.index)) return
    this.dirty.add(block)
    if (!this.cache.has(block.index)) this.remember(block)
  }

  remove(block: Block): void {
    if (this.cache.delete(block.index)) this.cachedOctets -= block.counted
    this.dirty.delete(block)
    this.gone.add(block.index)
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const index of this.gone) del(blockKey(index))
    for (const block of this.dirty) {
      put(blockKey(block.index), block.encode())
      this.count(block)
    }
    this.gone.clear()
    this.dirty.clear()
    this.trim()
  }

  private remember(block: Block): void {
    this.cache.set(block.index, block)
    block.counted = 0
    this.count(block)
    if (this.cachedOctets > 2 * CACHE_OCTETS_MAX) this.trim()
  }

  /** Forgets the blocks that were remembered first, but for the changed ones. */
  private trim(): void {
    for (const [index, block] of this.cache) {
      if (this.cachedOctets <= CACHE_OCTETS_MAX) break
      if (this.dirty.has(block)) continue
      this.cache.delete(index)
      this.cachedOctets -= block.counted
    }
  }

  /** SMSC ids make a block larger after it was remembered. */
  private count(block: Block): void {
    this.cachedOctets += block.octets - block.counted
    block.counted = block.octets
  }
}

/** The index in a block's key. */
export const indexOfBlockKey = (key: string): number => numberIn(key, 1, 6)

import { assert } from '../base/assert.js'
import { concludedIdsKey, numberIn } from './keys.js'
import type { Persistent, StateStore } from './state-store.js'

/** Tables that are remembered; with one more the oldest goes. */
export const CONCLUDED_TABLES_MAX = 64

const VERSION = 1

/**
 * SMSC ids of messages that are concluded, so that a repeated receipt is known for what it is: from each full
 * segment of SmscIds that has nothing left, one half of each hash, where the other half had put it. 128 KiB a
 * table in memory and on disk, 8 MiB in all. It may take an id for one that it knows (once in 10^7), never
 * the other way round.
 */
export class ConcludedIds implements Persistent {
  private readonly store: StateStore
  private readonly slots: number
  /** Oldest first. */
  private readonly tables: Table[] = []
  private readonly added: Set<Table> = new Set()
  private readonly gone: Set<number> = new Set()

  /** @param slots  of each table */
  constructor(store: StateStore, slots: number) {
    this.store = store
    this.slots = slots
    store.add(this)
  }

  /** @param marks  by slot: half a hash, never 0, or 0 where the slot is free. Taken over. */
  add(marks: Uint32Array): void {
    const table = { number: (this.tables.at(-1)?.number ?? -1) + 1, marks }
    this.tables.push(table)
    this.added.add(table)
    if (this.tables.length <= CONCLUDED_TABLES_MAX) return
    const oldest = this.tables.shift()!
    if (!this.added.delete(oldest)) this.gone.add(oldest.number)
  }

  /** Whether a hash is among them, whose slot is `slot` or the next free ones, and whose mark is `mark`. */
  has(slot: number, mark: number): boolean {
    return this.tables.some(({ marks }) => {
      for (let at = slot; marks[at] !== 0; at = (at + 1) % this.slots)
        if (marks[at] === mark) return true
      return false
    })
  }

  async load(): Promise<void> {
    await this.store.load('j', (key, value) => {
      assert(value[0] === VERSION, `state is damaged: concluded ids have version ${value[0]}`)
      const marks = new Uint32Array(this.slots)
      for (let slot = 0; slot < this.slots; slot++) marks[slot] = value.readUInt32BE(1 + slot * 4)
      this.tables.push({ number: numberIn(key, 1, 5), marks })
    })
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const number of this.gone) del(concludedIdsKey(number))
    this.gone.clear()
    for (const { number, marks } of this.added) put(concludedIdsKey(number), encode(marks))
    this.added.clear()
  }
}

interface Table {
  number: number
  marks: Uint32Array
}

function encode(marks: Uint32Array): Buffer {
  const out = Buffer.allocUnsafe(1 + marks.length * 4)
  out[0] = VERSION
  marks.forEach((mark, slot) => out.writeUInt32BE(mark, 1 + slot * 4))
  return out
}

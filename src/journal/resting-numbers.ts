import type { Ref } from './ids.js'
import { numberIn, restingKey, restingPrefix } from './keys.js'
import { pack, unpack } from './pack.js'
import type { Persistent, StateStore } from './state-store.js'

/** Numbers that may rest, per connector; the one that began first goes first. */
export const RESTING_MAX = 10_000

/** Stands for more than one message. */
const SEVERAL = 0

/**
 * Numbers (hashes of destination addresses) of one connector to which a message went, or may have gone, whose
 * SMSC id nobody will learn: it was in doubt and was sent again or given up, or the SMSC named none. From then
 * on a receipt to that number with an unknown id may be that message's.
 */
export class RestingNumbers implements Persistent {
  private readonly store: StateStore
  private readonly connector: number
  /** By address hash, in the order in which they began to rest. */
  private readonly numbers: Map<number, Resting> = new Map()
  private readonly changes: Map<string, Buffer | null> = new Map()
  private next = 0

  constructor(store: StateStore, connector: number) {
    this.store = store
    this.connector = connector
    store.add(this)
  }

  /** The number rests (anew) on account of this message. */
  add(addressHash: number, ref: Ref): void {
    const earlier = this.numbers.get(addressHash)
    if (earlier !== undefined) this.drop(addressHash, earlier)
    else if (this.numbers.size >= RESTING_MAX) {
      const [first] = this.numbers
      if (first !== undefined) this.drop(...first)
    }
    const resting = {
      number: this.next++,
      ref: earlier === undefined || earlier.ref === ref ? ref : SEVERAL,
    }
    this.numbers.set(addressHash, resting)
    this.changes.set(restingKey(this.connector, resting.number), pack([addressHash, resting.ref]))
  }

  /** Whether it rests on account of any other message than this. */
  restsFor(addressHash: number, ref: Ref): boolean {
    const resting = this.numbers.get(addressHash)
    return resting !== undefined && resting.ref !== ref
  }

  get size(): number {
    return this.numbers.size
  }

  async load(): Promise<void> {
    await this.store.load(restingPrefix(this.connector), (key, value) => {
      const [addressHash, ref] = unpack(value) as [number, Ref]
      const number = numberIn(key, 3, 6)
      this.numbers.set(addressHash, { number, ref })
      this.next = number + 1
    })
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const [key, value] of this.changes) {
      if (value === null) del(key)
      else put(key, value)
    }
    this.changes.clear()
  }

  private drop(addressHash: number, { number }: Resting): void {
    this.numbers.delete(addressHash)
    this.changes.set(restingKey(this.connector, number), null)
  }
}

interface Resting {
  /** Of its key. */
  number: number
  ref: Ref
}

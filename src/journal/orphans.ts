import type { Ref } from './ids.js'
import { numberIn, octets, orphanKey } from './keys.js'
import { pack, unpack } from './pack.js'
import type { StateStore } from './state-store.js'

/** Receipts that may wait for their message's id, per connector; the oldest goes first. */
export const ORPHANS_MAX = 10_000
const EXAMINED = 32

/** A receipt that no message is known for yet. */
export interface Orphan {
  /** Place of the receipt. */
  ref: Ref
  smscId: string
  state: number
  error: number
  addressHash: number
  /** Of an intermediate notification: `Block.notification`. */
  notification?: number
}

/**
 * Receipts of one connector that came before the outcome that names their message's id: where an SMSC is quick, that is
 * every receipt. So what comes and goes between two flushes costs neither a key nor a value.
 */
export class Orphans {
  private readonly connector: number
  /** By number, oldest first. */
  private readonly all: Map<number, Orphan> = new Map()
  /** Numbers of those that name an SMSC id, ascending. */
  private readonly byId: Map<string, number[]> = new Map()
  /** Below `saved`, and on disk no more. */
  private readonly gone: number[] = []
  /** Numbers below it are in the store where they are not gone; numbers are given once. */
  private saved: number
  private nextNumber: number

  /** @param next  the first number that was never given */
  constructor(connector: number, next: number) {
    this.connector = connector
    this.saved = next
    this.nextNumber = next
  }

  get size(): number {
    return this.all.size
  }

  /** The number that the next one gets. */
  get next(): number {
    return this.nextNumber
  }

  /** Oldest first. */
  values(): IterableIterator<Orphan> {
    return this.all.values()
  }

  /** Keeps a receipt. Returns the one that it pushed out, if any. */
  add(orphan: Orphan): Orphan | undefined {
    const pushedOut = this.all.size >= ORPHANS_MAX ? this.takeOldest() : undefined
    this.put(this.nextNumber++, orphan)
    return pushedOut
  }

  /**
   * Takes the first one that names this SMSC id and comes from this address, or the only one that names it.
   * Looks at 32 (some SMSCs give all messages one id).
   */
  take(smscId: string, addressHash: number): Orphan | undefined {
    const sharing = this.byId.get(smscId)
    if (sharing === undefined) return undefined
    const fitting = sharing
      .slice(0, EXAMINED)
      .find(number => this.all.get(number)?.addressHash === addressHash)
    const number = fitting ?? (sharing.length === 1 ? sharing[0] : undefined)
    return number === undefined ? undefined : this.remove(number)
  }

  /** Takes the one that came first. */
  takeOldest(): Orphan | undefined {
    for (const number of this.all.keys()) return this.remove(number)
    return undefined
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const number of this.gone) del(orphanKey(this.connector, number))
    this.gone.length = 0
    if (this.saved === this.nextNumber) return
    for (const [number, orphan] of this.all)
      if (number >= this.saved) put(orphanKey(this.connector, number), pack(orphan))
    this.saved = this.nextNumber
  }

  async load(store: StateStore): Promise<void> {
    await store.load('h' + octets(this.connector, 2), (key, value) => {
      this.put(numberIn(key, 3, 6), unpack(value) as Orphan)
    })
  }

  private put(number: number, orphan: Orphan): void {
    this.all.set(number, orphan)
    const sharing = this.byId.get(orphan.smscId)
    if (sharing === undefined) this.byId.set(orphan.smscId, [number])
    else sharing.push(number)
  }

  private remove(number: number): Orphan | undefined {
    const orphan = this.all.get(number)
    if (orphan === undefined) return undefined
    this.all.delete(number)
    const sharing = this.byId.get(orphan.smscId) ?? []
    sharing.splice(sharing.indexOf(number), 1) // nearly always the first
    if (sharing.length === 0) this.byId.delete(orphan.smscId)
    if (number < this.saved) this.gone.push(number)
    return orphan
  }
}

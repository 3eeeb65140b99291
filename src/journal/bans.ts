import { banKey, numberIn } from './keys.js'
import { pack, unpack } from './pack.js'
import type { Persistent, StateStore } from './state-store.js'

/** Over all accounts; the one that began first goes first. */
export const BANS_MAX = 10_000
/** Of a ban's address, characters: an IPv6 address has 45 at most. */
export const BAN_ADDRESS_MAX = 64

/** An address from which binds of one account are refused. */
export interface Ban {
  /** Number of the account. */
  account: number
  /** As the session registry writes it: an IP address. */
  address: string
  /** By the clock of the node that counted the failed binds, ms since the Unix epoch. */
  sinceMs: number
  /** It is lifted by a command, soon after this. */
  untilMs: number
  /** Binds that failed before it. */
  failures: number
}

/** Bans in force (docs/decisions/0017), in the order in which they began. */
export class Bans implements Persistent {
  private readonly store: StateStore
  private readonly bans: Map<string, Kept> = new Map()
  private readonly changes: Map<string, Buffer | null> = new Map()
  private next = 0

  constructor(store: StateStore) {
    this.store = store
    store.add(this)
  }

  get size(): number {
    return this.bans.size
  }

  get(account: number, address: string): Ban | undefined {
    return this.bans.get(nameOf(account, address))?.ban
  }

  /** Oldest first. */
  *all(): Generator<Ban> {
    for (const { ban } of this.bans.values()) yield ban
  }

  /** A ban that is there already begins anew. */
  add(ban: Ban): void {
    const name = nameOf(ban.account, ban.address)
    if (!this.drop(name) && this.bans.size >= BANS_MAX) {
      const [oldest] = this.bans.keys()
      this.drop(oldest!)
    }
    const number = this.next++
    this.bans.set(name, { number, ban })
    this.changes.set(banKey(number), pack(ban))
  }

  /** False: there is none. */
  lift(account: number, address: string): boolean {
    return this.drop(nameOf(account, address))
  }

  async load(): Promise<void> {
    await this.store.load('k', (key, value) => {
      const ban = unpack(value) as Ban
      const number = numberIn(key, 1, 6)
      this.bans.set(nameOf(ban.account, ban.address), { number, ban })
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

  private drop(name: string): boolean {
    const kept = this.bans.get(name)
    if (kept === undefined) return false
    this.bans.delete(name)
    this.changes.set(banKey(kept.number), null)
    return true
  }
}

interface Kept {
  /** Of its key. */
  number: number
  ban: Ban
}

const nameOf = (account: number, address: string): string => `${account} ${address}`

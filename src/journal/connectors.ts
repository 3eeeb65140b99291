import type { Connector } from '../policy/settings.js'
import type { LevelCursor } from './connector-queue.js'
import { ConnectorQueue, LEVELS } from './connector-queue.js'
import type { Ref } from './ids.js'
import {
  connectorKey,
  doubtKey,
  expiryKey,
  numberIn,
  octets,
  openClaimsKey,
  retryKey,
} from './keys.js'
import { Orphans, type Orphan } from './orphans.js'
import { pack, unpack } from './pack.js'
import { RestingNumbers } from './resting-numbers.js'
import { Schedules } from './schedules.js'
import type { Persistent, StateStore } from './state-store.js'

/** Messages that may wait for a retry, per connector; nothing more is claimed beyond. */
export const RETRIES_MAX = 50_000

export interface Home {
  node: number
  epoch: number
}

export interface Doubt {
  /** When it came into doubt, as its proposer wrote. */
  sinceMs: number
  /** Of its destination_addr, to match a receipt whose id nobody knows. */
  addressHash: number
}

/**
 * What is replicated of one connector. `queued` counts unclaimed messages without an outcome,
 * `claims` and `doubts` together are what DESIGN §5 calls in flight.
 */
export class ConnectorState implements Persistent {
  readonly number: number
  readonly id: string
  /** undefined where the settings no longer name it. */
  settings: Connector | undefined
  home: Home | null = null
  epoch = 0
  /** A node that should be its home rather; the home hands over when it can. */
  wanted: number | null = null
  /** Binds that the home reports. */
  binds = 0
  queued = 0
  readonly queue: ConnectorQueue
  /** Claimed messages: ref → attempt. */
  readonly claims: Map<Ref, number> = new Map()
  readonly doubts: Map<Ref, Doubt> = new Map()
  /** Ref → when the retry is due, ms since the Unix epoch. */
  readonly retries: Map<Ref, number> = new Map()
  /** Expiry second → packed ranges (index u48, lo u16, hi u16). */
  readonly expiries: Map<number, Buffer> = new Map()
  /** What waits for its schedule_delivery_time. */
  readonly schedules: Schedules
  readonly orphans: Orphans
  readonly resting: RestingNumbers
  private readonly doubtsByAddress: Map<number, Set<Ref>> = new Map()
  private readonly changes: Changes = new Changes()
  private claimsChanged = false
  private changed = true

  constructor(store: StateStore, number: number, id: string, saved?: SavedConnector) {
    this.number = number
    this.id = id
    const cursors = Array.from({ length: LEVELS }, (_, level): LevelCursor => {
      return saved?.cursors[level] ?? { head: 0, tail: 0, from: 0 }
    })
    this.queue = new ConnectorQueue(store, number, cursors)
    this.schedules = new Schedules(number)
    this.orphans = new Orphans(number, saved?.nextOrphan ?? 0)
    this.resting = new RestingNumbers(store, number)
    if (saved !== undefined) {
      this.home = saved.home
      this.epoch = saved.epoch
      this.wanted = saved.wanted
      this.binds = saved.binds
      this.queued = saved.queued
      this.schedules.size = saved.scheduled ?? 0
      this.changed = false
    }
    store.add(this)
  }

  get inFlight(): number {
    return this.claims.size + this.doubts.size
  }

  /** Says that a plain field or the queue changed. */
  touch(): void {
    this.changed = true
  }

  setClaim(ref: Ref, attempt: number): void {
    this.claims.set(ref, attempt)
    this.claimsChanged = true
  }

  dropClaim(ref: Ref): void {
    if (this.claims.delete(ref)) this.claimsChanged = true
  }

  setDoubt(ref: Ref, doubt: Doubt): void {
    this.putDoubt(ref, doubt)
    this.changes.put(doubtKey(this.number, ref), () => pack([doubt.sinceMs, doubt.addressHash]))
  }

  dropDoubt(ref: Ref): void {
    const doubt = this.doubts.get(ref)
    if (doubt === undefined) return
    this.doubts.delete(ref)
    const sharing = this.doubtsByAddress.get(doubt.addressHash)
    sharing?.delete(ref)
    if (sharing?.size === 0) this.doubtsByAddress.delete(doubt.addressHash)
    this.changes.del(doubtKey(this.number, ref))
  }

  /** The message in doubt that alone goes to this address; undefined where none does, or several do. */
  onlyDoubtTo(addressHash: number): Ref | undefined {
    const sharing = this.doubtsByAddress.get(addressHash)
    return sharing?.size === 1 ? [...sharing][0] : undefined
  }

  setRetry(ref: Ref, dueAtMs: number): void {
    this.retries.set(ref, dueAtMs)
    this.changes.put(retryKey(this.number, ref), () => pack([dueAtMs]))
  }

  dropRetry(ref: Ref): void {
    if (this.retries.delete(ref)) this.changes.del(retryKey(this.number, ref))
  }

  addExpiry(second: number, index: number, lo: number, hi: number): void {
    const range = Buffer.allocUnsafe(10)
    range.writeUIntBE(index, 0, 6)
    range.writeUInt16BE(lo, 6)
    range.writeUInt16BE(hi, 8)
    const earlier = this.expiries.get(second)
    this.expiries.set(second, earlier === undefined ? range : Buffer.concat([earlier, range]))
    this.changes.put(expiryKey(this.number, second), () => this.expiries.get(second)!)
  }

  dropExpiry(second: number): void {
    if (this.expiries.delete(second)) this.changes.del(expiryKey(this.number, second))
  }

  /** Keeps a receipt that fits no message yet. Returns the orphan it pushed out, if any. */
  addOrphan(orphan: Orphan): Orphan | undefined {
    this.changed = true
    return this.orphans.add(orphan)
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    this.changes.collect(put, del)
    this.queue.collect(put, del)
    this.schedules.collect(put, del)
    this.orphans.collect(put, del)
    if (this.claimsChanged) {
      this.claimsChanged = false
      put(openClaimsKey(this.number), encodeClaims(this.claims))
    }
    if (!this.changed) return
    this.changed = false
    const saved: SavedConnector = {
      id: this.id,
      home: this.home,
      epoch: this.epoch,
      wanted: this.wanted,
      binds: this.binds,
      queued: this.queued,
      scheduled: this.schedules.size,
      nextOrphan: this.orphans.next,
      cursors: this.queue.cursors,
    }
    put(connectorKey(this.number), pack(saved))
  }

  /** Reads back what has keys of its own. */
  async load(store: StateStore): Promise<void> {
    const claims = store.get(openClaimsKey(this.number))
    if (claims !== undefined)
      for (let at = 0; at < claims.length; at += 9)
        this.claims.set(claims.readDoubleBE(at), claims[at + 8]!)
    const prefix = octets(this.number, 2)
    await store.load('d' + prefix, (key, value) => {
      const [sinceMs, addressHash] = unpack(value) as [number, number]
      this.putDoubt(numberIn(key, 3, 7), { sinceMs, addressHash })
    })
    await store.load('r' + prefix, (key, value) => {
      this.retries.set(numberIn(key, 3, 7), (unpack(value) as [number])[0])
    })
    await store.load('e' + prefix, (key, value) => {
      this.expiries.set(numberIn(key, 3, 5), Buffer.from(value))
    })
    await this.schedules.load(store)
    await this.orphans.load(store)
    await this.resting.load()
  }

  private putDoubt(ref: Ref, doubt: Doubt): void {
    this.doubts.set(ref, doubt)
    const sharing = this.doubtsByAddress.get(doubt.addressHash)
    if (sharing === undefined) this.doubtsByAddress.set(doubt.addressHash, new Set([ref]))
    else sharing.add(ref)
  }
}

export interface SavedConnector {
  id: string
  home: Home | null
  epoch: number
  wanted: number | null
  binds: number
  queued: number
  /** Missing in states written before messages could be scheduled. */
  scheduled?: number
  nextOrphan: number
  cursors: LevelCursor[]
}

/** The messages of an expiry bucket. */
export function* rangesIn(bucket: Buffer): Generator<{ index: number; lo: number; hi: number }> {
  for (let at = 0; at < bucket.length; at += 10)
    yield {
      index: bucket.readUIntBE(at, 6),
      lo: bucket.readUInt16BE(at + 6),
      hi: bucket.readUInt16BE(at + 8),
    }
}

/** Keys that changed; values are encoded when collected, once, however often they changed. */
class Changes {
  private readonly keys: Map<string, (() => Buffer) | null> = new Map()

  put(key: string, encode: () => Buffer): void {
    this.keys.set(key, encode)
  }

  del(key: string): void {
    this.keys.set(key, null)
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const [key, encode] of this.keys) {
      if (encode === null) del(key)
      else put(key, encode())
    }
    this.keys.clear()
  }
}

function encodeClaims(claims: ReadonlyMap<Ref, number>): Buffer {
  const out = Buffer.allocUnsafe(claims.size * 9)
  let at = 0
  for (const [ref, attempt] of claims) {
    out.writeDoubleBE(ref, at)
    out[at + 8] = attempt
    at += 9
  }
  return out
}

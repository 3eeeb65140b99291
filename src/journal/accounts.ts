import type { Account } from '../policy/settings.js'
import type { Home } from './connectors.js'
import type { SessionRecord } from './commands.js'
import type { Ref } from './ids.js'
import { accountKey, deliveryPrefix, sessionKey } from './keys.js'
import { LongMos } from './long-mos.js'
import { pack } from './pack.js'
import { Resubmissions } from './resubmissions.js'
import type { ListCursor } from './segmented-list.js'
import { SegmentedList } from './segmented-list.js'
import type { Persistent, StateStore } from './state-store.js'

/** inbound f64 | message f64 | flags u8: bit 0 done, bit 1 MO, bit 2 holds, bit 3 whole */
const DELIVERY_OCTETS = 17
const DONE = 1
const MO = 2
const HOLDS = 4
const WHOLE = 8

/** Something owed to an account: a receipt, or an MO. */
export interface Delivery {
  /** Number in the account's list: order of arrival. */
  seq: number
  kind: 'receipt' | 'mo'
  /** Place of the SMSC's deliver_sm, of parts the one that came last; 0 where the receipt is the gateway's own. */
  inbound: Ref
  /** Of an MO that came in parts and is owed as one: their places, in their order. */
  parts?: readonly Ref[]
  /** The message that the receipt speaks of; 0 for an MO. */
  message: Ref
  /** The message's block stays open for it: what the receipt says is in it. */
  holds: boolean
}

/** What is replicated of one account. */
export class AccountState implements Persistent {
  readonly number: number
  readonly systemId: string
  /** undefined where the settings no longer name it. */
  settings: Account | undefined
  /** Accepted messages without a final outcome: what queueLimit bounds. */
  queued = 0
  /** The node that delivers to it, null without a receiver session. */
  owner: Home | null = null
  epoch = 0
  /** Receipts and MO not yet acknowledged: what receiptLimit bounds. */
  owed = 0
  /** MO among them: what moLimit bounds. */
  owedMo = 0
  /** Given up so far: because receiptTtl was over, and because receiptLimit was reached. */
  expired = 0
  pushedOut = 0
  readonly sessions: Map<string, SessionRecord> = new Map()
  /** Submits that may be submitted again; empty without a resubmission window. */
  readonly resubmissions: Resubmissions
  /** Its MO that come in parts; empty where it takes them as they come. */
  readonly longMos: LongMos
  private readonly list: SegmentedList
  private readonly cursor: ListCursor
  private readonly changedSessions: Set<string> = new Set()
  private changed = true

  constructor(store: StateStore, number: number, systemId: string, saved?: SavedAccount) {
    this.number = number
    this.systemId = systemId
    this.cursor = saved?.cursor ?? { head: 0, tail: 0 }
    this.list = new SegmentedList(store, deliveryPrefix(number), DELIVERY_OCTETS, this.cursor)
    this.resubmissions = new Resubmissions(store, number)
    this.longMos = new LongMos(store, number)
    if (saved !== undefined) {
      this.resubmissions.givenUp = saved.firstsGivenUp ?? 0
      this.queued = saved.queued
      this.owner = saved.owner
      this.epoch = saved.epoch
      this.owed = saved.owed
      this.owedMo = saved.owedMo
      this.expired = saved.expired ?? 0
      this.pushedOut = saved.pushedOut ?? 0
      this.changed = false
    }
    store.add(this)
  }

  /** Says that a plain field changed. */
  touch(): void {
    this.changed = true
  }

  addSession(session: SessionRecord): void {
    this.sessions.set(session.id, session)
    this.changedSessions.add(session.id)
  }

  dropSession(id: string): void {
    if (this.sessions.delete(id)) this.changedSessions.add(id)
  }

  /** Adds to the list of what is owed. */
  owe(kind: 'receipt' | 'mo', inbound: Ref, message: Ref, holds = false): void {
    this.list.append((into, at) => {
      into.writeDoubleBE(inbound, at)
      into.writeDoubleBE(message, at + 8)
      into[at + 16] = (kind === 'mo' ? MO : 0) | (holds ? HOLDS : 0)
    })
    this.owed++
    if (kind === 'mo') this.owedMo++
    this.changed = true
  }

  /** Adds an MO whose parts are known to `longMos`, the last one at `last`. */
  oweWhole(last: Ref): void {
    this.owe('mo', last, 0)
    const { octets, at } = this.list.change(this.cursor.tail - 1)
    octets[at + 16]! |= WHOLE
  }

  /** So many parts more, or fewer, wait for others: they count as owed, and have no place in the list yet. */
  holdParts(more: number): void {
    this.owed += more
    this.owedMo += more
    this.changed = true
  }

  /** Marks one as done and returns it; undefined where there is none, or it was done before. */
  settle(seq: number): Delivery | undefined {
    const delivery = this.delivery(seq)
    if (delivery === undefined) return undefined
    const { octets, at } = this.list.change(seq)
    octets[at + 16]! |= DONE
    if (delivery.parts !== undefined) this.longMos.forget(delivery.inbound)
    while (this.cursor.head < this.cursor.tail && this.isDone(this.cursor.head)) this.list.shift()
    this.owed--
    if (delivery.kind === 'mo') this.owedMo--
    this.changed = true
    return delivery
  }

  /** The one with this number; undefined where there is none, or it is done. */
  delivery(seq: number): Delivery | undefined {
    if (seq < this.cursor.head || seq >= this.cursor.tail || this.isDone(seq)) return undefined
    const { octets, at } = this.list.at(seq)
    const inbound = octets.readDoubleBE(at)
    const flags = octets[at + 16]!
    const delivery: Delivery = {
      seq,
      kind: (flags & MO) === 0 ? 'receipt' : 'mo',
      inbound,
      message: octets.readDoubleBE(at + 8),
      holds: inbound === 0 || (flags & HOLDS) !== 0,
    }
    if ((flags & WHOLE) !== 0) delivery.parts = this.longMos.partsOf(inbound)
    return delivery
  }

  /** Sequence numbers [head, tail) of the list: what is owed lies in it, with gaps. */
  get deliveries(): Readonly<ListCursor> {
    return this.cursor
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    this.list.collect(put, del)
    for (const id of this.changedSessions) {
      const session = this.sessions.get(id)
      if (session === undefined) del(sessionKey(id))
      else put(sessionKey(id), pack(session))
    }
    this.changedSessions.clear()
    if (!this.changed) return
    this.changed = false
    const saved: SavedAccount = {
      systemId: this.systemId,
      queued: this.queued,
      owner: this.owner,
      epoch: this.epoch,
      owed: this.owed,
      owedMo: this.owedMo,
      expired: this.expired,
      pushedOut: this.pushedOut,
      firstsGivenUp: this.resubmissions.givenUp,
      cursor: this.cursor,
    }
    put(accountKey(this.number), pack(saved))
  }

  private isDone(seq: number): boolean {
    const { octets, at } = this.list.at(seq)
    return (octets[at + 16]! & DONE) !== 0
  }
}

export interface SavedAccount {
  systemId: string
  queued: number
  owner: Home | null
  epoch: number
  owed: number
  owedMo: number
  /** Both missing in states written before they were counted. */
  expired?: number
  pushedOut?: number
  /** Missing in states written before there were resubmission windows. */
  firstsGivenUp?: number
  cursor: ListCursor
}

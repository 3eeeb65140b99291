import type { Ref } from './ids.js'
import { firstKey } from './keys.js'
import { pack, unpack } from './pack.js'
import type { Persistent, StateStore } from './state-store.js'

/** Firsts remembered per account; beyond it the oldest lost one is given up, then the oldest open one. */
export const FIRSTS_MAX = 10_000

/**
 * Submits of one account whose response is not known to be written (docs/decisions/0012). A first is *open* while
 * its session stands, and *lost* once that session has ended: the same submit again then gets its message_id.
 *
 *     accept ──► open ──written──► forgotten
 *                 │ session ends         ▲ window over, given up
 *                 ▼                      │
 *                lost ───────────────────┘
 *                 └─ the same submit again ──► open, under the new session
 */
export class Resubmissions implements Persistent {
  /** Given up so far because FIRSTS_MAX were remembered; the account keeps it. */
  givenUp = 0
  private readonly account: number
  /** In the order of their numbers: of acceptance, or of loss. */
  private readonly firsts: Map<Ref, First> = new Map()
  private readonly lost: Set<Ref> = new Set()
  private readonly lostBy: Map<string, Set<Ref>> = new Map()
  private readonly openBySession: Map<string, Set<Ref>> = new Map()
  /** Fingerprint → session → open firsts, by number. */
  private readonly openBy: Map<string, Map<string, Set<number>>> = new Map()
  private readonly changed: Set<First> = new Set()
  /** Keys to be deleted, where they may be on disk. */
  private readonly gone: Set<string> = new Set()
  private next = 0

  constructor(store: StateStore, account: number) {
    this.account = account
    store.add(this)
  }

  get size(): number {
    return this.firsts.size
  }

  get lostCount(): number {
    return this.lost.size
  }

  /**
   * Remembers an accepted submit.
   *
   * @param fingerprint  16 octets as latin1
   * @param session      `node.boot.count`
   * @param lostAtMs     0; where the session has ended already, when
   */
  add(ref: Ref, fingerprint: string, session: string, lostAtMs: number): void {
    while (this.firsts.size >= FIRSTS_MAX) this.giveUpOldest()
    this.put({ ref, fingerprint, session, lostAtMs, number: this.next++ })
  }

  /**
   * The lost first of that fingerprint, the one lost longest ago; undefined where there is none. It is taken: it
   * belongs to the session that submitted it again, whose response is not written yet.
   */
  match(fingerprint: string, session: string, lostAtMs: number): Ref | undefined {
    const ref = this.lostLike(fingerprint)
    if (ref !== undefined) this.renew(this.firsts.get(ref)!, session, lostAtMs)
    return ref
  }

  /** What `match` would take. */
  lostLike(fingerprint: string): Ref | undefined {
    for (const ref of this.lostBy.get(fingerprint) ?? []) return ref
    return undefined
  }

  /** These sessions have ended: what they have open is lost, in the order of acceptance. Returns how many. */
  lose(sessions: readonly string[], atMs: number): number {
    const refs = sessions.flatMap(session => [...(this.openBySession.get(session) ?? [])])
    refs.sort((a, b) => a - b)
    for (const ref of refs) this.loseOne(ref, atMs)
    return refs.length
  }

  /** Its ESME was told no, though it is in the journal: the same submit again is to get its id. */
  loseOne(ref: Ref, atMs: number): void {
    const first = this.firsts.get(ref)
    if (first !== undefined && !this.lost.has(ref)) this.renew(first, first.session, atMs)
  }

  /** The response is written, says the boot (`node.boot.`) that holds the session; true where that was news. */
  written(ref: Ref, boot: string): boolean {
    return this.firsts.get(ref)?.session.startsWith(boot) === true && this.drop(ref)
  }

  /** The window is over; true where it was lost. */
  forget(ref: Ref): boolean {
    return this.lost.has(ref) && this.drop(ref)
  }

  /** The message is no message any more. */
  drop(ref: Ref): boolean {
    const first = this.firsts.get(ref)
    if (first === undefined) return false
    this.remove(first)
    return true
  }

  /** The account does not use the window any more. */
  clear(): void {
    for (const first of [...this.firsts.values()]) this.remove(first)
  }

  /**
   * Whether the same submit is open under another session: what becomes of it is not known yet.
   *
   * @param before  what came at this `position` or later does not count
   */
  isOpenElsewhere(fingerprint: string, session: string, before = Infinity): boolean {
    for (const [other, numbers] of this.openBy.get(fingerprint) ?? NOBODY) {
      const [oldest = Infinity] = numbers
      if (other !== session && oldest < before) return true
    }
    return false
  }

  /** Rises with each change; of this node alone. */
  get position(): number {
    return this.next
  }

  isLost(fingerprint: string): boolean {
    return this.lostBy.has(fingerprint)
  }

  /** Up to `most` that were lost before `beforeMs`, oldest first. Stamps come from several clocks: stops at a later one. */
  lostBefore(beforeMs: number, most: number): Ref[] {
    const refs: Ref[] = []
    for (const ref of this.lost) {
      if (refs.length >= most || this.firsts.get(ref)!.lostAtMs >= beforeMs) break
      refs.push(ref)
    }
    return refs
  }

  /** For tests: fingerprints and places of the lost ones, and of the open ones, in order. */
  get all(): Readonly<First>[] {
    return [...this.firsts.values()]
  }

  /** Takes one back from disk; they come in the order of their numbers. */
  restore(number: number, value: Buffer): void {
    const [ref, fingerprint, session, lostAtMs] = unpack(value) as [Ref, string, string, number]
    this.put({ ref, fingerprint, session, lostAtMs, number })
    this.changed.clear()
    this.next = number + 1
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const key of this.gone) del(key)
    this.gone.clear()
    for (const { ref, fingerprint, session, lostAtMs, number } of this.changed)
      put(firstKey(this.account, number), pack([ref, fingerprint, session, lostAtMs]))
    this.changed.clear()
  }

  private renew(first: First, session: string, lostAtMs: number): void {
    this.remove(first)
    this.put({ ...first, session, lostAtMs, number: this.next++ })
  }

  private put(first: First): void {
    const { ref, fingerprint, session, lostAtMs, number } = first
    this.firsts.set(ref, first)
    this.changed.add(first)
    if (lostAtMs > 0) {
      this.lost.add(ref)
      grouped(this.lostBy, fingerprint).add(ref)
      return
    }
    grouped(this.openBySession, session).add(ref)
    let sessions = this.openBy.get(fingerprint)
    if (sessions === undefined) {
      sessions = new Map()
      this.openBy.set(fingerprint, sessions)
    }
    grouped(sessions, session).add(number)
  }

  private remove(first: First): void {
    const { ref, fingerprint, session, number } = first
    this.firsts.delete(ref)
    // One that was not collected yet was never on disk.
    if (!this.changed.delete(first)) this.gone.add(firstKey(this.account, number))
    if (this.lost.delete(ref)) return ungroup(this.lostBy, fingerprint, ref)
    ungroup(this.openBySession, session, ref)
    const sessions = this.openBy.get(fingerprint)!
    ungroup(sessions, session, number)
    if (sessions.size === 0) this.openBy.delete(fingerprint)
  }

  private giveUpOldest(): void {
    const [lost] = this.lost
    const [open] = this.firsts.keys()
    this.drop((lost ?? open)!)
    this.givenUp++
  }
}

interface First {
  ref: Ref
  fingerprint: string
  /** Whose response is awaited, or was when it ended. */
  session: string
  /** From the entry that ended its session; 0: open. */
  lostAtMs: number
  /** Of its key. Nodes that restart at different times may number differently; the order is the same. */
  number: number
}

const NOBODY: ReadonlyMap<string, Set<number>> = new Map()

function grouped(groups: Map<string, Set<number>>, key: string): Set<number> {
  let group = groups.get(key)
  if (group === undefined) {
    group = new Set()
    groups.set(key, group)
  }
  return group
}

function ungroup(groups: Map<string, Set<number>>, key: string, item: number): void {
  const group = groups.get(key)
  if (group?.delete(item) === true && group.size === 0) groups.delete(key)
}

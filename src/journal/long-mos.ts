import type { Ref } from './ids.js'
import { gatheringKey, wholeKey } from './keys.js'
import { pack, unpack } from './pack.js'
import type { Persistent, StateStore } from './state-store.js'

/** Messages of one account whose parts are gathered, or were lately; for one more the oldest is given up. */
export const GATHERINGS_MAX = 1000
/** Octets of the bodies that wait for other parts, per account; beyond it the oldest message is given up. */
export const GATHERED_OCTETS_MAX = 1024 * 1024
const DIGEST_OCTETS = 8

/**
 * Parts of one message on its way to an ESME that wants it whole (docs/decisions/0024).
 *
 *     a part ──► gathering ──the last one──► whole: owed as one; `told` says what it was
 *                  │    ▲                      │ the same parts again
 *       time over, │    │ all of them,         ▼
 *       bounds     │    └─ or other texts ── held, though told
 *                  ▼                           │ time over
 *         owed, each as it came                ▼
 *                                            owed to nobody
 */
export interface Gathering {
  key: string
  /** Since when its time runs: the place of what began it, or made it whole, and when that was proposed. */
  since: Ref
  sinceMs: number
  /** In the order in which they came. */
  parts: GatheredPart[]
  /** Digests of the parts of what last came whole under this key, by number from 1 on. */
  told: number[] | undefined
}

export interface GatheredPart {
  /** From 1. */
  part: number
  ref: Ref
  digest: number
  /** Of its body. */
  octets: number
}

/** It says what the same part of the last whole message said. */
export const isTold = (
  { told }: Gathering,
  { part, digest }: Pick<GatheredPart, 'part' | 'digest'>,
): boolean => told?.[part - 1] === digest

/** What an account has of messages in parts: those that are gathered, and where the parts of whole ones lie that are owed. */
export class LongMos implements Persistent {
  private readonly account: number
  private readonly byKey: Map<string, Kept> = new Map()
  /** By `since`; the one whose time began first comes first. */
  private readonly all: Map<Ref, Kept> = new Map()
  private readonly wholes: Map<Ref, readonly Ref[]> = new Map()
  private readonly changed: Set<Kept> = new Set()
  private readonly changedWholes: Set<Ref> = new Set()
  private readonly gone: Set<string> = new Set()
  private octets = 0
  private next = 0

  constructor(store: StateStore, account: number) {
    this.account = account
    store.add(this)
  }

  get size(): number {
    return this.all.size
  }

  /** Of bodies, and what is remembered of those that were told. */
  get octetsHeld(): number {
    return this.octets
  }

  withKey(key: string): Gathering | undefined {
    return this.byKey.get(key)
  }

  since(ref: Ref): Gathering | undefined {
    return this.all.get(ref)
  }

  /** The oldest one, while there is no room for a part with so many octets. */
  inTheWayOf(octets: number): Gathering | undefined {
    if (this.size < GATHERINGS_MAX && this.octets + octets <= GATHERED_OCTETS_MAX) return undefined
    for (const oldest of this.all.values()) return oldest
    return undefined
  }

  /** A first part has come. */
  begin(key: string, since: Ref, sinceMs: number): Gathering {
    return this.put({ key, since, sinceMs, parts: [], told: undefined, number: this.next++ })
  }

  /** A part of another message has come under its reference: its time begins anew. */
  renew(gathering: Gathering, since: Ref, sinceMs: number): Gathering {
    this.drop(gathering)
    const { key, parts, told } = gathering
    return this.put({ key, parts, told, since, sinceMs, number: this.next++ })
  }

  add(gathering: Gathering, part: GatheredPart): void {
    gathering.parts.push(part)
    this.octets += part.octets
    this.changed.add(gathering as Kept)
  }

  remove(gathering: Gathering, part: GatheredPart): void {
    gathering.parts.splice(gathering.parts.indexOf(part), 1)
    this.octets -= part.octets
    this.changed.add(gathering as Kept)
  }

  /** All of its parts have come, the last one at `last`: they wait for an acknowledgement together. */
  becomeWhole(gathering: Gathering, last: Ref, sinceMs: number): void {
    const parts = [...gathering.parts].sort((a, b) => a.part - b.part)
    this.wholes.set(
      last,
      parts.map(({ ref }) => ref),
    )
    this.changedWholes.add(last)
    this.drop(gathering)
    const told = parts.map(({ digest }) => digest)
    const { key } = gathering
    this.put({ key, parts: [], told, since: last, sinceMs, number: this.next++ })
  }

  drop(gathering: Gathering): void {
    const kept = gathering as Kept
    this.byKey.delete(kept.key)
    this.all.delete(kept.since)
    this.octets -= octetsOf(kept)
    if (!this.changed.delete(kept) || kept.saved === true)
      this.gone.add(gatheringKey(this.account, kept.number))
  }

  /** Places of the parts of a whole message whose last part came at `last`, in their order. */
  partsOf(last: Ref): readonly Ref[] {
    return this.wholes.get(last) ?? []
  }

  /** A whole message is owed no more. */
  forget(last: Ref): void {
    if (this.wholes.delete(last)) this.changedWholes.add(last)
  }

  /**
   * What began before `beforeMs`, oldest first, up to `most`, by `since`. Stamps come from several clocks: stops at a
   * later one.
   */
  before(beforeMs: number, most: number): Ref[] {
    const refs: Ref[] = []
    for (const { since, sinceMs } of this.all.values()) {
      if (refs.length >= most || sinceMs >= beforeMs) break
      refs.push(since)
    }
    return refs
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const key of this.gone) del(key)
    this.gone.clear()
    for (const kept of this.changed) {
      const { key, since, sinceMs, parts, told = null } = kept
      const places = parts.map(({ part, ref, digest, octets }) => [part, ref, digest, octets])
      put(gatheringKey(this.account, kept.number), pack([key, since, sinceMs, places, told]))
      kept.saved = true
    }
    this.changed.clear()
    for (const last of this.changedWholes) {
      const refs = this.wholes.get(last)
      if (refs === undefined) del(wholeKey(this.account, last))
      else put(wholeKey(this.account, last), pack(refs))
    }
    this.changedWholes.clear()
  }

  /** Takes a gathering back from disk; they come in the order of their numbers. */
  restore(number: number, value: Buffer): void {
    const [key, since, sinceMs, places, told] = unpack(value) as Saved
    const parts = places.map(([part, ref, digest, octets]) => ({ part, ref, digest, octets }))
    this.put({ key, since, sinceMs, parts, told: told ?? undefined, number, saved: true })
    this.changed.clear()
    this.next = number + 1
  }

  restoreWhole(last: Ref, value: Buffer): void {
    this.wholes.set(last, unpack(value) as Ref[])
  }

  private put(kept: Kept): Kept {
    this.byKey.set(kept.key, kept)
    this.all.set(kept.since, kept)
    this.octets += octetsOf(kept)
    this.changed.add(kept)
    return kept
  }
}

interface Kept extends Gathering {
  /** Of its key on disk. Nodes that restart at different times may number differently; the order is the same. */
  number: number
  /** It was collected once. */
  saved?: boolean
}

type Saved = [
  key: string,
  since: Ref,
  sinceMs: number,
  parts: [part: number, ref: Ref, digest: number, octets: number][],
  told: number[] | null,
]

const octetsOf = ({ parts, told }: Gathering): number =>
  parts.reduce((sum, { octets }) => sum + octets, DIGEST_OCTETS * (told?.length ?? 0))

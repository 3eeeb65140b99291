import { assert } from '../base/assert.js'
import type { Ref } from './ids.js'
import { blockKey, numberIn } from './keys.js'
import type { Persistent, StateStore } from './state-store.js'

/**
 * Where a message stands. Submits go QUEUED → CLAIMED → SENT or DONE; IN_DOUBT and RETRY lie between.
 * SENT: the SMSC has it, its receipt is awaited. Receipts and MO: WAITING → DELIVERED.
 *
 *     QUEUED ──claim──► CLAIMED ──sent──► SENT ──receipt──► DONE
 *        ▲                 │ doubt ► IN_DOUBT ─ resend ─► QUEUED
 *        └──────due─ RETRY ◄ retry, and what is scheduled
 */
export const MARK = {
  QUEUED: 0,
  CLAIMED: 1,
  IN_DOUBT: 2,
  RETRY: 3,
  SENT: 4,
  DONE: 5,
  REFUSED: 6,
  WAITING: 7,
  DELIVERED: 8,
} as const
export type Mark = (typeof MARK)[keyof typeof MARK]

/** What SMPP calls message_state (3.4 §5.2.28), as far as the gateway decides it. */
export const MESSAGE_STATE = {
  NONE: 0,
  ENROUTE: 1,
  DELIVERED: 2,
  EXPIRED: 3,
  DELETED: 4,
  UNDELIVERABLE: 5,
  ACCEPTED: 6,
  UNKNOWN: 7,
  REJECTED: 8,
} as const

// One message's marks: mark u8 | attempts u8 | state u8 | priority u8 | account u16 | connector u16
// | flags u8 | more flags u8 | zero 2 | error u32 | claimed u32 | sent u32 | final u32 (ms after the block's time, plus 1)
// | addressHash u32
const STRIDE = 32
const HEADER = 24
const FLAG_RECEIPT = 0x03 // registered_delivery, SMSC receipt bits
const FLAG_AWAITED = 0x04 // its receipt holds the block open
const FLAG_VALIDITY = 0x08 // an expiry bucket names it
const FLAG_WATCHED = 0x10 // its receipt is owed to nobody
const FLAG_OWN_RECEIPT = 0x20 // a receipt of ours is owed, which is made from its octets
const FLAG_SHORT = 0x40 // it has an 8-digit id besides
const MORE_MATCHED = 0x01 // a submit that came again has its id: in the second octet of flags
const MORE_REPLACED = 0x02 // it was replaced once
const FLAG_DOUBTED = 0x80 // it was in doubt once: the SMSC may have a copy

// Parts that follow the marks: bits of the encoded block's second octet.
const HAS_IDS = 1
const HAS_ALIASES = 2
const HAS_REPLACEMENTS = 4
const HAS_RESCHEDULED = 8
const HAS_PARTS = 16
const HAS_HEADS = 32
const ALIAS_OCTETS = 6
// count u16, then per replacement offset u16 | ref f64 | expiresAtMs u48
const REPLACEMENT_OCTETS = 16
// count u16, then offset u16 | second u40
const RESCHEDULED_OCTETS = 7
// count u16, then offset u16 | head u16
const HEAD_OCTETS = 4

/** Other octets that take the place of those a message was submitted with (docs/decisions/0016). */
export interface Replacement {
  /** Where they lie: a WAITING place of a later entry. */
  ref: Ref
  /** As their record says; 0: the gateway's default validity. */
  expiresAtMs: number
}

/** The SMSC's id of a part of a message, whose receipt is awaited; a part that was sent twice has two. */
export interface PartId {
  /** From 0. */
  part: number
  /** Normalised. */
  id: string
}

/**
 * The marks of one entry's messages, packed: what the journal knows of them besides their octets. Times
 * are kept as milliseconds after `proposedAtMs`.
 */
export class Block {
  readonly index: number
  readonly count: number
  readonly node: number
  readonly boot: number
  readonly number: number
  readonly proposedAtMs: number
  /** Messages that are not concluded, or still owed to somebody. */
  open: number
  /** Its short ids' numbers begin here, at offset 0; 0: it has none. See aliases.ts. */
  aliasBase = 0
  /** Octets that the cache has counted for it. */
  counted = 0
  private readonly marks: Buffer
  private ids: (string | undefined)[] | undefined
  private replacements: Map<number, Replacement> | undefined
  /** Seconds since the Unix epoch. */
  private rescheduled: Map<number, number> | undefined
  private partIds: Map<number, readonly PartId[]> | undefined
  /** Of those of a submit_multi, all but its first: the offset of that one. */
  private heads: Map<number, number> | undefined

  constructor(
    index: number,
    count: number,
    from: { node: number; boot: number; number: number; proposedAtMs: number },
    marks: Buffer = Buffer.alloc(count * STRIDE),
    open = 0,
  ) {
    this.index = index
    this.count = count
    this.node = from.node
    this.boot = from.boot
    this.number = from.number
    this.proposedAtMs = from.proposedAtMs
    this.marks = marks
    this.open = open
  }

  /** Sets a message's first marks; submits and waiting receipts are open. */
  begin(offset: number, mark: Mark, account: number, connector: number): void {
    const at = offset * STRIDE
    this.marks[at] = mark
    this.marks.writeUInt16BE(account, at + 4)
    this.marks.writeUInt16BE(connector, at + 6)
    if (mark === MARK.QUEUED || mark === MARK.WAITING) this.open++
  }

  /** What a submit asked for. `addressHash`: see `addressHash` in accept-record.ts. */
  setWishes(
    offset: number,
    priority: number,
    registeredDelivery: number,
    explicitValidity: boolean,
    addressHash: number,
  ): void {
    const at = offset * STRIDE
    this.marks[at + 3] = priority
    this.marks[at + 8] =
      (registeredDelivery & FLAG_RECEIPT) | (explicitValidity ? FLAG_VALIDITY : 0)
    this.marks.writeUInt32BE(addressHash, at + 28)
  }

  /** What a replacement asks for. */
  setOtherWishes(offset: number, registeredDelivery: number, explicitValidity: boolean): void {
    const at = offset * STRIDE + 8
    const kept = this.marks[at]! & ~FLAG_RECEIPT
    this.marks[at] =
      kept | (registeredDelivery & FLAG_RECEIPT) | (explicitValidity ? FLAG_VALIDITY : 0)
  }

  mark(offset: number): Mark {
    return this.marks[offset * STRIDE] as Mark
  }

  setMark(offset: number, mark: Mark): void {
    this.marks[offset * STRIDE] = mark
  }

  /** priority_flag, 0 to 3. */
  priority(offset: number): number {
    return this.marks[offset * STRIDE + 3]!
  }

  /** It waits for its schedule_delivery_time: whatever else waits in RETRY was tried before. */
  isScheduled(offset: number): boolean {
    return this.mark(offset) === MARK.RETRY && this.attempts(offset) === 0
  }

  attempts(offset: number): number {
    return this.marks[offset * STRIDE + 1]!
  }

  /** Counts an attempt; stays at 255. Returns the attempt's number. */
  beginAttempt(offset: number): number {
    const at = offset * STRIDE + 1
    const next = Math.min(this.marks[at]! + 1, 255)
    this.marks[at] = next
    return next
  }

  /** Takes an attempt back that was never made. */
  undoAttempt(offset: number): void {
    const at = offset * STRIDE + 1
    this.marks[at] = Math.max(0, this.marks[at]! - 1)
  }

  state(offset: number): number {
    return this.marks[offset * STRIDE + 2]!
  }

  setState(offset: number, state: number): void {
    this.marks[offset * STRIDE + 2] = state
  }

  account(offset: number): number {
    return this.marks.readUInt16BE(offset * STRIDE + 4)
  }

  connector(offset: number): number {
    return this.marks.readUInt16BE(offset * STRIDE + 6)
  }

  /** registered_delivery's receipt bits: 0 none, 1 always, 2 on failure only (SMPP 3.4 §5.2.17). */
  receiptWanted(offset: number): number {
    return this.marks[offset * STRIDE + 8]! & FLAG_RECEIPT
  }

  explicitValidity(offset: number): boolean {
    return (this.marks[offset * STRIDE + 8]! & FLAG_VALIDITY) !== 0
  }

  /** Its receipts only change its state: no ESME is owed them. */
  watched(offset: number): boolean {
    return (this.marks[offset * STRIDE + 8]! & FLAG_WATCHED) !== 0
  }

  setWatched(offset: number): void {
    this.marks[offset * STRIDE + 8]! |= FLAG_WATCHED
  }

  isShort(offset: number): boolean {
    return (this.marks[offset * STRIDE + 8]! & FLAG_SHORT) !== 0
  }

  setShort(offset: number): void {
    this.marks[offset * STRIDE + 8]! |= FLAG_SHORT
  }

  /** Another submit was given its id (docs/decisions/0012). Kept from rules 7 on. */
  matched(offset: number): boolean {
    return (this.marks[offset * STRIDE + 9]! & MORE_MATCHED) !== 0
  }

  setMatched(offset: number): void {
    this.marks[offset * STRIDE + 9]! |= MORE_MATCHED
  }

  /** Its message is not the one that was submitted. Of what waits no longer kept from rules 10 on. */
  replaced(offset: number): boolean {
    const marked = (this.marks[offset * STRIDE + 9]! & MORE_REPLACED) !== 0
    return marked || this.replacement(offset) !== undefined
  }

  setReplaced(offset: number): void {
    this.marks[offset * STRIDE + 9]! |= MORE_REPLACED
  }

  /** It was in doubt once: the SMSC may have a copy, wherever it stands now. Kept from rules 3 on. */
  doubted(offset: number): boolean {
    return (this.marks[offset * STRIDE + 8]! & FLAG_DOUBTED) !== 0
  }

  setDoubted(offset: number): void {
    this.marks[offset * STRIDE + 8]! |= FLAG_DOUBTED
  }

  setOwnReceipt(offset: number, owed: boolean): void {
    const at = offset * STRIDE + 8
    this.marks[at] = owed ? this.marks[at]! | FLAG_OWN_RECEIPT : this.marks[at]! & ~FLAG_OWN_RECEIPT
  }

  /** Whether anybody still needs the message's octets, and not only its marks. */
  needsOctets(offset: number): boolean {
    const mark = this.mark(offset)
    return (
      mark <= MARK.RETRY ||
      mark === MARK.WAITING ||
      (this.marks[offset * STRIDE + 8]! & FLAG_OWN_RECEIPT) !== 0
    )
  }

  awaited(offset: number): boolean {
    return (this.marks[offset * STRIDE + 8]! & FLAG_AWAITED) !== 0
  }

  setAwaited(offset: number, awaited: boolean): void {
    const at = offset * STRIDE + 8
    this.marks[at] = awaited ? this.marks[at]! | FLAG_AWAITED : this.marks[at]! & ~FLAG_AWAITED
  }

  addressHash(offset: number): number {
    return this.marks.readUInt32BE(offset * STRIDE + 28)
  }

  error(offset: number): number {
    return this.marks.readUInt32BE(offset * STRIDE + 12)
  }

  setError(offset: number, error: number): void {
    this.marks.writeUInt32BE(error >>> 0, offset * STRIDE + 12)
  }

  /** Milliseconds since the Unix epoch, or 0 where it has not happened. */
  at(offset: number, event: 'claimed' | 'sent' | 'final'): number {
    const since = this.marks.readUInt32BE(offset * STRIDE + EVENT_AT[event])
    return since === 0 ? 0 : this.proposedAtMs + since - 1
  }

  setAt(offset: number, event: 'claimed' | 'sent' | 'final', atMs: number): void {
    const since = Math.min(Math.max(0, atMs - this.proposedAtMs) + 1, 0xffffffff)
    this.marks.writeUInt32BE(since, offset * STRIDE + EVENT_AT[event])
  }

  /** The SMSC's id of the message, normalised; '' where none is known. */
  smscId(offset: number): string {
    return this.ids?.[offset] ?? ''
  }

  setSmscId(offset: number, id: string): void {
    this.ids ??= new Array<string | undefined>(this.count)
    this.ids[offset] = id
  }

  /** undefined: its octets are those that it was submitted with. */
  replacement(offset: number): Replacement | undefined {
    return this.replacements?.get(offset)
  }

  setReplacement(offset: number, replacement: Replacement): void {
    this.replacements ??= new Map()
    this.replacements.set(offset, replacement)
  }

  /** Also forgets whether it said when the message is due. */
  dropReplacement(offset: number): void {
    this.replacements?.delete(offset)
    if (this.replacements?.size === 0) this.replacements = undefined
    this.rescheduled?.delete(offset)
    if (this.rescheduled?.size === 0) this.rescheduled = undefined
  }

  /** It is due in this second, whatever ranges of a schedule name it. */
  reschedule(offset: number, second: number): void {
    this.rescheduled ??= new Map()
    this.rescheduled.set(offset, second)
  }

  /** It waits for a schedule_delivery_time, and that has come with this second. */
  isDue(offset: number, second: number): boolean {
    return this.isScheduled(offset) && (this.rescheduled?.get(offset) ?? 0) <= second
  }

  /** Those of its parts whose receipts are awaited; undefined: it went out whole. */
  parts(offset: number): readonly PartId[] | undefined {
    return this.partIds?.get(offset)
  }

  setParts(offset: number, parts: readonly PartId[] | undefined): void {
    if (parts === undefined) this.partIds?.delete(offset)
    else (this.partIds ??= new Map<number, readonly PartId[]>()).set(offset, parts)
    if (this.partIds?.size === 0) this.partIds = undefined
  }

  /** Its ESME knows it by the id of `head`, which lies here too (docs/decisions/0019). */
  setHead(offset: number, head: number): void {
    this.heads ??= new Map()
    this.heads.set(offset, head)
  }

  /** Whose id its ESME knows it by: mostly its own offset. */
  headOf(offset: number): number {
    return this.heads?.get(offset) ?? offset
  }

  /** All that their ESME knows by the id of this one, itself first; none where it is known by another one's. */
  membersOf(head: number): number[] {
    const members = this.headOf(head) === head ? [head] : []
    for (const [offset, of] of this.heads ?? NONE) if (of === head) members.push(offset)
    return members
  }

  /** The id that its ESME knows it by cannot be told from its place alone. */
  holdsId(offset: number): boolean {
    return this.isShort(offset) || this.headOf(offset) !== offset
  }

  /** Its expiry bucket may name another time: a replacement has put it off. */
  outlives(offset: number, atMs: number): boolean {
    return (this.replacements?.get(offset)?.expiresAtMs ?? 0) > atMs
  }

  /** Octets in memory, roughly. */
  get octets(): number {
    const ids = this.ids === undefined ? 0 : this.count * 40
    const others = (this.replacements?.size ?? 0) + (this.rescheduled?.size ?? 0)
    let parts = 0
    for (const { length } of this.partIds?.values() ?? []) parts += 100 + 60 * length
    parts += (this.heads?.size ?? 0) * 40
    return 200 + this.marks.length + ids + others * 100 + parts
  }

  encode(): Buffer {
    let octets = HEADER + this.marks.length
    const ids = this.ids
    if (ids !== undefined) for (const id of ids) octets += 1 + (id?.length ?? 0)
    if (this.aliasBase !== 0) octets += ALIAS_OCTETS
    const { replacements, rescheduled, heads } = this
    if (replacements !== undefined) octets += 2 + replacements.size * REPLACEMENT_OCTETS
    if (rescheduled !== undefined) octets += 2 + rescheduled.size * RESCHEDULED_OCTETS
    const parts = this.partIds === undefined ? undefined : encodeParts(this.partIds)
    octets += parts?.length ?? 0
    if (heads !== undefined) octets += 2 + heads.size * HEAD_OCTETS
    const out = Buffer.allocUnsafe(octets)
    out[0] = 1 // version
    out[1] =
      (ids === undefined ? 0 : HAS_IDS) |
      (this.aliasBase === 0 ? 0 : HAS_ALIASES) |
      (replacements === undefined ? 0 : HAS_REPLACEMENTS) |
      (rescheduled === undefined ? 0 : HAS_RESCHEDULED) |
      (parts === undefined ? 0 : HAS_PARTS) |
      (heads === undefined ? 0 : HAS_HEADS)
    out.writeUInt16BE(this.count, 2)
    out.writeUInt16BE(this.open, 4)
    out.writeUInt16BE(this.node, 6)
    out.writeUInt32BE(this.boot, 8)
    out.writeUIntBE(this.number, 12, 6)
    out.writeUIntBE(this.proposedAtMs, 18, 6)
    this.marks.copy(out, HEADER)
    let at = HEADER + this.marks.length
    if (ids !== undefined)
      for (const id of ids) {
        out[at++] = id?.length ?? 0
        if (id !== undefined) at += out.write(id, at, 'latin1')
      }
    if (this.aliasBase !== 0) at = out.writeUIntBE(this.aliasBase, at, ALIAS_OCTETS)
    at = putAll(out, at, replacements, ({ ref, expiresAtMs }, at) => {
      out.writeDoubleBE(ref, at)
      return out.writeUIntBE(expiresAtMs, at + 8, 6)
    })
    at = putAll(out, at, rescheduled, (second, at) => out.writeUIntBE(second, at, 5))
    at = putAll(out, at, heads, (head, at) => out.writeUInt16BE(head, at))
    parts?.copy(out, at)
    return out
  }

  static decode(index: number, octets: Buffer): Block {
    assert(octets[0] === 1, `state is damaged: block ${index} has version ${octets[0]}`)
    const count = octets.readUInt16BE(2)
    const from = {
      node: octets.readUInt16BE(6),
      boot: octets.readUInt32BE(8),
      number: octets.readUIntBE(12, 6),
      proposedAtMs: octets.readUIntBE(18, 6),
    }
    const end = HEADER + count * STRIDE
    const marks = Buffer.from(octets.subarray(HEADER, end)) // a copy: `octets` may be a pending write
    const block = new Block(index, count, from, marks, octets.readUInt16BE(4))
    let at = end
    if ((octets[1]! & HAS_IDS) !== 0) {
      for (let offset = 0; offset < count; offset++) {
        const length = octets[at++]!
        if (length > 0) block.setSmscId(offset, octets.toString('latin1', at, at + length))
        at += length
      }
    }
    if ((octets[1]! & HAS_ALIASES) !== 0) {
      block.aliasBase = octets.readUIntBE(at, ALIAS_OCTETS)
      at += ALIAS_OCTETS
    }
    const part = (bit: number, size: number, take: (offset: number, at: number) => void): void => {
      if ((octets[1]! & bit) === 0) return
      const left = octets.readUInt16BE(at)
      for (let i = 0, from = at + 2; i < left; i++, from += size)
        take(octets.readUInt16BE(from), from + 2)
      at += 2 + left * size
    }
    part(HAS_REPLACEMENTS, REPLACEMENT_OCTETS, (offset, at) => {
      const ref = octets.readDoubleBE(at)
      block.setReplacement(offset, { ref, expiresAtMs: octets.readUIntBE(at + 8, 6) })
    })
    part(HAS_RESCHEDULED, RESCHEDULED_OCTETS, (offset, at) =>
      block.reschedule(offset, octets.readUIntBE(at, 5)),
    )
    part(HAS_HEADS, HEAD_OCTETS, (offset, at) => block.setHead(offset, octets.readUInt16BE(at)))
    if ((octets[1]! & HAS_PARTS) !== 0) decodeParts(block, octets, at)
    return block
  }
}

// count u16, then per message offset u16 | ids u16, and per id part u8 | length u8 | latin1
function encodeParts(partIds: ReadonlyMap<number, readonly PartId[]>): Buffer {
  const pieces: Buffer[] = [Buffer.of(partIds.size >> 8, partIds.size & 0xff)]
  for (const [offset, parts] of partIds) {
    pieces.push(Buffer.of(offset >> 8, offset & 0xff, parts.length >> 8, parts.length & 0xff))
    for (const { part, id } of parts)
      pieces.push(Buffer.of(part, id.length), Buffer.from(id, 'latin1'))
  }
  return Buffer.concat(pieces)
}

function decodeParts(block: Block, octets: Buffer, at: number): void {
  let messages = octets.readUInt16BE(at)
  for (at += 2; messages > 0; messages--) {
    const offset = octets.readUInt16BE(at)
    const parts: PartId[] = []
    let ids = octets.readUInt16BE(at + 2)
    for (at += 4; ids > 0; ids--) {
      const end = at + 2 + octets[at + 1]!
      parts.push({ part: octets[at]!, id: octets.toString('latin1', at + 2, end) })
      at = end
    }
    block.setParts(offset, parts)
  }
}

const NONE: ReadonlyMap<number, number> = new Map()

/** Writes a part that has something for some of the offsets: their count u16, then each with its offset u16. */
function putAll<T>(
  out: Buffer,
  at: number,
  all: ReadonlyMap<number, T> | undefined,
  put: (value: T, at: number) => number,
): number {
  if (all === undefined) return at
  at = out.writeUInt16BE(all.size, at)
  for (const [offset, value] of all) at = put(value, out.writeUInt16BE(offset, at))
  return at
}

const EVENT_AT = { claimed: 16, sent: 20, final: 24 } as const

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

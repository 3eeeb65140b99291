import { assert } from '../base/assert.js'
import type { Mark } from './marks.js'
import { MARK } from './marks.js'
import { RareMarks, type PartId, type Replacement } from './rare-marks.js'

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
const MORE_NOTIFIED = 0x04 // its ESME wants the SMSC's intermediate notifications
const MORE_TRANSACTION = 0x08 // its ESME's response waits for its end
const FLAG_DOUBTED = 0x80 // it was in doubt once: the SMSC may have a copy

// Parts that follow the marks: bits of the encoded block's second octet.
const HAS_IDS = 1
const HAS_ALIASES = 2
const ALIAS_OCTETS = 6
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
  private rare: RareMarks | undefined

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

  /** registered_delivery's receipt bits: 0 none, 1 always, 2 on failure only, 3 on success only (SMPP 5.0 §4.7.21). */
  receiptWanted(offset: number): number {
    return this.marks[offset * STRIDE + 8]! & FLAG_RECEIPT
  }

  /** Its ESME wants intermediate notifications (SMPP 3.4 §5.2.17). Kept from rules 13 on. */
  notified(offset: number): boolean {
    return (this.marks[offset * STRIDE + 9]! & MORE_NOTIFIED) !== 0
  }

  setNotified(offset: number, notified: boolean): void {
    const at = offset * STRIDE + 9
    this.marks[at] = notified ? this.marks[at]! | MORE_NOTIFIED : this.marks[at]! & ~MORE_NOTIFIED
  }

  /** It is in transaction mode: its node is told of its end, and a positive outcome is a delivery. Kept from rules 15 on. */
  transaction(offset: number): boolean {
    return (this.marks[offset * STRIDE + 9]! & MORE_TRANSACTION) !== 0
  }

  setTransaction(offset: number): void {
    this.marks[offset * STRIDE + 9]! |= MORE_TRANSACTION
  }

  /** What the SMSC says of it once it has it is waited for. */
  wantsNews(offset: number): boolean {
    return this.receiptWanted(offset) !== 0 || this.notified(offset)
  }

  /** A hash of the last intermediate notification; 0: there was none. */
  notification(offset: number): number {
    return this.rare?.notifications.get(offset) ?? 0
  }

  /** 0: it is needed no more. */
  setNotification(offset: number, hash: number): void {
    if (hash === 0) this.rare?.notifications.delete(offset)
    else this.rareMarks().notifications.set(offset, hash)
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

  /** It was in doubt once, or the SMSC has parts of it: wherever it stands now. Kept from rules 3 on, of parts from 14 on. */
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
    return this.rare?.replacements.get(offset)
  }

  setReplacement(offset: number, replacement: Replacement): void {
    this.rareMarks().replacements.set(offset, replacement)
  }

  /** Also forgets whether it said when the message is due. */
  dropReplacement(offset: number): void {
    this.rare?.replacements.delete(offset)
    this.rare?.rescheduled.delete(offset)
  }

  /** It is due in this second, whatever ranges of a schedule name it. */
  reschedule(offset: number, second: number): void {
    this.rareMarks().rescheduled.set(offset, second)
  }

  /** It waits for a schedule_delivery_time, and that has come with this second. */
  isDue(offset: number, second: number): boolean {
    return this.isScheduled(offset) && (this.rare?.rescheduled.get(offset) ?? 0) <= second
  }

  /** Those of its parts whose receipts are awaited; undefined: it went out whole. */
  parts(offset: number): readonly PartId[] | undefined {
    return this.rare?.parts.get(offset)
  }

  setParts(offset: number, parts: readonly PartId[] | undefined): void {
    if (parts === undefined) this.rare?.parts.delete(offset)
    else this.rareMarks().parts.set(offset, parts)
  }

  /** Its ESME knows it by the id of `head`, which lies here too (docs/decisions/0019). */
  setHead(offset: number, head: number): void {
    this.rareMarks().heads.set(offset, head)
  }

  /** Whose id its ESME knows it by: mostly its own offset. */
  headOf(offset: number): number {
    return this.rare?.heads.get(offset) ?? offset
  }

  /** All that their ESME knows by the id of this one, itself first; none where it is known by another one's. */
  membersOf(head: number): number[] {
    const members = this.headOf(head) === head ? [head] : []
    for (const [offset, of] of this.rare?.heads ?? []) if (of === head) members.push(offset)
    return members
  }

  /** The id that its ESME knows it by cannot be told from its place alone. */
  holdsId(offset: number): boolean {
    return this.isShort(offset) || this.headOf(offset) !== offset
  }

  /** Its expiry bucket may name another time: a replacement has put it off. */
  outlives(offset: number, atMs: number): boolean {
    return (this.replacement(offset)?.expiresAtMs ?? 0) > atMs
  }

  /** Octets in memory, roughly. */
  get octets(): number {
    const ids = this.ids === undefined ? 0 : this.count * 40
    return 200 + this.marks.length + ids + (this.rare?.octets ?? 0)
  }

  encode(): Buffer {
    let octets = HEADER + this.marks.length
    const ids = this.ids
    if (ids !== undefined) for (const id of ids) octets += 1 + (id?.length ?? 0)
    if (this.aliasBase !== 0) octets += ALIAS_OCTETS
    const rare = this.rare?.encode()
    octets += rare?.length ?? 0
    const out = Buffer.allocUnsafe(octets)
    out[0] = 1 // version
    out[1] =
      (ids === undefined ? 0 : HAS_IDS) |
      (this.aliasBase === 0 ? 0 : HAS_ALIASES) |
      (this.rare?.flags ?? 0)
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
    rare?.copy(out, at)
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
    block.rare = RareMarks.decode(octets[1]!, octets, at)
    return block
  }

  private rareMarks(): RareMarks {
    return (this.rare ??= new RareMarks())
  }
}

const EVENT_AT = { claimed: 16, sent: 20, final: 24 } as const

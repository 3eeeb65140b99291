import type { Ref } from './ids.js'

// Bits of the encoded block's second octet.
const HAS_REPLACEMENTS = 4
const HAS_RESCHEDULED = 8
const HAS_PARTS = 16
const HAS_HEADS = 32
const HAS_NOTIFICATIONS = 64

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

/** What few messages of a block have besides their marks, by offset. Most blocks have none of it. */
export class RareMarks {
  readonly replacements: Map<number, Replacement> = new Map()
  /** When a message is due that was put off, seconds since the Unix epoch. */
  readonly rescheduled: Map<number, number> = new Map()
  /** Those of its parts whose receipts are awaited (docs/decisions/0018). */
  readonly parts: Map<number, readonly PartId[]> = new Map()
  /** Of those of a submit_multi, all but its first: the offset of that one (docs/decisions/0019). */
  readonly heads: Map<number, number> = new Map()
  /** Hashes of the last intermediate notifications of those whose receipts are awaited (docs/decisions/0021). */
  readonly notifications: Map<number, number> = new Map()

  /** Octets in memory, roughly. */
  get octets(): number {
    let octets = (this.replacements.size + this.rescheduled.size) * 100
    octets += (this.heads.size + this.notifications.size) * 40
    for (const { length } of this.parts.values()) octets += 100 + 60 * length
    return octets
  }

  /** What there is, as bits of the encoded block's second octet. */
  get flags(): number {
    return (
      (this.replacements.size > 0 ? HAS_REPLACEMENTS : 0) |
      (this.rescheduled.size > 0 ? HAS_RESCHEDULED : 0) |
      (this.heads.size > 0 ? HAS_HEADS : 0) |
      (this.notifications.size > 0 ? HAS_NOTIFICATIONS : 0) |
      (this.parts.size > 0 ? HAS_PARTS : 0)
    )
  }

  /** Of each table that is not empty its count u16, then what it has, each after its offset u16. */
  encode(): Buffer {
    return Buffer.concat([
      // ref f64 | expiresAtMs u48
      table(this.replacements, 14, (into, at, { ref, expiresAtMs }) => {
        into.writeDoubleBE(ref, at)
        into.writeUIntBE(expiresAtMs, at + 8, 6)
      }),
      table(this.rescheduled, 5, (into, at, second) => into.writeUIntBE(second, at, 5)),
      table(this.heads, 2, (into, at, head) => into.writeUInt16BE(head, at)),
      partsTable(this.parts),
      table(this.notifications, 4, (into, at, hash) => into.writeUInt32BE(hash, at)),
    ])
  }

  /** @param flags  of the block */
  static decode(flags: number, from: Buffer, at: number): RareMarks | undefined {
    if ((flags & HAS_ANY) === 0) return undefined
    const rare = new RareMarks()
    if ((flags & HAS_REPLACEMENTS) !== 0)
      at = readTable(from, at, 14, (offset, at) => {
        const ref = from.readDoubleBE(at)
        rare.replacements.set(offset, { ref, expiresAtMs: from.readUIntBE(at + 8, 6) })
      })
    if ((flags & HAS_RESCHEDULED) !== 0)
      at = readTable(from, at, 5, (offset, at) => {
        rare.rescheduled.set(offset, from.readUIntBE(at, 5))
      })
    if ((flags & HAS_HEADS) !== 0)
      at = readTable(from, at, 2, (offset, at) => {
        rare.heads.set(offset, from.readUInt16BE(at))
      })
    if ((flags & HAS_PARTS) !== 0) at = readParts(from, at, rare.parts)
    if ((flags & HAS_NOTIFICATIONS) !== 0)
      readTable(from, at, 4, (offset, at) => {
        rare.notifications.set(offset, from.readUInt32BE(at))
      })
    return rare
  }
}

const HAS_ANY = HAS_REPLACEMENTS | HAS_RESCHEDULED | HAS_PARTS | HAS_HEADS | HAS_NOTIFICATIONS

function table<T>(
  all: ReadonlyMap<number, T>,
  size: number,
  write: (into: Buffer, at: number, value: T) => void,
): Buffer {
  if (all.size === 0) return NOTHING
  const out = Buffer.allocUnsafe(2 + all.size * (2 + size))
  let at = out.writeUInt16BE(all.size)
  for (const [offset, value] of all) {
    write(out, out.writeUInt16BE(offset, at), value)
    at += 2 + size
  }
  return out
}

/** Returns where the table ends. */
function readTable(
  from: Buffer,
  at: number,
  size: number,
  take: (offset: number, at: number) => void,
): number {
  const end = at + 2 + from.readUInt16BE(at) * (2 + size)
  for (at += 2; at < end; at += 2 + size) take(from.readUInt16BE(at), at + 2)
  return end
}

// ids u16, and per id part u8 | length u8 | latin1
function partsTable(all: ReadonlyMap<number, readonly PartId[]>): Buffer {
  if (all.size === 0) return NOTHING
  const pieces: Buffer[] = [Buffer.of(all.size >> 8, all.size & 0xff)]
  for (const [offset, parts] of all) {
    pieces.push(Buffer.of(offset >> 8, offset & 0xff, parts.length >> 8, parts.length & 0xff))
    for (const { part, id } of parts)
      pieces.push(Buffer.of(part, id.length), Buffer.from(id, 'latin1'))
  }
  return Buffer.concat(pieces)
}

/** Returns where they end. */
function readParts(from: Buffer, at: number, into: Map<number, readonly PartId[]>): number {
  let messages = from.readUInt16BE(at)
  for (at += 2; messages > 0; messages--) {
    const offset = from.readUInt16BE(at)
    const parts: PartId[] = []
    let ids = from.readUInt16BE(at + 2)
    for (at += 4; ids > 0; ids--) {
      const end = at + 2 + from[at + 1]!
      parts.push({ part: from[at]!, id: from.toString('latin1', at + 2, end) })
      at = end
    }
    into.set(offset, parts)
  }
  return at
}

const NOTHING = Buffer.alloc(0)

import { fnv1a } from '../base/fnv.js'
/**
 * One submitted message inside an `accept` command, big endian:
 *
 *     account u16 | registered_delivery u8 | flags u8 | expiresAtMs u48 | session u32
 *     | addressHash u32 | length u32 | fingerprint 16, dueAtMs u48, multi u32, where the flags say so | body
 *
 * `length` counts what follows it. `body` is the submit_sm body as the ESME sent it; dispatch only writes a header
 * before it.
 */
export const ACCEPT_RECORD_OCTETS = 22

/** The ESME named a validity_period: the message stands in an expiry bucket. */
export const FLAG_EXPLICIT_VALIDITY = 0x01
/** No ESME waits for its receipt: it is awaited to be shown, and owed to nobody. */
export const FLAG_WATCHED = 0x02

/** Its id towards the ESME has 8 digits. */
export const FLAG_SHORT_ID = 0x04
/** A fingerprint stands before its body. Written only where the rules of apply know it (rules.ts). */
export const FLAG_FINGERPRINT = 0x08
export const FINGERPRINT_OCTETS = 16
/** When it is due stands before its body. Written only where the rules of apply know it. */
export const FLAG_SCHEDULED = 0x10
const DUE_OCTETS = 6
/** Not in a replacement: it is in transaction mode. The same holds as for the schedule. */
export const FLAG_TRANSACTION = 0x20
/** In a replacement: expiresAtMs is not what it was before. */
export const FLAG_OTHER_VALIDITY = 0x20
/** In a replacement: so is dueAtMs. */
export const FLAG_OTHER_SCHEDULE = 0x40

/** It is one of several that a submit_multi made: which one stands before its body. The same holds as for the schedule. */
export const FLAG_MULTI = 0x80
const MULTI_OCTETS = 4

export interface AcceptRecord {
  account: number
  registered_delivery: number
  flags: number
  /** 0: the gateway's default validity. */
  expiresAtMs: number
  /** Count part of the session's id; receipts prefer that session. */
  session: number
  /** Of its destination_addr. */
  addressHash: number
  /** 16 octets, for accounts with a resubmission window; goes with FLAG_FINGERPRINT. */
  fingerprint?: Buffer | undefined
  /** Not to be sent before, ms since the Unix epoch; 0: at once. Goes with FLAG_SCHEDULED. */
  dueAtMs: number
  /** Messages of one entry that have the same one come of one submit_multi; above 0. Goes with FLAG_MULTI. */
  multi?: number
  body: Buffer
}

/** All of it but the message. */
export type AcceptHeader = Omit<AcceptRecord, 'body'>

/** Octets that the record takes. */
export function acceptRecordOctets({ flags, body }: AcceptRecord): number {
  return ACCEPT_RECORD_OCTETS + extraOctets(flags) + body.length
}

export function writeAcceptRecord(into: Buffer, at: number, record: AcceptRecord): number {
  into.writeUInt16BE(record.account, at)
  into[at + 2] = record.registered_delivery
  into[at + 3] = record.flags
  into.writeUIntBE(record.expiresAtMs, at + 4, 6)
  into.writeUInt32BE(record.session, at + 10)
  into.writeUInt32BE(record.addressHash, at + 14)
  const before = extraOctets(record.flags)
  into.writeUInt32BE(before + record.body.length, at + 18)
  const start = at + ACCEPT_RECORD_OCTETS
  const end = start + before
  if (before > 0) writeExtras(into, start, record)
  record.body.copy(into, end)
  return end + record.body.length
}

function writeExtras(into: Buffer, at: number, record: AcceptRecord): void {
  const { flags, fingerprint, dueAtMs, multi = 0 } = record
  if ((flags & FLAG_FINGERPRINT) !== 0) {
    fingerprint?.copy(into, at)
    at += FINGERPRINT_OCTETS
  }
  if ((flags & FLAG_SCHEDULED) !== 0) at = into.writeUIntBE(dueAtMs, at, DUE_OCTETS)
  if ((flags & FLAG_MULTI) !== 0) into.writeUInt32BE(multi, at)
}

/** The record alone. */
export function acceptRecord(record: AcceptRecord): Buffer {
  const octets = Buffer.alloc(acceptRecordOctets(record))
  writeAcceptRecord(octets, 0, record)
  return octets
}

/** Reads the record at `at`; `body` is a view. */
export function readAcceptRecord(from: Buffer, at: number): AcceptRecord {
  const length = from.readUInt32BE(at + 18)
  const flags = from[at + 3]!
  const start = at + ACCEPT_RECORD_OCTETS
  // A record that is too short for them has an empty body: apply never throws on content.
  const extra = extraOctets(flags)
  const whole = extra <= length
  const begin = start + Math.min(extra, length)
  const due = start + ((flags & FLAG_FINGERPRINT) === 0 ? 0 : FINGERPRINT_OCTETS)
  const record: AcceptRecord = {
    account: from.readUInt16BE(at),
    registered_delivery: from[at + 2]!,
    flags,
    expiresAtMs: from.readUIntBE(at + 4, 6),
    session: from.readUInt32BE(at + 10),
    addressHash: from.readUInt32BE(at + 14),
    fingerprint:
      (flags & FLAG_FINGERPRINT) === 0
        ? undefined
        : from.subarray(start, Math.min(begin, start + FINGERPRINT_OCTETS)),
    dueAtMs: whole && (flags & FLAG_SCHEDULED) !== 0 ? from.readUIntBE(due, DUE_OCTETS) : 0,
    body: from.subarray(begin, start + length),
  }
  if (whole && (flags & FLAG_MULTI) !== 0) record.multi = from.readUInt32BE(begin - MULTI_OCTETS)
  return record
}

/**
 * Goes through the records of an accept command without making an object of any: apply reads them all, on every node.
 *
 *     for (const record = new AcceptRecords(command.records); record.next(); ) queue(record.account)
 */
export class AcceptRecords implements AcceptHeader {
  private readonly records: Buffer
  private at = 0
  private following = 0
  account = 0
  registered_delivery = 0
  flags = 0
  session = 0
  addressHash = 0

  constructor(records: Buffer) {
    this.records = records
  }

  /** Goes to the next record; false where there is none. RangeError where the records end within it. */
  next(): boolean {
    const { records } = this
    const at = (this.at = this.following)
    if (at >= records.length) return false
    this.following = skipAcceptRecord(records, at)
    this.account = records.readUInt16BE(at)
    this.registered_delivery = records[at + 2]!
    this.flags = records[at + 3]!
    this.session = records.readUInt32BE(at + 10)
    this.addressHash = records.readUInt32BE(at + 14)
    return true
  }

  get expiresAtMs(): number {
    return this.records.readUIntBE(this.at + 4, 6)
  }

  get dueAtMs(): number {
    if ((this.flags & FLAG_SCHEDULED) === 0) return 0
    return readAcceptRecord(this.records, this.at).dueAtMs
  }

  get multi(): number {
    if ((this.flags & FLAG_MULTI) === 0) return 0
    return readAcceptRecord(this.records, this.at).multi ?? 0
  }

  /** A view. */
  get fingerprint(): Buffer | undefined {
    if ((this.flags & FLAG_FINGERPRINT) === 0) return undefined
    return readAcceptRecord(this.records, this.at).fingerprint
  }
}

/** Where the record after the one at `at` begins; RangeError where `from` ends before. */
export function skipAcceptRecord(from: Buffer, at: number): number {
  const next = at + ACCEPT_RECORD_OCTETS + from.readUInt32BE(at + 18)
  if (next > from.length) throw new RangeError('accept record beyond its command')
  return next
}

/** What lies between the fixed part and the body. */
const extraOctets = (flags: number): number =>
  ((flags & FLAG_FINGERPRINT) === 0 ? 0 : FINGERPRINT_OCTETS) +
  ((flags & FLAG_SCHEDULED) === 0 ? 0 : DUE_OCTETS) +
  ((flags & FLAG_MULTI) === 0 ? 0 : MULTI_OCTETS)

/** Digits at an address's end that have to agree: prefixes (+, 00, country code) come and go on the way. */
const ADDRESS_DIGITS = 8

/**
 * A 32-bit hash of an address: of its last 8 digits, or of the whole where it has none (alphanumeric).
 * A receipt's source_addr is its message's destination_addr, give or take a prefix.
 *
 * @param octets  holds the address, latin1, at [start, end)
 */
export function addressHash(octets: Buffer, start: number, end: number): number {
  let hash = 0x811c9dc5
  let digits = 0
  for (let i = end - 1; i >= start && digits < ADDRESS_DIGITS; i--) {
    const code = octets[i]!
    if (code < 0x30 || code > 0x39) continue
    digits++
    hash = Math.imul(hash ^ code, 0x01000193)
  }
  return digits === 0 ? fnv1a(octets, start, end) : hash >>> 0
}

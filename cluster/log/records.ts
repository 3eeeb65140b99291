import { crc32 } from 'node:zlib'

import type { Member } from '../types.js'

/** A log entry. Mutable: the engine numbers what is proposed. */
export interface LogEntry {
  term: number
  index: number
  type: EntryType
  /** null where Raft appended an empty entry of its own. */
  data: Buffer | null
}

/** As in etcd: 0 the application's, 1 a single membership change (unused), 2 a membership change. */
export type EntryType = 0 | 1 | 2

export interface HardState {
  term: number
  /** Id of the node voted for in `term`; 0 for none. */
  vote: number
  commit: number
}

/** Who votes and who only listens, by id. */
export interface Configuration {
  voters: number[]
  learners: number[]
  votersOutgoing: number[]
  learnersNext: number[]
  autoLeave: boolean
}

/** The membership as of a log index. */
export interface Membership {
  configuration: Configuration
  members: Member[]
}

/** Position and membership of a snapshot. */
export interface SnapshotMetadata {
  index: number
  term: number
  membership: Membership
}

/** What the disk says and what cannot be: the operator has to decide. */
export class LogDamaged extends Error {
  override readonly name = 'LogDamaged'
}

const VERSION = 1
const ENTRY_HEADER = 12

/** version u8 | type u8 | term u48 BE | crc32 u32 BE over all else and the index | data */
export function encodeEntry(entry: LogEntry): Buffer {
  return writeEntry(entry, Buffer.allocUnsafe(encodedLength(entry)))
}

/**
 * Each entry as `encodeEntry` has it, all in one block of just their size: whoever keeps one for
 * long pins nothing else. A slice of the usual pool, or of what came from a socket, pins 8 KiB and more.
 */
export function encodeEntries(entries: readonly LogEntry[]): Buffer[] {
  const length = entries.reduce((sum, entry) => sum + encodedLength(entry), 0)
  const block = Buffer.allocUnsafeSlow(length)
  let at = 0
  return entries.map(entry => writeEntry(entry, block.subarray(at, (at += encodedLength(entry)))))
}

/** The entry's data as a view of `value`, which `encodeEntry` made. */
export function dataOf(value: Buffer): Buffer | null {
  return value.length === ENTRY_HEADER ? null : value.subarray(ENTRY_HEADER)
}

function encodedLength({ data }: LogEntry): number {
  return ENTRY_HEADER + (data?.length ?? 0)
}

function writeEntry({ index, type, term, data }: LogEntry, value: Buffer): Buffer {
  value[0] = VERSION
  value[1] = type
  value.writeUIntBE(term, 2, 6)
  data?.copy(value, ENTRY_HEADER)
  value.writeUInt32BE(checksum(index, value), 8)
  return value
}

/** The entry (its data a view of `value`), or undefined where the checksum or version says no. */
export function decodeEntry(index: number, value: Buffer): LogEntry | undefined {
  if (value.length < ENTRY_HEADER || value[0] !== VERSION || value[1]! > 2) return undefined
  if (value.readUInt32BE(8) !== checksum(index, value)) return undefined
  return {
    index,
    term: value.readUIntBE(2, 6),
    type: value[1] as EntryType,
    data: dataOf(value),
  }
}

/** `last` is the index of the last entry that was written with, or before, this hard state. */
export function encodeHardState(state: HardState, last: number): Buffer {
  const value = Buffer.alloc(23)
  value[0] = VERSION
  value.writeUIntBE(state.term, 1, 6)
  value.writeUInt32BE(state.vote, 7)
  value.writeUIntBE(state.commit, 11, 6)
  value.writeUIntBE(last, 17, 6)
  return value
}

export function decodeHardState(value: Buffer): { state: HardState; last: number } {
  if (value.length !== 23 || value[0] !== VERSION) throw new LogDamaged('hard state: bad record')
  return {
    state: {
      term: value.readUIntBE(1, 6),
      vote: value.readUInt32BE(7),
      commit: value.readUIntBE(11, 6),
    },
    last: value.readUIntBE(17, 6),
  }
}

/** Small, rare records are JSON behind a version octet. */
export function encodeRecord(record: unknown): Buffer {
  return Buffer.concat([Buffer.of(VERSION), Buffer.from(JSON.stringify(record))])
}

/** The caller vouches for the shape: only our own disk and authenticated peers write these. */
export function decodeRecord(value: Buffer): unknown {
  if (value[0] !== VERSION) throw new LogDamaged(`record of version ${value[0] ?? 'none'}`)
  return JSON.parse(value.toString('utf8', 1))
}

export function encodeIndexes(indexes: readonly number[]): Buffer {
  const value = Buffer.allocUnsafe(1 + 6 * indexes.length)
  value[0] = VERSION
  indexes.forEach((index, i) => value.writeUIntBE(index, 1 + 6 * i, 6))
  return value
}

export function decodeIndexes(value: Buffer): number[] {
  const indexes: number[] = []
  for (let at = 1; at + 6 <= value.length; at += 6) indexes.push(value.readUIntBE(at, 6))
  return indexes
}

function checksum(index: number, value: Buffer): number {
  const seed = (index ^ Math.floor(index / 2 ** 32)) >>> 0
  return crc32(value.subarray(ENTRY_HEADER), crc32(value.subarray(0, 8), seed))
}

// Every key of the log store. A new kind takes a new byte; none is reused.
//
// 0x00 | name utf-8                       what belongs to the node, not to a group (nonces, first members)
// 0x01 | group u16 BE                     hard state: term, vote, commit, last index written
// 0x02 | group u16 BE | index u64 BE      log entry, or a value that outlived the log's cut
// 0x03 | group u16 BE                     where the log was cut: index and term before its first entry
// 0x04 | group u16 BE | index u64 BE      configuration as of an index: voters, learners, addresses
// 0x05 | group u16 BE | index u64 BE      value received with a snapshot that is not installed yet
// 0x06 | group u16 BE | number u64 BE     indexes whose values were released before the log was cut there
// 0x07 | group u16 BE                     a snapshot whose installation began
//
// Big endian, so that byte order is index order.

import type { KeyRange } from '../../src/base/store.js'

const LIMIT = 2 ** 48 - 1 // never an index

export const nodeKey = (name: string): Buffer => Buffer.from(`\0${name}`)
export const nodeRange = (prefix: string): KeyRange => ({
  gte: nodeKey(prefix),
  lt: nodeKey(`${prefix}\xff`),
})

export const hardStateKey = (group: number): Buffer => keyed(0x01, group)
export const entryKey = (group: number, index: number): Buffer => keyed(0x02, group, index)
/** Keys of entries [lo, hi) of one group. */
export const entryRange = (group: number, lo = 0, hi = LIMIT): KeyRange => ({
  gte: entryKey(group, lo),
  lt: entryKey(group, hi),
})
export const cutKey = (group: number): Buffer => keyed(0x03, group)
export const confKey = (group: number, index: number): Buffer => keyed(0x04, group, index)
export const confRange = (group: number): KeyRange => ({
  gte: confKey(group, 0),
  lt: confKey(group, LIMIT),
})
export const stagedKey = (group: number, index: number): Buffer => keyed(0x05, group, index)
export const stagedRange = (group: number): KeyRange => ({
  gte: stagedKey(group, 0),
  lt: stagedKey(group, LIMIT),
})
export const releasedKey = (group: number, number: number): Buffer => keyed(0x06, group, number)
export const releasedRange = (group: number): KeyRange => ({
  gte: releasedKey(group, 0),
  lt: releasedKey(group, LIMIT),
})
export const installKey = (group: number): Buffer => keyed(0x07, group)

/** The index (or number) at the end of a key. */
export function indexOfKey(key: Buffer): number {
  return key.readUIntBE(5, 6)
}

function keyed(kind: number, group: number, index?: number): Buffer {
  const key = Buffer.alloc(index === undefined ? 3 : 11)
  key[0] = kind
  key.writeUInt16BE(group, 1)
  if (index !== undefined) key.writeUIntBE(index, 5, 6) // 48 bits; the two octets before them are 0
  return key
}

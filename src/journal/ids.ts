import { assert } from '../base/assert.js'

/** Messages (submits, receipts and MO) that one entry may carry: what 12 bits of a message_id can tell apart. */
export const MESSAGES_PER_ENTRY = 4096

/** Index bits that a reference can hold exactly in a double: 2^41 entries, 70 years at 1,000 a second. */
const INDEX_MAX = 2 ** 41 - 1

/**
 * Where a message lies in the log, as one number: entry index × 4,096 + offset in the entry. 0 is no
 * message (index 0 is never an entry).
 */
export type Ref = number

export const refOf = (index: number, offset: number): Ref => index * MESSAGES_PER_ENTRY + offset
export const indexOf = (ref: Ref): number => Math.floor(ref / MESSAGES_PER_ENTRY)
export const offsetOf = (ref: Ref): number => ref % MESSAGES_PER_ENTRY

/**
 * The message_id that an ESME sees: 20 hex digits, generation 16 bits | group 10 | index 42 | offset
 * 12 (DESIGN §1). Any node finds the message from it without an index.
 */
export function messageId(generation: number, group: number, ref: Ref): string {
  const index = indexOf(ref)
  assert(index <= INDEX_MAX, `log index ${index} does not fit a message_id`)
  return prefixOf(generation, group, index) + hex(ref % 2 ** 44, 11)
}

/**
 * The place a message_id names, or undefined where it is not one of ours: wrong length, other digits.
 * Upper-case digits are taken as lower-case ones.
 */
export function parseMessageId(
  id: string,
): { generation: number; group: number; ref: Ref } | undefined {
  if (!/^[0-9a-f]{20}$/i.test(id)) return undefined
  const generation = parseInt(id.slice(0, 4), 16)
  const groupAndTop = parseInt(id.slice(4, 9), 16) // group 10 bits, then the top 10 of the index
  const ref = (groupAndTop % 1024) * 2 ** 44 + parseInt(id.slice(9), 16)
  if (indexOf(ref) > INDEX_MAX) return undefined
  return { generation, group: Math.floor(groupAndTop / 1024), ref }
}

/** Generation, group and the top 10 bits of the index: 36 bits, 9 digits. */
function prefixOf(generation: number, group: number, index: number): string {
  return hex(generation, 4) + hex(group * 1024 + Math.floor(index / 2 ** 32), 5)
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0')
}

import type { Ref } from './ids.js'

// All keys of the state store. Numbers are big endian, so that octet order is number order. A new kind
// takes a new letter; none is reused.
//
//   m                                           meta: applied index, counters, state hash
//   b | index u48                               block: marks of one entry's messages
//   c | connector u16                           connector: counters, home, queue cursors
//   o | connector u16                           open claims of a connector
//   d | connector u16 | ref u56                 message in doubt
//   r | connector u16 | ref u56                 message that waits for a retry
//   e | connector u16 | second u40              expiry bucket
//   t | connector u16 | second u40 | chunk u32  ranges that are scheduled
//   q | connector u16 | level u8 | segment u40  ranges of a queue
//   h | connector u16 | number u48              orphan: a receipt that waits for its message
//   i | segment u40 | chunk u40                 SMSC ids
//   j | number u40                              SMSC ids of concluded messages
//   u | connector u16 | number u48              number that rests
//   a | account u16                             account: counters, owner, delivery cursors
//   l | account u16 | segment u40               delivery list
//   f | account u16 | number u48                submit without a written response
//   v | account u16 | number u48                parts of an MO that wait for others, or did
//   z | account u16 | ref u56                   parts of a whole MO that is owed
//   s | session id                              session
//   n | node u16                                node: boot, lowest unanswered number
//   p | node u16 | number u48                   outcome of a proposal
//   g | revision u40                            settings
//   y | chunk u40                               short ids: messages of 256 numbers
//   w | index u48                               open block below the retire floor
//   x | index u48                               journal value given up, not yet deleted from the log
//   k | number u48                              ban
export const META_KEY = 'm'
export const blockKey = (index: number): string => 'b' + octets(index, 6)
export const connectorKey = (connector: number): string => 'c' + octets(connector, 2)
export const openClaimsKey = (connector: number): string => 'o' + octets(connector, 2)
export const doubtKey = (connector: number, ref: Ref): string =>
  'd' + octets(connector, 2) + octets(ref, 7)
export const retryKey = (connector: number, ref: Ref): string =>
  'r' + octets(connector, 2) + octets(ref, 7)
export const expiryKey = (connector: number, second: number): string =>
  'e' + octets(connector, 2) + octets(second, 5)
export const scheduleKey = (connector: number, second: number, chunk: number): string =>
  't' + octets(connector, 2) + octets(second, 5) + octets(chunk, 4)
export const queuePrefix = (connector: number, level: number): string =>
  'q' + octets(connector, 2) + octets(level, 1)
export const orphanKey = (connector: number, number: number): string =>
  'h' + octets(connector, 2) + octets(number, 6)
export const smscIdPrefix = (segment: number): string => 'i' + octets(segment, 5)
export const concludedIdsKey = (number: number): string => 'j' + octets(number, 5)
export const restingPrefix = (connector: number): string => 'u' + octets(connector, 2)
export const restingKey = (connector: number, number: number): string =>
  restingPrefix(connector) + octets(number, 6)
export const accountKey = (account: number): string => 'a' + octets(account, 2)
export const deliveryPrefix = (account: number): string => 'l' + octets(account, 2)
export const firstKey = (account: number, number: number): string =>
  'f' + octets(account, 2) + octets(number, 6)
export const gatheringKey = (account: number, number: number): string =>
  'v' + octets(account, 2) + octets(number, 6)
export const wholeKey = (account: number, last: Ref): string =>
  'z' + octets(account, 2) + octets(last, 7)
export const sessionKey = (id: string): string => 's' + id
export const nodeKey = (node: number): string => 'n' + octets(node, 2)
export const outcomeKey = (node: number, number: number): string =>
  'p' + octets(node, 2) + octets(number, 6)
export const settingsKey = (revision: number): string => 'g' + octets(revision, 5)
export const aliasKey = (chunk: number): string => 'y' + octets(chunk, 5)
export const lingeringKey = (index: number): string => 'w' + octets(index, 6)
export const releaseKey = (index: number): string => 'x' + octets(index, 6)

export const banKey = (number: number): string => 'k' + octets(number, 6)

/** `width` octets of a number, as the characters of a key. */
export function octets(value: number, width: number): string {
  let text = ''
  let rest = value
  for (let i = 0; i < width; i++) {
    text = String.fromCharCode(rest % 256) + text
    rest = Math.floor(rest / 256)
  }
  return text
}

/** The number that `width` octets of a key hold. */
export function numberIn(key: string, at: number, width: number): number {
  let value = 0
  for (let i = at; i < at + width; i++) value = value * 256 + key.charCodeAt(i)
  return value
}

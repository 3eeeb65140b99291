import { skipAcceptRecord } from './accept-record.js'
import type {
  Accept,
  Command,
  Delivered,
  Inbound,
  InboundItem,
  MoPart,
  OutcomeItem,
  Outcomes,
  Replace,
} from './commands.js'
import { OUTCOME_RESULTS } from './commands.js'
import { packCommand, unpackCommand } from './packed-command.js'

/**
 * Commands as octets of an entry (entry.ts). accept, claim, outcomes, inbound, delivered and replace have payloads
 * of their own; the rare ones are msgpack maps that decode alone.
 */
export const KINDS = {
  accept: 1,
  claim: 2,
  outcomes: 3,
  inbound: 4,
  delivered: 5,
  packed: 6,
  replace: 7,
} as const

export const ACCEPT_HEADER_OCTETS = 10

export interface EncodedCommand {
  kind: number
  payload: Buffer
  /** Messages it carries. */
  messages: number
}

/** Encodes a command once; `joinEntry` puts it into an entry. */
export function encodeCommand(command: Command): EncodedCommand {
  switch (command.kind) {
    case 'accept':
      return { kind: KINDS.accept, payload: encodeAccept(command), messages: command.count }
    case 'claim': {
      const payload = Buffer.allocUnsafe(HOME_HEADER_OCTETS)
      writeHomeHeader(payload, command, command.count)
      return { kind: KINDS.claim, payload, messages: 0 }
    }
    case 'outcomes':
      return { kind: KINDS.outcomes, payload: encodeOutcomes(command), messages: 0 }
    case 'inbound':
      return {
        kind: KINDS.inbound,
        payload: encodeInbound(command),
        messages: command.items.length,
      }
    case 'delivered':
      return { kind: KINDS.delivered, payload: encodeDelivered(command), messages: 0 }
    case 'replace':
      return { kind: KINDS.replace, payload: encodeReplace(command), messages: 1 }
    default:
      return { kind: KINDS.packed, payload: packCommand(command), messages: 0 }
  }
}

/** The head of an accept payload, before its records. */
export function writeAcceptHeader(
  into: Buffer,
  at: number,
  accept: Omit<Accept, 'kind' | 'records'>,
): void {
  into.writeUInt16BE(accept.connector, at)
  into[at + 2] = accept.priority
  into[at + 3] = 0
  into.writeUInt16BE(accept.count, at + 4)
  into.writeUInt32BE(accept.revision, at + 6)
}

/** An accept command whose payload the proposer has gathered in place. */
export function encodedAccept(payload: Buffer, messages: number): EncodedCommand {
  return { kind: KINDS.accept, payload, messages }
}

/** Undefined, or a RangeError, where the payload is malformed. Buffers are views of it. */
export function decodeCommand(kind: number, payload: Buffer): Command | undefined {
  switch (kind) {
    case KINDS.accept:
      return decodeAccept(payload)
    case KINDS.claim:
      return { kind: 'claim', ...readHomeHeader(payload) }
    case KINDS.outcomes:
      return decodeOutcomes(payload)
    case KINDS.inbound:
      return decodeInbound(payload)
    case KINDS.delivered:
      return decodeDelivered(payload)
    case KINDS.packed:
      return unpackCommand(payload)
    case KINDS.replace:
      return decodeReplace(payload)
    default:
      return undefined
  }
}

/** Messages that a command carries. */
export function messagesIn(command: Command): number {
  if (command.kind === 'accept') return command.count
  if (command.kind === 'replace') return 1
  return command.kind === 'inbound' ? command.items.length : 0
}

function encodeAccept(command: Accept): Buffer {
  const payload = Buffer.allocUnsafe(ACCEPT_HEADER_OCTETS + command.records.length)
  writeAcceptHeader(payload, 0, command)
  command.records.copy(payload, ACCEPT_HEADER_OCTETS)
  return payload
}

function decodeAccept(payload: Buffer): Accept | undefined {
  const count = payload.readUInt16BE(4)
  const records = payload.subarray(ACCEPT_HEADER_OCTETS)
  let at = 0
  for (let left = count; left > 0; left--) at = skipAcceptRecord(records, at)
  if (at !== records.length || count === 0) return undefined
  return {
    kind: 'accept',
    connector: payload.readUInt16BE(0),
    priority: Math.min(payload[2]!, 3),
    count,
    revision: payload.readUInt32BE(6),
    records,
  }
}

// replace: the header and the one record of an accept, then ref f64 | base f64
const REPLACE_TAIL_OCTETS = 16

function encodeReplace({ connector, priority, record, ref, base }: Replace): Buffer {
  const end = ACCEPT_HEADER_OCTETS + record.length
  const payload = Buffer.allocUnsafe(end + REPLACE_TAIL_OCTETS)
  writeAcceptHeader(payload, 0, { connector, priority, count: 1, revision: 0 })
  record.copy(payload, ACCEPT_HEADER_OCTETS)
  payload.writeDoubleBE(ref, end)
  payload.writeDoubleBE(base, end + 8)
  return payload
}

function decodeReplace(payload: Buffer): Replace | undefined {
  const end = skipAcceptRecord(payload, ACCEPT_HEADER_OCTETS)
  const ref = payload.readDoubleBE(end)
  const base = payload.readDoubleBE(end + 8)
  const whole = payload.length === end + REPLACE_TAIL_OCTETS && payload.readUInt16BE(4) === 1
  if (!whole || !isRef(ref) || !isRef(base)) return undefined
  return {
    kind: 'replace',
    connector: payload.readUInt16BE(0),
    priority: Math.min(payload[2]!, 3),
    record: payload.subarray(ACCEPT_HEADER_OCTETS, end),
    ref,
    base,
  }
}

// What a home proposes begins with connector u16 | epoch u32 | count u16; a claim is no more than that.
const HOME_HEADER_OCTETS = 8

interface HomeHeader {
  connector: number
  epoch: number
  count: number
}

function writeHomeHeader(
  into: Buffer,
  { connector, epoch }: Omit<HomeHeader, 'count'>,
  count: number,
): void {
  into.writeUInt16BE(connector, 0)
  into.writeUInt32BE(epoch, 2)
  into.writeUInt16BE(count, 6)
}

function readHomeHeader(from: Buffer): HomeHeader {
  return {
    connector: from.readUInt16BE(0),
    epoch: from.readUInt32BE(2),
    count: from.readUInt16BE(6),
  }
}

// outcomes: header, then per item
// ref f64 | attempt u8 | result u8 | error u32 | retryAtMs u48 | id length u8 | id latin1
const OUTCOME_ITEM_OCTETS = 21

function encodeOutcomes(command: Outcomes): Buffer {
  let octets = HOME_HEADER_OCTETS
  for (const item of command.items) octets += OUTCOME_ITEM_OCTETS + item.smscId.length
  const payload = Buffer.allocUnsafe(octets)
  writeHomeHeader(payload, command, command.items.length)
  let at = HOME_HEADER_OCTETS
  for (const item of command.items) {
    payload.writeDoubleBE(item.ref, at)
    payload[at + 8] = item.attempt
    payload[at + 9] = OUTCOME_RESULTS.indexOf(item.result)
    payload.writeUInt32BE(item.error, at + 10)
    payload.writeUIntBE(item.retryAtMs, at + 14, 6)
    payload[at + 20] = item.smscId.length
    payload.write(item.smscId, at + OUTCOME_ITEM_OCTETS, 'latin1')
    at += OUTCOME_ITEM_OCTETS + item.smscId.length
  }
  return payload
}

function decodeOutcomes(payload: Buffer): Outcomes | undefined {
  const { count, ...home } = readHomeHeader(payload)
  const items: OutcomeItem[] = []
  let at = HOME_HEADER_OCTETS
  for (let left = count; left > 0; left--) {
    const result = OUTCOME_RESULTS[payload.readUInt8(at + 9)]
    const idEnd = at + OUTCOME_ITEM_OCTETS + payload.readUInt8(at + 20)
    const ref = payload.readDoubleBE(at)
    if (result === undefined || idEnd > payload.length || !isRef(ref)) return undefined
    items.push({
      ref,
      attempt: payload.readUInt8(at + 8),
      result,
      error: payload.readUInt32BE(at + 10),
      retryAtMs: payload.readUIntBE(at + 14, 6),
      smscId: payload.toString('latin1', at + OUTCOME_ITEM_OCTETS, idEnd),
    })
    at = idEnd
  }
  if (at !== payload.length) return undefined
  return { kind: 'outcomes', ...home, items }
}

// inbound: header, then per item
// kind u8 (0 receipt, 1 MO, 2 intermediate notification: up to rules 12 read as 0) | account u16 | state u8 | error u32 | addressHash u32 | id length u8
// | body length u32 | id latin1 | body
// An MO that is a part has its key as id; total u8 as state, part u8 | zero u8 | digest u48 as error and addressHash. Programs of rules up to 16
// read it as any MO.
const INBOUND_ITEM_OCTETS = 17

function encodeInbound(command: Inbound): Buffer {
  let octets = HOME_HEADER_OCTETS
  for (const item of command.items) {
    octets += INBOUND_ITEM_OCTETS + item.body.length
    octets += item.kind === 'receipt' ? item.smscId.length : (item.part?.key.length ?? 0)
  }
  const payload = Buffer.alloc(octets)
  writeHomeHeader(payload, command, command.items.length)
  let at = HOME_HEADER_OCTETS
  for (const item of command.items) {
    let text = ''
    if (item.kind === 'receipt') {
      payload[at] = item.intermediate === true ? 2 : 0
      payload[at + 3] = item.state
      payload.writeUInt32BE(item.error, at + 4)
      payload.writeUInt32BE(item.addressHash, at + 8)
      payload[at + 12] = item.smscId.length
      text = item.smscId
    } else {
      payload[at] = 1
      payload.writeUInt16BE(item.account, at + 1)
      if (item.part !== undefined) text = encodePart(item.part, payload, at)
    }
    payload.writeUInt32BE(item.body.length, at + 13)
    payload.write(text, at + INBOUND_ITEM_OCTETS, 'latin1')
    item.body.copy(payload, at + INBOUND_ITEM_OCTETS + text.length)
    at += INBOUND_ITEM_OCTETS + text.length + item.body.length
  }
  return payload
}

function decodeInbound(payload: Buffer): Inbound | undefined {
  const items: InboundItem[] = []
  for (const at of inboundPositions(payload)) {
    const idEnd = at + INBOUND_ITEM_OCTETS + payload[at + 12]!
    const body = inboundBody(payload, at)
    if (payload[at] === 1)
      items.push({
        kind: 'mo',
        account: payload.readUInt16BE(at + 1),
        ...decodePart(payload, at, idEnd),
        body,
      })
    else
      items.push({
        kind: 'receipt',
        intermediate: payload[at] === 2,
        state: payload[at + 3]!,
        error: payload.readUInt32BE(at + 4),
        smscId: payload.toString('latin1', at + INBOUND_ITEM_OCTETS, idEnd),
        addressHash: payload.readUInt32BE(at + 8),
        body,
      })
  }
  const { connector, epoch } = readHomeHeader(payload)
  return { kind: 'inbound', connector, epoch, items }
}

/** Returns what stands where other items have their id. */
function encodePart({ key, total, part, digest }: MoPart, payload: Buffer, at: number): string {
  payload[at + 3] = total
  payload[at + 4] = part
  payload.writeUIntBE(digest, at + 6, 6)
  payload[at + 12] = key.length
  return key
}

function decodePart(payload: Buffer, at: number, keyEnd: number): { part?: MoPart } {
  const start = at + INBOUND_ITEM_OCTETS
  const [total, part] = [payload[at + 3]!, payload[at + 4]!]
  if (keyEnd === start || part < 1 || part > total) return {}
  const key = payload.toString('latin1', start, keyEnd)
  return { part: { key, total, part, digest: payload.readUIntBE(at + 6, 6) } }
}

/** Where the items of an inbound payload begin. */
export function* inboundPositions(payload: Buffer): Generator<number> {
  let at = HOME_HEADER_OCTETS
  for (let left = readHomeHeader(payload).count; left > 0; left--) {
    const next =
      at + INBOUND_ITEM_OCTETS + payload.readUInt8(at + 12) + payload.readUInt32BE(at + 13)
    if (next > payload.length) throw new RangeError('inbound item beyond its command')
    yield at
    at = next
  }
  if (at !== payload.length) throw new RangeError('octets after the last inbound item')
}

/** The deliver_sm body of the item at `at`. */
export function inboundBody(octets: Buffer, at: number): Buffer {
  const start = at + INBOUND_ITEM_OCTETS + octets[at + 12]!
  return octets.subarray(start, start + octets.readUInt32BE(at + 13))
}

// delivered: account u16 | epoch u32 | expired u8 | count u16, then seqs f64
function encodeDelivered(command: Delivered): Buffer {
  const payload = Buffer.allocUnsafe(9 + command.seqs.length * 8)
  payload.writeUInt16BE(command.account, 0)
  payload.writeUInt32BE(command.epoch, 2)
  payload[6] = command.expired ? 1 : 0
  payload.writeUInt16BE(command.seqs.length, 7)
  command.seqs.forEach((seq, i) => payload.writeDoubleBE(seq, 9 + i * 8))
  return payload
}

function decodeDelivered(payload: Buffer): Delivered | undefined {
  const count = payload.readUInt16BE(7)
  if (payload.length !== 9 + count * 8) return undefined
  const seqs: number[] = []
  for (let i = 0; i < count; i++) {
    const seq = payload.readDoubleBE(9 + i * 8)
    if (!Number.isSafeInteger(seq)) return undefined
    seqs.push(seq)
  }
  return {
    kind: 'delivered',
    account: payload.readUInt16BE(0),
    epoch: payload.readUInt32BE(2),
    seqs,
    expired: payload[6] === 1,
  }
}

const isRef = (value: number): boolean => Number.isSafeInteger(value) && value > 0

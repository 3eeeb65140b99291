import {
  ACCEPT_RECORD_OCTETS,
  readAcceptRecord,
  skipAcceptRecord,
  writeAcceptRecord,
} from './accept-record.js'
import type { AcceptRecord } from './accept-record.js'
import type {
  Accept,
  Command,
  Delivered,
  Inbound,
  InboundItem,
  OutcomeItem,
  Outcomes,
} from './commands.js'
import { OUTCOME_RESULTS } from './commands.js'
import { MESSAGES_PER_ENTRY } from './ids.js'
import { packCommand, unpackCommand } from './packed-command.js'

/**
 * The entry: one flush of one node (DESIGN I4), encoded once at the proposer and never again. Big endian.
 *
 *     0 version u8 | 1 lane u8 | 2 node u16 | 4 boot u32 | 8 number u48 | 14 lowestUnanswered u48
 *     20 proposedAtMs u48 | 26 commands u16 | 28 messages u16 | 30 zero u16
 *     then per command: kind u8 | length u32 | payload
 *
 * accept, claim, outcomes, inbound and delivered have payloads of their own; the rare ones are
 * msgpack maps that decode alone.
 */
export const ENTRY_VERSION = 1
export const ENTRY_HEADER_OCTETS = 32
export const COMMAND_HEADER_OCTETS = 5
export const ACCEPT_HEADER_OCTETS = 10

export type Lane = 'submit' | 'other'

export interface EntryHeader {
  lane: Lane
  node: number
  boot: number
  /** 1, 2, 3 … within a boot; 0 for `registerBoot`, which stands outside the numbering. */
  number: number
  /** All lower numbers have been answered. */
  lowestUnanswered: number
  proposedAtMs: number
}

export interface Entry extends EntryHeader {
  /** Messages (submits, receipts, MO) in it; their offsets run through the commands in order. */
  messages: number
  commands: Command[]
}

const KINDS = { accept: 1, claim: 2, outcomes: 3, inbound: 4, delivered: 5, packed: 6 } as const

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
      const payload = Buffer.allocUnsafe(8)
      payload.writeUInt16BE(command.connector, 0)
      payload.writeUInt32BE(command.epoch, 2)
      payload.writeUInt16BE(command.count, 6)
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

/** Joins header and commands to the octets that are forwarded, replicated and logged. */
export function joinEntry(header: EntryHeader, commands: readonly EncodedCommand[]): Buffer {
  let octets = ENTRY_HEADER_OCTETS
  let messages = 0
  for (const command of commands) {
    octets += COMMAND_HEADER_OCTETS + command.payload.length
    messages += command.messages
  }
  const entry = Buffer.allocUnsafe(octets)
  entry[0] = ENTRY_VERSION
  entry[1] = header.lane === 'submit' ? 0 : 1
  entry.writeUInt16BE(header.node, 2)
  entry.writeUInt32BE(header.boot, 4)
  entry.writeUIntBE(header.number, 8, 6)
  entry.writeUIntBE(header.lowestUnanswered, 14, 6)
  entry.writeUIntBE(header.proposedAtMs, 20, 6)
  entry.writeUInt16BE(commands.length, 26)
  entry.writeUInt16BE(messages, 28)
  entry.writeUInt16BE(0, 30)
  let at = ENTRY_HEADER_OCTETS
  for (const command of commands) {
    entry[at] = command.kind
    entry.writeUInt32BE(command.payload.length, at + 1)
    command.payload.copy(entry, at + COMMAND_HEADER_OCTETS)
    at += COMMAND_HEADER_OCTETS + command.payload.length
  }
  return entry
}

/** Reads the header alone; undefined where it is none of ours. */
export function readEntryHeader(octets: Buffer): (EntryHeader & { messages: number }) | undefined {
  if (octets.length < ENTRY_HEADER_OCTETS || octets[0] !== ENTRY_VERSION) return undefined
  const messages = octets.readUInt16BE(28)
  if (messages > MESSAGES_PER_ENTRY) return undefined
  return {
    lane: octets[1] === 0 ? 'submit' : 'other',
    node: octets.readUInt16BE(2),
    boot: octets.readUInt32BE(4),
    number: octets.readUIntBE(8, 6),
    lowestUnanswered: octets.readUIntBE(14, 6),
    proposedAtMs: octets.readUIntBE(20, 6),
    messages,
  }
}

/**
 * Decodes and checks a whole entry; undefined where it is malformed anywhere. Buffers in it are views
 * of `octets`. The leader decodes before it appends, apply decodes again: both say the same.
 */
export function decodeEntry(octets: Buffer): Entry | undefined {
  try {
    const header = readEntryHeader(octets)
    if (header === undefined) return undefined
    const commands: Command[] = []
    let messages = 0
    for (const { kind, payload } of payloadsOf(octets)) {
      const command = decodeCommand(kind, payload)
      if (command === undefined) return undefined
      messages += messagesIn(command)
      commands.push(command)
    }
    return messages === header.messages ? { ...header, commands } : undefined
  } catch {
    return undefined // short reads and msgpack errors: bad octets, not a broken rule of ours
  }
}

/** A message as its entry carries it. Buffers are views of the entry. */
export type StoredMessage =
  | ({ kind: 'submit'; connector: number; priority: number } & AcceptRecord)
  | { kind: 'inbound'; connector: number; body: Buffer }

/**
 * Positions of an entry's messages, so that one can be read without decoding the others. Made once per
 * entry by whoever reads several of its messages.
 */
export class EntryMessages {
  private readonly octets: Buffer
  private readonly positions: Uint32Array
  /** Position of the command that holds the message. */
  private readonly owners: Uint32Array
  readonly proposedAtMs: number

  /** `octets` is a well-formed entry. */
  constructor(octets: Buffer) {
    const header = readEntryHeader(octets)
    const count = header?.messages ?? 0
    this.octets = octets
    this.proposedAtMs = header?.proposedAtMs ?? 0
    this.positions = new Uint32Array(count)
    this.owners = new Uint32Array(count)
    let next = 0
    for (const { kind, payload, at } of payloadsOf(octets)) {
      if (kind === KINDS.accept) {
        let record = ACCEPT_HEADER_OCTETS
        for (let i = payload.readUInt16BE(4); i > 0; i--) {
          this.owners[next] = at
          this.positions[next++] = at + record
          record = skipAcceptRecord(payload, record)
        }
      } else if (kind === KINDS.inbound) {
        for (const position of inboundPositions(payload)) {
          this.owners[next] = at
          this.positions[next++] = at + position
        }
      }
    }
  }

  get count(): number {
    return this.positions.length
  }

  /** The message at an offset; undefined where the entry has no such one. */
  read(offset: number): StoredMessage | undefined {
    const position = this.positions[offset]
    const owner = this.owners[offset]
    if (position === undefined || owner === undefined) return undefined
    const connector = this.octets.readUInt16BE(owner)
    if (this.octets[owner - COMMAND_HEADER_OCTETS] === KINDS.accept) {
      const priority = this.octets[owner + 2]!
      return { kind: 'submit', connector, priority, ...readAcceptRecord(this.octets, position) }
    }
    return { kind: 'inbound', connector, body: inboundBody(this.octets, position) }
  }
}

/**
 * The same entry without the bodies of the messages that `keep` says no to; offsets stay as they are.
 * `octets` is a well-formed entry.
 */
export function shrinkEntry(octets: Buffer, keep: (offset: number) => boolean): Buffer {
  const commands: EncodedCommand[] = []
  let offset = 0
  for (const { kind, payload } of payloadsOf(octets)) {
    const command =
      kind === KINDS.accept || kind === KINDS.inbound ? decodeCommand(kind, payload) : undefined
    if (command?.kind === 'accept') {
      const parts: Buffer[] = []
      for (let at = 0; at < command.records.length; at = skipAcceptRecord(command.records, at)) {
        const record = readAcceptRecord(command.records, at)
        const body = keep(offset++) ? record.body : EMPTY
        const part = Buffer.allocUnsafe(ACCEPT_RECORD_OCTETS + body.length)
        writeAcceptRecord(part, 0, { ...record, body })
        parts.push(part)
      }
      commands.push(encodeCommand({ ...command, records: Buffer.concat(parts) }))
    } else if (command?.kind === 'inbound') {
      const items = command.items.map(item => (keep(offset++) ? item : { ...item, body: EMPTY }))
      commands.push(encodeCommand({ ...command, items }))
    } else commands.push({ kind, payload, messages: 0 })
  }
  return joinEntry(readEntryHeader(octets)!, commands)
}

const EMPTY = Buffer.alloc(0)

function* payloadsOf(octets: Buffer): Generator<{ kind: number; payload: Buffer; at: number }> {
  let at = ENTRY_HEADER_OCTETS
  for (let left = octets.readUInt16BE(26); left > 0; left--) {
    const kind = octets.readUInt8(at)
    const length = octets.readUInt32BE(at + 1)
    const start = at + COMMAND_HEADER_OCTETS
    if (start + length > octets.length) throw new RangeError('command beyond its entry')
    yield { kind, payload: octets.subarray(start, start + length), at: start }
    at = start + length
  }
  if (at !== octets.length) throw new RangeError('octets after the last command')
}

function decodeCommand(kind: number, payload: Buffer): Command | undefined {
  switch (kind) {
    case KINDS.accept:
      return decodeAccept(payload)
    case KINDS.claim:
      return {
        kind: 'claim',
        connector: payload.readUInt16BE(0),
        epoch: payload.readUInt32BE(2),
        count: payload.readUInt16BE(6),
      }
    case KINDS.outcomes:
      return decodeOutcomes(payload)
    case KINDS.inbound:
      return decodeInbound(payload)
    case KINDS.delivered:
      return decodeDelivered(payload)
    case KINDS.packed:
      return unpackCommand(payload)
    default:
      return undefined
  }
}

function messagesIn(command: Command): number {
  if (command.kind === 'accept') return command.count
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

// outcomes: connector u16 | epoch u32 | count u16, then per item
// ref f64 | attempt u8 | result u8 | error u32 | retryAtMs u48 | id length u8 | id latin1
const OUTCOME_ITEM_OCTETS = 21

function encodeOutcomes(command: Outcomes): Buffer {
  let octets = 8
  for (const item of command.items) octets += OUTCOME_ITEM_OCTETS + item.smscId.length
  const payload = Buffer.allocUnsafe(octets)
  payload.writeUInt16BE(command.connector, 0)
  payload.writeUInt32BE(command.epoch, 2)
  payload.writeUInt16BE(command.items.length, 6)
  let at = 8
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
  const items: OutcomeItem[] = []
  let at = 8
  for (let left = payload.readUInt16BE(6); left > 0; left--) {
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
  return {
    kind: 'outcomes',
    connector: payload.readUInt16BE(0),
    epoch: payload.readUInt32BE(2),
    items,
  }
}

// inbound: connector u16 | epoch u32 | count u16, then per item
// kind u8 (0 receipt, 1 MO) | account u16 | state u8 | error u32 | addressHash u32 | id length u8
// | body length u32 | id latin1 | body
const INBOUND_ITEM_OCTETS = 17

function encodeInbound(command: Inbound): Buffer {
  let octets = 8
  for (const item of command.items) {
    octets += INBOUND_ITEM_OCTETS + item.body.length
    if (item.kind === 'receipt') octets += item.smscId.length
  }
  const payload = Buffer.alloc(octets)
  payload.writeUInt16BE(command.connector, 0)
  payload.writeUInt32BE(command.epoch, 2)
  payload.writeUInt16BE(command.items.length, 6)
  let at = 8
  for (const item of command.items) {
    let text = ''
    if (item.kind === 'receipt') {
      payload[at + 3] = item.state
      payload.writeUInt32BE(item.error, at + 4)
      payload.writeUInt32BE(item.addressHash, at + 8)
      payload[at + 12] = item.smscId.length
      text = item.smscId
    } else {
      payload[at] = 1
      payload.writeUInt16BE(item.account, at + 1)
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
    if (payload[at] === 1) items.push({ kind: 'mo', account: payload.readUInt16BE(at + 1), body })
    else
      items.push({
        kind: 'receipt',
        state: payload[at + 3]!,
        error: payload.readUInt32BE(at + 4),
        smscId: payload.toString('latin1', at + INBOUND_ITEM_OCTETS, idEnd),
        addressHash: payload.readUInt32BE(at + 8),
        body,
      })
  }
  return {
    kind: 'inbound',
    connector: payload.readUInt16BE(0),
    epoch: payload.readUInt32BE(2),
    items,
  }
}

function* inboundPositions(payload: Buffer): Generator<number> {
  let at = 8
  for (let left = payload.readUInt16BE(6); left > 0; left--) {
    const next =
      at + INBOUND_ITEM_OCTETS + payload.readUInt8(at + 12) + payload.readUInt32BE(at + 13)
    if (next > payload.length) throw new RangeError('inbound item beyond its command')
    yield at
    at = next
  }
  if (at !== payload.length) throw new RangeError('octets after the last inbound item')
}

function inboundBody(octets: Buffer, at: number): Buffer {
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

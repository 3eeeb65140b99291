import { acceptRecord, readAcceptRecord, skipAcceptRecord } from './accept-record.js'
import type { AcceptRecord } from './accept-record.js'
import {
  ACCEPT_HEADER_OCTETS,
  decodeCommand,
  encodeCommand,
  inboundBody,
  inboundPositions,
  KINDS,
  messagesIn,
} from './command-codec.js'
import type { EncodedCommand } from './command-codec.js'
import type { Command } from './commands.js'
import { MESSAGES_PER_ENTRY } from './ids.js'

/**
 * The entry: one flush of one node (DESIGN I4), encoded once at the proposer and never again. Big endian.
 *
 *     0 version u8 | 1 lane u8 | 2 node u16 | 4 boot u32 | 8 number u48 | 14 lowestUnanswered u48
 *     20 proposedAtMs u48 | 26 commands u16 | 28 messages u16 | 30 zero u16
 *     then per command: kind u8 | length u32 | payload
 */
export const ENTRY_VERSION = 1
export const ENTRY_HEADER_OCTETS = 32
export const COMMAND_HEADER_OCTETS = 5

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
      if (kind === KINDS.accept || kind === KINDS.replace) {
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
    if (this.octets[owner - COMMAND_HEADER_OCTETS] !== KINDS.inbound) {
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
    const command = CARRIES.has(kind) ? decodeCommand(kind, payload) : undefined
    if (command?.kind === 'accept') {
      const records = shrinkRecords(command.records, () => keep(offset++))
      commands.push(encodeCommand({ ...command, records }))
    } else if (command?.kind === 'replace') {
      const record = shrinkRecords(command.record, () => keep(offset++))
      commands.push(encodeCommand({ ...command, record }))
    } else if (command?.kind === 'inbound') {
      const items = command.items.map(item => (keep(offset++) ? item : { ...item, body: EMPTY }))
      commands.push(encodeCommand({ ...command, items }))
    } else commands.push({ kind, payload, messages: 0 })
  }
  return joinEntry(readEntryHeader(octets)!, commands)
}

/** Kinds of commands that carry messages. */
const CARRIES: ReadonlySet<number> = new Set([KINDS.accept, KINDS.inbound, KINDS.replace])

function shrinkRecords(records: Buffer, keep: () => boolean): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < records.length; at = skipAcceptRecord(records, at)) {
    const record = readAcceptRecord(records, at)
    parts.push(acceptRecord({ ...record, body: keep() ? record.body : EMPTY }))
  }
  return Buffer.concat(parts)
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

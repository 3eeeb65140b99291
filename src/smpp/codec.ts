import { assert, assertNever } from '../base/assert.js'
import { BodyReader } from './body-reader.js'
import { COMMAND_IDS, isResponse, type CommandName } from './command-ids.js'
import type { CommandStatus } from './command-status.js'
import { PDU_BODIES, type Field } from './pdu-bodies.js'
import { TLV_TAGS, tlvText, type TlvName } from './tlv-tags.js'

/** An optional parameter, known to us or not, in the order of the wire. */
export interface Tlv {
  tag: number
  value: Buffer
}

export type DestAddress =
  | { dest_flag: 1; dest_addr_ton: number; dest_addr_npi: number; destination_addr: string }
  | { dest_flag: 2; dl_name: string }

export interface UnsuccessSme {
  dest_addr_ton: number
  dest_addr_npi: number
  destination_addr: string
  error_status_code: number
}

/**
 * The parameters of a PDU by their names in the standard. C-octet strings are Latin-1 text, so that
 * every octet survives; sm_length is the length of `short_message`.
 */
export type Body<N extends CommandName> = {
  -readonly [F in (typeof PDU_BODIES)[N][number] as F['name']]: ValueOf<F>
} & { tlvs: Tlv[] }

type ValueOf<F extends Field> = F extends { kind: 'cstring' }
  ? string
  : F extends { kind: 'uint8' }
    ? number
    : F extends { kind: 'message' }
      ? Buffer
      : F extends { kind: 'destinations' }
        ? DestAddress[]
        : F extends { kind: 'messageIds' }
          ? string[]
          : UnsuccessSme[]

/** Why a body was not taken: the status to answer with, and the parameter that was wrong. */
export interface PduProblem {
  command_status: CommandStatus
  /** Its name in the standard. */
  parameter: string
  /** For people; holds no message text. */
  detail: string
}

export type Decoded<N extends CommandName> =
  | {
      ok: true
      body: Body<N>
      /** A response without a body that can be read: all parameters are empty or 0. */
      headerOnly: boolean
    }
  | { ok: false; problem: PduProblem }

/**
 * Reads the body of a PDU (what follows the 16 octets of the header). Buffers in the result are
 * views of `body`. Fewer than four octets after the last parameter are skipped, and a NUL
 * between short_message and TLVs: stray NULs are common. A TLV that claims more octets than there are is a problem in requests (ESME_RINVPARLEN);
 * in responses and in deliver_sm it and what follows is left out, for the rest still counts.
 *
 * @param command_status  of the header. In a response whose status is not 0 the status counts and the body does not: one
 *                        that cannot be read is as good as none. Source: SMPP 3.4 §4.4.2
 */
export function decodeBody<N extends CommandName>(
  name: N,
  body: Buffer,
  command_status = 0,
): Decoded<N> {
  const response = isResponse(COMMAND_IDS[name])
  if (response && body.length === 0) return headerOnly(name)
  const fields: Record<string, unknown> = {}
  const reader = new BodyReader(body)
  for (const field of PDU_BODIES[name] as readonly Field[]) {
    fields[field.name] = reader.field(field)
    if (reader.problem === undefined) continue
    return response && command_status !== 0
      ? headerOnly(name)
      : { ok: false, problem: reader.problem }
  }
  fields['tlvs'] = reader.tlvs()
  if (reader.problem !== undefined && !response && name !== 'deliver_sm') {
    return { ok: false, problem: reader.problem }
  }
  return { ok: true, body: fields as Body<N>, headerOnly: false }
}

function headerOnly<N extends CommandName>(name: N): Decoded<N> {
  const fields: Record<string, unknown> = { tlvs: [] }
  for (const field of PDU_BODIES[name] as readonly Field[]) fields[field.name] = emptyOf(field)
  return { ok: true, body: fields as Body<N>, headerOnly: true }
}

/**
 * The octets of a body; parameters left out are empty or 0.
 * @throws RangeError where a value does not fit its parameter: a mistake of the caller's
 */
export function encodeBody<N extends CommandName>(name: N, fields: Partial<Body<N>>): Buffer {
  return encodeAt(0, name, fields)
}

/** A whole PDU. A response with a status other than 0 has no body (SMPP 3.4 §4.4.2). */
export function encodePdu<N extends CommandName>(
  name: N,
  header: { command_status?: number; sequence_number: number },
  fields: Partial<Body<N>> = {},
): Buffer {
  const status = header.command_status ?? 0
  const bare = status !== 0 && isResponse(COMMAND_IDS[name])
  const pdu = bare ? Buffer.allocUnsafe(16) : encodeAt(16, name, fields)
  writeHeader(pdu, 0, pdu.length, COMMAND_IDS[name], status, header.sequence_number)
  return pdu
}

/** Writes the 16 octets before a body. `command_length` counts them. Source: SMPP 3.4 §3.2. */
export function writeHeader(
  into: Buffer,
  at: number,
  command_length: number,
  command_id: number,
  command_status: number,
  sequence_number: number,
): void {
  putUint32(into, at, command_length)
  putUint32(into, at + 4, command_id)
  putUint32(into, at + 8, command_status)
  putUint32(into, at + 12, sequence_number)
}

/** The first value of a tag, or undefined. */
export function findTlv(tlvs: readonly Tlv[], name: TlvName): Buffer | undefined {
  const tag = TLV_TAGS[name]
  return tlvs.find(tlv => tlv.tag === tag)?.value
}

/** A TLV of a number in one or two octets, of text (`cstring` adds the NUL), or of octets as they are. */
export const tlv = {
  uint8: (name: TlvName, value: number): Tlv => ({
    tag: TLV_TAGS[name],
    value: Buffer.of(value),
  }),
  uint16: (name: TlvName, value: number): Tlv => ({
    tag: TLV_TAGS[name],
    value: Buffer.of(value >> 8, value & 0xff),
  }),
  cstring: (name: TlvName, value: string): Tlv => ({
    tag: TLV_TAGS[name],
    value: Buffer.from(`${value}\0`, 'latin1'),
  }),
  octets: (name: TlvName, value: Buffer): Tlv => ({ tag: TLV_TAGS[name], value }),
}

/** The text of a TLV that holds a C-octet string, with or without its NUL. */
export function tlvString(value: Buffer): string {
  const nul = value.indexOf(0)
  return value.toString('latin1', 0, nul < 0 ? value.length : nul)
}

/**
 * The message_id of a submit_sm_resp, deliver_sm_resp or data_sm_resp body; '' where there is none
 * or it cannot be read, for a response counts all the same.
 */
export function readMessageId(body: Buffer): string {
  for (let at = 0; at < body.length && at < 65; at++) {
    if (body[at] === 0) return body.toString('latin1', 0, at)
  }
  return ''
}

function emptyOf(field: Field): string | number | Buffer | unknown[] {
  switch (field.kind) {
    case 'cstring':
      return ''
    case 'uint8':
      return 0
    case 'message':
      return NO_OCTETS
    case 'destinations':
    case 'unsuccessful':
    case 'messageIds':
      return []
    default:
      return assertNever(field)
  }
}

/** Every octet from `at` on is written; those before it are the caller's to write. */
function encodeAt<N extends CommandName>(at: number, name: N, fields: Partial<Body<N>>): Buffer {
  const table = PDU_BODIES[name] as readonly Field[]
  const values = fields as Record<string, unknown>
  const tlvs = (values['tlvs'] ?? NO_TLVS) as readonly Tlv[]
  let size = at
  for (const field of table) size += sizeOf(field, values[field.name] ?? emptyOf(field))
  for (const { value } of tlvs) size += 4 + value.length
  const octets = Buffer.allocUnsafe(size)
  for (const field of table) at = put(octets, at, field, values[field.name] ?? emptyOf(field))
  for (const { tag, value } of tlvs) {
    if (value.length > 0xffff) throw new RangeError(`${tlvText(tag)} is too long`)
    octets.writeUInt16BE(tag, at)
    octets.writeUInt16BE(value.length, at + 2)
    octets.set(value, at + 4)
    at += 4 + value.length
  }
  assert(at === size, 'a body is written whole') // the buffer holds rubbish before
  return octets
}

const NO_OCTETS = Buffer.alloc(0)
const NO_TLVS: readonly Tlv[] = []

function sizeOf(field: Field, value: unknown): number {
  switch (field.kind) {
    case 'cstring':
      return (value as string).length + 1
    case 'uint8':
      return 1
    case 'message':
      return 1 + (value as Buffer).length
    case 'destinations':
      return (value as DestAddress[]).reduce(
        (sum, to) =>
          sum + (to.dest_flag === 1 ? 4 + to.destination_addr.length : 2 + to.dl_name.length),
        1,
      )
    case 'unsuccessful':
      return (value as UnsuccessSme[]).reduce((sum, to) => sum + 7 + to.destination_addr.length, 1)
    case 'messageIds':
      return (value as string[]).reduce((sum, id) => sum + 1 + id.length, 1)
    default:
      return assertNever(field)
  }
}

function put(octets: Buffer, at: number, field: Field, value: unknown): number {
  switch (field.kind) {
    case 'cstring':
      return putCstring(octets, at, field.name, value as string, field.tolerated)
    case 'uint8':
      return putUint8(octets, at, field.name, value as number)
    case 'message': {
      const message = value as Buffer
      at = putUint8(octets, at, 'sm_length', message.length)
      octets.set(message, at)
      return at + message.length
    }
    case 'destinations': {
      const list = value as DestAddress[]
      at = putUint8(octets, at, 'number_of_dests', list.length)
      for (const to of list) {
        octets[at++] = to.dest_flag
        if (to.dest_flag === 2) {
          at = putCstring(octets, at, 'dl_name', to.dl_name, 21)
        } else {
          at = putAddress(octets, at, to, 21)
        }
      }
      return at
    }
    case 'unsuccessful': {
      const list = value as UnsuccessSme[]
      at = putUint8(octets, at, 'no_unsuccess', list.length)
      for (const to of list) {
        at = putAddress(octets, at, to, 65)
        at = octets.writeUInt32BE(to.error_status_code, at)
      }
      return at
    }
    case 'messageIds': {
      const list = value as string[]
      at = putUint8(octets, at, 'no_msgs', list.length)
      for (const id of list) at = putCstring(octets, at, 'message_id', id, 65)
      return at
    }
    default:
      return assertNever(field)
  }
}

function putAddress(
  octets: Buffer,
  at: number,
  to: Omit<UnsuccessSme, 'error_status_code'>,
  size: number,
): number {
  at = putUint8(octets, at, 'dest_addr_ton', to.dest_addr_ton)
  at = putUint8(octets, at, 'dest_addr_npi', to.dest_addr_npi)
  return putCstring(octets, at, 'destination_addr', to.destination_addr, size)
}

function putUint8(octets: Buffer, at: number, name: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 255) {
    throw new RangeError(`${name} does not fit one octet`)
  }
  octets[at] = value
  return at + 1
}

/** By the character: they are few, and a call out of JavaScript costs more than all of them. */
function putCstring(octets: Buffer, at: number, name: string, value: string, size: number): number {
  const { length } = value
  if (length >= size) throw new RangeError(`${name} is longer than ${size} octets`)
  for (let i = 0; i < length; i++) {
    const code = value.charCodeAt(i)
    if (code === 0 || code > 0xff)
      throw new RangeError(`${name} holds a NUL or what is not Latin-1`)
    octets[at++] = code
  }
  octets[at] = 0
  return at + 1
}

function putUint32(into: Buffer, at: number, value: number): void {
  into[at] = value >>> 24
  into[at + 1] = value >>> 16
  into[at + 2] = value >>> 8
  into[at + 3] = value
}

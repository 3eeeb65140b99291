import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import smpp from 'smpp'
import t from 'tap'
import type { CommandName } from './command-ids.js'
import { decodeBody, encodePdu, tlv, type Body, type Tlv } from './codec.js'
import { PDU_BODIES, type Field } from './pdu-bodies.js'
import { SubmitReader } from './submit-reader.js'
import { parseTime } from './times.js'
import { TLV_TAGS, type TlvName } from './tlv-tags.js'

/** Our codec against the `smpp` package, octet for octet, both ways. */
const COMMANDS = (Object.keys(PDU_BODIES) as CommandName[]).filter(
  name => !name.includes('broadcast') && !name.startsWith('submit_multi'),
)
const TIMES = new Set(['schedule_delivery_time', 'validity_period', 'final_date'])
/** TLVs that the package neither interprets nor knows by another name, by what they hold. */
const NUMBERS_8 = [
  'payload_type',
  'privacy_indicator',
  'sar_total_segments',
  'more_messages_to_send',
] as const
const NUMBERS_16 = ['user_message_reference', 'source_port', 'sar_msg_ref_num'] as const
const STRINGS = ['receipted_message_id', 'additional_status_info_text'] as const
const OCTETS = ['source_subaddress', 'network_error_code', 'its_session_info'] as const

const SEQUENCE = fc.integer({ min: 1, max: 0x7fffffff })
const ascii = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.integer({ min: 1, max: 0x7e }).map(code => String.fromCharCode(code)),
    maxLength,
  })
const octets = (maxLength: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength }).map(values => Buffer.from(values))

/** At most one of each tag, for the package keeps no more. */
const TLVS: fc.Arbitrary<Tlv[]> = fc.uniqueArray(
  fc.oneof(
    fc.tuple(fc.constantFrom(...NUMBERS_8), fc.nat(255)).map(([name, n]) => tlv.uint8(name, n)),
    fc
      .tuple(fc.constantFrom(...NUMBERS_16), fc.nat(65_535))
      .map(([name, n]) => tlv.uint16(name, n)),
    fc.tuple(fc.constantFrom(...STRINGS), ascii(64)).map(([name, text]) => tlv.cstring(name, text)),
    fc
      .tuple(fc.constantFrom(...OCTETS), octets(30))
      .map(([name, value]) => tlv.octets(name, value)),
    octets(300).map(value => tlv.octets('message_payload', value)),
  ),
  { selector: one => one.tag, maxLength: 5 },
)

for (const name of COMMANDS) {
  void t.test(`${name} as the smpp package writes and reads it`, t => {
    fc.assert(
      fc.property(bodyOf(name), SEQUENCE, (body, sequence_number) => {
        const header = { sequence_number }
        const octets = encodePdu(name, header, body)
        const theirs = new smpp.PDU(name, { ...header, ...toTheirs(body) })
        equal(octets.toString('hex'), theirs.toBuffer().toString('hex'))

        const read = new smpp.PDU(Buffer.from(octets))
        equal(read.command, name)
        equal(read.sequence_number, sequence_number)
        for (const { name: parameter } of PDU_BODIES[name] as readonly Field[]) {
          deepStrictEqual(plain(read[parameter]), ours(parameter, body), parameter)
        }
        for (const one of body.tlvs) {
          const found = Object.entries(TLV_TAGS).find(([, tag]) => tag === one.tag)
          const value = found === undefined ? read[one.tag] : read[found[0]]
          deepStrictEqual(tlvOctets(value, one), one.value)
        }
        const decoded = decodeBody(name, octets.subarray(16))
        ok(decoded.ok)
        deepStrictEqual(decoded.body, body)
      }),
      { numRuns: 60 },
    )
    t.end()
  })
}

void t.test('the hot path reads what the codec reads, and refuses no more than it', t => {
  const reader = new SubmitReader()
  fc.assert(
    fc.property(
      bodyOf('deliver_sm'),
      fc.nat(400),
      fc.integer({ min: 0, max: 255 }),
      (body, at, octet) => {
        const octets = encodePdu('deliver_sm', { sequence_number: 1 }, body).subarray(16)
        if (at < octets.length) octets[at] = octet // damage one octet
        const decoded = decodeBody('deliver_sm', octets)
        equal(reader.read(octets, 'deliver_sm') === 0, decoded.ok)
        if (!decoded.ok) return
        equal(reader.source_addr, decoded.body.source_addr)
        equal(reader.destination_addr, decoded.body.destination_addr)
        equal(reader.esm_class, decoded.body.esm_class)
        equal(reader.registered_delivery, decoded.body.registered_delivery)
        equal(reader.validity_period, decoded.body.validity_period)
        equal(reader.sm_length, decoded.body.short_message.length)
        equal(octets[reader.esm_class_at], reader.esm_class)
        for (const { tag } of decoded.body.tlvs) {
          deepStrictEqual(reader.tlv(tag), decoded.body.tlvs.find(one => one.tag === tag)?.value)
        }
      },
    ),
    { numRuns: 2_000 },
  )
  t.end()
})

void t.test('no octets make a decoder throw', t => {
  const reader = new SubmitReader()
  fc.assert(
    fc.property(
      fc.constantFrom(...(Object.keys(PDU_BODIES) as CommandName[])),
      fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), { maxLength: 120 }),
      (name, values) => {
        const octets = Buffer.from(values)
        const decoded = decodeBody(name, octets)
        if (!decoded.ok) ok(decoded.problem.parameter.length > 0)
        for (const command of ['submit_sm', 'deliver_sm'] as const) {
          const status = reader.read(octets, command)
          equal(status !== 0, reader.parameter !== '')
        }
      },
    ),
    { numRuns: 3_000 },
  )
  t.end()
})

function bodyOf<N extends CommandName>(name: N): fc.Arbitrary<Body<N>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {}
  for (const field of PDU_BODIES[name] as readonly Field[]) fields[field.name] = valueOf(field)
  fields['tlvs'] = TLVS
  return fc.record(fields, { noNullPrototype: true }) as unknown as fc.Arbitrary<Body<N>>
}

function valueOf(field: Field): fc.Arbitrary<unknown> {
  if (TIMES.has(field.name)) return fc.constantFrom('', '260102030405700+', '991231235959008-')
  if (field.name === 'data_coding') return fc.constant(4) // the package translates the others' text
  if (field.name === 'esm_class') return fc.integer({ min: 0, max: 0x3f }) // and takes UDHs apart
  if (field.kind === 'uint8') return fc.integer({ min: 0, max: 255 })
  if (field.kind === 'cstring') return ascii(field.size - 1)
  return octets(254)
}

/** As options of their constructor: TLVs by name, in order. */
function toTheirs(body: Body<CommandName>): Record<string, unknown> {
  const { tlvs, ...parameters } = body
  const theirs: Record<string, unknown> = { ...parameters }
  for (const one of tlvs) {
    const [tag] = Object.entries(TLV_TAGS).find(([, value]) => value === one.tag)!
    theirs[tag] = value(tag as TlvName, one.value)
  }
  return theirs
}

function value(name: TlvName, octets: Buffer): unknown {
  if ((NUMBERS_8 as readonly string[]).includes(name)) return octets.readUInt8(0)
  if ((NUMBERS_16 as readonly string[]).includes(name)) return octets.readUInt16BE(0)
  if ((STRINGS as readonly string[]).includes(name))
    return octets.toString('latin1', 0, octets.length - 1)
  return octets
}

function tlvOctets(value: unknown, { value: like }: Tlv): Buffer {
  if (typeof value === 'number')
    return like.length === 1 ? Buffer.of(value) : Buffer.of(value >> 8, value & 255)
  if (typeof value === 'string') return Buffer.from(`${value}\0`, 'latin1')
  return plain(value) as Buffer
}

/** Their times are dates, their messages objects. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'object' && value !== null && 'message' in value) return value.message
  return value
}

function ours(parameter: string, body: Body<CommandName>): unknown {
  const value = (body as Record<string, unknown>)[parameter]
  return TIMES.has(parameter) && value !== '' ? parseTime(value as string, 0) : value
}

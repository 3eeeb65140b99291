import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import smpp from 'smpp'
import t from 'tap'
import { COMMAND_IDS, type CommandName } from './command-ids.js'
import { decodeBody, encodePdu, type Body, type Tlv } from './codec.js'
import { PDU_BODIES, type Field } from './pdu-bodies.js'
import { tlvProblem } from './pdu-tlvs.js'
import { SubmitReader } from './submit-reader.js'
import { bodyOf } from './testing/arbitraries.js'
import { PACKAGE_FAULTS } from './testing/package-faults.js'
import { packageTitle, roundTripTitle } from './testing/titles.js'
import { parseTime } from './times.js'
import { TLV_TABLE } from './tlv-table.js'
import { tlvName, type TlvName } from './tlv-tags.js'
import { versionsOf } from './versions.js'

const COMMANDS = Object.keys(PDU_BODIES) as CommandName[]
const SEQUENCE = fc.integer({ min: 0, max: 0xffffffff })

for (const name of COMMANDS) {
  void t.test(roundTripTitle(name), t => {
    for (const version of versionsOf(name)) {
      fc.assert(
        fc.property(bodyOf(name, { version, wild: true }), SEQUENCE, (body, sequence_number) => {
          const octets = encodePdu(name, { sequence_number }, body)
          equal(octets.readUInt32BE(0), octets.length)
          equal(octets.readUInt32BE(4), COMMAND_IDS[name])
          equal(octets.readUInt32BE(12), sequence_number)
          const decoded = decodeBody(name, octets.subarray(16))
          ok(decoded.ok)
          deepStrictEqual(decoded.body, body)
          equal(tlvProblem(name, decoded.body.tlvs, version), undefined)
        }),
        { numRuns: 60 },
      )
    }
    t.end()
  })
}

/** TLVs that the package has wrong, and those whose values it takes apart when it reads: written octets are compared. */
const WRONG = new Set(PACKAGE_FAULTS.flatMap(({ tlvs }) => tlvs ?? []))
/** TLVs that the package keeps in lists. */
const SEVERAL = new Set<TlvName>([
  'callback_num',
  'callback_num_pres_ind',
  'callback_num_atag',
  'broadcast_area_identifier',
  'broadcast_error_status',
])
const TIMES = new Set(['schedule_delivery_time', 'validity_period', 'final_date'])
const TIME = fc.constantFrom('', '260102030405700+', '991231235959008-')

for (const name of COMMANDS.filter(name => versionsOf(name).length > 1 || name.includes('broad'))) {
  void t.test(packageTitle(name), t => {
    for (const version of versionsOf(name)) {
      const bodies = bodyOf(name, {
        version,
        charMax: 0x7e,
        without: WRONG,
        only: {
          schedule_delivery_time: TIME,
          validity_period: TIME,
          final_date: TIME,
          data_coding: fc.constant(4), // the package translates the others' text
          esm_class: fc.integer({ min: 0, max: 0x3f }), // and takes UDHs apart
        },
      })
      fc.assert(
        fc.property(bodies, SEQUENCE, (body, sequence_number) => {
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
            const known = tlvName(one.tag)!
            const { type } = TLV_TABLE[known]
            if (type !== 'octets') deepStrictEqual(first(read[theirName(known)]), value(one))
          }
        }),
        { numRuns: 40 },
      )
    }
    t.end()
  })
}

for (const { what, shows } of PACKAGE_FAULTS) {
  void t.test(`the smpp package ${what}`, t => {
    t.ok(shows(), 'where not: it was mended, compare our octets with its there too')
    t.end()
  })
}

void t.test('the hot path reads what the codec reads, and refuses no more than it', t => {
  const reader = new SubmitReader()
  fc.assert(
    fc.property(
      bodyOf('deliver_sm', { version: 0x34, wild: true }),
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

/** As options of their constructor: TLVs by name, in order; a list where they keep several. */
function toTheirs(body: Body<CommandName>): Record<string, unknown> {
  const { tlvs, ...parameters } = body
  const theirs: Record<string, unknown> = { ...parameters }
  for (const one of tlvs) {
    const known = tlvName(one.tag)!
    theirs[theirName(known)] = SEVERAL.has(known) ? [value(one)] : value(one)
  }
  return theirs
}

/** Its names where they are not those of SMPP 3.4. */
function theirName(name: TlvName): string {
  return name === 'destination_port' ? 'dest_port' : name
}

function first(value: unknown): unknown {
  return Array.isArray(value) ? (value as unknown[])[0] : value
}

function value({ tag, value: octets }: Tlv): unknown {
  const known = tlvName(tag)!
  const { type } = TLV_TABLE[known]
  if (type === 'cstring') return octets.toString('latin1', 0, octets.length - 1)
  return type === 'octets' ? octets : octets.readUIntBE(0, octets.length)
}

/** Their times are dates, their messages objects, their destinations without dest_flag. */
function plain(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  if (typeof value === 'object' && value !== null && 'message' in value) return value.message
  return value
}

function ours(parameter: string, body: Body<CommandName>): unknown {
  const value = (body as Record<string, unknown>)[parameter]
  if (parameter === 'dest_address') {
    return (value as object[]).map(to =>
      Object.fromEntries(Object.entries(to).filter(([key]) => key !== 'dest_flag')),
    )
  }
  return TIMES.has(parameter) && value !== '' ? parseTime(value as string, 0) : value
}

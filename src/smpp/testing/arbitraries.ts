import fc from 'fast-check'
import type { CommandName } from '../command-ids.js'
import type { Body, Tlv } from '../codec.js'
import { INTERFACE_VERSION } from '../constants.js'
import { PDU_BODIES, type Field } from '../pdu-bodies.js'
import { tlvsOf } from '../pdu-tlvs.js'
import { TLV_TABLE } from '../tlv-table.js'
import { TLV_TAGS, type TlvName } from '../tlv-tags.js'
import type { SmppVersion } from '../versions.js'

export interface BodyOptions {
  version: SmppVersion
  /** The highest octet in C-octet strings. */
  charMax?: number
  /** TLVs left out. */
  without?: ReadonlySet<TlvName>
  /** For parameters by name, in the place of any value of their field. */
  only?: Partial<Record<string, fc.Arbitrary<unknown>>>
  /** Also TLVs with tags that the standard does not know, and the same TLV more than once. */
  wild?: boolean
}

/** Bodies that the standard allows in a version: each parameter and TLV within its size. */
export function bodyOf<N extends CommandName>(
  name: N,
  options: BodyOptions,
): fc.Arbitrary<Body<N>> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {}
  for (const field of PDU_BODIES[name] as readonly Field[]) {
    fields[field.name] = options.only?.[field.name] ?? valueOf(field, options)
  }
  fields['tlvs'] = tlvList(name, options)
  return fc.record(fields, { noNullPrototype: true }) as unknown as fc.Arbitrary<Body<N>>
}

export const octets = (maxLength: number, minLength = 0): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map(values => Buffer.from(values))

const uint8 = fc.integer({ min: 0, max: 255 })

function valueOf(field: Field, options: BodyOptions): fc.Arbitrary<unknown> {
  const text = (octetsMax: number): fc.Arbitrary<string> => cstring(octetsMax, options)
  switch (field.kind) {
    case 'cstring':
      return text(sizeIn(field.name, field.size, options))
    case 'uint8':
      return uint8
    case 'message':
      return octets(MESSAGE_MAX[options.version])
    case 'messageIds':
      return fc.array(text(sizeIn('message_id', 65, options)), { maxLength: 5 })
    case 'destinations':
      return fc.array(
        fc.oneof(
          fc.record({ dest_flag: fc.constant(1), ...address(text) }, NO_NULL_PROTOTYPE),
          fc.record({ dest_flag: fc.constant(2), dl_name: text(21) }, NO_NULL_PROTOTYPE),
        ),
        { maxLength: 5 },
      )
    case 'unsuccessful':
      return fc.array(
        fc.record({ ...address(text), error_status_code: fc.nat(0xffffffff) }, NO_NULL_PROTOTYPE),
        { maxLength: 5 },
      )
  }
}

const NO_NULL_PROTOTYPE = { noNullPrototype: true } as const

const address = (text: (octetsMax: number) => fc.Arbitrary<string>) => ({
  dest_addr_ton: uint8,
  dest_addr_npi: uint8,
  destination_addr: text(21),
})

/** short_message: 140 octets in 3.3, 254 in 3.4, 255 in 5.0. */
const MESSAGE_MAX: Readonly<Record<SmppVersion, number>> = {
  [INTERFACE_VERSION.v33]: 140,
  [INTERFACE_VERSION.v34]: 254,
  [INTERFACE_VERSION.v50]: 255,
}

/** message_id of 3.3 is eight hexadecimal digits and a NUL. */
function sizeIn(name: string, size: number, { version }: BodyOptions): number {
  return name === 'message_id' && version === INTERFACE_VERSION.v33 ? 9 : size
}

/** @param octetsMax  NUL included */
function cstring(octetsMax: number, { charMax = 0xff }: BodyOptions): fc.Arbitrary<string> {
  return fc.string({
    unit: fc.integer({ min: 1, max: charMax }).map(code => String.fromCharCode(code)),
    maxLength: octetsMax - 1,
  })
}

function tlvList(name: CommandName, options: BodyOptions): fc.Arbitrary<Tlv[]> {
  const { allowed, required } = tlvsOf(name, options.version)
  const use = allowed.filter(one => options.without?.has(one) !== true)
  const values = (names: readonly TlvName[]) => names.map(one => tlvOf(one, options))
  const more = options.wild === true ? [...values(use), VENDOR_TLV] : values(use)
  const some =
    more.length === 0
      ? fc.constant([])
      : options.wild === true
        ? fc.array(fc.oneof(...more), { maxLength: 6 })
        : fc.uniqueArray(fc.oneof(...more), { selector: ({ tag }) => tag, maxLength: 6 })
  return fc.tuple(fc.tuple(...values(required)), some).map(([must, others]) => {
    const there = new Set(must.map(({ tag }) => tag))
    return [...must, ...others.filter(({ tag }) => options.wild === true || !there.has(tag))]
  })
}

const VENDOR_TLV: fc.Arbitrary<Tlv> = fc.record(
  { tag: fc.integer({ min: 0x1400, max: 0x3fff }), value: octets(40) },
  NO_NULL_PROTOTYPE,
)

function tlvOf(name: TlvName, options: BodyOptions): fc.Arbitrary<Tlv> {
  const { type, min, max } = TLV_TABLE[name]
  const value =
    name === 'broadcast_end_time'
      ? fc.constantFrom(
          ...['260102030405000+', '260102030405000-\0'].map(text => Buffer.from(text)),
        )
      : type === 'cstring'
        ? cstring(max, options)
            .filter(text => text.length + 1 >= min)
            .map(text => Buffer.from(`${text}\0`, 'latin1'))
        : octets(Math.min(max, 300), min)
  return value.map(value => ({ tag: TLV_TAGS[name], value }))
}

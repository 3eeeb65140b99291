import { tlv, type Tlv } from '../smpp/codec.js'
import { ESM_CLASS } from '../smpp/constants.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { withUserData } from '../smpp/user-data.js'
import { characterOctets, decodeText, type DefaultAlphabet } from './alphabets.js'
import { encodeGsm7 } from './gsm7.js'
import { septetsOf, textPlace, type TextPlace } from './message-text.js'
import { packSeptets } from './septets.js'
import { concatenationHeader } from './user-data-header.js'

/** How the parts of a text say that they belong together: a reference of 8 or 16 bits in a user data header, or the sar TLVs. */
export type Concatenating = 'udh8' | 'udh16' | 'sar'

/**
 * The submit_sm bodies that carry the text of one that is too long for one short message. Characters are never cut: no escape
 * is parted from what follows it, nor a surrogate from its other half.
 *
 * @param ofZero     what data_coding 0 stands for where the parts go to
 * @param reference  16 bits, by which a mobile tells texts of one sender apart
 * @returns          `[body]` where it fits, is a part already, cannot be cut, or would have more than 255 parts; one body
 *                   with the text in short_message where that is all it takes
 * Source: 3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8; SMPP 3.4 §5.3.2.22 to §5.3.2.24.
 */
export function splitBody(
  body: Buffer,
  how: Concatenating,
  ofZero: DefaultAlphabet,
  reference: number,
): Buffer[] {
  if (reader.read(body, 'submit_sm') !== 0) return [body]
  const place = textPlace(reader, ofZero)
  if (place === undefined || place.concatenation !== undefined || isShort(place)) return [body]
  const characters = charactersOf(place)
  if (characters === undefined) return [body]
  const others =
    place.header === undefined ? undefined : reader.message.subarray(1, place.header.octets)
  const units = unitsOf(characters)
  if (units.total <= units.capacity(place.header?.octets ?? 0)) {
    if (reader.message_payload_start < 0) return [body]
    return [part(reader.message, reader.esm_class, [])]
  }
  const headerOctets = (how === 'udh8' ? 6 : 7) + (others?.length ?? 0)
  const pieces = cut(characters, units.capacity(headerOctets))
  if (pieces === undefined || pieces.length > PARTS_MAX) return [body]
  const total = pieces.length
  return pieces.map((piece, i) => {
    if (how === 'sar') {
      const header = reader.message.subarray(0, place.header?.octets ?? 0)
      return part(
        userData(place, header, piece),
        reader.esm_class,
        sarTlvs(reference, total, i + 1),
      )
    }
    const bits = how === 'udh8' ? 8 : 16
    const header = concatenationHeader({ reference, total, part: i + 1 }, bits, others)
    return part(userData(place, header, piece), reader.esm_class | ESM_CLASS.udhi, [])
  })
}

/**
 * How many short messages the text of a submit_sm body takes: as many as `udh8` would make of it. What nobody can cut counts by its
 * octets.
 *
 * @param ofZero  what data_coding 0 stands for there
 */
export function segmentsOf(body: Buffer, ofZero: DefaultAlphabet): number {
  if (reader.read(body, 'submit_sm') !== 0) return 1
  const place = textPlace(reader, ofZero)
  if (place !== undefined && isShort(place)) return 1
  const headerOctets = place?.header?.octets ?? 0
  const characters = place === undefined ? undefined : charactersOf(place)
  if (characters !== undefined) {
    const units = unitsOf(characters)
    if (units.total <= units.capacity(headerOctets)) return 1
    const pieces = cut(characters, units.capacity(Math.max(6, 5 + headerOctets)))
    if (pieces !== undefined) return pieces.length
  }
  const { length } = reader.message
  return length <= USER_DATA_OCTETS ? 1 : Math.ceil(length / (USER_DATA_OCTETS - 6))
}

/** Source: 3GPP TS 23.040 §9.2.3.24.1: one octet. */
const PARTS_MAX = 255
/** User data of one short message. Source: 3GPP TS 23.040 §9.2.3.24. */
const USER_DATA_OCTETS = 140

const reader = new SubmitReader()

/** Characters as octets, and what each takes up on its way to the mobile. */
interface Characters {
  octets: Buffer
  /** Where each begins, and at the end the length. */
  starts: number[]
  costs: number[]
  unit: 'septet' | 'octet'
}

/** It is in short_message, and fits whatever its characters are: most texts need not be looked at one by one. */
function isShort({ alphabet }: TextPlace): boolean {
  const plain = ['gsm7', 'gsm7-packed', 'ucs2', 'octets'].includes(alphabet)
  // Of the others each octet may become a character of UCS-2.
  const octetsMax = plain ? USER_DATA_OCTETS : USER_DATA_OCTETS / 2
  return reader.message_payload_start < 0 && reader.sm_length <= octetsMax
}

/** undefined: nobody can tell where it may be cut. */
function charactersOf(place: TextPlace): Characters | undefined {
  const { alphabet, coding } = place
  if (alphabet === 'unknown' || alphabet === 'iso-2022-jp' || coding.compressed === true)
    return undefined
  const octets = septetsOf(place) ?? place.octets
  const written = alphabet === 'gsm7-packed' ? 'gsm7' : alphabet
  const starts: number[] = []
  for (let at = 0; at < octets.length;) {
    starts.push(at)
    at += written === 'octets' ? 1 : characterOctets(written, octets, at)
  }
  starts.push(octets.length)
  const length = (_: number, i: number): number => starts[i + 1]! - starts[i]!
  const own = starts.slice(0, -1).map(length)
  if (written === 'gsm7') return { octets, starts, costs: own, unit: 'septet' }
  if (written === 'octets' || written === 'ucs2')
    return { octets, starts, costs: own, unit: 'octet' }
  // Mobiles know the default alphabet and UCS-2: the SMSC makes it the one, or else the other.
  const texts = own.map((octetsLong, i) =>
    decodeText(written, octets.subarray(starts[i], starts[i]! + octetsLong)),
  )
  const septets = texts.map(text => encodeGsm7(text)?.length)
  return septets.every(count => count !== undefined)
    ? { octets, starts, costs: septets, unit: 'septet' }
    : { octets, starts, costs: texts.map(text => 2 * text.length), unit: 'octet' }
}

function unitsOf({ costs, unit }: Characters): {
  total: number
  /** Of one short message whose user data header has so many octets. */
  capacity: (headerOctets: number) => number
} {
  const capacity = (headerOctets: number): number => {
    const left = USER_DATA_OCTETS - headerOctets
    return unit === 'octet' ? left : Math.floor((8 * left) / 7)
  }
  return { total: costs.reduce((sum, cost) => sum + cost, 0), capacity }
}

/** undefined: a character is longer than a part. */
function cut({ octets, starts, costs }: Characters, capacity: number): Buffer[] | undefined {
  const pieces: Buffer[] = []
  let from = 0
  let used = 0
  for (const [i, cost] of costs.entries()) {
    if (cost > capacity) return undefined
    if (used + cost > capacity) {
      pieces.push(octets.subarray(from, starts[i]))
      from = starts[i]!
      used = 0
    }
    used += cost
  }
  pieces.push(octets.subarray(from))
  return pieces
}

function userData({ alphabet }: TextPlace, header: Buffer, piece: Buffer): Buffer {
  const text = alphabet === 'gsm7-packed' ? packSeptets(piece, header.length) : piece
  return Buffer.concat([header, text])
}

function sarTlvs(reference: number, total: number, number: number): Tlv[] {
  return [
    tlv.uint16('sar_msg_ref_num', reference & 0xffff),
    tlv.uint8('sar_total_segments', total),
    tlv.uint8('sar_segment_seqnum', number),
  ]
}

function part(userData: Buffer, esm_class: number, tlvs: Tlv[]): Buffer {
  const { data_coding } = reader
  return withUserData(reader, { userData, esm_class, data_coding, asPayload: false, tlvs })
}

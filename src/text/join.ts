import { createHash } from 'node:crypto'
import { ESM_CLASS } from '../smpp/constants.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import { withUserData } from '../smpp/user-data.js'
import type { DefaultAlphabet } from './alphabets.js'
import { septetsOf, textPlace } from './message-text.js'
import { packSeptets } from './septets.js'
import { headerOfOthers } from './user-data-header.js'

/** Octets of a part's message, its header with it, and of its whole body: what is longer is no short message. */
const PART_OCTETS_MAX = 255
const BODY_OCTETS_MAX = 1024

/** Which part of which message a body is. */
export interface PartOfMessage {
  /** The same for parts that can be joined. At most 255 octets of Latin-1. */
  key: string
  total: number
  /** From 1 on. */
  part: number
  /** Of what it says, 48 bits. */
  digest: number
}

/**
 * What a deliver_sm body says of the message that it is a part of: by a concatenation element in its user data header, or
 * else by the sar TLVs. Parts belong together that say the same of sender, destination, reference and number of parts; and that
 * can be joined, for they have the same data_coding, esm_class and protocol_id, and the same other elements in their headers.
 *
 * @returns  undefined: it is none, or one that nobody can join with others
 * Source: 3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8; SMPP 3.4 §5.3.2.22 to §5.3.2.24.
 */
export function partOf(body: Buffer): PartOfMessage | undefined {
  if (body.length > BODY_OCTETS_MAX || reader.read(body, 'deliver_sm') !== 0) return undefined
  const { esm_class, data_coding, protocol_id, message } = reader
  if ((esm_class & ESM_CLASS.type_mask) !== 0 || message.length > PART_OCTETS_MAX) return undefined
  const place = textPlace(reader, 'gsm7')
  const { reference, total, part, bits = 'sar' } = place?.concatenation ?? NO_PART
  if (place === undefined || total < 2 || part < 1 || part > total) return undefined
  if (place.alphabet === 'unknown' || place.coding.compressed === true) return undefined
  const others = place.header === undefined ? '' : headerOfOthers(message).toString('hex')
  const from = `${reader.source_addr_ton}.${reader.source_addr_npi}.${reader.source_addr}`
  const to = `${reader.dest_addr_ton}.${reader.dest_addr_npi}.${reader.destination_addr}`
  const kind = `${esm_class}.${protocol_id}.${data_coding}`
  return {
    key: `${from} ${to} ${bits}.${reference}.${total} ${kind} ${others && digestOf(others)}`,
    total,
    part,
    digest: digestOf(message),
  }
}

/**
 * The deliver_sm body of a message whose parts these are: what `partOf` gives one key, all of them, in their order. All but the
 * text is the first one's. What concatenation there is goes, other elements of the header stay. The text is in
 * short_message where it fits, else in message_payload. A character that is cut in two, one half in each part, is whole again.
 *
 * @param ofZero  what data_coding 0 stands for in them
 * @returns       undefined where they cannot be read
 */
export function joinParts(parts: readonly Buffer[], ofZero: DefaultAlphabet): Buffer | undefined {
  const texts: Buffer[] = []
  let isPacked = false
  for (const body of parts) {
    if (reader.read(body, 'deliver_sm') !== 0) return undefined
    const place = textPlace(reader, ofZero)
    if (place === undefined) return undefined
    isPacked = place.alphabet === 'gsm7-packed'
    texts.push(Buffer.from(septetsOf(place) ?? place.octets))
  }
  const [first] = parts
  if (first === undefined || reader.read(first, 'deliver_sm') !== 0) return undefined
  const { esm_class, data_coding, message } = reader
  const header = (esm_class & ESM_CLASS.udhi) === 0 ? NOTHING : headerOfOthers(message)
  const text = Buffer.concat(texts)
  return withUserData(reader, {
    userData: Buffer.concat([header, isPacked ? packSeptets(text, header.length) : text]),
    esm_class: header.length === 0 ? esm_class & ~ESM_CLASS.udhi : esm_class,
    data_coding,
    asPayload: false,
    without: SAR_TAGS,
  })
}

const reader = new SubmitReader()
const NOTHING = Buffer.alloc(0)
const NO_PART = { reference: 0, total: 0, part: 0, bits: undefined }
const SAR_TAGS = [
  TLV_TAGS.sar_msg_ref_num,
  TLV_TAGS.sar_total_segments,
  TLV_TAGS.sar_segment_seqnum,
]

const digestOf = (said: string | Buffer): number =>
  createHash('sha256').update(said).digest().readUIntBE(0, 6)

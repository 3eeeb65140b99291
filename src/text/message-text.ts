import { ESM_CLASS } from '../smpp/constants.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import { decodeText, type Alphabet, type DefaultAlphabet } from './alphabets.js'
import { describeDataCoding, type DataCoding } from './data-coding.js'
import { decodeGsm7 } from './gsm7.js'
import { unpackSeptets } from './septets.js'
import { readUserDataHeader, type Concatenation, type UserDataHeader } from './user-data-header.js'

/** Where the text of a submit_sm or deliver_sm lies, and how it is written. */
export interface TextPlace {
  coding: DataCoding
  /** The alphabet, the default one by its name. */
  alphabet: Alphabet | 'octets' | 'unknown'
  /** undefined: there is none. */
  header: UserDataHeader | undefined
  /** What follows the header. A view. */
  octets: Buffer
  /** Of a text in parts; of its header, or of the sar TLVs. */
  concatenation: Concatenation | undefined
}

/**
 * @param reader   has read the body
 * @param ofZero   what data_coding 0 stands for where the body comes from
 * @returns        undefined where the user data header runs over the end
 */
export function textPlace(reader: SubmitReader, ofZero: DefaultAlphabet): TextPlace | undefined {
  const { message } = reader
  const coding = describeDataCoding(reader.data_coding)
  const hasHeader = (reader.esm_class & ESM_CLASS.udhi) !== 0
  const header = hasHeader ? readUserDataHeader(message) : undefined
  if (hasHeader && header === undefined) return undefined
  return {
    coding,
    alphabet: coding.alphabet === 'default' ? ofZero : coding.alphabet,
    header,
    octets: header === undefined ? message : message.subarray(header.octets),
    concatenation: header?.concatenation ?? sarOf(reader),
  }
}

/** Septets one to an octet, whether they came packed or not; undefined for other alphabets. */
export function septetsOf({ alphabet, header, octets }: TextPlace): Buffer | undefined {
  if (alphabet === 'gsm7') return octets
  return alphabet === 'gsm7-packed' ? unpackSeptets(octets, header?.octets) : undefined
}

/** undefined: it is no text. */
export function textAt(place: TextPlace): string | undefined {
  const { alphabet, header, octets } = place
  if (alphabet === 'octets' || alphabet === 'unknown') return undefined
  const septets = septetsOf(place)
  return septets === undefined
    ? decodeText(alphabet, octets)
    : decodeGsm7(septets, header?.languages)
}

/** A message as people read it. */
export interface ShownText {
  /** null: it is no text. */
  text: string | null
  alphabet: Alphabet | 'octets' | 'unknown'
  class?: number
  mwi?: DataCoding['mwi']
  /** `2/3`: the second of three. */
  part?: string
}

/** The text of a body; undefined where it cannot be read. */
export function shownText(
  body: Buffer,
  command: 'submit_sm' | 'deliver_sm',
  ofZero: DefaultAlphabet,
): ShownText | undefined {
  if (reader.read(body, command) !== 0) return undefined
  const place = textPlace(reader, ofZero)
  if (place === undefined) return undefined
  const { coding, alphabet, concatenation } = place
  return {
    text: textAt(place) ?? null,
    alphabet,
    ...(coding.class === undefined ? {} : { class: coding.class }),
    ...(coding.mwi === undefined ? {} : { mwi: coding.mwi }),
    ...(concatenation === undefined
      ? {}
      : { part: `${concatenation.part}/${concatenation.total}` }),
  }
}

const reader = new SubmitReader()

/** Source: SMPP 3.4 §5.3.2.22 to §5.3.2.24. */
function sarOf(reader: SubmitReader): Concatenation | undefined {
  const reference = reader.tlv(TLV_TAGS.sar_msg_ref_num)
  const total = reader.tlv(TLV_TAGS.sar_total_segments)
  const part = reader.tlv(TLV_TAGS.sar_segment_seqnum)
  if (reference?.length !== 2 || total?.length !== 1 || part?.length !== 1) return undefined
  return { reference: reference.readUInt16BE(0), total: total[0]!, part: part[0]! }
}

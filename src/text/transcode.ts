import { SubmitReader } from '../smpp/submit-reader.js'
import { withUserData } from '../smpp/user-data.js'
import { encodeText, encodeTextLossy, type DefaultAlphabet } from './alphabets.js'
import { asUcs2 } from './data-coding.js'
import { septetsOf, textAt, textPlace, type TextPlace } from './message-text.js'
import { packSeptets } from './septets.js'

export interface Transcoding {
  /** What data_coding 0 stands for where the body comes from, and where it goes. */
  from: DefaultAlphabet
  to: DefaultAlphabet
  /** For a text with characters that `to` lacks: the whole of it in UCS-2, or a `?` for each. */
  otherCharacters: OtherCharacters
}

export type OtherCharacters = 'ucs2' | 'questionMark'

/**
 * The body with its text in the other default alphabet. What has a data_coding of its own stays as it is, and so does a user
 * data header. Parts of a longer text never change to UCS-2, which would not fit: they get `?`. A text whose header
 * names language tables consists of septets, whatever the peers' alphabets: it is at most packed or unpacked. What gets longer
 * than short_message takes goes as message_payload.
 *
 * @returns  `body` itself where nothing is to be done, or it cannot be read
 */
export function transcodeBody(
  body: Buffer,
  command: 'submit_sm' | 'deliver_sm',
  { from, to, otherCharacters }: Transcoding,
): Buffer {
  if (reader.read(body, command) !== 0) return body
  const place = textPlace(reader, from)
  if (place?.coding.alphabet !== 'default' || place.octets.length === 0) return body
  const { data_coding } = reader
  const septets = isSeptets(from) && isSeptets(to) ? septetsOf(place) : undefined
  if (septets !== undefined) {
    const packed = to === 'gsm7-packed' ? packSeptets(septets, place.header?.octets) : septets
    return rewritten(place, packed, data_coding)
  }
  if (place.header?.languages !== undefined) return body
  const text = textAt(place) ?? ''
  const exact = encoded(to, text, place)
  if (exact !== undefined) return rewritten(place, exact, data_coding)
  const ucs2 = asUcs2(data_coding)
  if (otherCharacters === 'ucs2' && ucs2 !== undefined && place.concatenation === undefined) {
    const octets = encodeText('ucs2', text)!
    if (octets.length <= PAYLOAD_OCTETS_MAX) return rewritten(place, octets, ucs2)
  }
  const known = encodeTextLossy(to === 'gsm7-packed' ? 'gsm7' : to, text)
  const octets = to === 'gsm7-packed' ? packSeptets(known, place.header?.octets) : known
  return rewritten(place, octets, data_coding)
}

/** What a TLV's length can say. */
const PAYLOAD_OCTETS_MAX = 0xffff - 256

const reader = new SubmitReader()

const isSeptets = (alphabet: DefaultAlphabet): boolean =>
  alphabet === 'gsm7' || alphabet === 'gsm7-packed'

function encoded(to: DefaultAlphabet, text: string, { header }: TextPlace): Buffer | undefined {
  if (to !== 'gsm7-packed') return encodeText(to, text)
  const septets = encodeText('gsm7', text)
  return septets === undefined ? undefined : packSeptets(septets, header?.octets)
}

function rewritten({ header }: TextPlace, octets: Buffer, data_coding: number): Buffer {
  const { message, esm_class, message_payload_start } = reader
  const userData =
    header === undefined ? octets : Buffer.concat([message.subarray(0, header.octets), octets])
  const asPayload = message_payload_start >= 0
  return withUserData(reader, { userData, esm_class, data_coding, asPayload })
}

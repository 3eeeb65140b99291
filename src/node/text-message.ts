import { tlv, type Tlv } from '../smpp/codec.js'
import { encodeBody } from '../smpp/codec.js'
import { DATA_CODING, NPI, REGISTERED_DELIVERY, SHORT_MESSAGE_MAX, TON } from '../smpp/constants.js'
import { encodeText, type DefaultAlphabet } from '../text/alphabets.js'

/** Longer texts go as message_payload (SMPP 3.4 §5.2.22), up to here. */
const PAYLOAD_OCTETS_MAX = 20_000

/**
 * The body of a submit_sm that carries this text and asks for a receipt: under data_coding 0 where its account's alphabet has
 * all the characters, else in UCS-2, which every mobile reads.
 *
 * @param alphabet  of the account in whose name it goes
 * @returns         undefined where the text is longer than any SMSC takes
 */
export function textSubmitBody(
  message: { from: string; to: string; text: string },
  alphabet: DefaultAlphabet,
): Buffer | undefined {
  const { data_coding, octets } = encoded(message.text, alphabet)
  if (octets.length > PAYLOAD_OCTETS_MAX) return undefined
  const long = octets.length > SHORT_MESSAGE_MAX
  const tlvs: Tlv[] = long ? [tlv.octets('message_payload', octets)] : []
  const source = sourceOf(message.from)
  const destination = numberOf(message.to)
  return encodeBody('submit_sm', {
    service_type: '',
    source_addr_ton: source.ton,
    source_addr_npi: source.npi,
    source_addr: source.address,
    dest_addr_ton: destination.ton,
    dest_addr_npi: destination.npi,
    destination_addr: destination.address,
    registered_delivery: REGISTERED_DELIVERY.always,
    data_coding,
    short_message: long ? Buffer.alloc(0) : octets,
    tlvs,
  })
}

function encoded(text: string, alphabet: DefaultAlphabet): { data_coding: number; octets: Buffer } {
  const octets = encodeText(alphabet, text)
  return octets === undefined
    ? { data_coding: DATA_CODING.ucs2, octets: encodeText('ucs2', text)! }
    : { data_coding: DATA_CODING.smsc_default, octets }
}

function sourceOf(from: string): { ton: number; npi: number; address: string } {
  if (from === '') return { ton: TON.unknown, npi: NPI.unknown, address: '' }
  return /^\+?\d+$/.test(from)
    ? numberOf(from)
    : { ton: TON.alphanumeric, npi: NPI.unknown, address: from }
}

function numberOf(text: string): { ton: number; npi: number; address: string } {
  return text.startsWith('+')
    ? { ton: TON.international, npi: NPI.isdn, address: text.slice(1) }
    : { ton: TON.unknown, npi: NPI.isdn, address: text }
}

import { tlv, type Tlv } from '../smpp/codec.js'
import { encodeBody } from '../smpp/codec.js'
import { DATA_CODING, NPI, REGISTERED_DELIVERY, TON } from '../smpp/constants.js'

/** What short_message holds; longer ones go as message_payload (SMPP 3.4 §5.2.22). */
const SHORT_MESSAGE_OCTETS_MAX = 254
const PAYLOAD_OCTETS_MAX = 20_000

/** Characters that GSM 03.38, IA5 and Latin-1 write with the same octet: no SMSC takes them otherwise. */
const SAFE = /^[\n\r !"#%&'()*+,\-./0-9:;<=>?A-Za-z]*$/
const LATIN1 = /^[\n\r\x20-\x7e\xa0-\xff]*$/

/**
 * The body of a submit_sm that carries this text and asks for a receipt. The data_coding is the plainest that
 * says it all: the SMSC's own, Latin-1, or UCS-2.
 *
 * @returns  undefined where the text is longer than any SMSC takes
 */
export function textSubmitBody(message: {
  from: string
  to: string
  text: string
}): Buffer | undefined {
  const { data_coding, octets } = encoded(message.text)
  if (octets.length > PAYLOAD_OCTETS_MAX) return undefined
  const long = octets.length > SHORT_MESSAGE_OCTETS_MAX
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

function encoded(text: string): { data_coding: number; octets: Buffer } {
  if (SAFE.test(text))
    return { data_coding: DATA_CODING.smsc_default, octets: Buffer.from(text, 'latin1') }
  if (LATIN1.test(text))
    return { data_coding: DATA_CODING.latin1, octets: Buffer.from(text, 'latin1') }
  return { data_coding: DATA_CODING.ucs2, octets: Buffer.from(text, 'utf16le').swap16() }
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

import { BodyReader } from './body-reader.js'
import { commandName } from './command-ids.js'
import { DATA_CODING, ESM_CLASS } from './constants.js'
import { PDU_BODIES, type Field } from './pdu-bodies.js'
import { tlvName } from './tlv-tags.js'

const STAR = 0x2a
/** TLVs that hold text; so may those that have no name here, a vendor's own among them. */
const TEXT_TLVS: ReadonlySet<string> = new Set(['message_payload', 'additional_status_info_text'])
/** Elements of a user data header that only say which part this is. Source: 3GPP TS 23.040 §9.2.3.24. */
const PART_ELEMENTS: Readonly<Record<number, number>> = { 0x00: 3, 0x08: 4, 0x04: 2, 0x05: 4 }

/**
 * Overwrites in place what others must not read, with `*`: passwords always, and texts where `texts` is not set. Lengths
 * stay as they are, so that what is left can be decoded. Of a receipt what stands before `text:` stays. What cannot be
 * read as the command says is overwritten to its end.
 *
 * @param pdu  whole, its header too; the caller's own copy
 */
export function maskPdu(pdu: Buffer, { texts }: { texts: boolean }): void {
  const name = commandName(pdu.readUInt32BE(4))
  const body = pdu.subarray(16)
  if (name === undefined) {
    if (!texts) body.fill(STAR)
    return
  }
  const fields: readonly Field[] = PDU_BODIES[name]
  const reader = new BodyReader(body)
  const hasPassword = fields.some(field => field.name === 'password')
  const maskRest = (from: number): void => {
    if (!texts || hasPassword) body.fill(STAR, from)
  }
  const coding: Coding = { esm_class: 0, data_coding: 0 }
  for (const field of fields) {
    const start = reader.position
    const value = reader.field(field)
    if (reader.problem !== undefined) return maskRest(start)
    if (field.name === 'password') body.fill(STAR, start, reader.position - 1)
    else if (field.name === 'esm_class' || field.name === 'data_coding')
      coding[field.name] = value as number
    else if (field.kind === 'message' && !texts) maskText(value as Buffer, coding)
  }
  const end = reader.position
  const tlvs = reader.tlvs()
  for (const { tag, value } of tlvs) {
    const known = tlvName(tag)
    if (known === 'message_payload' && !texts) maskText(value, coding)
    else if (known === undefined || TEXT_TLVS.has(known)) {
      if (!texts || hasPassword) value.fill(STAR)
    }
  }
  const read = tlvs.reduce((at, { value }) => at + 4 + value.length, end)
  maskRest(read)
}

interface Coding {
  esm_class: number
  data_coding: number
}

function maskText(text: Buffer, { esm_class, data_coding }: Coding): void {
  if ((esm_class & ESM_CLASS.udhi) !== 0) {
    const header = partHeaderOctets(text)
    return star(text.subarray(header), data_coding)
  }
  if ((esm_class & ESM_CLASS.type_mask) === ESM_CLASS.receipt) {
    const [found = ''] = /^id:.*?text:/is.exec(text.toString('latin1')) ?? []
    return star(text.subarray(found.length), data_coding)
  }
  star(text, data_coding)
}

/** In two octets a character where the text is UCS-2. */
function star(text: Buffer, data_coding: number): void {
  text.fill(STAR)
  if (data_coding !== DATA_CODING.ucs2 || text.length % 2 !== 0) return
  for (let at = 0; at < text.length; at += 2) text[at] = 0
}

/** Octets of a user data header that holds nothing but which part this is; 0 where it is anything else. */
function partHeaderOctets(text: Buffer): number {
  const end = 1 + (text[0] ?? 0)
  if (end > text.length) return 0
  let at = 1
  while (at + 2 <= end) {
    const length = text[at + 1]!
    if (PART_ELEMENTS[text[at]!] !== length) return 0
    at += 2 + length
  }
  return at === end && end > 1 ? end : 0
}

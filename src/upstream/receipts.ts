import type { Tlv } from '../smpp/codec.js'
import { ESM_CLASS, MESSAGE_STATE } from '../smpp/constants.js'
import { isReceipt, parseReceipt, receiptText } from '../smpp/receipt.js'
import { normalizeSmscId } from '../smpp/smsc-id.js'
import type { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import type { Connector } from '../policy/settings.js'

/** What the journal needs of a delivery receipt, as the SMSC wrote it. */
export interface Receipt {
  /** An intermediate notification, by its esm_class. */
  intermediate: boolean
  /** receipted_message_id; '' where that TLV is missing. */
  tlvId: string
  /** `id:` of the text; '' where there is none. */
  textId: string
  /** message_state (SMPP 3.4 §5.2.28); 0 where neither TLV nor text name one. */
  state: number
  /** Of network_error_code, or of `err:`; 0 where there is none, or it is no number. */
  error: number
}

/**
 * Reads a deliver_sm that `reader` has read. Undefined: it is no receipt but a message. A receipt says so
 * in esm_class, or names a receipted_message_id; some SMSCs leave both out, then its text must have the
 * usual form.
 *
 * Source: SMPP 3.4 §5.2.12, §5.3.2.12, appendix B.
 */
export function readReceipt(reader: SubmitReader): Receipt | undefined {
  const { esm_class, data_coding } = reader
  const named = isReceipt(esm_class)
  if (!named && (esm_class & ESM_CLASS.type_mask) !== 0) return undefined
  const tlvs: Tlv[] = []
  for (const tag of TAGS) {
    const value = reader.tlv(tag)
    if (value !== undefined) tlvs.push({ tag, value })
  }
  const source = { esm_class, data_coding, short_message: reader.message, tlvs }
  if (!named && tlvs[0]?.tag !== TLV_TAGS.receipted_message_id)
    if (!TEXT_FORM.test(receiptText(source))) return undefined
  const said = parseReceipt(source)
  const error = said?.network_error_code?.code ?? Number(said?.err ?? 0)
  return {
    intermediate: (esm_class & ESM_CLASS.type_mask) === ESM_CLASS.intermediate_notification,
    tlvId: said?.receipted_message_id ?? '',
    textId: said?.id ?? '',
    state: said?.state === undefined ? 0 : MESSAGE_STATE[said.state],
    error: Number.isSafeInteger(error) && error >= 0 && error <= 0xffffffff ? error : 0,
  }
}

const TAGS = [
  TLV_TAGS.receipted_message_id,
  TLV_TAGS.message_state,
  TLV_TAGS.network_error_code,
] as const

/** An id first, a date, a state: more than a mobile's message says by chance. */
const TEXT_FORM = /^\s*id:\s*\S+\s.*\b(?:submit|done)[ _]?date:.*\bstat:\s*[a-z]/is

/**
 * The message id that a receipt means. TLV and text may name different ones, and the TLV may be written as
 * the submit_sm_resp was (PITFALLS 1): of what they can mean, the first that a message awaits a receipt
 * for; where none does yet, the likeliest. '' where the receipt names none.
 */
export function chooseId(
  { tlvId, textId }: Pick<Receipt, 'tlvId' | 'textId'>,
  { submit, receipt }: Connector['messageIdFormat'],
  awaited: (smscId: string) => boolean,
): string {
  const meanings: string[] = []
  const add = (id: string, format: typeof submit): void => {
    const meaning = normalizeSmscId(id.slice(0, ID_OCTETS_MAX), format)
    const fits = meaning !== '' && (format === 'text' || /^\d+$/.test(meaning))
    if (fits && !meanings.includes(meaning)) meanings.push(meaning)
  }
  if (submit === receipt) add(tlvId, submit)
  add(textId, receipt)
  add(tlvId, submit)
  add(tlvId, receipt)
  if (meanings.length === 0) add(tlvId === '' ? textId : tlvId, 'text')
  const known = meanings.length > 1 ? meanings.find(awaited) : undefined
  return known ?? meanings[0] ?? ''
}

/** An entry has one octet for an id's length; 65 is what a TLV or a resp may carry (SMPP 3.4 §5.3.2.12). */
const ID_OCTETS_MAX = 65

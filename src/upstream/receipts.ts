import { DATA_CODING, ESM_CLASS, MESSAGE_STATE } from '../smpp/constants.js'
import type { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'

/** What a delivery receipt says, as the SMSC wrote it. */
export interface Receipt {
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
  const type = reader.esm_class & ESM_CLASS.type_mask
  const named = type === ESM_CLASS.receipt || type === ESM_CLASS.intermediate_notification
  if (!named && type !== 0) return undefined
  const tlvId = cstring(reader.tlv(TLV_TAGS.receipted_message_id))
  const text = textOf(reader)
  if (!named && tlvId === '' && !TEXT_FORM.test(text)) return undefined
  const keys = text.replace(MESSAGE_TEXT, '')
  const state = reader.tlv(TLV_TAGS.message_state)?.[0] ?? stateOf(value(keys, STAT))
  const networkError = reader.tlv(TLV_TAGS.network_error_code)
  const error =
    networkError?.length === 3 ? networkError.readUInt16BE(1) : Number(value(keys, ERR) || 0)
  return {
    tlvId,
    textId: value(keys, ID),
    state,
    error: Number.isSafeInteger(error) && error <= 0xffffffff ? error : 0,
  }
}

/** message_state of a receipt's `stat:`; 0 where it is none that we know. Source: SMPP 3.4 appendix B. */
export function stateOf(stat: string): number {
  return STATES[stat.toUpperCase().slice(0, 7)] ?? 0
}

const STATES: Partial<Record<string, number>> = {
  ENROUTE: MESSAGE_STATE.ENROUTE,
  DELIVRD: MESSAGE_STATE.DELIVERED,
  DELIVER: MESSAGE_STATE.DELIVERED, // DELIVERED, DELIVERD
  EXPIRED: MESSAGE_STATE.EXPIRED,
  DELETED: MESSAGE_STATE.DELETED,
  UNDELIV: MESSAGE_STATE.UNDELIVERABLE,
  FAILED: MESSAGE_STATE.UNDELIVERABLE,
  ACCEPTD: MESSAGE_STATE.ACCEPTED,
  ACCEPTE: MESSAGE_STATE.ACCEPTED,
  UNKNOWN: MESSAGE_STATE.UNKNOWN,
  REJECTD: MESSAGE_STATE.REJECTED,
  REJECTE: MESSAGE_STATE.REJECTED,
}

/** An id first, a state, and a date: more than a mobile's message says by chance. */
const TEXT_FORM = /^\s*id:\s*\S+\s.*\b(?:submit|done) date:.*\bstat:\s*[a-z]/is
/** Everything from `text:` on is the message's own. */
const MESSAGE_TEXT = /\btext:.*$/is
const ID = /\bid:\s*(\S+)/i
const STAT = /\bstat:\s*([a-z]+)/i
const ERR = /\berr:\s*(\d+)/i

/** The start of a receipt's text: what follows is the message's own. */
const TEXT_OCTETS_MAX = 512

function textOf(reader: SubmitReader): string {
  let octets = reader.message
  if ((reader.esm_class & ESM_CLASS.udhi) !== 0) octets = octets.subarray(1 + (octets[0] ?? 0))
  octets = octets.subarray(0, TEXT_OCTETS_MAX)
  // Some say data_coding 8 and write single octets all the same (PITFALLS 5).
  if (reader.data_coding !== DATA_CODING.ucs2 || octets[0] !== 0) return octets.toString('latin1')
  return Buffer.from(octets.subarray(0, octets.length & ~1))
    .swap16()
    .toString('utf16le')
}

function value(text: string, key: RegExp): string {
  return key.exec(text)?.[1] ?? ''
}

function cstring(octets: Buffer | undefined): string {
  if (octets === undefined) return ''
  const nul = octets.indexOf(0)
  return octets.toString('latin1', 0, nul < 0 ? Math.min(octets.length, 65) : nul)
}

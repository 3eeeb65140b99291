import type { StoredMessage } from '../journal/index.js'
import { MESSAGE_STATE } from '../journal/index.js'
import { encodeBody, tlv, type Tlv } from '../smpp/codec.js'
import { DATA_CODING, ESM_CLASS } from '../smpp/constants.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { formatReceiptDate } from '../smpp/times.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'

/** Longest short_message. Source: SMPP 3.4 §5.2.21 allows 254. */
const SHORT_MESSAGE_MAX = 254

const reader = new SubmitReader()

/**
 * An SMSC's receipt, as a deliver_sm body for the ESME: with our message_id in place of the SMSC's, in
 * the text (`id:`) and as receipted_message_id. All else stays as it came. A text that names no id (UCS2,
 * or one of its own kind) stays too.
 *
 * @param tlvs  false for a peer of SMPP 3.3: it knows none, so message_payload becomes short_message
 */
export function relayedReceipt(body: Buffer, messageId: string, tlvs: boolean): Buffer {
  // A body that cannot be read was taken from the SMSC all the same: it goes on as it is.
  if (reader.read(body, 'deliver_sm') !== 0) return body
  const payload = reader.message_payload_start >= 0
  const text = withId(reader.message, messageId)
  const short =
    payload && tlvs ? body.subarray(reader.short_message_start, reader.short_message_end) : text
  const cut = short.subarray(0, SHORT_MESSAGE_MAX)
  const parts = [body.subarray(0, reader.short_message_start - 1), Buffer.of(cut.length), cut]
  if (tlvs) pushTlvs(parts, body, messageId, payload ? text : undefined)
  return Buffer.concat(parts)
}

/** An MO, as it came; without optional parameters for a peer of SMPP 3.3. */
export function relayedMo(body: Buffer, tlvs: boolean): Buffer {
  if (tlvs || reader.read(body, 'deliver_sm') !== 0) return body
  if (reader.message_payload_start < 0) return body.subarray(0, reader.short_message_end)
  const text = reader.message.subarray(0, SHORT_MESSAGE_MAX)
  const head = body.subarray(0, reader.short_message_start - 1)
  return Buffer.concat([head, Buffer.of(text.length), text])
}

/** What a receipt of ours says. Times are ms since the Unix epoch. */
export interface OwnReceipt {
  messageId: string
  /** See MESSAGE_STATE. */
  state: number
  /** command_status of the SMSC, or 0. */
  error: number
  submittedAtMs: number
  doneAtMs: number
}

/**
 * A receipt of the gateway's own, about a message that no SMSC speaks of: expired, rejected, given up.
 * Source: SMPP 3.4 Appendix B, and §5.3.2.12 and §5.3.2.35 for the parameters.
 *
 * @returns undefined where the stored submit cannot be read: it never was one
 */
export function ownReceipt(
  submit: Extract<StoredMessage, { kind: 'submit' }>,
  receipt: OwnReceipt,
  tlvs: boolean,
): Buffer | undefined {
  if (reader.read(submit.body, 'submit_sm') !== 0) return undefined
  const { messageId, state, error, submittedAtMs, doneAtMs } = receipt
  const delivered = state === MESSAGE_STATE.DELIVERED ? '001' : '000'
  const text =
    `id:${messageId} sub:001 dlvrd:${delivered} submit date:${formatReceiptDate(submittedAtMs)} ` +
    `done date:${formatReceiptDate(doneAtMs)} stat:${STATS[state] ?? 'UNKNOWN'} ` +
    `err:${String(Math.min(error, 999)).padStart(3, '0')} text:${firstWords()}`
  const optional: Tlv[] = []
  if (tlvs) {
    optional.push(tlv.cstring('receipted_message_id', messageId), tlv.uint8('message_state', state))
    if (reader.user_message_reference >= 0)
      optional.push(tlv.uint16('user_message_reference', reader.user_message_reference))
  }
  return encodeBody('deliver_sm', {
    service_type: reader.service_type,
    source_addr_ton: reader.dest_addr_ton,
    source_addr_npi: reader.dest_addr_npi,
    source_addr: reader.destination_addr,
    dest_addr_ton: reader.source_addr_ton,
    dest_addr_npi: reader.source_addr_npi,
    destination_addr: reader.source_addr,
    esm_class: ESM_CLASS.receipt,
    short_message: Buffer.from(text, 'latin1'),
    tlvs: optional,
  })
}

/** `stat:` by message_state. Source: SMPP 3.4 Appendix B, table B-2. */
const STATS: Record<number, string> = {
  [MESSAGE_STATE.ENROUTE]: 'ENROUTE',
  [MESSAGE_STATE.DELIVERED]: 'DELIVRD',
  [MESSAGE_STATE.EXPIRED]: 'EXPIRED',
  [MESSAGE_STATE.DELETED]: 'DELETED',
  [MESSAGE_STATE.UNDELIVERABLE]: 'UNDELIV',
  [MESSAGE_STATE.ACCEPTED]: 'ACCEPTD',
  [MESSAGE_STATE.UNKNOWN]: 'UNKNOWN',
  [MESSAGE_STATE.REJECTED]: 'REJECTD',
}

/** The first 20 characters of the reader's message, where it is text in one octet a character. */
function firstWords(): string {
  const { data_coding, esm_class } = reader
  const text =
    (esm_class & ESM_CLASS.udhi) === 0 &&
    (data_coding === DATA_CODING.smsc_default ||
      data_coding === DATA_CODING.ia5 ||
      data_coding === DATA_CODING.latin1)
  return text ? reader.message.toString('latin1', 0, 20) : ''
}

/** The text with its id replaced; the same where it has none. */
function withId(text: Buffer, messageId: string): Buffer {
  const string = text.toString('latin1')
  const replaced = string.replace(/(^|\s)(id:)\S*/i, `$1$2${messageId}`)
  return replaced === string ? text : Buffer.from(replaced, 'latin1')
}

/** The reader's TLVs, with receipted_message_id set, and message_payload where `payload` says another. */
function pushTlvs(
  parts: Buffer[],
  body: Buffer,
  messageId: string,
  payload: Buffer | undefined,
): void {
  for (let at = reader.tlvs_start; at < reader.tlvs_end;) {
    const end = at + 4 + body.readUInt16BE(at + 2)
    const tag = body.readUInt16BE(at)
    if (tag === TLV_TAGS.message_payload && payload !== undefined)
      parts.push(tlvHead(tag, payload.length), payload)
    else if (tag !== TLV_TAGS.receipted_message_id) parts.push(body.subarray(at, end))
    at = end
  }
  parts.push(tlvHead(TLV_TAGS.receipted_message_id, messageId.length + 1))
  parts.push(Buffer.from(`${messageId}\0`, 'latin1'))
}

function tlvHead(tag: number, length: number): Buffer {
  return Buffer.of(tag >> 8, tag & 0xff, length >> 8, length & 0xff)
}

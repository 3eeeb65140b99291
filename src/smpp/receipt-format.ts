import {
  ESM_CLASS,
  MESSAGE_STATE,
  RECEIPT_STATS,
  SHORT_MESSAGE_MAX,
  type MessageState,
} from './constants.js'
import { encodeBody, findTlv, tlv, type Body, type Tlv } from './codec.js'
import { isUcs2, receiptText } from './receipt.js'
import { TLV_TAGS } from './tlv-tags.js'
import { formatReceiptDate } from './times.js'

/** What a receipt of ours says. */
export interface ReceiptContent {
  id: string
  state: MessageState
  /** Ms since the epoch. */
  submitDateMs: number
  doneDateMs: number
  /** "err:", cut or padded to three digits. Default "000". */
  err?: string | undefined
  /** The message's beginning; twenty characters of it are shown. */
  text?: string | undefined
}

/**
 * The text of a receipt: "id:… sub:001 dlvrd:001 submit date:… done date:… stat:DELIVRD err:000 text:…".
 * Dates are UTC, to the minute. Source: SMPP 3.4 appendix B.
 */
export function formatReceipt(content: ReceiptContent): string {
  const delivered = content.state === 'DELIVERED' ? '001' : '000'
  const err = (content.err ?? '').slice(0, 3).padStart(3, '0')
  const text = (content.text ?? '').slice(0, 20)
  return (
    `id:${content.id} sub:001 dlvrd:${delivered} ` +
    `submit date:${formatReceiptDate(content.submitDateMs)} ` +
    `done date:${formatReceiptDate(content.doneDateMs)} ` +
    `stat:${RECEIPT_STATS[content.state]} err:${err} text:${text}`
  )
}

/** An address as in a PDU. */
export interface Address {
  ton: number
  npi: number
  addr: string
}

export interface ReceiptBody extends ReceiptContent {
  /** Whom the message went to: the receipt's source. */
  from: Address
  /** Who sent the message: the receipt's destination. */
  to: Address
  service_type?: string
  /** Whether the peer knows TLVs (SMPP 3.4 and later). */
  tlvs: boolean
  /** For the TLV network_error_code. */
  network_error_code?: { network: number; code: number } | undefined
  /** An intermediate notification instead of a final receipt. */
  intermediate?: boolean
}

/** The body of a deliver_sm that carries a receipt of ours. */
export function encodeReceipt(receipt: ReceiptBody): Buffer {
  const { from, to, network_error_code: error } = receipt
  const tlvs: Tlv[] = []
  if (receipt.tlvs) {
    tlvs.push(tlv.cstring('receipted_message_id', receipt.id))
    tlvs.push(tlv.uint8('message_state', MESSAGE_STATE[receipt.state]))
    if (error !== undefined) {
      const value = Buffer.of(error.network, error.code >> 8, error.code & 0xff)
      tlvs.push(tlv.octets('network_error_code', value))
    }
  }
  return encodeBody('deliver_sm', {
    service_type: receipt.service_type ?? '',
    source_addr_ton: from.ton,
    source_addr_npi: from.npi,
    source_addr: from.addr,
    dest_addr_ton: to.ton,
    dest_addr_npi: to.npi,
    destination_addr: to.addr,
    esm_class:
      receipt.intermediate === true ? ESM_CLASS.intermediate_notification : ESM_CLASS.receipt,
    short_message: Buffer.from(formatReceipt(receipt), 'latin1').subarray(0, SHORT_MESSAGE_MAX),
    tlvs,
  })
}

export interface RewriteOptions {
  /** The id that the ESME knows. */
  id: string
  /** Whether the peer knows TLVs; without, all are left out. */
  tlvs: boolean
}

/**
 * An SMSC's receipt with our id in the place of the SMSC's: after "id:" in the text (put before it
 * where there was none), and in receipted_message_id (added where there was none). All else passes:
 * unknown TLVs, other keys, data_coding. What then no longer fits short_message loses its end, which is
 * the message's text.
 */
export function rewriteReceipt(
  body: Body<'deliver_sm'>,
  options: RewriteOptions,
): Body<'deliver_sm'> {
  const { id } = options
  const payload =
    body.short_message.length === 0 ? findTlv(body.tlvs, 'message_payload') : undefined
  const whole = payload ?? body.short_message
  const header = udhLength(body.esm_class, whole)
  const wide = isUcs2(body.data_coding, whole.subarray(header))
  const octets = Buffer.concat([
    whole.subarray(0, header),
    encodeText(withId(receiptText(body), id), wide),
  ])
  const tlvs: Tlv[] = []
  if (options.tlvs) {
    tlvs.push(tlv.cstring('receipted_message_id', id))
    for (const one of body.tlvs) {
      if (one.tag === TLV_TAGS.receipted_message_id) continue
      const isPayload = payload !== undefined && one.tag === TLV_TAGS.message_payload
      tlvs.push(isPayload ? { tag: one.tag, value: octets } : one)
    }
  }
  const inPayload = payload !== undefined && options.tlvs
  const room = wide ? SHORT_MESSAGE_MAX - ((SHORT_MESSAGE_MAX - header) % 2) : SHORT_MESSAGE_MAX
  return { ...body, short_message: inPayload ? body.short_message : octets.subarray(0, room), tlvs }
}

function udhLength(esm_class: number, octets: Buffer): number {
  if ((esm_class & ESM_CLASS.udhi) === 0 || octets.length === 0) return 0
  return Math.min(octets.length, 1 + octets[0]!)
}

function withId(text: string, id: string): string {
  if (text === '') return '' // a receipt of TLVs alone stays one
  const at = text.search(/(?:^|\s)text:/i)
  const head = at < 0 ? text : text.slice(0, at)
  const rest = at < 0 ? '' : text.slice(at)
  const changed = head.replace(ID, (_, before: string) => `${before}id:${id}`)
  return (ID.test(head) ? changed : `id:${id} ${head}`) + rest
}

/** "id:" and its value, which may be missing. */
const ID = /(^|\s)id:[ \t]*(?:(?!(?:sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err):)\S*)/i

function encodeText(text: string, wide: boolean): Buffer {
  return wide ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'latin1')
}

import { assertNever } from '../base/assert.js'
import { ESM_CLASS, DATA_CODING, messageState, type MessageState } from './constants.js'
import { findTlv, tlvString, type Body, type Tlv } from './codec.js'
import { ReceiptKeys, type ReceiptKey } from './receipt-text.js'
import { parseReceiptDate } from './times.js'

/** What a receipt says, from its TLVs and its text; undefined where it says nothing. */
export interface Receipt {
  /** Of the text's "id:". May differ from the TLV: compare both. */
  id: string | undefined
  /** Of the TLV receipted_message_id. */
  receipted_message_id: string | undefined
  /** Of the TLV message_state, else of the text's "stat:", by its name in the standard. */
  state: MessageState | undefined
  /** The text's "stat:" as it came. */
  stat: string | undefined
  /** The text's "err:" as it came: its meaning is the SMSC's own. */
  err: string | undefined
  /** Network type and code. Source: SMPP 3.4 §5.3.2.31. */
  network_error_code: { network: number; code: number } | undefined
  sub: number | undefined
  dlvrd: number | undefined
  /** Ms since the epoch; the text names no zone, UTC is assumed. */
  submitDateMs: number | undefined
  doneDateMs: number | undefined
  /** The first characters of the message. Never for logs. */
  text: string | undefined
}

/** What of a deliver_sm (or data_sm) may hold a receipt. */
export type ReceiptSource = Pick<Body<'deliver_sm'>, 'esm_class' | 'data_coding'> & {
  short_message?: Buffer
  tlvs: readonly Tlv[]
}

/**
 * Whether a deliver_sm is an SMSC delivery receipt or an intermediate notification, by its esm_class.
 * Source: SMPP 3.4 §5.2.12.
 */
export function isReceipt(esm_class: number): boolean {
  const type = esm_class & ESM_CLASS.type_mask
  return type === ESM_CLASS.receipt || type === ESM_CLASS.intermediate_notification
}

/**
 * Reads a receipt, undefined where neither an id nor a state can be found. Bears what real SMSCs send:
 * TLVs or text or both, UCS-2 where data_coding is 8 (and where it only claims to be), states in any
 * case and by their long names, missing and extra keys, dates of 10, 12 or 14 digits.
 * Source: SMPP 3.4 appendix B, whose text is "specific to the SMSC vendor"; PITFALLS 5.
 */
export function parseReceipt(from: ReceiptSource): Receipt | undefined {
  const receiptedId = findTlv(from.tlvs, 'receipted_message_id')
  const stateTlv = findTlv(from.tlvs, 'message_state')
  const network = findTlv(from.tlvs, 'network_error_code')
  const receipt: Receipt = {
    id: undefined,
    receipted_message_id: (receiptedId && tlvString(receiptedId).trim()) || undefined,
    state: stateTlv?.length === 1 ? messageState(stateTlv[0]!) : undefined,
    stat: undefined,
    err: undefined,
    network_error_code:
      network?.length === 3 ? { network: network[0]!, code: network.readUInt16BE(1) } : undefined,
    sub: undefined,
    dlvrd: undefined,
    submitDateMs: undefined,
    doneDateMs: undefined,
    text: undefined,
  }
  readText(receiptText(from), receipt)
  if (receipt.stat !== undefined) receipt.state ??= stateOf(receipt.stat)
  const says = receipt.id ?? receipt.receipted_message_id ?? receipt.state ?? receipt.stat
  return says === undefined ? undefined : receipt
}

const keys = new ReceiptKeys()

/** Of each key the first value that is not empty counts. */
function readText(text: string, receipt: Receipt): void {
  keys.open(text)
  let seen = 0
  while (keys.next()) {
    const bit = BITS[keys.key]
    const value = (seen & bit) === 0 ? keys.value : ''
    if (value === '') continue
    seen |= bit
    switch (keys.key) {
      case 'id':
        receipt.id = value
        break
      case 'sub':
        receipt.sub = count(value)
        break
      case 'dlvrd':
        receipt.dlvrd = count(value)
        break
      case 'submit date':
        receipt.submitDateMs = parseReceiptDate(value)
        break
      case 'done date':
        receipt.doneDateMs = parseReceiptDate(value)
        break
      case 'stat':
        receipt.stat = value
        break
      case 'err':
        receipt.err = value
        break
      default:
        assertNever(keys.key)
    }
  }
  receipt.text = keys.message
}

const BITS: Record<ReceiptKey, number> = {
  id: 1,
  sub: 2,
  dlvrd: 4,
  'submit date': 8,
  'done date': 16,
  stat: 32,
  err: 64,
}

/**
 * The text of a receipt, by its data_coding: short_message, or message_payload where that is empty;
 * without a user data header, and at most 1,024 octets of it.
 */
export function receiptText(from: ReceiptSource): string {
  let octets = from.short_message ?? NONE
  if (octets.length === 0) octets = findTlv(from.tlvs, 'message_payload') ?? NONE
  if ((from.esm_class & ESM_CLASS.udhi) !== 0 && octets.length > 0) {
    octets = octets.subarray(Math.min(octets.length, 1 + octets[0]!))
  }
  octets = octets.subarray(0, TEXT_OCTETS_MAX)
  return isUcs2(from.data_coding, octets) ? fromUcs2(octets) : octets.toString('latin1')
}

/** Some say UCS-2 and send plain letters; a receipt begins with a key, and in UCS-2 so with a NUL. */
export function isUcs2(data_coding: number, octets: Buffer): boolean {
  return data_coding === DATA_CODING.ucs2 && (octets[0] === 0 || octets[0] === 0xfe)
}

/** "DELIVRD", "delivered", … Undefined for what nobody knows. Source: SMPP 3.4 appendix B, table B-2. */
export function stateOf(stat: string): MessageState | undefined {
  return STATS[stat.toUpperCase()]
}

const NONE = Buffer.alloc(0)
/** A receipt's text is short; what is longer is not searched. */
const TEXT_OCTETS_MAX = 1_024

const STATS: Partial<Record<string, MessageState>> = {
  DELIVRD: 'DELIVERED',
  DELIVERED: 'DELIVERED',
  EXPIRED: 'EXPIRED',
  DELETED: 'DELETED',
  UNDELIV: 'UNDELIVERABLE',
  UNDELIVERABLE: 'UNDELIVERABLE',
  UNDELIVERED: 'UNDELIVERABLE',
  FAILED: 'UNDELIVERABLE',
  ACCEPTD: 'ACCEPTED',
  ACCEPTED: 'ACCEPTED',
  UNKNOWN: 'UNKNOWN',
  REJECTD: 'REJECTED',
  REJECTED: 'REJECTED',
  ENROUTE: 'ENROUTE',
  BUFFERED: 'ENROUTE',
  BUFFRED: 'ENROUTE',
  SCHEDULED: 'SCHEDULED',
  SKIPPED: 'SKIPPED',
}

function count(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

function fromUcs2(octets: Buffer): string {
  const even = Buffer.from(octets.subarray(0, octets.length & ~1))
  return even
    .swap16()
    .toString('utf16le')
    .replace(/^\ufeff/, '')
}

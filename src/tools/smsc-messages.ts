import {
  ESM_CLASS,
  MESSAGE_STATE,
  REGISTERED_DELIVERY,
  TON,
  type MessageState,
} from '../smpp/constants.js'
import { encodeBody, tlv, type Body } from '../smpp/codec.js'
import type { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import { receiptText } from './receipt-text.js'
import type { IdFormat, MoConcatenation, SmscBehaviour } from './smsc-faults.js'

/** What a receipt needs of its message. */
export interface AcceptedMessage {
  /** The simulator's own number of it: what its ids are made of. */
  number: number
  /** Type, plan and address of the source, then of the destination, as they came. */
  addresses: Buffer
  /** Octets of `addresses` that are the source's. */
  sourceOctets: number
  acceptedAtMs: number
  state: MessageState
  /** Its registered_delivery. */
  asked: number
}

/** Whether the receipt of this end was asked for. Source: SMPP 3.4 §5.2.17; 3, on success only, is SMPP 5.0's. */
export function wantsReceipt({ asked, state }: AcceptedMessage): boolean {
  const receipts = asked & REGISTERED_DELIVERY.receipt_mask
  if (receipts === REGISTERED_DELIVERY.failure) return state !== 'DELIVERED'
  return receipts === REGISTERED_DELIVERY.always || state === 'DELIVERED'
}

/** How a message's number is shown. */
export function idText(number: number, format: IdFormat): string {
  switch (format) {
    case 'hex':
      return number.toString(16)
    case 'dec':
      return String(number)
    case 'text':
      return `sim-${number.toString(36)}`
  }
}

/** The number of an id that `idText` made, or undefined. */
export function idNumber(id: string, format: IdFormat): number | undefined {
  const digits = format === 'text' ? /^sim-([\da-z]+)$/.exec(id)?.[1] : id
  if (digits === undefined || digits.length > 16) return undefined
  const number = parseInt(digits, { text: 36, hex: 16, dec: 10 }[format])
  return idText(number, format) === id ? number : undefined
}

/** The body of a submit_sm_resp. */
export function idBody(id: string): Buffer {
  const body = Buffer.allocUnsafe(id.length + 1)
  body.write(id, 0, 'latin1')
  body[id.length] = 0
  return body
}

/** Copies what the receipt will need out of a submit_sm that was read. */
export function keepForReceipt(
  submit: SubmitReader,
  number: number,
  acceptedAtMs: number,
  state: MessageState,
): AcceptedMessage {
  const start = submit.service_type_end + 1
  return {
    number,
    addresses: Buffer.from(submit.body.subarray(start, submit.destination_addr_end + 1)),
    sourceOctets: submit.source_addr_end + 1 - start,
    acceptedAtMs,
    state,
    asked: submit.registered_delivery,
  }
}

/**
 * The deliver_sm body of a receipt, or of an intermediate notification, which says ENROUTE: source and destination change
 * places. Source: SMPP 3.4 §4.6, §5.2.12.
 */
export function receiptBody(
  message: AcceptedMessage,
  doneAtMs: number,
  behaviour: Pick<SmscBehaviour, 'receiptForm' | 'receiptIdFormat'>,
  kind: 'receipt' | 'notification' = 'receipt',
): Buffer {
  const { addresses, sourceOctets } = message
  const state = kind === 'receipt' ? message.state : 'ENROUTE'
  const id = idText(message.number, behaviour.receiptIdFormat)
  const error = WITHOUT_ERROR.has(state) ? '000' : '045'
  const text =
    behaviour.receiptForm === 'tlv'
      ? ''
      : receiptText({ id, state, submittedAtMs: message.acceptedAtMs, doneAtMs, error })
  const tlvOctets = behaviour.receiptForm === 'text' ? 0 : 4 + id.length + 1 + 5
  const body = Buffer.allocUnsafe(1 + addresses.length + FIXED.length + 1 + text.length + tlvOctets)
  let at = 0
  body[at++] = 0
  at += addresses.copy(body, at, sourceOctets)
  at += addresses.copy(body, at, 0, sourceOctets)
  at += FIXED.copy(body, at)
  if (kind === 'notification') body[at - FIXED.length] = ESM_CLASS.intermediate_notification
  body[at++] = text.length
  at += body.write(text, at, 'latin1')
  if (tlvOctets > 0) {
    at = body.writeUInt16BE(TLV_TAGS.receipted_message_id, at)
    at = body.writeUInt16BE(id.length + 1, at)
    at += body.write(id, at, 'latin1')
    body[at++] = 0
    at = body.writeUInt16BE(TLV_TAGS.message_state, at)
    at = body.writeUInt16BE(1, at)
    body[at] = MESSAGE_STATE[state]
  }
  return body
}

/** In how many deliver_sm a message from a mobile comes, and how they say so. */
export interface MoParts {
  count: number
  by: MoConcatenation
  reference: number
}

const PART_CHARACTERS = 120

/**
 * The deliver_sm bodies of a message from a mobile: its text, and where it comes in parts so many dots that each has 120
 * characters.
 *
 * Source: 3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8; SMPP 3.4 §5.3.2.22 to §5.3.2.24.
 */
export function moBodies(from: string, to: string, text: string, parts: MoParts): Buffer[] {
  const { count, by, reference } = parts
  if (count === 1) return [moBody(from, to, Buffer.from(text, 'latin1'))]
  const long = text.padEnd(count * PART_CHARACTERS, '.')
  return Array.from({ length: count }, (_, i) => {
    const said = long.slice(i * PART_CHARACTERS, (i + 1) * PART_CHARACTERS)
    const octets = Buffer.from(said, 'latin1')
    if (by === 'sar') {
      const tlvs = [
        tlv.uint16('sar_msg_ref_num', reference & 0xffff),
        tlv.uint8('sar_total_segments', count),
        tlv.uint8('sar_segment_seqnum', i + 1),
      ]
      return moBody(from, to, octets, { tlvs })
    }
    const [high, low] = [(reference >> 8) & 0xff, reference & 0xff]
    const element = by === 'udh8' ? [0, 3, low, count, i + 1] : [8, 4, high, low, count, i + 1]
    const header = Buffer.of(element.length, ...element)
    return moBody(from, to, Buffer.concat([header, octets]), { esm_class: ESM_CLASS.udhi })
  })
}

function moBody(
  from: string,
  to: string,
  short_message: Buffer,
  more: Partial<Body<'deliver_sm'>> = {},
): Buffer {
  return encodeBody('deliver_sm', {
    source_addr_ton: TON.international,
    source_addr_npi: 1,
    source_addr: from,
    dest_addr_ton: TON.international,
    dest_addr_npi: 1,
    destination_addr: to,
    short_message,
    ...more,
  })
}

const WITHOUT_ERROR: ReadonlySet<MessageState> = new Set(['DELIVERED', 'ACCEPTED', 'ENROUTE'])

/** What lies between the addresses and sm_length: esm_class first, then zeros and empty times. */
const FIXED = Buffer.of(ESM_CLASS.receipt, 0, 0, 0, 0, 0, 0, 0, 0)

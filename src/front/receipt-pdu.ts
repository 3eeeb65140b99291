import type { StoredMessage } from '../journal/index.js'
import { decodeBody, encodeBody } from '../smpp/codec.js'
import { DATA_CODING, ESM_CLASS, messageState, SHORT_MESSAGE_MAX } from '../smpp/constants.js'
import { encodeReceipt, rewriteReceipt } from '../smpp/receipt-format.js'
import { patchReceipt } from '../smpp/receipt-patch.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'
import type { DefaultAlphabet } from '../text/alphabets.js'
import { joinParts } from '../text/join.js'

const reader = new SubmitReader()

/**
 * An SMSC's receipt, as a deliver_sm body for the ESME: with our message_id in place of the SMSC's.
 *
 * @param tlvs  false for a peer of SMPP 3.3, which knows no optional parameters
 */
export function relayedReceipt(body: Buffer, messageId: string, tlvs: boolean): Buffer {
  const options = { id: messageId, tlvs }
  const usual = reader.read(body, 'deliver_sm') === 0 ? patchReceipt(reader, options) : undefined
  if (usual !== undefined) return usual
  const decoded = decodeBody('deliver_sm', body)
  // A body that cannot be read was taken from the SMSC all the same: it goes on as it is.
  if (!decoded.ok) return body
  return encodeBody('deliver_sm', rewriteReceipt(decoded.body, options))
}

/** An MO, as it came; for a peer of SMPP 3.3 its message_payload becomes short_message. */
export function relayedMo(body: Buffer, tlvs: boolean): Buffer {
  if (tlvs || reader.read(body, 'deliver_sm') !== 0) return body
  if (reader.message_payload_start < 0) return body.subarray(0, reader.short_message_end)
  const text = reader.message.subarray(0, SHORT_MESSAGE_MAX)
  const head = body.subarray(0, reader.short_message_start - 1)
  return Buffer.concat([head, Buffer.of(text.length), text])
}

/**
 * An MO that came in parts, as one message.
 *
 * @param parts   as they came, in their order
 * @param ofZero  what data_coding 0 stands for in them
 * @returns       `inParts`: it cannot be had as one, for it is too long for a peer of SMPP 3.3
 */
export function joinedMo(
  parts: readonly Buffer[],
  ofZero: DefaultAlphabet,
  tlvs: boolean,
): Buffer | 'inParts' {
  const joined = joinParts(parts, ofZero)
  if (joined === undefined) return 'inParts'
  if (tlvs) return joined
  const asPayload = reader.read(joined, 'deliver_sm') === 0 && reader.message_payload_start >= 0
  return asPayload ? 'inParts' : relayedMo(joined, tlvs)
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
 * Source: SMPP 3.4 Appendix B.
 *
 * @returns undefined where the stored submit cannot be read: it never was one
 */
export function ownReceipt(
  submit: Extract<StoredMessage, { kind: 'submit' }>,
  receipt: OwnReceipt,
  tlvs: boolean,
): Buffer | undefined {
  if (reader.read(submit.body, 'submit_sm') !== 0) return undefined
  const body = encodeReceipt({
    id: receipt.messageId,
    state: messageState(receipt.state) ?? 'UNKNOWN',
    submitDateMs: receipt.submittedAtMs,
    doneDateMs: receipt.doneAtMs,
    err: String(Math.min(receipt.error, 999)),
    text: firstWords(),
    from: {
      ton: reader.dest_addr_ton,
      npi: reader.dest_addr_npi,
      addr: reader.destination_addr,
    },
    to: {
      ton: reader.source_addr_ton,
      npi: reader.source_addr_npi,
      addr: reader.source_addr,
    },
    service_type: reader.service_type,
    tlvs,
  })
  const reference = reader.user_message_reference
  if (!tlvs || reference < 0) return body
  const tag = TLV_TAGS.user_message_reference
  return Buffer.concat([
    body,
    Buffer.of(tag >> 8, tag & 0xff, 0, 2, reference >> 8, reference & 0xff),
  ])
}

/** The beginning of the reader's message, where it is text in one octet a character. */
function firstWords(): string {
  const { data_coding, esm_class } = reader
  const text =
    (esm_class & ESM_CLASS.udhi) === 0 &&
    (data_coding === DATA_CODING.smsc_default ||
      data_coding === DATA_CODING.ia5 ||
      data_coding === DATA_CODING.latin1)
  return text ? reader.message.toString('latin1', 0, 20) : ''
}

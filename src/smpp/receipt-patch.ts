import { ESM_CLASS, SHORT_MESSAGE_MAX } from './constants.js'
import { isUcs2 } from './receipt.js'
import type { RewriteOptions } from './receipt-format.js'
import { ReceiptKeys } from './receipt-text.js'
import type { SubmitReader } from './submit-reader.js'
import { TLV_TAGS } from './tlv-tags.js'

/**
 * What `rewriteReceipt` makes of a receipt, in one copy, for receipts of the usual form: the text begins with
 * "id:" and its value, in short_message, one octet a character, without a user data header.
 *
 * @param reader  has read the deliver_sm
 * @returns a whole body, or undefined for any other receipt
 */
export function patchReceipt(
  reader: SubmitReader,
  { id, tlvs }: RewriteOptions,
): Buffer | undefined {
  const { body, short_message_start: start, short_message_end: end } = reader
  if ((reader.esm_class & ESM_CLASS.udhi) !== 0 || start === end) return undefined
  if (isUcs2(reader.data_coding, body.subarray(start, end))) return undefined
  keys.open(body.toString('latin1', start, end))
  if (!keys.next() || keys.key !== 'id' || keys.start !== 0) return undefined
  if (keys.valueEnd === keys.valueStart) return undefined

  const rest = start + keys.valueEnd
  const length = Math.min(SHORT_MESSAGE_MAX, 3 + id.length + end - rest)
  const optional = tlvs ? TLV_HEADER + id.length + 1 + octetsOfOthers(reader) : 0
  const patched = Buffer.allocUnsafe(start + length + optional)
  body.copy(patched, 0, 0, start - 1)
  let at = start - 1
  patched[at++] = length
  at += patched.write(`id:${id}`, at, length, 'latin1')
  at += body.copy(patched, at, rest, rest + start + length - at)
  if (!tlvs) return patched
  at = putHeader(patched, at, TLV_TAGS.receipted_message_id, id.length + 1)
  at += patched.write(id, at, 'latin1')
  patched[at++] = 0
  for (let from = reader.tlvs_start; from < reader.tlvs_end;) {
    const next = from + TLV_HEADER + body.readUInt16BE(from + 2)
    if (isOther(body, from)) at += body.copy(patched, at, from, next)
    from = next
  }
  return patched
}

/** Tag and length. Source: SMPP 3.4 §3.2.4.1. */
const TLV_HEADER = 4

const keys = new ReceiptKeys()

function octetsOfOthers({ body, tlvs_start, tlvs_end }: SubmitReader): number {
  let octets = 0
  for (let at = tlvs_start; at < tlvs_end;) {
    const length = TLV_HEADER + body.readUInt16BE(at + 2)
    if (isOther(body, at)) octets += length
    at += length
  }
  return octets
}

function isOther(body: Buffer, at: number): boolean {
  return body.readUInt16BE(at) !== TLV_TAGS.receipted_message_id
}

function putHeader(into: Buffer, at: number, tag: number, length: number): number {
  into.writeUInt16BE(tag, at)
  return into.writeUInt16BE(length, at + 2)
}

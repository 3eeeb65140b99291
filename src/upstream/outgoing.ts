import type { Connector, GatewaySettings } from '../policy/settings.js'
import { tlvRulesOf } from '../policy/tlv-rules.js'
import { REGISTERED_DELIVERY } from '../smpp/constants.js'
import { bodyWithout } from '../smpp/read-body.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { formatRelative, formatTime } from '../smpp/times.js'
import { TLV_TAGS } from '../smpp/tlv-tags.js'

const reader = new SubmitReader()

/**
 * A submit_sm body as this connector's SMSC takes it: `body` itself where nothing is to be changed, else a copy.
 * What cannot be read goes out as it is.
 *
 * @param settings  those that the connector is of
 */
export function outgoingBody(
  body: Buffer,
  { validityPeriod, tlvs }: Connector,
  settings: GatewaySettings,
): Buffer {
  const kept =
    tlvs === undefined ? body : (tlvRulesOf(settings, tlvs.to)?.stripped(body, 'submit_sm') ?? body)
  if (validityPeriod === undefined || reader.read(kept, 'deliver_sm') !== 0) return kept
  return reader.validity_period === '' ? kept : bodyWithout(reader, 'validity_period')
}

/**
 * The same body where receipts are wanted on success only, asking for all of them: we bind as 3.4, where that value is
 * reserved, and pass on what the ESME wants. Source: SMPP 3.4 §5.2.17, SMPP 5.0 §4.7.21.
 */
export function askingForReceipts(body: Buffer, registered_delivery: number): Buffer {
  const { receipt_mask, success, always } = REGISTERED_DELIVERY
  if ((registered_delivery & receipt_mask) !== success) return body
  if (reader.read(body, 'deliver_sm') !== 0) return body
  const copy = Buffer.from(body)
  copy[reader.registered_delivery_at] = (reader.registered_delivery & ~receipt_mask) | always
  return copy
}

/** What leaves no later than this after it was accepted goes out as it came. */
export const PROMPT_MS = 1000

/**
 * The same body where its end is relative (validity_period with R, qos_time_to_live), with what is left of it: the SMSC
 * counts from when it gets the message, and would let it live longer than its ESME has asked. Rounded down to seconds, at least
 * one. Above 31 days it becomes an absolute time, for months have no fixed length. Source: SMPP 3.4 §7.1.1, §5.3.2.32.
 *
 * @param expiresAtMs  ms since the Unix epoch, as `nowMs`
 */
export function withWhatIsLeft(body: Buffer, expiresAtMs: number, nowMs: number): Buffer {
  if (reader.read(body, 'deliver_sm') !== 0) return body
  const { validity_period_start: start, validity_period_end: end } = reader
  const isNamed = end > start
  if (isNamed && body[end - 1] !== RELATIVE) return body
  const ttl = reader.tlv(TLV_TAGS.qos_time_to_live)
  const hasTtl = ttl?.length === 4
  if (!isNamed && !hasTtl) return body
  const seconds = Math.max(1, Math.floor((expiresAtMs - nowMs) / 1000))
  const copy = Buffer.from(body)
  if (isNamed) {
    const isLong = seconds > RELATIVE_SECONDS_MAX
    copy.write(isLong ? formatTime(expiresAtMs) : formatRelative(seconds * 1000), start, 'latin1')
  }
  if (hasTtl) copy.writeUInt32BE(Math.min(seconds, 0xffffffff), ttl.byteOffset - body.byteOffset)
  return copy
}

/** R */
const RELATIVE = 0x52
/** As much as `formatRelative` can say. */
const RELATIVE_SECONDS_MAX = 31 * 86_400

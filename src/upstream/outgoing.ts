import type { Connector } from '../policy/settings.js'
import { REGISTERED_DELIVERY } from '../smpp/constants.js'
import { bodyWithout, SubmitReader } from '../smpp/submit-reader.js'

const reader = new SubmitReader()

/**
 * A submit_sm body as this connector's SMSC takes it: `body` itself where nothing is to be changed, else a copy.
 * What cannot be read goes out as it is.
 */
export function outgoingBody(body: Buffer, { validityPeriod }: Connector): Buffer {
  if (validityPeriod === undefined || reader.read(body, 'deliver_sm') !== 0) return body
  return reader.validity_period === '' ? body : bodyWithout(reader, 'validity_period')
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

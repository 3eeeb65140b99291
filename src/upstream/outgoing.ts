import type { Connector } from '../policy/settings.js'
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

import type { FramedPdu } from '../smpp/framing.js'
import { decodeBody } from '../smpp/codec.js'
import { commandName, type RequestName } from '../smpp/command-ids.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { statusOf, type RefusalCode } from './refusals.js'

/**
 * Operations that fail, whatever they ask for. No connector broadcasts, and no message is a broadcast. The state has no source
 * addresses, and the octets that do are gone once a message is concluded, on one node sooner than on another: "the last messages of this source"
 * would be another answer on each. And there are no parameters of the SMSC to retrieve.
 */
const FAILING: Partial<Record<RequestName, RefusalCode>> = {
  broadcast_sm: 'noBroadcast',
  query_broadcast_sm: 'noBroadcastToQuery',
  cancel_broadcast_sm: 'noBroadcastToCancel',
  query_last_msgs: 'sourcesNotKept',
  param_retrieve: 'noParameters',
}

/**
 * The status of such a request's response: what its body cannot be read for, or that the operation failed. Undefined: it is another
 * request. Source: SMPP 5.0 §4.7.6, SMPP 3.3.
 */
export function failingStatus({ command_id, body }: FramedPdu): number | undefined {
  const name = commandName(command_id)
  const code = name && FAILING[name as RequestName]
  if (name === undefined || code === undefined) return undefined
  const decoded = decodeBody(name, body)
  if (!decoded.ok) return COMMAND_STATUS[decoded.problem.command_status]
  const { num_msgs } = decoded.body as { num_msgs?: number }
  return num_msgs === 0 ? COMMAND_STATUS.ESME_RINVNUMMSGS : statusOf(code)
}

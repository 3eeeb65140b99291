import { COMMAND_STATUS } from './command-status.js'

/**
 * A data_sm body as the submit_sm body that says the same: what lies before esm_class is alike, the
 * optional parameters (message_payload among them) follow unchanged. Checks only where that part ends;
 * the submit reader reads the rest. Source: SMPP 3.4 §4.7.1 and §4.4.1.
 *
 * @returns the body, or the command_status to refuse with
 */
export function submitBodyOf(data: Buffer): Buffer | number {
  const serviceEnd = data.indexOf(0)
  const sourceEnd = serviceEnd < 0 ? -1 : data.indexOf(0, serviceEnd + 3)
  const destinationEnd = sourceEnd < 0 ? -1 : data.indexOf(0, sourceEnd + 3)
  const at = destinationEnd + 1
  if (destinationEnd < 0 || at + 3 > data.length) return COMMAND_STATUS.ESME_RINVCMDLEN
  const body = Buffer.alloc(data.length + SUBMIT_TAIL_OCTETS - DATA_TAIL_OCTETS)
  data.copy(body, 0, 0, at)
  body[at] = data[at]! // esm_class
  body[at + 5] = data[at + 1]! // registered_delivery
  body[at + 7] = data[at + 2]! // data_coding
  data.copy(body, at + SUBMIT_TAIL_OCTETS, at + DATA_TAIL_OCTETS)
  return body
}

/** esm_class, registered_delivery, data_coding */
const DATA_TAIL_OCTETS = 3
/**
 * esm_class, protocol_id, priority_flag, two empty times, registered_delivery, replace_if_present_flag,
 * data_coding, sm_default_msg_id, sm_length
 */
const SUBMIT_TAIL_OCTETS = 10

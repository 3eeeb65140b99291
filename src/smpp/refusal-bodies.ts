import { encodeBody } from './codec.js'
import { COMMAND_IDS, responseId } from './command-ids.js'
import { MESSAGE_STATE } from './constants.js'

/**
 * The body of a response that says no, or undefined where it has none. Responses of binds and submit_sm lose their body with a status
 * other than 0; of these others the standard says no such thing, and there are peers that close the session where a parameter is
 * missing (smpp.pdu of Python).
 *
 * Source: SMPP 3.4 §4.1.2, §4.4.2 (no body), §4.5.2, §4.6.2, §4.7.2, §4.8.2.
 */
export function refusalBody(command_id: number, command_status: number): Buffer | undefined {
  return command_status === 0 ? undefined : BODIES.get(command_id)
}

const BODIES: ReadonlyMap<number, Buffer> = new Map([
  [responseId(COMMAND_IDS.deliver_sm), encodeBody('deliver_sm_resp', {})],
  [responseId(COMMAND_IDS.data_sm), encodeBody('data_sm_resp', {})],
  [responseId(COMMAND_IDS.submit_multi), encodeBody('submit_multi_resp', {})],
  [
    responseId(COMMAND_IDS.query_sm),
    encodeBody('query_sm_resp', { message_state: MESSAGE_STATE.UNKNOWN }),
  ],
])

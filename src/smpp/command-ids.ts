/**
 * command_id by name. Source: SMPP 3.4 §5.1.2.1; the broadcast operations are SMPP 5.0 §4.7.5; param_retrieve,
 * query_last_msgs and query_msg_details are SMPP 3.3's alone (reserved since).
 * A response's id is its request's with the top bit set.
 */
export const COMMAND_IDS = {
  bind_receiver: 0x00000001,
  bind_transmitter: 0x00000002,
  query_sm: 0x00000003,
  submit_sm: 0x00000004,
  deliver_sm: 0x00000005,
  unbind: 0x00000006,
  replace_sm: 0x00000007,
  cancel_sm: 0x00000008,
  bind_transceiver: 0x00000009,
  outbind: 0x0000000b,
  enquire_link: 0x00000015,
  submit_multi: 0x00000021,
  param_retrieve: 0x00000022,
  query_last_msgs: 0x00000023,
  query_msg_details: 0x00000024,
  alert_notification: 0x00000102,
  data_sm: 0x00000103,
  broadcast_sm: 0x00000111,
  query_broadcast_sm: 0x00000112,
  cancel_broadcast_sm: 0x00000113,
  generic_nack: 0x80000000,
  bind_receiver_resp: 0x80000001,
  bind_transmitter_resp: 0x80000002,
  query_sm_resp: 0x80000003,
  submit_sm_resp: 0x80000004,
  deliver_sm_resp: 0x80000005,
  unbind_resp: 0x80000006,
  replace_sm_resp: 0x80000007,
  cancel_sm_resp: 0x80000008,
  bind_transceiver_resp: 0x80000009,
  enquire_link_resp: 0x80000015,
  submit_multi_resp: 0x80000021,
  param_retrieve_resp: 0x80000022,
  query_last_msgs_resp: 0x80000023,
  query_msg_details_resp: 0x80000024,
  data_sm_resp: 0x80000103,
  broadcast_sm_resp: 0x80000111,
  query_broadcast_sm_resp: 0x80000112,
  cancel_broadcast_sm_resp: 0x80000113,
} as const

export type CommandName = keyof typeof COMMAND_IDS

/** What asks for something: all but responses and generic_nack. */
export type RequestName = Exclude<CommandName, `${string}_resp` | 'generic_nack'>

/** The three ways to bind. */
export type BindName = 'bind_receiver' | 'bind_transmitter' | 'bind_transceiver'

const NAMES = new Map<number, CommandName>(
  Object.entries(COMMAND_IDS).map(([name, id]) => [id, name as CommandName]),
)

/** The name of a command_id (unsigned), or undefined where the standard knows none. */
export function commandName(command_id: number): CommandName | undefined {
  return NAMES.get(command_id)
}

/** Whether the id is a response's, known or not. Source: SMPP 3.4 §5.1.2: bit 31 marks responses. */
export function isResponse(command_id: number): boolean {
  return command_id >= 0x80000000
}

/** The id of the response to a request. */
export function responseId(command_id: number): number {
  return (command_id | 0x80000000) >>> 0
}

export function isBind(command_id: number): boolean {
  return (
    command_id === COMMAND_IDS.bind_receiver ||
    command_id === COMMAND_IDS.bind_transmitter ||
    command_id === COMMAND_IDS.bind_transceiver
  )
}

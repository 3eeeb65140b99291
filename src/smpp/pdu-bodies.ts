import type { CommandName } from './command-ids.js'
import type { CommandStatus } from './command-status.js'

/**
 * One mandatory parameter.
 * - `cstring`: C-octet string. `size` is the standard's largest, NUL included; `tolerated` is what
 *   we take and give all the same, because real peers do.
 * - `uint8`: one octet.
 * - `message`: sm_length, then short_message of that many octets.
 * - `destinations`, `unsuccessful`: the lists of submit_multi and its response.
 * - `messageIds`: the list of query_last_msgs_resp. All lists begin with their count, one octet.
 */
export type Field =
  | CstringField
  | { readonly kind: 'uint8'; readonly name: string }
  | { readonly kind: 'message'; readonly name: 'short_message' }
  | { readonly kind: 'destinations'; readonly name: 'dest_address' }
  | { readonly kind: 'unsuccessful'; readonly name: 'unsuccess_sme' }
  | { readonly kind: 'messageIds'; readonly name: 'message_id' }

export interface CstringField<N extends string = string> {
  readonly kind: 'cstring'
  readonly name: N
  readonly size: number
  readonly tolerated: number
}

function cstring<const N extends string>(name: N, size: number, tolerated = size): CstringField<N> {
  return { kind: 'cstring', name, size, tolerated }
}

function uint8<const N extends string>(name: N) {
  return { kind: 'uint8', name } as const
}

const SHORT_MESSAGE = { kind: 'message', name: 'short_message' } as const

const SOURCE = [
  uint8('source_addr_ton'),
  uint8('source_addr_npi'),
  cstring('source_addr', 21),
] as const
const DESTINATION = [
  uint8('dest_addr_ton'),
  uint8('dest_addr_npi'),
  cstring('destination_addr', 21),
] as const
const BIND = [
  cstring('system_id', 16, 65),
  // nine octets by the standard, and many a provider hands out longer ones
  cstring('password', 9, 65),
  cstring('system_type', 13),
  uint8('interface_version'),
  uint8('addr_ton'),
  uint8('addr_npi'),
  cstring('address_range', 41),
] as const
const BIND_RESP = [cstring('system_id', 16, 65)] as const
const MESSAGE_ID = [cstring('message_id', 65)] as const
const SUBMIT = [
  cstring('service_type', 6),
  ...SOURCE,
  ...DESTINATION,
  uint8('esm_class'),
  uint8('protocol_id'),
  uint8('priority_flag'),
  cstring('schedule_delivery_time', 17),
  cstring('validity_period', 17),
  uint8('registered_delivery'),
  uint8('replace_if_present_flag'),
  uint8('data_coding'),
  uint8('sm_default_msg_id'),
  SHORT_MESSAGE,
] as const

/**
 * Mandatory parameters in wire order; sizes in octets, NUL included. Encoder, decoder, types and the
 * generators of the tests read these rows. Where versions differ in a size, the largest stands here (`message_id` of 3.3 has
 * nine octets, its `short_message` 140). Source: SMPP 3.4 §4; broadcast: SMPP 5.0 §4.4; the last three: SMPP 3.3 §6.2.
 */
export const PDU_BODIES = {
  bind_receiver: BIND,
  bind_transmitter: BIND,
  bind_transceiver: BIND,
  bind_receiver_resp: BIND_RESP,
  bind_transmitter_resp: BIND_RESP,
  bind_transceiver_resp: BIND_RESP,
  outbind: [cstring('system_id', 16, 65), cstring('password', 9, 65)],
  unbind: [],
  unbind_resp: [],
  generic_nack: [],
  enquire_link: [],
  enquire_link_resp: [],
  submit_sm: SUBMIT,
  submit_sm_resp: MESSAGE_ID,
  deliver_sm: SUBMIT,
  deliver_sm_resp: MESSAGE_ID,
  submit_multi: [
    cstring('service_type', 6),
    ...SOURCE,
    { kind: 'destinations', name: 'dest_address' },
    uint8('esm_class'),
    uint8('protocol_id'),
    uint8('priority_flag'),
    cstring('schedule_delivery_time', 17),
    cstring('validity_period', 17),
    uint8('registered_delivery'),
    uint8('replace_if_present_flag'),
    uint8('data_coding'),
    uint8('sm_default_msg_id'),
    SHORT_MESSAGE,
  ],
  submit_multi_resp: [...MESSAGE_ID, { kind: 'unsuccessful', name: 'unsuccess_sme' }],
  data_sm: [
    cstring('service_type', 6),
    uint8('source_addr_ton'),
    uint8('source_addr_npi'),
    cstring('source_addr', 65),
    uint8('dest_addr_ton'),
    uint8('dest_addr_npi'),
    cstring('destination_addr', 65),
    uint8('esm_class'),
    uint8('registered_delivery'),
    uint8('data_coding'),
  ],
  data_sm_resp: MESSAGE_ID,
  query_sm: [...MESSAGE_ID, ...SOURCE],
  query_sm_resp: [
    ...MESSAGE_ID,
    // one octet or 17; SMSCs that send another notation are still heard
    cstring('final_date', 17, 65),
    uint8('message_state'),
    uint8('error_code'),
  ],
  cancel_sm: [cstring('service_type', 6), ...MESSAGE_ID, ...SOURCE, ...DESTINATION],
  cancel_sm_resp: [],
  replace_sm: [
    ...MESSAGE_ID,
    ...SOURCE,
    cstring('schedule_delivery_time', 17),
    cstring('validity_period', 17),
    uint8('registered_delivery'),
    uint8('sm_default_msg_id'),
    SHORT_MESSAGE,
  ],
  replace_sm_resp: [],
  alert_notification: [
    uint8('source_addr_ton'),
    uint8('source_addr_npi'),
    cstring('source_addr', 65),
    uint8('esme_addr_ton'),
    uint8('esme_addr_npi'),
    cstring('esme_addr', 65),
  ],
  broadcast_sm: [
    cstring('service_type', 6),
    ...SOURCE,
    ...MESSAGE_ID,
    uint8('priority_flag'),
    cstring('schedule_delivery_time', 17),
    cstring('validity_period', 17),
    uint8('replace_if_present_flag'),
    uint8('data_coding'),
    uint8('sm_default_msg_id'),
  ],
  broadcast_sm_resp: MESSAGE_ID,
  query_broadcast_sm: [...MESSAGE_ID, ...SOURCE],
  query_broadcast_sm_resp: MESSAGE_ID,
  cancel_broadcast_sm: [cstring('service_type', 6), ...MESSAGE_ID, ...SOURCE],
  cancel_broadcast_sm_resp: [],
  param_retrieve: [cstring('param_name', 32)],
  param_retrieve_resp: [cstring('param_value', 101)],
  query_last_msgs: [...SOURCE, uint8('num_msgs')],
  query_last_msgs_resp: [{ kind: 'messageIds', name: 'message_id' }],
  query_msg_details: [...MESSAGE_ID, ...SOURCE, uint8('sm_length')],
  query_msg_details_resp: [
    cstring('service_type', 6),
    ...SOURCE,
    { kind: 'destinations', name: 'dest_address' },
    uint8('protocol_id'),
    uint8('priority_flag'),
    cstring('schedule_delivery_time', 17),
    cstring('validity_period', 17),
    uint8('registered_delivery'),
    uint8('data_coding'),
    SHORT_MESSAGE,
    ...MESSAGE_ID,
    cstring('final_date', 17, 65),
    uint8('message_state'),
    uint8('error_code'),
  ],
} as const satisfies Record<CommandName, readonly Field[]>

/**
 * The command_status that answers a bad value of a parameter; where the standard has none of the
 * parameter's own, ESME_RINVCMDLEN (what made it bad is that the body ended, or ran on).
 * Source: SMPP 3.4 §5.1.3.
 */
export function statusFor(parameter: string): CommandStatus {
  return PARAMETER_STATUS[parameter] ?? 'ESME_RINVCMDLEN'
}

const PARAMETER_STATUS: Partial<Record<string, CommandStatus>> = {
  service_type: 'ESME_RINVSERTYP',
  source_addr_ton: 'ESME_RINVSRCTON',
  source_addr_npi: 'ESME_RINVSRCNPI',
  source_addr: 'ESME_RINVSRCADR',
  dest_addr_ton: 'ESME_RINVDSTTON',
  dest_addr_npi: 'ESME_RINVDSTNPI',
  destination_addr: 'ESME_RINVDSTADR',
  dl_name: 'ESME_RINVDLNAME',
  dest_address: 'ESME_RINVNUMDESTS',
  dest_flag: 'ESME_RINVDESTFLAG',
  esm_class: 'ESME_RINVESMCLASS',
  priority_flag: 'ESME_RINVPRTFLG',
  schedule_delivery_time: 'ESME_RINVSCHED',
  validity_period: 'ESME_RINVEXPIRY',
  registered_delivery: 'ESME_RINVREGDLVFLG',
  replace_if_present_flag: 'ESME_RINVREPFLAG',
  sm_default_msg_id: 'ESME_RINVDFTMSGID',
  short_message: 'ESME_RINVMSGLEN',
  system_id: 'ESME_RINVSYSID',
  password: 'ESME_RINVPASWD',
  system_type: 'ESME_RINVSYSTYP',
  message_id: 'ESME_RINVMSGID',
}

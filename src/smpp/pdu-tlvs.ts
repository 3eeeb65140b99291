import type { CommandName } from './command-ids.js'
import type { PduProblem, Tlv } from './codec.js'
import type { CommandStatus } from './command-status.js'
import { INTERFACE_VERSION } from './constants.js'
import { TLV_TABLE } from './tlv-table.js'
import { tlvName, type TlvName } from './tlv-tags.js'
import { versionText, type SmppVersion } from './versions.js'

/** Which TLVs a PDU may have in one version, and which it must. */
export interface PduTlvs {
  readonly allowed: readonly TlvName[]
  readonly required: readonly TlvName[]
}

/** The TLVs of a PDU in a version; SMPP 3.3 has none. */
export function tlvsOf(name: CommandName, version: SmppVersion): PduTlvs {
  if (version === INTERFACE_VERSION.v33) return NONE
  if (version === INTERFACE_VERSION.v34) return TLVS_34[name] ?? NONE
  const own = TLVS_50[name] ?? NONE
  // Source: SMPP 5.0 §4.8.4.18: congestion_state may be in any response
  return name.endsWith('_resp') ? { ...own, allowed: [...own.allowed, 'congestion_state'] } : own
}

/**
 * What the standard has against the TLVs of a PDU: a length outside its limits, one that its PDU does not have, one that
 * is missing. Tags that the standard does not know (a vendor's own, a later version's) are carried, and no problem.
 * `decodeBody` does not ask: peers err here, and whether that matters is for the caller to say.
 * Source: SMPP 3.4 §5.1.3, SMPP 5.0 §4.7.6.
 */
export function tlvProblem(
  name: CommandName,
  tlvs: readonly Tlv[],
  version: SmppVersion,
): PduProblem | undefined {
  const { allowed, required } = tlvsOf(name, version)
  for (const { tag, value } of tlvs) {
    const known = tlvName(tag)
    if (known === undefined) continue
    const { min, max, since } = TLV_TABLE[known]
    if (since > version && version !== INTERFACE_VERSION.v33) continue
    if (!allowed.includes(known)) {
      const detail = `${name} of SMPP ${versionText(version)} does not have it`
      return problem('ESME_ROPTPARNOTALLWD', known, detail)
    }
    if (value.length < min || value.length > max) {
      const limits = min === max ? `${min}` : `${min} to ${max}`
      return problem('ESME_RINVPARLEN', known, `${value.length} octets; the standard has ${limits}`)
    }
  }
  for (const one of required) {
    if (!tlvs.some(({ tag }) => tlvName(tag) === one)) {
      return problem('ESME_RMISSINGOPTPARAM', one, `${name} must have it`)
    }
  }
  return undefined
}

function problem(command_status: CommandStatus, parameter: string, detail: string): PduProblem {
  return { command_status, parameter, detail }
}

const NONE: PduTlvs = { allowed: [], required: [] }

function may(...allowed: TlvName[]): PduTlvs {
  return { allowed, required: [] }
}

const SAR = ['sar_msg_ref_num', 'sar_total_segments', 'sar_segment_seqnum'] as const
const CALLBACK = ['callback_num', 'callback_num_pres_ind', 'callback_num_atag'] as const
const SUBADDRESSES = ['source_subaddress', 'dest_subaddress'] as const
const PORTS = ['source_port', 'destination_port'] as const
const SUBUNITS = ['source_addr_subunit', 'dest_addr_subunit'] as const
const BEARERS = [
  'source_network_type',
  'source_bearer_type',
  'source_telematics_id',
  'dest_network_type',
  'dest_bearer_type',
  'dest_telematics_id',
] as const
const NETWORKS = ['source_network_id', 'source_node_id', 'dest_network_id', 'dest_node_id'] as const
const PORTABILITY = [
  'dest_addr_np_resolution',
  'dest_addr_np_information',
  'dest_addr_np_country',
] as const

/** What submit_sm, submit_multi and data_sm of 3.4 have in common. */
const SUBMISSION_34 = [
  'user_message_reference',
  ...PORTS,
  ...SUBUNITS,
  ...SAR,
  'payload_type',
  'message_payload',
  'privacy_indicator',
  ...CALLBACK,
  ...SUBADDRESSES,
  'display_time',
  'sms_signal',
  'ms_validity',
  'ms_msg_wait_facilities',
  'alert_on_message_delivery',
  'language_indicator',
] as const
const ITS = ['its_reply_type', 'its_session_info'] as const

/** Source: SMPP 3.4 §4.1 to §4.12, the table of each PDU. */
const TLVS_34: Partial<Record<CommandName, PduTlvs>> = {
  bind_transmitter_resp: may('sc_interface_version'),
  bind_receiver_resp: may('sc_interface_version'),
  bind_transceiver_resp: may('sc_interface_version'),
  submit_sm: may(
    ...SUBMISSION_34,
    'more_messages_to_send',
    'user_response_code',
    'number_of_messages',
    ...ITS,
    'ussd_service_op',
  ),
  submit_multi: may(...SUBMISSION_34),
  data_sm: may(
    ...SUBMISSION_34,
    ...BEARERS,
    'more_messages_to_send',
    'qos_time_to_live',
    'set_dpf',
    'receipted_message_id',
    'message_state',
    'network_error_code',
    'user_response_code',
    'number_of_messages',
    ...ITS,
  ),
  data_sm_resp: may(
    'delivery_failure_reason',
    'network_error_code',
    'additional_status_info_text',
    'dpf_result',
  ),
  deliver_sm: may(
    'user_message_reference',
    ...PORTS,
    ...SAR,
    'user_response_code',
    'privacy_indicator',
    'payload_type',
    'message_payload',
    'callback_num',
    ...SUBADDRESSES,
    'language_indicator',
    'its_session_info',
    'network_error_code',
    'message_state',
    'receipted_message_id',
  ),
  alert_notification: may('ms_availability_status'),
}

/** Source: SMPP 5.0 §4.2.4, message submission request TLVs. */
const SUBMISSION_50 = may(
  ...SUBMISSION_34,
  ...BEARERS,
  ...NETWORKS,
  ...PORTABILITY,
  'billing_identification',
  'more_messages_to_send',
  'number_of_messages',
  'qos_time_to_live',
  'set_dpf',
  'user_response_code',
  ...ITS,
  'ussd_service_op',
)
/** Source: SMPP 5.0 §4.2.5, message submission response TLVs. */
const SUBMITTED_50 = may(
  'additional_status_info_text',
  'delivery_failure_reason',
  'dpf_result',
  'network_error_code',
)
/** Source: SMPP 5.0 §4.3.3, message delivery request TLVs. */
const DELIVERY_50 = may(
  ...CALLBACK,
  ...PORTABILITY,
  ...SUBUNITS,
  ...NETWORKS,
  ...SUBADDRESSES,
  ...PORTS,
  'dpf_result',
  ...ITS,
  'language_indicator',
  'message_payload',
  'message_state',
  'network_error_code',
  'payload_type',
  'privacy_indicator',
  'receipted_message_id',
  ...SAR,
  'user_message_reference',
  'user_response_code',
  'ussd_service_op',
)

/** Without congestion_state, which any response may have. Source: SMPP 5.0 §4.1 to §4.6. */
const TLVS_50: Partial<Record<CommandName, PduTlvs>> = {
  bind_transmitter_resp: may('sc_interface_version'),
  bind_receiver_resp: may('sc_interface_version'),
  bind_transceiver_resp: may('sc_interface_version'),
  submit_sm: SUBMISSION_50,
  submit_sm_resp: SUBMITTED_50,
  submit_multi: SUBMISSION_50,
  submit_multi_resp: SUBMITTED_50,
  // both ways: what a submission may have and what a delivery may have
  data_sm: may(...new Set([...SUBMISSION_50.allowed, ...DELIVERY_50.allowed])),
  data_sm_resp: SUBMITTED_50,
  deliver_sm: DELIVERY_50,
  deliver_sm_resp: may(
    'additional_status_info_text',
    'delivery_failure_reason',
    'network_error_code',
  ),
  replace_sm: may('message_payload'),
  alert_notification: may('ms_availability_status'),
  broadcast_sm: {
    required: [
      'broadcast_area_identifier',
      'broadcast_content_type',
      'broadcast_rep_num',
      'broadcast_frequency_interval',
    ],
    allowed: [
      'broadcast_area_identifier',
      'broadcast_content_type',
      'broadcast_rep_num',
      'broadcast_frequency_interval',
      'alert_on_message_delivery',
      'broadcast_channel_indicator',
      'broadcast_content_type_info',
      'broadcast_message_class',
      'broadcast_service_group',
      ...CALLBACK,
      ...SUBUNITS,
      ...SUBADDRESSES,
      ...PORTS,
      'display_time',
      'language_indicator',
      'message_payload',
      'ms_validity',
      'payload_type',
      'privacy_indicator',
      'sms_signal',
      'user_message_reference',
    ],
  },
  broadcast_sm_resp: may('broadcast_error_status', 'broadcast_area_identifier'),
  query_broadcast_sm: may('user_message_reference'),
  query_broadcast_sm_resp: {
    required: ['message_state', 'broadcast_area_identifier', 'broadcast_area_success'],
    allowed: [
      'message_state',
      'broadcast_area_identifier',
      'broadcast_area_success',
      'broadcast_end_time',
      'user_message_reference',
    ],
  },
  cancel_broadcast_sm: may('broadcast_content_type', 'user_message_reference'),
}

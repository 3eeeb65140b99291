import { INTERFACE_VERSION } from './constants.js'
import type { TlvName } from './tlv-tags.js'
import type { SmppVersion } from './versions.js'

/** How the value of a TLV is written. */
export type TlvType = 'uint8' | 'uint16' | 'uint32' | 'cstring' | 'octets'

/** One TLV of the standard. */
export interface TlvRow {
  readonly type: TlvType
  /** Octets of the value, a C-octet string's NUL included. Where 3.4 and 5.0 differ both are taken. */
  readonly min: number
  readonly max: number
  /** The version that introduced it. */
  readonly since: SmppVersion
  /** Paragraphs: of SMPP 3.4 (5.3.2.x; undefined where 3.4 does not have it) and of SMPP 5.0 (4.8.4.x). */
  readonly in34: string | undefined
  readonly in50: string
}

type Make = (in34: number | undefined, in50: number) => TlvRow

const fixed =
  (type: TlvType, octets: number): Make =>
  (in34, in50) =>
    row(type, octets, octets, in34, in50)
const ranged =
  (type: TlvType, min: number, max: number): Make =>
  (in34, in50) =>
    row(type, min, max, in34, in50)

function row(
  type: TlvType,
  min: number,
  max: number,
  in34: number | undefined,
  in50: number,
): TlvRow {
  return {
    type,
    min,
    max,
    since: in34 === undefined ? INTERFACE_VERSION.v50 : INTERFACE_VERSION.v34,
    in34: in34 === undefined ? undefined : `5.3.2.${in34}`,
    in50: `4.8.4.${in50}`,
  }
}

const uint8 = fixed('uint8', 1)
const uint16 = fixed('uint16', 2)
const uint32 = fixed('uint32', 4)
const octets = (min: number, max = min): Make => ranged('octets', min, max)
const cstring = (min: number, max: number): Make => ranged('cstring', min, max)

/** Every TLV of SMPP 3.4 and 5.0. Source: SMPP 3.4 §5.3.2, SMPP 5.0 §4.8.4. */
export const TLV_TABLE: Readonly<Record<TlvName, TlvRow>> = {
  dest_addr_subunit: uint8(1, 23),
  dest_network_type: uint8(3, 26),
  dest_bearer_type: uint8(5, 24),
  dest_telematics_id: uint16(7, 29),
  source_addr_subunit: uint8(2, 54),
  source_network_type: uint8(4, 57),
  source_bearer_type: uint8(6, 55),
  // one octet in 3.4, two in 5.0
  source_telematics_id: octets(1, 2)(8, 61),
  qos_time_to_live: uint32(9, 46),
  payload_type: uint8(10, 44),
  additional_status_info_text: cstring(1, 256)(11, 1),
  receipted_message_id: cstring(1, 65)(12, 47),
  ms_msg_wait_facilities: uint8(13, 40),
  privacy_indicator: uint8(14, 45),
  source_subaddress: octets(2, 23)(15, 60),
  dest_subaddress: octets(2, 23)(16, 28),
  user_message_reference: uint16(17, 62),
  user_response_code: uint8(18, 63),
  source_port: uint16(20, 59),
  destination_port: uint16(21, 30),
  sar_msg_ref_num: uint16(22, 48),
  language_indicator: uint8(19, 35),
  sar_total_segments: uint8(23, 50),
  sar_segment_seqnum: uint8(24, 49),
  sc_interface_version: uint8(25, 51),
  callback_num_pres_ind: uint8(37, 17),
  callback_num_atag: octets(1, 65)(38, 16),
  number_of_messages: uint8(39, 43),
  callback_num: octets(4, 19)(36, 15),
  dpf_result: uint8(28, 32),
  set_dpf: uint8(29, 52),
  ms_availability_status: uint8(30, 39),
  network_error_code: octets(3)(31, 42),
  message_payload: octets(0, 0xffff)(32, 36),
  delivery_failure_reason: uint8(33, 19),
  more_messages_to_send: uint8(34, 38),
  message_state: uint8(35, 37),
  congestion_state: uint8(undefined, 18),
  ussd_service_op: uint8(44, 64),
  broadcast_channel_indicator: uint8(undefined, 7),
  broadcast_content_type: octets(3)(undefined, 8),
  broadcast_content_type_info: octets(1, 255)(undefined, 6),
  broadcast_message_class: uint8(undefined, 12),
  broadcast_rep_num: uint16(undefined, 13),
  broadcast_frequency_interval: octets(3)(undefined, 11),
  broadcast_area_identifier: octets(1, 100)(undefined, 4),
  broadcast_error_status: uint32(undefined, 10),
  broadcast_area_success: uint8(undefined, 5),
  // an SMPP time, with its NUL or without
  broadcast_end_time: octets(16, 17)(undefined, 9),
  broadcast_service_group: octets(1, 255)(undefined, 14),
  billing_identification: octets(1, 1024)(undefined, 3),
  source_network_id: cstring(7, 65)(undefined, 56),
  dest_network_id: cstring(7, 65)(undefined, 25),
  source_node_id: octets(6)(undefined, 58),
  dest_node_id: octets(6)(undefined, 27),
  dest_addr_np_resolution: uint8(undefined, 22),
  dest_addr_np_information: octets(10)(undefined, 21),
  dest_addr_np_country: octets(1, 5)(undefined, 20),
  display_time: uint8(26, 31),
  sms_signal: uint16(40, 53),
  // one octet in 3.4; in 5.0 a relative one has three more
  ms_validity: octets(1, 4)(27, 41),
  // empty in 3.4, one octet in 5.0
  alert_on_message_delivery: octets(0, 1)(41, 2),
  its_reply_type: uint8(42, 33),
  its_session_info: octets(2)(43, 34),
}

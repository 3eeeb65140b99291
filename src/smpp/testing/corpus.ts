import { COMMAND_IDS, type CommandName } from '../command-ids.js'

/** Octets that a peer might send, and what the decoder must say of them. Written by hand, from the standard. */
export interface CorpusEntry {
  title: string
  hex: string
  /** As `outcomeOf` puts it. */
  outcome: string
}

/** A whole PDU with the right command_length around a body. */
function pdu(name: CommandName, body: string, command_status = 0): string {
  const octets = 16 + body.replaceAll(' ', '').length / 2
  return [octets, COMMAND_IDS[name], command_status, 1]
    .map(value => value.toString(16).padStart(8, '0'))
    .concat(body)
    .join(' ')
}

const row = (title: string, hex: string, outcome: string): CorpusEntry => ({ title, hex, outcome })

/** service_type to esm_class of a submit_sm or deliver_sm from nobody to "1". */
const ADDRESSES = '00 0000 00 0101 3100'
/** esm_class to sm_default_msg_id. */
const FLAGS = '00 00 00 00 00 00 00 00 00'

export const CORPUS: readonly CorpusEntry[] = [
  row('nothing', '', 'waits'),
  row('three octets', '000000', 'waits'),
  row('a header without its end', '00000010 00000015 00000000 0000', 'waits'),
  row('a body without its end', '00000020 00000004 00000000 00000001 00 0000', 'waits'),
  row('command_length 0', '00000000', 'command_length'),
  row('command_length 15', '0000000f 00000015 00000000 00000001', 'command_length'),
  row('command_length with its top bit', '80000010 00000015 00000000 00000001', 'command_length'),
  row('command_length of the largest', 'ffffffff', 'command_length'),
  row('command_id 0', '00000010 00000000 00000000 00000001', 'unknown'),
  row('a response nobody knows', '00000010 80000777 00000000 00000001', 'unknown'),
  row('enquire_link with a body', pdu('enquire_link', '00 01 02'), 'read'),
  row('enquire_link with a TLV', pdu('enquire_link', '1400 0001 00'), 'read'),
  row('bind without a body', pdu('bind_transceiver', ''), 'ESME_RINVSYSID system_id'),
  row(
    'bind without interface_version',
    pdu('bind_receiver', '6100 6200 00'),
    'ESME_RINVCMDLEN interface_version',
  ),
  row(
    'bind whose system_type never ends',
    pdu('bind_transmitter', `6100 6200 ${'41'.repeat(40)}`),
    'ESME_RINVSYSTYP system_type',
  ),
  row(
    'bind whose address_range has 41 characters',
    pdu('bind_transmitter', `6100 6200 00 34 00 00 ${'31'.repeat(41)}00`),
    'ESME_RINVCMDLEN address_range',
  ),
  row('outbind without password', pdu('outbind', '6100'), 'ESME_RINVPASWD password'),
  row('bind_resp with a stray octet', pdu('bind_transceiver_resp', '6100 50'), 'read'),
  row('bind_resp that refuses, with half a body', pdu('bind_receiver_resp', '61', 0x0d), 'read'),
  row('submit_sm_resp without NUL', pdu('submit_sm_resp', '3132'), 'ESME_RINVMSGID message_id'),
  row('submit_sm_resp that refuses, without NUL', pdu('submit_sm_resp', '3132', 0x58), 'read'),
  row('submit_sm without text', pdu('submit_sm', `${ADDRESSES} ${FLAGS} 00`), 'read'),
  row(
    'submit_sm whose sm_length counts one too many',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS} 03 6162`),
    'ESME_RINVMSGLEN sm_length',
  ),
  row(
    'submit_sm whose sm_length counts one too few, a NUL',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS} 02 616200`),
    'read',
  ),
  row(
    'submit_sm that ends before sm_length',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS}`),
    'ESME_RINVCMDLEN sm_length',
  ),
  row(
    'submit_sm with a service_type of seven',
    pdu('submit_sm', '41414141414141 00 0000 00'),
    'ESME_RINVSERTYP service_type',
  ),
  row(
    'submit_sm with a source_addr of 21 characters',
    pdu('submit_sm', `00 0101 ${'31'.repeat(21)}00 0101 3100 ${FLAGS} 00`),
    'ESME_RINVSRCADR source_addr',
  ),
  row(
    'submit_sm with a destination_addr without NUL',
    pdu('submit_sm', '00 0101 3100 0101 3131'),
    'ESME_RINVDSTADR destination_addr',
  ),
  row(
    'submit_sm with a schedule_delivery_time of 17 characters',
    pdu('submit_sm', `${ADDRESSES} 000000 ${'30'.repeat(17)}00 00 00 00 00 00 00`),
    'ESME_RINVSCHED schedule_delivery_time',
  ),
  row(
    'submit_sm with a validity_period of 17 characters',
    pdu('submit_sm', `${ADDRESSES} 000000 00 ${'30'.repeat(17)}00 00 00 00 00 00`),
    'ESME_RINVEXPIRY validity_period',
  ),
  row(
    'submit_sm with a TLV that claims more than there is',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS} 00 0424 ffff 61`),
    'ESME_RINVPARLEN message_payload',
  ),
  row(
    'submit_sm with an empty TLV at the very end',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS} 00 130c 0000`),
    'read',
  ),
  row(
    'submit_sm with a vendor’s TLV that claims more than there is',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS} 00 1400 0002 61`),
    'ESME_RINVPARLEN tlv 0x1400',
  ),
  row(
    'submit_sm with half a TLV header',
    pdu('submit_sm', `${ADDRESSES} ${FLAGS} 00 0424 00`),
    'read',
  ),
  row(
    'deliver_sm with a TLV that claims more than there is: the rest counts',
    pdu('deliver_sm', `${ADDRESSES} ${FLAGS} 00 0427 0001 02 001e 0041 6100`),
    'read',
  ),
  row(
    'submit_multi with dest_flag 3',
    pdu('submit_multi', '00 0000 00 01 03 6100'),
    'ESME_RINVDESTFLAG dest_flag',
  ),
  row(
    'submit_multi that counts more destinations than there are',
    pdu('submit_multi', '00 0000 00 ff 02 6100'),
    'ESME_RINVCMDLEN dest_flag',
  ),
  row(
    'submit_multi with a dl_name of 21 characters',
    pdu('submit_multi', `00 0000 00 01 02 ${'61'.repeat(21)}00`),
    'ESME_RINVDLNAME dl_name',
  ),
  row(
    'submit_multi with two addresses in the place of one',
    pdu('submit_multi', `00 0000 00 02 01 0101 ${'31'.repeat(12)} 0a ${'32'.repeat(12)} 00 02`),
    'ESME_RINVDSTADR destination_addr',
  ),
  row(
    'submit_multi_resp whose list is cut',
    pdu('submit_multi_resp', '3100 01 0101 3100 0000'),
    'ESME_RINVCMDLEN error_status_code',
  ),
  row(
    'data_sm with an address of 64 characters',
    pdu('data_sm', `00 0101 ${'31'.repeat(64)}00 0101 3100 00 00 00`),
    'read',
  ),
  row('query_sm without source', pdu('query_sm', '3100'), 'ESME_RINVCMDLEN source_addr_ton'),
  row(
    'query_sm_resp with a date in another notation',
    pdu('query_sm_resp', '3100 323031332d31302d30372030303a30303a303000 02 00'),
    'read',
  ),
  row('cancel_sm that is empty', pdu('cancel_sm', ''), 'ESME_RINVSERTYP service_type'),
  row(
    'replace_sm whose sm_length lies',
    pdu('replace_sm', '3100 0000 00 00 00 00 00 05 6162'),
    'ESME_RINVMSGLEN sm_length',
  ),
  row(
    'alert_notification without esme_addr',
    pdu('alert_notification', '0000 3100 0000'),
    'ESME_RINVCMDLEN esme_addr',
  ),
  row(
    'broadcast_sm with a TLV longer than the standard’s, which is carried',
    pdu('broadcast_sm', '00 0000 00 00 00 00 00 00 00 00 0604 0003 000001'),
    'read',
  ),
  row(
    'query_last_msgs_resp that counts more ids than there are',
    pdu('query_last_msgs_resp', '02 3100'),
    'ESME_RINVMSGID message_id',
  ),
  row(
    'query_msg_details_resp with dest_flag 0',
    pdu('query_msg_details_resp', '00 0000 00 01 00'),
    'ESME_RINVDESTFLAG dest_flag',
  ),
  row(
    'param_retrieve with a name of 32 characters',
    pdu('param_retrieve', `${'61'.repeat(32)}00`),
    'ESME_RINVCMDLEN param_name',
  ),
]

import { encodePdu, tlv, type Body } from '../src/smpp/codec.js'
import type { CommandName } from '../src/smpp/command-ids.js'

/** A PDU of everyday traffic: as our codec writes it, and the same as the options of the `smpp` package. */
export interface Sample<N extends CommandName = CommandName> {
  title: string
  command: N
  octets: Buffer
  body: Partial<Body<N>>
  theirs: Readonly<Record<string, unknown>>
}

const SEQUENCE = 0x01020304
const TEXT = Buffer.from(
  'Your code is 482913. It is valid for ten minutes, and nobody of us will ever ask you for it. '.repeat(
    2,
  ),
).subarray(0, 140)
const ID = 'dd550000000000009000'
const RECEIPT = Buffer.from(
  `id:${ID} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000 text:Your code is 482913.`,
)

/** The package translates text of other data_codings to strings, which we do not: 4 is octets to both. */
const COMMON = { data_coding: 4, source_addr_ton: 5, dest_addr_ton: 1, dest_addr_npi: 1 }
const SUBMIT = {
  ...COMMON,
  source_addr: 'Carillon',
  destination_addr: '491701234567',
  registered_delivery: 1,
  short_message: TEXT,
}
const DELIVER = {
  ...COMMON,
  source_addr: '491701234567',
  destination_addr: 'Carillon',
  esm_class: 4,
  short_message: RECEIPT,
}

function sample<N extends CommandName>(
  title: string,
  command: N,
  parameters: Partial<Body<N>>,
  theirs: Readonly<Record<string, unknown>> = {},
): Sample {
  const octets = encodePdu(command, { sequence_number: SEQUENCE }, parameters)
  const rest: Record<string, unknown> = { ...parameters }
  delete rest['tlvs']
  const made = {
    title,
    command,
    octets,
    body: parameters,
    theirs: { sequence_number: SEQUENCE, ...rest, ...theirs },
  }
  return made
}

export const SAMPLES: readonly Sample[] = [
  sample('submit_sm', 'submit_sm', SUBMIT),
  sample(
    'submit_sm, four TLVs',
    'submit_sm',
    {
      ...SUBMIT,
      tlvs: [
        tlv.uint16('user_message_reference', 4711),
        tlv.uint16('sar_msg_ref_num', 0xabcd),
        tlv.uint8('sar_total_segments', 3),
        tlv.uint8('sar_segment_seqnum', 2),
      ],
    },
    {
      user_message_reference: 4711,
      sar_msg_ref_num: 0xabcd,
      sar_total_segments: 3,
      sar_segment_seqnum: 2,
    },
  ),
  sample('submit_sm_resp', 'submit_sm_resp', { message_id: ID }),
  sample(
    'submit_sm_resp, one TLV',
    'submit_sm_resp',
    { message_id: ID, tlvs: [tlv.cstring('additional_status_info_text', 'taken')] },
    { additional_status_info_text: 'taken' },
  ),
  sample('deliver_sm (receipt)', 'deliver_sm', DELIVER),
  sample(
    'deliver_sm (receipt), three TLVs',
    'deliver_sm',
    {
      ...DELIVER,
      tlvs: [
        tlv.cstring('receipted_message_id', ID),
        tlv.uint8('message_state', 2),
        tlv.octets('network_error_code', Buffer.of(3, 0, 0)),
      ],
    },
    { receipted_message_id: ID, message_state: 2, network_error_code: Buffer.of(3, 0, 0) },
  ),
  sample('deliver_sm_resp', 'deliver_sm_resp', { message_id: '' }),
]

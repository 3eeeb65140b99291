import type { SubmitReader } from './submit-reader.js'

/**
 * The body that a reader has read, without its stray octets: what we send holds nothing that a strict peer stumbles over. `body`
 * itself, or a view of it, where the message and the TLVs meet.
 */
export function wholeBody({ body, short_message_end, tlvs_start, tlvs_end }: SubmitReader): Buffer {
  if (tlvs_start === short_message_end)
    return tlvs_end === body.length ? body : body.subarray(0, tlvs_end)
  return Buffer.concat([body.subarray(0, short_message_end), body.subarray(tlvs_start, tlvs_end)])
}

/** A copy of the whole body, without one of its times. */
export function bodyWithout(
  reader: SubmitReader,
  time: 'schedule_delivery_time' | 'validity_period',
): Buffer {
  const body = wholeBody(reader)
  return Buffer.concat([
    body.subarray(0, reader[`${time}_start`]),
    body.subarray(reader[`${time}_end`]),
  ])
}

/**
 * The whole body of a deliver_sm, with NULL where it must be: an SMSC may copy what the mobile's network said into it, and there are
 * ESMEs that refuse the PDU, or close the session, for that (smpp.pdu of Python). No copy where there is nothing to do.
 *
 * Source: SMPP 3.4 §4.6.1: schedule_delivery_time, validity_period, replace_if_present_flag and sm_default_msg_id.
 */
export function deliverBody(reader: SubmitReader): Buffer {
  const body = wholeBody(reader)
  const { schedule_delivery_time_start: times, registered_delivery_at: after } = reader
  const isNull = (reader.replace_if_present_flag | reader.sm_default_msg_id) === 0
  if (after === times + 2 && isNull) return body
  const clean = Buffer.concat([body.subarray(0, times), Buffer.alloc(2), body.subarray(after)])
  clean[times + 3] = 0 // replace_if_present_flag, behind registered_delivery
  clean[times + 5] = 0 // sm_default_msg_id, behind data_coding
  return clean
}

import { decodeBody, encodeBody, type Body } from './codec.js'
import { TLV_TAGS } from './tlv-tags.js'

/**
 * The submit_sm body that a replace_sm makes of another: message, registered_delivery and sm_default_msg_id are the
 * replacement's, validity_period where it names one; all else stays, TLVs too. message_payload goes with the message.
 *
 * @returns undefined where `submit` is no submit_sm body
 * Source: SMPP 3.4 §4.10.1, SMPP 5.0 §4.5.3.1.
 */
export function replacedSubmit(submit: Buffer, by: Body<'replace_sm'>): Buffer | undefined {
  const decoded = decodeBody('submit_sm', submit)
  if (!decoded.ok) return undefined
  const { body } = decoded
  const isPayload = ({ tag }: { tag: number }): boolean => tag === TLV_TAGS.message_payload
  return encodeBody('submit_sm', {
    ...body,
    validity_period: by.validity_period === '' ? body.validity_period : by.validity_period,
    registered_delivery: by.registered_delivery,
    sm_default_msg_id: by.sm_default_msg_id,
    short_message: by.short_message,
    tlvs: [...body.tlvs.filter(tlv => !isPayload(tlv)), ...by.tlvs.filter(isPayload)],
  })
}

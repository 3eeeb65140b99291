import type { Tlv } from './codec.js'
import { SHORT_MESSAGE_MAX } from './constants.js'
import type { SubmitReader } from './submit-reader.js'
import { TLV_TAGS } from './tlv-tags.js'

export interface NewUserData {
  /** User data header, where there is one, and text. */
  userData: Buffer
  esm_class: number
  data_coding: number
  /** True: as message_payload, whatever its length; what is longer than short_message takes is always. */
  asPayload: boolean
  /** In addition to those that the body has. */
  tlvs?: readonly Tlv[]
  /** Tags of those that the body has and the new one has not. */
  without?: readonly number[]
}

/**
 * The submit_sm or deliver_sm body that `reader` has read, with another text; all else stays as it came, octet by octet.
 *
 * @returns  a new buffer
 */
export function withUserData(reader: SubmitReader, given: NewUserData): Buffer {
  const { body } = reader
  const { userData, tlvs = [], without = [] } = given
  const asPayload = given.asPayload || userData.length > SHORT_MESSAGE_MAX
  const head = Buffer.from(body.subarray(0, reader.short_message_start))
  head[reader.esm_class_at] = given.esm_class
  head[reader.registered_delivery_at + 2] = given.data_coding
  head[reader.registered_delivery_at + 4] = asPayload ? 0 : userData.length
  const payload = asPayload ? [{ tag: TLV_TAGS.message_payload, value: userData }] : []
  const text = asPayload ? [] : [userData]
  const optional = [...tlvs, ...payload].flatMap(octetsOf)
  return Buffer.concat([head, ...text, ...otherTlvs(reader, without), ...optional])
}

/** As they came, but for message_payload. */
function otherTlvs(
  { body, tlvs_start, tlvs_end }: SubmitReader,
  without: readonly number[],
): Buffer[] {
  const others: Buffer[] = []
  for (let at = tlvs_start; at < tlvs_end;) {
    const end = at + 4 + body.readUInt16BE(at + 2)
    const tag = body.readUInt16BE(at)
    if (tag !== TLV_TAGS.message_payload && !without.includes(tag))
      others.push(body.subarray(at, end))
    at = end
  }
  return others
}

function octetsOf({ tag, value }: Tlv): Buffer[] {
  return [Buffer.of(tag >> 8, tag & 0xff, value.length >> 8, value.length & 0xff), value]
}

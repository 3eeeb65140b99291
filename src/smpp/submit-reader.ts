import { COMMAND_STATUS } from './command-status.js'
import { isStrayNul } from './stray-nul.js'
import { TLV_TAGS, tlvText } from './tlv-tags.js'

/**
 * Reads a submit_sm or deliver_sm body in one pass, without creating a string or an object: the hot
 * path. It notes where the parameters lie; one reader serves a whole session after another.
 *
 *     const status = reader.read(frame.body, 'submit_sm')
 *     if (status !== 0) refuse(status, reader.parameter)
 *     else route(reader.destination_addr)
 *
 * All offsets are into `body`; ranges are half open and leave the NUL out. What they say is valid
 * until the next `read`.
 */
export class SubmitReader {
  body: Buffer = EMPTY
  /** Of what `read` last refused: the name of the parameter; '' otherwise. */
  parameter = ''

  /** service_type begins at 0. */
  service_type_end = 0
  source_addr_ton = 0
  source_addr_npi = 0
  source_addr_start = 0
  source_addr_end = 0
  dest_addr_ton = 0
  dest_addr_npi = 0
  destination_addr_start = 0
  destination_addr_end = 0
  /** Where esm_class lies; protocol_id and priority_flag follow it. */
  esm_class_at = 0
  esm_class = 0
  protocol_id = 0
  /** As it came: values above 3 are reserved (SMPP 3.4 §5.2.14), occur, and count as 3. */
  priority_flag = 0
  schedule_delivery_time_start = 0
  schedule_delivery_time_end = 0
  validity_period_start = 0
  validity_period_end = 0
  /** Where registered_delivery lies; four more single octets follow it, sm_length last. */
  registered_delivery_at = 0
  registered_delivery = 0
  replace_if_present_flag = 0
  data_coding = 0
  sm_default_msg_id = 0
  sm_length = 0
  short_message_start = 0
  short_message_end = 0
  /** TLVs that are whole; stray octets lie outside: a NUL after the message, and what follows the last TLV. */
  tlvs_start = 0
  tlvs_end = 0
  /** The message_payload TLV's value; both -1 where there is none. */
  message_payload_start = -1
  message_payload_end = -1
  /** The user_message_reference TLV, or -1. */
  user_message_reference = -1

  /**
   * @param command  submit_sm is checked strictly. In a deliver_sm only what cannot be read at all
   *                 is refused: TLVs from the first that runs over the end are left out, and times,
   *                 flags and an empty destination pass, for SMSCs err there and a receipt counts
   * @returns        0, or the command_status to refuse with; `parameter` then names what was wrong
   * Source: SMPP 3.4 §4.4.1 and §4.6.1.
   */
  read(body: Buffer, command: 'submit_sm' | 'deliver_sm'): number {
    this.body = body
    this.parameter = ''
    const strict = command === 'submit_sm'

    let at = cstringEnd(body, 0, 6)
    if (at < 0) return this.refuse(COMMAND_STATUS.ESME_RINVSERTYP, 'service_type')
    this.service_type_end = at

    if (at + 3 >= body.length) return this.refuse(COMMAND_STATUS.ESME_RINVCMDLEN, 'source_addr_ton')
    this.source_addr_ton = body[at + 1]!
    this.source_addr_npi = body[at + 2]!
    this.source_addr_start = at + 3
    at = cstringEnd(body, at + 3, 21)
    if (at < 0) return this.refuse(COMMAND_STATUS.ESME_RINVSRCADR, 'source_addr')
    this.source_addr_end = at

    if (at + 3 >= body.length) return this.refuse(COMMAND_STATUS.ESME_RINVCMDLEN, 'dest_addr_ton')
    this.dest_addr_ton = body[at + 1]!
    this.dest_addr_npi = body[at + 2]!
    this.destination_addr_start = at + 3
    at = cstringEnd(body, at + 3, 21)
    if (at < 0 || (strict && at === this.destination_addr_start)) {
      return this.refuse(COMMAND_STATUS.ESME_RINVDSTADR, 'destination_addr')
    }
    this.destination_addr_end = at

    if (at + 3 >= body.length) return this.refuse(COMMAND_STATUS.ESME_RINVCMDLEN, 'esm_class')
    this.esm_class_at = at + 1
    this.esm_class = body[at + 1]!
    this.protocol_id = body[at + 2]!
    this.priority_flag = body[at + 3]!

    this.schedule_delivery_time_start = at + 4
    at = cstringEnd(body, at + 4, 17)
    if (at < 0 || (strict && !isTime(body, this.schedule_delivery_time_start, at))) {
      return this.refuse(COMMAND_STATUS.ESME_RINVSCHED, 'schedule_delivery_time')
    }
    this.schedule_delivery_time_end = at
    this.validity_period_start = at + 1
    at = cstringEnd(body, at + 1, 17)
    if (at < 0 || (strict && !isTime(body, this.validity_period_start, at))) {
      return this.refuse(COMMAND_STATUS.ESME_RINVEXPIRY, 'validity_period')
    }
    this.validity_period_end = at

    if (at + 5 >= body.length) {
      return this.refuse(COMMAND_STATUS.ESME_RINVCMDLEN, 'registered_delivery')
    }
    this.registered_delivery_at = at + 1
    this.registered_delivery = body[at + 1]!
    this.replace_if_present_flag = body[at + 2]!
    if (strict && this.replace_if_present_flag > 1) {
      return this.refuse(COMMAND_STATUS.ESME_RINVREPFLAG, 'replace_if_present_flag')
    }
    this.data_coding = body[at + 3]!
    this.sm_default_msg_id = body[at + 4]!
    this.sm_length = body[at + 5]!
    this.short_message_start = at + 6
    at += 6 + this.sm_length
    if (at > body.length) return this.refuse(COMMAND_STATUS.ESME_RINVMSGLEN, 'sm_length')
    this.short_message_end = at
    return this.readTlvs(at, strict)
  }

  get source_addr(): string {
    return this.body.toString('latin1', this.source_addr_start, this.source_addr_end)
  }

  get destination_addr(): string {
    return this.body.toString('latin1', this.destination_addr_start, this.destination_addr_end)
  }

  get service_type(): string {
    return this.body.toString('latin1', 0, this.service_type_end)
  }

  get schedule_delivery_time(): string {
    const { schedule_delivery_time_start: start, schedule_delivery_time_end: end } = this
    return start === end ? '' : this.body.toString('latin1', start, end)
  }

  get validity_period(): string {
    const { validity_period_start: start, validity_period_end: end } = this
    return start === end ? '' : this.body.toString('latin1', start, end)
  }

  /** Octets of the message: message_payload where there is one, else short_message. A view. */
  get message(): Buffer {
    return this.message_payload_start >= 0
      ? this.body.subarray(this.message_payload_start, this.message_payload_end)
      : this.body.subarray(this.short_message_start, this.short_message_end)
  }

  /** A short_message and a message_payload: sm_length is 0 with the latter (SMPP 3.4 §5.2.21, §5.3.2.32). */
  get hasTwoMessages(): boolean {
    return this.message_payload_start >= 0 && this.sm_length > 0
  }

  /** The first value of a tag (see TLV_TAGS), a view, or undefined. */
  tlv(tag: number): Buffer | undefined {
    const { body } = this
    for (let at = this.tlvs_start; at < this.tlvs_end;) {
      const end = at + 4 + uint16(body, at + 2)
      if (uint16(body, at) === tag) return body.subarray(at + 4, end)
      at = end
    }
    return undefined
  }

  private readTlvs(at: number, strict: boolean): number {
    const { body } = this
    this.tlvs_start = at
    this.message_payload_start = -1
    this.message_payload_end = -1
    this.user_message_reference = -1
    while (at + 4 <= body.length) {
      const tag = uint16(body, at)
      const length = uint16(body, at + 2)
      const end = at + 4 + length
      if (end > body.length) {
        const { tlvs_start, short_message_end } = this
        if (tlvs_start === short_message_end && isStrayNul(body, tlvs_start))
          return this.readTlvs(tlvs_start + 1, strict)
        if (strict) return this.refuse(COMMAND_STATUS.ESME_RINVPARLEN, tlvText(tag))
        break
      }
      if (tag === TLV_TAGS.message_payload && this.message_payload_start < 0) {
        this.message_payload_start = at + 4
        this.message_payload_end = end
      } else if (tag === TLV_TAGS.user_message_reference) {
        if (length === 2) this.user_message_reference = uint16(body, at + 4)
        else if (strict) {
          return this.refuse(COMMAND_STATUS.ESME_RINVPARLEN, 'user_message_reference')
        }
      }
      at = end
    }
    this.tlvs_end = at
    return 0
  }

  private refuse(command_status: number, parameter: string): number {
    this.parameter = parameter
    return command_status
  }
}

const EMPTY = Buffer.alloc(0)

/** Index of the NUL that ends a string of up to `size` octets (NUL included), or -1. */
function cstringEnd(body: Buffer, at: number, size: number): number {
  const end = Math.min(body.length, at + size)
  for (; at < end; at++) if (body[at] === 0) return at
  return -1
}

/** Nothing, or sixteen characters of the shape of an SMPP time. Ranges are checked by `parseTime`. */
function isTime(body: Buffer, start: number, end: number): boolean {
  if (start === end) return true
  if (end - start !== 16) return false
  for (let at = start; at < end - 1; at++) {
    const digit = body[at]!
    if (digit < 0x30 || digit > 0x39) return false
  }
  const mark = body[end - 1]
  return mark === 0x2b || mark === 0x2d || mark === 0x52 // + - R
}

function uint16(body: Buffer, at: number): number {
  return (body[at]! << 8) | body[at + 1]!
}

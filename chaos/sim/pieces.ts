import { findTlv, type Body } from '../../src/smpp/codec.js'

/** What a submit_sm that came to an SMSC has of its message. */
export interface Piece {
  /** `udh8 of 3`; '' where it is the whole message. */
  cut: string
  /** From 0 on, and of how many. */
  part: number
  of: number
  /** By which a mobile knows what belongs together. */
  reference: number
  /** Its octets as Latin-1, without the user data header. */
  text: string
}

const UDHI = 0x40

/**
 * Reads it as a mobile would, without the product's own reader.
 *
 * Source: 3GPP TS 23.040 §9.2.3.24.1, §9.2.3.24.8; SMPP 3.4 §5.3.2.22 to §5.3.2.24.
 */
export function pieceOf({ esm_class, short_message, tlvs }: Body<'submit_sm'>): Piece {
  const octets = findTlv(tlvs, 'message_payload') ?? short_message
  const sar = (name: 'sar_msg_ref_num' | 'sar_total_segments' | 'sar_segment_seqnum'): number =>
    findTlv(tlvs, name)?.readUIntBE(0, name === 'sar_msg_ref_num' ? 2 : 1) ?? 0
  if ((esm_class & UDHI) === 0) {
    const text = octets.toString('latin1')
    const of = sar('sar_total_segments')
    return of === 0
      ? { cut: '', part: 0, of: 1, reference: 0, text }
      : {
          cut: `sar of ${of}`,
          part: sar('sar_segment_seqnum') - 1,
          of,
          reference: sar('sar_msg_ref_num'),
          text,
        }
  }
  const text = octets.toString('latin1', 1 + octets[0]!)
  const long = octets[1] === 8 // of 16 bits; 0: of 8
  const reference = long ? octets.readUInt16BE(3) : octets[3]!
  const at = long ? 5 : 4
  const of = octets[at]!
  return { cut: `udh${long ? 16 : 8} of ${of}`, part: octets[at + 1]! - 1, of, reference, text }
}

/** As the timeline names it: `2 of 3`, or ''. */
export const pieceText = ({ cut, part }: Piece): string =>
  cut === '' ? '' : `, part ${part + 1}, ${cut}`

const BRIEF_MAX = 40

/** A text for a line of the timeline: long ones are cut, and what is no letter is a dot. */
export function brief(text: string): string {
  const shown = text.slice(0, BRIEF_MAX).replace(/[^ -~]/g, '.')
  return text.length > BRIEF_MAX ? `${shown}… (${text.length})` : shown
}

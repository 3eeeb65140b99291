import type { VendorTlv } from '../policy/settings.js'
import type { Tlv } from '../smpp/codec.js'
import { messageState } from '../smpp/constants.js'
import { TLV_TABLE } from '../smpp/tlv-table.js'
import { tlvName, tlvText } from '../smpp/tlv-tags.js'

/** TLVs on one line are so many at most, and octets of a value so many. */
const TLVS_MAX = 20
const OCTETS_MAX = 16

/**
 * TLVs for people: `source_port=16000 message_state=DELIVERED campaign=spring`. A name is the standard's, or else the operator's own; what has neither
 * is `0x1403=0a0b`. A value is told as its type has it, octets in hexadecimal, and so is what its type cannot be. message_payload is left
 * out: it is the text.
 *
 * @param registry  the vendors' TLVs of the gateway settings
 * @param texts     what may hold text is shown; else, as the node has overwritten it, only its length: `campaign=[7]`
 */
export function tlvWords(
  tlvs: readonly Tlv[],
  registry: readonly VendorTlv[],
  texts: boolean,
): string[] {
  const told = tlvs.filter(({ tag }) => tlvName(tag) !== 'message_payload')
  const words = told.slice(0, TLVS_MAX).map(tlv => word(tlv, registry, texts))
  return told.length > TLVS_MAX ? [...words, `and ${told.length - TLVS_MAX} TLVs`] : words
}

function word({ tag, value }: Tlv, registry: readonly VendorTlv[], texts: boolean): string {
  const standard = tlvName(tag)
  const vendors = registry.find(one => one.tag === tag)
  const name = standard ?? vendors?.name ?? tlvText(tag).replace('tlv ', '')
  // The node overwrites these where texts are not asked for: src/smpp/pdu-mask.ts.
  const isMasked = standard === undefined || standard === 'additional_status_info_text'
  if (isMasked && !texts) return `${name}=[${value.length}]`
  if (standard === 'message_state' && value.length === 1)
    return `${name}=${messageState(value[0]!) ?? value[0]}`
  const type = standard === undefined ? vendors?.type : TLV_TABLE[standard].type
  return `${name}=${shown(type, value)}`
}

function shown(type: VendorTlv['type'] | undefined, value: Buffer): string {
  if (type === 'cstring' && value.length > 0) return words(value)
  if (type?.startsWith('uint') === true && [1, 2, 4, 8].includes(value.length))
    return String(BigInt(`0x${value.toString('hex')}`))
  const hex = value.toString('hex', 0, OCTETS_MAX)
  return value.length > OCTETS_MAX ? `${hex}…[${value.length}]` : hex
}

/** Without the NUL at its end; what could move a terminal's cursor, and spaces, are a dot. */
function words(value: Buffer): string {
  const end = value.at(-1) === 0 ? value.length - 1 : value.length
  return value.toString('latin1', 0, end).replace(/[\u0000-\u0020\u007f-\u00a0]/g, '.')
}

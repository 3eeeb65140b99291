import type { MessageIdFormat } from '../policy/settings.js'

/**
 * An SMSC's message_id in the form in which ids are compared: `hex` and `dec` as decimal digits without
 * leading zeros, so that one side may write hexadecimal and the other decimal; `text` as it came. Hyphens,
 * letter case, a `0x` and blanks around make no difference to numbers. What is no number stays text.
 *
 * @returns at most 255 octets; '' for an empty one
 * Source: PITFALLS 1.
 */
export function normaliseId(id: string, format: MessageIdFormat): string {
  const text = id.trim()
  switch (format) {
    case 'text':
      return text.slice(0, OCTETS_MAX)
    case 'hex': {
      const digits = text.replace(/-/g, '').replace(/^0x/i, '')
      return HEX.test(digits) ? BigInt(`0x${digits}`).toString() : text.slice(0, OCTETS_MAX)
    }
    default:
      return DEC.test(text) ? text.replace(/^0+(?=\d)/, '') : text.slice(0, OCTETS_MAX)
  }
}

/** True where `id` is a number of the format, so that it can mean what the format says. */
export function fits(id: string, format: MessageIdFormat): boolean {
  if (format === 'text') return true
  const text = id.trim()
  return format === 'dec' ? DEC.test(text) : HEX.test(text.replace(/-/g, '').replace(/^0x/i, ''))
}

const HEX = /^[0-9a-f]{1,64}$/i
const DEC = /^\d{1,80}$/
const OCTETS_MAX = 255

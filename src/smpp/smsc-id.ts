/** How one SMSC writes its message ids in one direction: a setting per connector. */
export type MessageIdFormat = 'text' | 'hex' | 'dec'

/**
 * A normalised id as the SMSC writes it in one direction, but for leading zeros, letter case, hyphens and "0x". What is no
 * number stays as it is.
 */
export function writeSmscId(id: string, format: MessageIdFormat): string {
  return format === 'hex' && /^\d+$/.test(id) ? BigInt(id).toString(16) : id
}

/**
 * One spelling for an SMSC's message id, so that the id of a submit_sm_resp can be compared with that
 * of a receipt. `hex` and `dec` become decimal digits without leading zeros, whatever their letter
 * case, hyphens or "0x"; `text` is trimmed and else kept: case and leading zeros count. What does not
 * fit its format is taken as text.
 *
 *     normalizeSmscId('0000A1-b2', 'hex') === normalizeSmscId('41394', 'dec')
 */
export function normalizeSmscId(id: string, format: MessageIdFormat): string {
  const trimmed = id.replaceAll('\0', '').trim()
  if (format === 'text') return trimmed
  const plain = trimmed.replaceAll('-', '')
  if (format === 'dec') return /^\d+$/.test(plain) ? BigInt(plain).toString() : trimmed
  const digits = plain.replace(/^0x/i, '')
  return /^[\da-f]+$/i.test(digits) ? BigInt(`0x${digits}`).toString() : trimmed
}

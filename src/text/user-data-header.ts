import { languageOf, type Languages } from './gsm7.js'

/** What a user data header says of a text. */
export interface UserDataHeader {
  /** Octets with the one that has the length. */
  octets: number
  concatenation?: Concatenation
  /** Its septets are of these tables. */
  languages?: Languages
}

export interface Concatenation {
  reference: number
  /** Parts in all, and this one's number, from 1. */
  total: number
  part: number
  /** Of the reference, in a header. */
  bits?: 8 | 16
}

/** Information element identifiers. Source: 3GPP TS 23.040 §9.2.3.24. */
const IEI = { concatenation8: 0x00, concatenation16: 0x08, singleShift: 0x24, lockingShift: 0x25 }

/**
 * Reads the header that user data begins with where esm_class has its UDHI bit.
 *
 * @returns  undefined where it runs over the end: then nobody knows where the text begins
 */
export function readUserDataHeader(userData: Buffer): UserDataHeader | undefined {
  const octets = 1 + (userData[0] ?? 0)
  if (userData.length < octets) return undefined
  const header: UserDataHeader = { octets }
  for (const { identifier, value } of elementsOf(userData, octets))
    element(header, identifier, value)
  return header
}

/**
 * What a header has besides concatenation, as a whole header; empty where that is nothing.
 *
 * @param userData  whose header can be read
 */
export function headerOfOthers(userData: Buffer): Buffer {
  const others: Buffer[] = []
  for (const { identifier, whole } of elementsOf(userData, 1 + userData[0]!))
    if (identifier !== IEI.concatenation8 && identifier !== IEI.concatenation16) others.push(whole)
  const elements = Buffer.concat(others)
  return elements.length === 0 ? elements : Buffer.concat([Buffer.of(elements.length), elements])
}

/** A concatenation element alone, as a whole header: 6 octets, or 7 where the reference has 16 bits. */
export function concatenationHeader(
  { reference, total, part }: Concatenation,
  bits: 8 | 16,
  others: Buffer = Buffer.alloc(0),
): Buffer {
  const own =
    bits === 8
      ? [IEI.concatenation8, 3, reference & 0xff, total, part]
      : [IEI.concatenation16, 4, (reference >> 8) & 0xff, reference & 0xff, total, part]
  return Buffer.concat([Buffer.of(own.length + others.length, ...own), others])
}

/** Information elements of a header that ends at `end`. Views. */
function* elementsOf(
  userData: Buffer,
  end: number,
): Generator<{ identifier: number; value: Buffer; whole: Buffer }> {
  for (let at = 1; at + 2 <= end;) {
    const next = Math.min(end, at + 2 + userData[at + 1]!)
    const value = userData.subarray(at + 2, next)
    yield { identifier: userData[at]!, value, whole: userData.subarray(at, next) }
    at = next
  }
}

function element(header: UserDataHeader, identifier: number, value: Buffer): void {
  const [first = 0, second = 0, third = 0, fourth = 0] = value
  const languages = header.languages ?? { locking: 'default', single: 'default' }
  switch (identifier) {
    case IEI.concatenation8:
      if (value.length === 3)
        header.concatenation = { reference: first, total: second, part: third, bits: 8 }
      return
    case IEI.concatenation16:
      if (value.length === 4)
        header.concatenation = {
          reference: (first << 8) | second,
          total: third,
          part: fourth,
          bits: 16,
        }
      return
    case IEI.singleShift:
      header.languages = { ...languages, single: languageOf(first) ?? 'default' }
      return
    case IEI.lockingShift:
      header.languages = { ...languages, locking: languageOf(first) ?? 'default' }
  }
}

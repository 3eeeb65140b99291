const CR = 0x0d

/**
 * Packs septets, eight into seven octets, after `headerOctets` of a user data header: the first one begins at the next
 * septet boundary counted from the header's first octet. Where seven bits are left over they are a CR, so that a reader
 * takes them for no `@`; and a CR that ends the last octet exactly is followed by another.
 *
 * @param septets  one to an octet
 * @returns        the text's octets, without the header
 * Source: 3GPP TS 23.038 §6.1.2.3.1, 3GPP TS 23.040 §9.2.3.24.
 */
export function packSeptets(septets: Buffer, headerOctets = 0): Buffer {
  const fill = fillBits(headerOctets)
  let count = septets.length
  const ends = (fill + 7 * count) % 8
  const more = count > 0 && (ends === 1 || (ends === 0 && septets[count - 1] === CR))
  if (more) count++
  const out = Buffer.alloc(Math.ceil((fill + 7 * count) / 8))
  for (let i = 0, bit = fill; i < count; i++, bit += 7) {
    const value = (i < septets.length ? septets[i]! & 0x7f : CR) << (bit & 7)
    out[bit >> 3]! |= value & 0xff
    if (value > 0xff) out[(bit >> 3) + 1]! |= value >> 8
  }
  return out
}

/**
 * The septets in packed octets, one to an octet. The last one, where seven bits are left over, is no character if it is a CR,
 * as the standard pads, or 0, as many do (PITFALLS 10): an `@` that a text of 8, 16, … characters ends with is lost, for SMPP
 * does not say how many there are.
 *
 * @param headerOctets  of the user data header before them
 */
export function unpackSeptets(octets: Buffer, headerOctets = 0): Buffer {
  const fill = fillBits(headerOctets)
  const bits = 8 * octets.length - fill
  let count = Math.max(0, Math.floor(bits / 7))
  const septets = Buffer.alloc(count)
  for (let i = 0, bit = fill; i < count; i++, bit += 7) {
    const pair = octets[bit >> 3]! | ((octets[(bit >> 3) + 1] ?? 0) << 8)
    septets[i] = (pair >> (bit & 7)) & 0x7f
  }
  const last = septets[count - 1]
  if (count > 0 && bits % 7 === 0 && (last === CR || last === 0)) count--
  return septets.subarray(0, count)
}

/** Bits from the header's end to the next septet boundary. */
function fillBits(headerOctets: number): number {
  return (7 - ((8 * headerOctets) % 7)) % 7
}

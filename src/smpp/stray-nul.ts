/**
 * Whether a NUL that sm_length does not count stands at `at`, just behind the message, and TLVs follow it that end with the body: some
 * ESMEs end every text with one (php-smpp, by default). Asked where the octets from `at` on are no TLVs.
 */
export function isStrayNul(body: Uint8Array, at: number): boolean {
  if (body[at] !== 0) return false
  let next = at + 1
  while (next + 4 <= body.length) next += 4 + ((body[next + 2]! << 8) | body[next + 3]!)
  return next === body.length
}

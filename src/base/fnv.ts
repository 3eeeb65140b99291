/** FNV-1a of the octets of [start, end): 32 bits, unsigned. Replicated state holds what it gives, so it stays as it is. */
export function fnv1a(octets: Uint8Array, start = 0, end = octets.length): number {
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ octets[at]!, 0x01000193)
  return hash >>> 0
}

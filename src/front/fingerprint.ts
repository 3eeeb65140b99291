import { createHash } from 'node:crypto'
import { FINGERPRINT_OCTETS } from '../journal/index.js'
import type { SubmitReader } from '../smpp/submit-reader.js'

/** Two addresses with ton, npi and length, esm_class, data_coding, and the reference. */
const head = Buffer.alloc(2 * (3 + 21) + 2 + 3)

/**
 * What two submits have in common when one is the other sent again (DESIGN §3): source, destination, data_coding,
 * esm_class, payload and user_message_reference. The payload is message_payload where there is one, else short_message.
 *
 * @param reader  has read the body
 * @returns       16 octets of a SHA-256; a buffer of its own
 */
export function fingerprintOf(reader: SubmitReader): Buffer {
  const { body } = reader
  let at = 0
  const address = (ton: number, npi: number, start: number, end: number): void => {
    head[at] = ton
    head[at + 1] = npi
    head[at + 2] = end - start
    at = at + 3 + body.copy(head, at + 3, start, end)
  }
  address(
    reader.source_addr_ton,
    reader.source_addr_npi,
    reader.source_addr_start,
    reader.source_addr_end,
  )
  address(
    reader.dest_addr_ton,
    reader.dest_addr_npi,
    reader.destination_addr_start,
    reader.destination_addr_end,
  )
  head[at] = reader.esm_class
  head[at + 1] = reader.data_coding
  // No reference and reference 0 are not the same.
  head[at + 2] = reader.user_message_reference < 0 ? 0 : 1
  head.writeUInt16BE(Math.max(0, reader.user_message_reference), at + 3)
  const hash = createHash('sha256').update(head.subarray(0, at + 5))
  return hash.update(reader.message).digest().subarray(0, FINGERPRINT_OCTETS)
}

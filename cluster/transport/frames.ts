import { BadFrame } from '../messages.js'

/** Tag of field 1, length-delimited: a frame is `message Frame { repeated bytes record = 1; }`. */
const TAG = 0x0a

/** Several records as one protobuf message. */
export function encodeFrame(records: readonly Buffer[]): Buffer {
  let length = 0
  for (const record of records) length += 1 + varintLength(record.length) + record.length
  const frame = Buffer.allocUnsafe(length)
  let at = 0
  for (const record of records) {
    frame[at++] = TAG
    for (let rest = record.length; ; rest >>>= 7) {
      frame[at++] = rest < 0x80 ? rest : (rest & 0x7f) | 0x80
      if (rest < 0x80) break
    }
    at += record.copy(frame, at)
  }
  return frame
}

/** The records of a frame, as views of it. Throws `BadFrame`. */
export function decodeFrame(frame: Buffer): Buffer[] {
  const records: Buffer[] = []
  let at = 0
  while (at < frame.length) {
    if (frame[at++] !== TAG) throw new BadFrame('a frame with an unknown field')
    let length = 0
    for (let shift = 0; ; shift += 7) {
      const octet = frame[at++]
      if (octet === undefined || shift > 28) throw new BadFrame('a frame with a bad length')
      length += (octet & 0x7f) * 2 ** shift
      if (octet < 0x80) break
    }
    if (at + length > frame.length) throw new BadFrame('a frame that ends early')
    records.push(frame.subarray(at, at + length))
    at += length
  }
  return records
}

function varintLength(value: number): number {
  let length = 1
  for (let rest = value; rest >= 0x80; rest >>>= 7) length++
  return length
}

/** A PDU as it lies in the stream: header read, body untouched. */
export interface FramedPdu {
  command_id: number
  command_status: number
  sequence_number: number
  /** Octets after the 16 of the header. A view of the chunk, or of a buffer of its own. */
  body: Buffer
}

/** The stream cannot be followed any more: nack with ESME_RINVCMDLEN, then close. */
export interface FramingError {
  /** As it came: below 16, or above the limit. */
  command_length: number
  /** Undefined where the header has not come whole. */
  command_id: number | undefined
  sequence_number: number | undefined
}

/**
 * Cuts a stream into PDUs. A PDU that lies whole within one chunk is not copied; the start of one
 * that goes on in a later chunk is, so that a chunk is never held after `push` returns. Holds at
 * most one PDU of `pduOctetsMax` octets, and allocates only once its length is known to be right.
 */
export class Framer {
  private readonly pduOctetsMax: number
  /** Octets of a PDU that has begun: first the header's, then, once the length is known, all. */
  private partial: Buffer = NONE
  private partialLength = 0
  private error: FramingError | undefined

  constructor(pduOctetsMax: number) {
    this.pduOctetsMax = pduOctetsMax
  }

  /**
   * Takes the next octets of the stream, and hands over each PDU they complete, until `onPdu` returns
   * false (the rest of the chunk is then dropped: the session is over).
   * @returns an error, now and on every later call, once command_length cannot be right
   */
  push(chunk: Buffer, onPdu: (pdu: FramedPdu) => boolean): FramingError | undefined {
    if (this.error !== undefined) return this.error
    let at = 0
    while (this.partialLength > 0 && at < chunk.length) {
      const next = this.fill(chunk, at)
      if (next === undefined) return this.error
      at = next
      if (this.partialLength < this.partial.length) return undefined
      const whole = this.partial
      this.partial = NONE
      this.partialLength = 0
      if (!onPdu(frame(whole, 0, whole.length))) return undefined
    }
    while (chunk.length - at >= 4) {
      const length = uint32(chunk, at)
      if (!this.fits(length)) return this.refuse(length, chunk.subarray(at))
      if (chunk.length - at < length) break
      const pdu = frame(chunk, at, at + length)
      at += length
      if (!onPdu(pdu)) return undefined
    }
    if (at < chunk.length) this.begin(chunk, at)
    return undefined
  }

  /** Octets held of a PDU that has not come whole. */
  get pending(): number {
    return this.partialLength
  }

  private begin(chunk: Buffer, at: number): void {
    const rest = chunk.length - at
    this.partial = Buffer.allocUnsafe(rest >= 4 ? uint32(chunk, at) : 4)
    this.partialLength = chunk.copy(this.partial, 0, at)
  }

  /** Copies what belongs to the PDU that has begun; returns the next to read, or undefined: bad. */
  private fill(chunk: Buffer, at: number): number | undefined {
    if (this.partialLength < 4) {
      const taken = chunk.copy(this.partial, this.partialLength, at, at + 4 - this.partialLength)
      this.partialLength += taken
      at += taken
      if (this.partialLength < 4) return at
      const length = uint32(this.partial, 0)
      if (!this.fits(length)) {
        this.refuse(length, Buffer.concat([this.partial, chunk.subarray(at, at + 12)]))
        return undefined
      }
      const whole = Buffer.allocUnsafe(length)
      this.partial.copy(whole)
      this.partial = whole
    }
    const taken = chunk.copy(
      this.partial,
      this.partialLength,
      at,
      at + this.partial.length - this.partialLength,
    )
    this.partialLength += taken
    return at + taken
  }

  private fits(command_length: number): boolean {
    return command_length >= 16 && command_length <= this.pduOctetsMax
  }

  private refuse(command_length: number, from: Buffer): FramingError {
    const header = from.length >= 16
    this.partial = NONE
    this.partialLength = 0
    this.error = {
      command_length,
      command_id: header ? uint32(from, 4) : undefined,
      sequence_number: header ? uint32(from, 12) : undefined,
    }
    return this.error
  }
}

const NONE = Buffer.alloc(0)

function frame(octets: Buffer, start: number, end: number): FramedPdu {
  return {
    command_id: uint32(octets, start + 4),
    command_status: uint32(octets, start + 8),
    sequence_number: uint32(octets, start + 12),
    body: octets.subarray(start + 16, end),
  }
}

function uint32(octets: Buffer, at: number): number {
  return (
    ((octets[at]! << 24) | (octets[at + 1]! << 16) | (octets[at + 2]! << 8) | octets[at + 3]!) >>> 0
  )
}

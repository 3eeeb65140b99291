/**
 * As much of HTTP/2 and gRPC as a load of equal unary calls needs: frames written once and patched, and no header
 * decoded, so that the client takes a few µs a call and leaves the cores to who is measured. A call has succeeded where it
 * got a message; one that fails has headers only.
 * Source: RFC 9113 §4.1 (frames), §6 (their kinds); gRPC over HTTP/2 (PROTOCOL-HTTP2.md).
 */

export const FRAME = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
} as const

export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const

/** What a peer may send before it has said more. Source: RFC 9113 §6.5.2, §6.9.2. */
export const INITIAL_WINDOW = 65_535
const FRAME_MAX = 16_384
const HEADER = 9

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const octets = Buffer.allocUnsafe(HEADER + payload.length)
  octets.writeUIntBE(payload.length, 0, 3)
  octets[3] = type
  octets[4] = flags
  octets.writeUInt32BE(stream, 5)
  octets.set(payload, HEADER)
  return octets
}

/** What a client says first: no header compression with memory, and windows that never close on what comes back. */
export function preface(): Buffer {
  const settings = Buffer.alloc(18)
  settings.writeUInt16BE(0x1, 0) // SETTINGS_HEADER_TABLE_SIZE: 0
  settings.writeUInt16BE(0x2, 6) // SETTINGS_ENABLE_PUSH: 0
  settings.writeUInt16BE(0x4, 12) // SETTINGS_INITIAL_WINDOW_SIZE
  settings.writeUInt32BE(WINDOW_MAX, 14)
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frame(FRAME.settings, 0, 0, settings),
    windowUpdate(WINDOW_MAX - INITIAL_WINDOW),
  ])
}

const WINDOW_MAX = 0x7fff_ffff

/** Of the connection. */
export function windowUpdate(octets: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(octets)
  return frame(FRAME.windowUpdate, 0, 0, payload)
}

/** A unary call to be sent again and again: each under a stream of its own, and with a key of its own. */
export class CallTemplate {
  /** Octets that the peer's windows are charged with. */
  readonly dataOctets: number
  private readonly octets: Buffer
  private readonly streamAt: number[] = []

  /** @param message  the protobuf message, which `call` gives to `patch` */
  constructor(authority: string, path: string, message: Uint8Array) {
    const prefixed = Buffer.concat([Buffer.from([0, 0, 0, 0, 0]), message])
    prefixed.writeUInt32BE(message.length, 1)
    this.dataOctets = prefixed.length
    const frames = [frame(FRAME.headers, FLAG.endHeaders, 0, requestHeaders(authority, path))]
    for (let at = 0; at < prefixed.length; at += FRAME_MAX) {
      const last = at + FRAME_MAX >= prefixed.length
      const part = prefixed.subarray(at, at + FRAME_MAX)
      frames.push(frame(FRAME.data, last ? FLAG.endStream : 0, 0, part))
    }
    let at = 0
    for (const { length } of frames) {
      this.streamAt.push(at + 5)
      at += length
    }
    this.octets = Buffer.concat(frames)
  }

  /** Where octets lie in a call, for `patch`: of each place that holds them. */
  placesOf(octets: Uint8Array): number[] {
    const places: number[] = []
    for (let at = this.octets.indexOf(octets); at >= 0; at = this.octets.indexOf(octets, at + 1))
      places.push(at)
    return places
  }

  /** The octets of a call; they are the caller's. */
  call(stream: number): Buffer {
    const octets = Buffer.from(this.octets)
    for (const at of this.streamAt) octets.writeUInt32BE(stream, at)
    return octets
  }
}

/**
 * Literals without Huffman code, and what the static table has.
 * Source: RFC 7541 §6.1, §6.2.2, appendix A.
 */
function requestHeaders(authority: string, path: string): Buffer {
  const literal = (text: string): Buffer => {
    if (text.length > 126) throw new Error(`a header of ${text.length} octets`)
    return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)])
  }
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    Buffer.from([0x04]),
    literal(path), // :path
    Buffer.from([0x01]),
    literal(authority), // :authority
    Buffer.from([0x0f, 0x10]),
    literal('application/grpc'), // content-type, 31 in the table
    Buffer.from([0x00]),
    literal('te'),
    literal('trailers'),
  ])
}

export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void

/** Cuts what comes into frames. A payload is lent: it is the reader's after `onFrame` has returned. */
export class FrameReader {
  private rest: Buffer = Buffer.alloc(0)

  feed(chunk: Buffer, onFrame: OnFrame): void {
    const octets = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    while (octets.length - at >= HEADER) {
      const length = octets.readUIntBE(at, 3)
      if (octets.length - at < HEADER + length) break
      const payload = octets.subarray(at + HEADER, at + HEADER + length)
      onFrame(octets[at + 3]!, octets[at + 4]!, octets.readUInt32BE(at + 5) & WINDOW_MAX, payload)
      at += HEADER + length
    }
    this.rest = octets.subarray(at)
  }
}

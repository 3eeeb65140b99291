/** Receives a message: its subject, and its payload, which is lent until the return. */
export type OnMessage = (subject: string, payload: Buffer) => void

/**
 * What a NATS server says to a client: lines, and messages with a payload.
 * Source: NATS client protocol (docs.nats.io, reference-protocols): `MSG <subject> <sid> [reply-to] <#bytes>`.
 */
export class NatsReader {
  private rest: Buffer = Buffer.alloc(0)

  /** @param onLine  of every other line: INFO, PING, +OK, -ERR */
  feed(chunk: Buffer, onMessage: OnMessage, onLine: (line: string) => void): void {
    const octets = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    for (;;) {
      const end = octets.indexOf('\r\n', at, 'latin1')
      if (end < 0) break
      const line = octets.toString('latin1', at, end)
      if (line.startsWith('MSG ')) {
        const words = line.split(' ')
        const length = Number(words.at(-1))
        const from = end + 2
        if (octets.length < from + length + 2) break
        onMessage(words[1]!, octets.subarray(from, from + length))
        at = from + length + 2
      } else {
        onLine(line)
        at = end + 2
      }
    }
    this.rest = octets.subarray(at)
  }
}

/** `PUB <subject> [reply-to] <#bytes>`, and the payload. */
export function publish(subject: string, replyTo: string, payload: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`PUB ${subject} ${replyTo} ${payload.length}\r\n`),
    payload,
    Buffer.from('\r\n'),
  ])
}

/** What JetStream's acknowledgement says: `{"stream":…,"seq":…}`, or `{"error":…}`. */
export function isAck(payload: Buffer): boolean {
  return payload.includes('"seq":') && !payload.includes('"error":')
}

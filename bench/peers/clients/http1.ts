/**
 * HTTP/1.1 messages of a connection, requests or responses: the start line, and the body where there is a Content-Length.
 * No chunks: the peers that we measure send none.
 */
export class HttpReader {
  private rest: Buffer = Buffer.alloc(0)

  feed(chunk: Buffer, onMessage: (startLine: string, body: string) => void): void {
    const octets = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk])
    let at = 0
    for (;;) {
      const headEnd = octets.indexOf('\r\n\r\n', at, 'latin1')
      if (headEnd < 0) break
      const head = octets.toString('latin1', at, headEnd)
      const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
      const end = headEnd + 4 + length
      if (octets.length < end) break
      const line = head.indexOf('\r\n')
      onMessage(line < 0 ? head : head.slice(0, line), octets.toString('latin1', headEnd + 4, end))
      at = end
    }
    this.rest = octets.subarray(at)
  }
}

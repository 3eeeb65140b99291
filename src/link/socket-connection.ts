import type { Socket } from 'node:net'
import { assert } from '../base/assert.js'
import type { ProxySource } from './proxy-protocol.js'
import type { Connection, ConnectionListener } from './types.js'

/** A TCP or TLS socket, connected, as a link sees it. */
export class SocketConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localAddress: string
  readonly localPort: number
  private readonly socket: Socket
  private reason = 'the peer closed the connection'
  private ended = false

  /** @param source  who connected, where a proxy said so; else the socket's other end */
  constructor(socket: Socket, source: ProxySource | undefined) {
    this.socket = socket
    this.remoteAddress = source?.address ?? plainAddress(socket.remoteAddress)
    this.remotePort = source?.port ?? socket.remotePort ?? 0
    this.localAddress = plainAddress(socket.localAddress)
    this.localPort = socket.localPort ?? 0
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    socket.on('error', error => {
      this.reason = error.message
    })
  }

  get bufferedOctets(): number {
    return this.socket.writableLength
  }

  listen(listener: ConnectionListener): void {
    const { socket } = this
    assert(socket.listenerCount('data') === 0, 'a connection has one listener')
    if (socket.closed) {
      setImmediate(() => listener.closed(this.reason))
      return
    }
    socket.on('data', (chunk: Buffer) => listener.data(chunk))
    socket.on('drain', () => listener.drained())
    socket.once('close', () => listener.closed(this.reason))
  }

  write(octets: Buffer): void {
    if (!this.ended && this.socket.writable) this.socket.write(octets)
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    this.socket.resume()
  }

  end(): void {
    if (this.ended) return
    this.ended = true
    this.reason = 'closed by us'
    this.socket.end()
  }

  destroy(): void {
    this.ended = true
    this.socket.destroy()
  }
}

const KEEP_ALIVE_MS = 30_000

/** An address without the prefix that a socket for both families adds to IPv4. */
export function plainAddress(address: string | undefined): string {
  return address === undefined ? '' : address.replace(/^::ffff:(?=\d+\.)/i, '')
}

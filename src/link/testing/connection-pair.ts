import type { Timers } from '../../base/clock.js'
import type { Connection, ConnectionListener } from '../types.js'

/**
 * Two ends of a connection that lives in memory. What one writes the other gets with `timers.soon`, in
 * order, cut into chunks of at most `chunkOctets`. Deterministic with virtual timers.
 */
export function connectionPair(
  timers: Timers,
  options: { chunkOctets?: number; remoteAddress?: string } = {},
): [MemoryConnection, MemoryConnection] {
  const a = new MemoryConnection(timers, options)
  const b = new MemoryConnection(timers, options)
  a.peer = b
  b.peer = a
  return [a, b]
}

export class MemoryConnection implements Connection {
  readonly remoteAddress: string
  readonly remotePort = 40_000
  /** Everything that was written, for assertions. */
  readonly written: Buffer[] = []
  peer: MemoryConnection | undefined
  private readonly timers: Timers
  private readonly chunkOctets: number
  private listener: ConnectionListener | undefined
  /** On its way to the peer. */
  private queue: Buffer[] = []
  private queued = 0
  private reading = true
  private ending = false
  private isClosed = false
  private pumping = false

  constructor(timers: Timers, options: { chunkOctets?: number; remoteAddress?: string }) {
    this.timers = timers
    this.chunkOctets = options.chunkOctets ?? Infinity
    this.remoteAddress = options.remoteAddress ?? '192.0.2.1'
  }

  get bufferedOctets(): number {
    return this.queued
  }

  get closed(): boolean {
    return this.isClosed
  }

  listen(listener: ConnectionListener): void {
    this.listener = listener
    this.peer?.pump()
  }

  write(octets: Buffer): void {
    if (this.ending || this.isClosed) return
    this.written.push(Buffer.from(octets))
    this.queue.push(octets)
    this.queued += octets.length
    this.pump()
  }

  /** Stops taking what the peer writes: a peer that does not read. */
  pause(): void {
    this.reading = false
  }

  resume(): void {
    this.reading = true
    this.peer?.pump()
  }

  end(): void {
    this.ending = true
    this.pump()
  }

  destroy(): void {
    this.close('destroyed')
    this.peer?.close('reset by the peer')
  }

  private pump(): void {
    if (this.pumping) return
    this.pumping = true
    this.timers.soon(() => {
      this.pumping = false
      this.deliver()
    })
  }

  private deliver(): void {
    const { peer } = this
    if (peer === undefined || this.isClosed) return
    let delivered = false
    while (peer.reading && peer.listener !== undefined && this.queue.length > 0) {
      const octets = this.queue[0]!
      const chunk = Buffer.from(octets.subarray(0, this.chunkOctets))
      if (chunk.length === octets.length) this.queue.shift()
      else this.queue[0] = octets.subarray(chunk.length)
      this.queued -= chunk.length
      delivered = true
      if (!peer.isClosed) peer.listener.data(chunk)
      chunk.fill(0xee) // the chunk was the listener's only during the call
    }
    if (this.queue.length > 0) return
    if (delivered && !this.ending) this.listener?.drained()
    if (this.ending) {
      this.close('ended')
      peer.close('the peer closed the connection')
    }
  }

  private close(reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    this.queue = []
    this.queued = 0
    this.timers.soon(() => this.listener?.closed(reason))
  }
}

import { decodeFrame, encodeFrame } from './frames.js'
import type { Sent } from './transport.js'

/** What a lane needs of a gRPC stream; client's and server's are alike in it. */
export interface Stream {
  write(frame: Buffer, done: (error?: Error | null) => void): unknown
  on(event: 'data', listener: (frame: Buffer) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  on(event: 'end' | 'close' | 'cancelled', listener: () => void): unknown
}

export interface LaneEvents {
  onRecord(record: Buffer): void
  /** The stream is gone, with everything that was queued on it. */
  onDown(reason: string): void
}

/**
 * One direction-less stream to a peer, replaced when it breaks. Records of one turn leave as one
 * frame; octets not yet taken by HTTP/2 are bounded.
 */
export class StreamLane {
  private readonly bytesMax: number
  private readonly events: LaneEvents
  private stream: Stream | undefined
  private abort: () => void = () => undefined
  private queue: Buffer[] = []
  private bytes = 0

  constructor(bytesMax: number, events: LaneEvents) {
    this.bytesMax = bytesMax
    this.events = events
  }

  get up(): boolean {
    return this.stream !== undefined
  }

  /** Octets sent and not yet on the wire. */
  get backlog(): number {
    return this.bytes
  }

  /** Takes a stream in place of the present one. `abort` ends it at once. */
  attach(stream: Stream, abort: () => void): void {
    this.close('replaced')
    this.stream = stream
    this.abort = abort
    stream.on('data', frame => this.receive(stream, frame))
    for (const event of ['end', 'close', 'cancelled'] as const) {
      stream.on(event, () => this.lost(stream, 'stream ended'))
    }
    stream.on('error', error => this.lost(stream, error.message))
  }

  send(record: Buffer): Sent {
    if (this.stream === undefined) return 'down'
    if (this.bytes > 0 && this.bytes + record.length > this.bytesMax) return 'full'
    this.bytes += record.length
    this.queue.push(record)
    if (this.queue.length === 1) queueMicrotask(() => this.flush())
    return 'sent'
  }

  close(reason: string): void {
    if (this.stream !== undefined) this.lost(this.stream, reason)
  }

  private flush(): void {
    const { stream, queue } = this
    if (stream === undefined || queue.length === 0) return
    this.queue = []
    const frame = encodeFrame(queue)
    let bytes = 0
    for (const record of queue) bytes += record.length
    stream.write(frame, () => {
      if (this.stream === stream) this.bytes -= bytes
    })
  }

  private receive(stream: Stream, frame: Buffer): void {
    if (this.stream !== stream) return
    try {
      for (const record of decodeFrame(frame)) this.events.onRecord(record)
    } catch (error) {
      this.lost(stream, error instanceof Error ? error.message : String(error))
    }
  }

  private lost(stream: Stream, reason: string): void {
    if (this.stream !== stream) return
    const { abort } = this
    this.stream = undefined
    this.queue = []
    this.bytes = 0
    abort()
    this.events.onDown(reason)
  }
}

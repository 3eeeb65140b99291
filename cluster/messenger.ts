import { RECORD_HEADER, RecordKind, BadFrame } from './messages.js'
import type { Transport } from './transport/transport.js'
import type { Messenger } from './types.js'

type Handler = (from: number, body: Buffer) => void

/** Unlogged messages on the control lane: kind u16 BE, body, in a record of their own kind. */
export class LaneMessenger implements Messenger {
  private readonly transport: Transport
  private readonly handlers = new Map<number, Handler>()

  constructor(transport: Transport) {
    this.transport = transport
  }

  send(to: number, kind: number, body: Buffer): boolean {
    const record = Buffer.allocUnsafe(RECORD_HEADER + 2 + body.length)
    record[0] = RecordKind.message
    record.writeUInt16BE(0, 1)
    record.writeUInt16BE(kind, RECORD_HEADER)
    body.copy(record, RECORD_HEADER + 2)
    return this.transport.send(to, 'control', record) === 'sent'
  }

  onMessage(kind: number, handler: Handler): void {
    this.handlers.set(kind, handler)
  }

  /** Throws `BadFrame`. Messages that nobody here handles are dropped. */
  onRecord(from: number, record: Buffer): void {
    if (record.length < RECORD_HEADER + 2) throw new BadFrame('a message without a kind')
    const kind = record.readUInt16BE(RECORD_HEADER)
    this.handlers.get(kind)?.(from, record.subarray(RECORD_HEADER + 2))
  }
}

import { connect, type Socket } from 'node:net'
import { PUT_PATH, putRequest, revisionOf, TXN_PATH, txnRequest } from './etcd-messages.js'
import {
  CallTemplate,
  FLAG,
  FRAME,
  frame,
  FrameReader,
  INITIAL_WINDOW,
  preface,
  windowUpdate,
} from './http2.js'
import { endOf, type Drive } from './drive.js'
import type { Meter } from './meter.js'

export interface EtcdLoad {
  kind: 'etcd'
  port: number
  connections: number
  /** Calls without an answer, over all connections. */
  inFlight: number
  /** Puts of each call: 1, or more in a transaction. */
  puts: number
  /** Of each value. */
  octets: number
}

/** Puts of keys that never come twice. */
export const driveEtcd: Drive<EtcdLoad> = async (load, meter) => {
  const shared: Shared = { load, meter, calls: 0, answered: 0, failed: 0, revision: 0 }
  const each = Math.ceil(load.inFlight / load.connections)
  const sockets = Array.from({ length: load.connections }, () => {
    const socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true })
    new Connection(socket, shared).begin(each)
    return socket
  })
  const problems = await endOf(sockets, meter)
  const { answered, failed, revision } = shared
  if (failed > 0) problems.push(`${failed} calls failed`)
  // each call is a revision, so etcd itself says how many it took
  if (revision - 1 < answered) problems.push(`${answered} answers, but revision ${revision}`)
  return problems
}

interface Shared {
  load: EtcdLoad
  meter: Meter
  calls: number
  answered: number
  failed: number
  revision: number
}

const KEY = Buffer.from('#key############')

class Connection {
  private readonly socket: Socket
  private readonly shared: Shared
  private readonly template: CallTemplate
  private readonly keysAt: number[]
  private readonly reader = new FrameReader()
  /** Streams that wait for their answer, and when they began. */
  private readonly open = new Map<number, { sinceMs: number; hasMessage: boolean }>()
  private nextStream = 1
  private sendWindow = INITIAL_WINDOW
  private received = 0
  /** Calls that wait for the peer's window, and since when. */
  private waiting: number[] = []
  private out: Buffer[] = []

  constructor(socket: Socket, shared: Shared) {
    this.socket = socket
    this.shared = shared
    const { octets, puts, port } = shared.load
    const put = putRequest(KEY, Buffer.alloc(octets, 0x61))
    const message = puts === 1 ? put : txnRequest(Array<Buffer>(puts).fill(put))
    const path = puts === 1 ? PUT_PATH : TXN_PATH
    this.template = new CallTemplate(`127.0.0.1:${port}`, path, message)
    if (this.template.dataOctets > INITIAL_WINDOW) throw new Error('a call is beyond the window')
    this.keysAt = this.template.placesOf(KEY)
  }

  begin(calls: number): void {
    this.out.push(preface())
    for (let i = 0; i < calls; i++) this.call()
    this.flush()
    this.socket.on('data', chunk => {
      this.received += chunk.length
      this.reader.feed(chunk, (type, flags, stream, payload) =>
        this.onFrame(type, flags, stream, payload),
      )
      if (this.received > 2 ** 28) {
        this.out.push(windowUpdate(this.received))
        this.received = 0
      }
      this.flush()
    })
  }

  private call(): void {
    if (!this.shared.meter.isOver) this.waiting.push(this.shared.meter.now())
    this.sendWaiting()
  }

  private sendWaiting(): void {
    while (this.waiting.length > 0 && this.sendWindow >= this.template.dataOctets) {
      const stream = this.nextStream
      this.nextStream += 2
      this.sendWindow -= this.template.dataOctets
      this.open.set(stream, { sinceMs: this.waiting.shift()!, hasMessage: false })
      const octets = this.template.call(stream)
      let key = this.shared.calls++ * this.keysAt.length
      for (const at of this.keysAt) octets.write(String(key++).padStart(KEY.length, '0'), at)
      this.out.push(octets)
    }
  }

  private onFrame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FRAME.data) {
      const call = this.open.get(stream)
      if (call === undefined || payload.length <= 5) return
      call.hasMessage = true
      this.shared.revision = Math.max(this.shared.revision, revisionOf(payload.subarray(5)))
    } else if (type === FRAME.headers) {
      if ((flags & FLAG.endStream) !== 0) this.end(stream)
    } else if (type === FRAME.rstStream) {
      this.end(stream)
    } else if (type === FRAME.windowUpdate) {
      if (stream === 0) this.sendWindow += payload.readUInt32BE(0)
      this.sendWaiting()
    } else if ((type === FRAME.settings || type === FRAME.ping) && (flags & FLAG.ack) === 0) {
      const echoed = type === FRAME.ping ? payload : Buffer.alloc(0)
      this.out.push(frame(type, FLAG.ack, 0, echoed))
    } else if (type === FRAME.goAway) {
      this.socket.destroy(new Error('etcd said GOAWAY'))
    }
  }

  private end(stream: number): void {
    const call = this.open.get(stream)
    if (call === undefined) return
    this.open.delete(stream)
    if (call.hasMessage) {
      this.shared.answered++
      this.shared.meter.answered(call.sinceMs, this.shared.load.puts)
    } else {
      this.shared.failed++
    }
    this.call()
  }

  private flush(): void {
    if (this.out.length === 0) return
    this.socket.write(this.out.length === 1 ? this.out[0]! : Buffer.concat(this.out))
    this.out = []
  }
}

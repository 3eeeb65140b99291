import { connect, type Socket } from 'node:net'
import { endOf, type Drive } from './drive.js'
import type { Meter } from './meter.js'
import { isAck, NatsReader, publish } from './nats-protocol.js'

export interface NatsLoad {
  kind: 'nats'
  port: number
  connections: number
  /** Messages without an acknowledgement, over all connections. */
  inFlight: number
  subject: string
  octets: number
}

/** Publishes to a stream of JetStream; each message is acknowledged for itself. */
export const driveNats: Drive<NatsLoad> = async (load, meter) => {
  const counts = { refused: 0 }
  const each = Math.ceil(load.inFlight / load.connections)
  const sockets = Array.from({ length: load.connections }, (_, i) => {
    const socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true })
    publishOn(socket, { load, meter, counts, inFlight: each, inbox: `_INBOX.carillon.${i}` })
    return socket
  })
  const problems = await endOf(sockets, meter)
  if (counts.refused > 0) problems.push(`${counts.refused} messages were refused`)
  return problems
}

interface Publisher {
  load: NatsLoad
  meter: Meter
  counts: { refused: number }
  inFlight: number
  inbox: string
}

function publishOn(socket: Socket, publisher: Publisher): void {
  const { load, meter, counts, inFlight, inbox } = publisher
  const reader = new NatsReader()
  const payload = Buffer.alloc(load.octets, 0x61)
  const sentAtMs = new Float64Array(inFlight)
  // the inbox of a slot says which message is acknowledged, and is free again then
  const slots = Array.from(sentAtMs, (_, slot) =>
    publish(load.subject, `${inbox}.${slot}`, payload),
  )
  let out: Buffer[] = [Buffer.from(`${CONNECT}SUB ${inbox}.* 1\r\n`)]
  const send = (slot: number): void => {
    if (meter.isOver) return
    sentAtMs[slot] = meter.now()
    out.push(slots[slot]!)
  }
  const flush = (): void => {
    if (out.length > 0) socket.write(Buffer.concat(out))
    out = []
  }
  slots.forEach((_, slot) => send(slot))
  flush()
  socket.on('data', chunk => {
    reader.feed(
      chunk,
      (subject, answer) => {
        const slot = Number(subject.slice(inbox.length + 1))
        if (isAck(answer)) meter.answered(sentAtMs[slot]!)
        else counts.refused++
        send(slot)
      },
      line => {
        if (line === 'PING') out.push(Buffer.from('PONG\r\n'))
        else if (line.startsWith('-ERR')) socket.destroy(new Error(line))
      },
    )
    flush()
  })
}

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"lang":"carillon-bench"}\r\n'

/** One request, one answer: for the API of JetStream. */
export async function ask(port: number, subject: string, request: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  const reader = new NatsReader()
  try {
    return await new Promise<string>((resolve, reject) => {
      socket.setTimeout(5_000, () => reject(new Error('no answer within 5 s')))
      socket.once('error', reject)
      socket.once('close', () => reject(new Error('the connection was closed')))
      socket.on('data', chunk => {
        reader.feed(
          chunk,
          (_, payload) => resolve(payload.toString()),
          line => {
            if (line.startsWith('-ERR')) reject(new Error(line))
          },
        )
      })
      const inbox = '_INBOX.carillon.ask'
      socket.write(`${CONNECT}SUB ${inbox} 1\r\n`)
      socket.write(publish(subject, inbox, Buffer.from(request)))
    })
  } finally {
    socket.on('error', () => undefined).destroy()
  }
}

import { connect, type Socket } from 'node:net'
import { encodePdu } from '../src/smpp/codec.js'

/** What peers that err, or mean harm, do to a port, for as long as they run. */
export const ATTACKS = {
  /** 200 connections that write a bind, an octet each half second. */
  slowLoris: port => {
    for (let i = 0; i < 200; i++)
      keep(port, socket => {
        let at = 0
        every(socket, 500, () => socket.write(BIND.subarray(at, ++at)))
      })
  },
  /** 500 connections that never write, half of which have closed their side. */
  halfOpen: port => {
    for (let i = 0; i < 500; i++)
      keep(port, socket => {
        if (i % 2 === 0) socket.end()
      })
  },
  /** Forty connections at a time that claim a PDU of 2 GiB. */
  oversize: port => {
    const claim = Buffer.from('7fffffff000000040000000000000001', 'hex')
    for (let i = 0; i < 40; i++) again(port, socket => socket.write(claim))
  },
  /** Twenty sessions that ask and ask, and never read. */
  neverReading: port => {
    const asks = repeated(encodePdu('enquire_link', { sequence_number: 1 }), 1_000)
    for (let i = 0; i < 20; i++)
      again(port, socket => {
        socket.pause()
        socket.write(BIND)
        flood(socket, asks)
      })
  },
  /** Fifty connections at a time with a wrong password. */
  bindFlood: port => {
    const bind = encodePdu(
      'bind_transceiver',
      { sequence_number: 1 },
      { system_id: 'bad', password: 'guess' },
    )
    for (let i = 0; i < 50; i++)
      again(port, socket => {
        socket.on('data', () => socket.destroy())
        socket.write(bind)
      })
  },
  /** Five sessions that submit without waiting for any answer. */
  beyondWindow: port => {
    const submits = repeated(SUBMIT, 200)
    for (let i = 0; i < 5; i++)
      again(port, socket => {
        socket.resume()
        socket.write(BIND)
        flood(socket, submits)
      })
  },
  /** Forty sessions that submit well a few times, then write what is no SMPP. */
  garbage: port => {
    const noise = Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 167 + 41) & 0xff))
    for (let i = 0; i < 40; i++)
      again(port, socket => {
        socket.resume()
        socket.write(Buffer.concat([BIND, repeated(SUBMIT, 3), noise]))
      })
  },
  /** Twenty sessions that submit an octet a write. */
  octetByOctet: port => {
    const octets = Buffer.concat([BIND, repeated(SUBMIT, 1_000)])
    for (let i = 0; i < 20; i++)
      keep(port, socket => {
        let at = 0
        socket.resume()
        socket.setNoDelay(true)
        every(socket, 1, () => socket.write(octets.subarray(at, ++at)))
      })
  },
} as const satisfies Record<string, (port: number) => void>

export type AttackName = keyof typeof ATTACKS

const BIND = encodePdu(
  'bind_transceiver',
  { sequence_number: 1 },
  { system_id: 'bad', password: 'secret1', interface_version: 0x34 },
)
const SUBMIT = encodePdu(
  'submit_sm',
  { sequence_number: 2 },
  { source_addr: '1', destination_addr: '491701', short_message: Buffer.alloc(140, 0x61) },
)

function repeated(pdu: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => pdu))
}

/** A connection that is not made again when it ends. */
export function keep(port: number, connected: (socket: Socket) => void): Socket {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  socket.on('error', () => socket.destroy())
  socket.once('connect', () => connected(socket))
  return socket
}

/** A connection that is made again soon after it has ended. */
function again(port: number, connected: (socket: Socket) => void): void {
  keep(port, connected).once('close', () => setTimeout(() => again(port, connected), 20))
}

function every(socket: Socket, ms: number, run: () => void): void {
  const timer = setInterval(run, ms)
  socket.once('close', () => clearInterval(timer))
}

/** As fast as the peer takes it. */
function flood(socket: Socket, octets: Buffer): void {
  const pump = (error?: Error | null): void => {
    if (error == null && !socket.destroyed) socket.write(octets, pump)
  }
  pump()
}

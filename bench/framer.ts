import { Readable } from 'node:stream'
import smpp from 'smpp'
import { decodeBody, encodePdu, readMessageId, tlv } from '../src/smpp/codec.js'
import { commandName } from '../src/smpp/command-ids.js'
import { Framer, type FramedPdu } from '../src/smpp/framing.js'
import { SubmitReader } from '../src/smpp/submit-reader.js'
import { SAMPLES } from './codec-samples.js'
import { measure, type Contest, type ContestRow, type Rounds, type Work } from './contest.js'

/** A stream of PDUs as it comes out of a socket. */
export interface Stream {
  what: string
  pdus: number
  octets: number
  chunks: Buffer[]
}

/** Ours beside the package's: only cut into PDUs, and cut and decoded. */
export interface FramerRow extends ContestRow {
  stream: string
  chunkOctets: number
  /** Octets of one PDU, in the mean. */
  pduOctets: number
}

/** Octets of a TCP segment on an Ethernet; what a busy socket reads at once; a peer that writes in small pieces. */
const CHUNKS = [1_448, 65_536, 64]
const PDUS = 1_000

export function benchFramer(rounds: Rounds): FramerRow[] {
  const rows: FramerRow[] = []
  for (const { what, pdus } of STREAMS)
    for (const chunkOctets of CHUNKS) {
      const stream = streamOf(what, pdus, chunkOctets)
      const pduOctets = Math.round(stream.octets / stream.pdus)
      for (const contest of [framing(stream), decoding(stream, 'as a node does', nodeRead())])
        rows.push({ ...measure(contest, rounds), stream: what, chunkOctets, pduOctets })
    }
  return rows
}

const ENQUIRE_LINK = encodePdu('enquire_link', { sequence_number: 1 })
const LONG = encodePdu(
  'submit_sm',
  { sequence_number: 1 },
  {
    source_addr: '12345',
    destination_addr: '491701234567',
    tlvs: [tlv.octets('message_payload', Buffer.alloc(4_000, 0x61))],
  },
)

const STREAMS = [
  { what: 'everyday traffic', pdus: SAMPLES.map(({ octets }) => octets) },
  { what: 'enquire_link', pdus: [ENQUIRE_LINK] },
  { what: 'submit_sm of 4,000 octets', pdus: [LONG] },
]

/** A thousand PDUs in chunks of one size: most begin and end within a PDU. */
export function streamOf(what: string, pdus: readonly Buffer[], chunkOctets: number): Stream {
  const whole = Buffer.concat(Array.from({ length: PDUS }, (_, i) => pdus[i % pdus.length]!))
  const chunks: Buffer[] = []
  for (let at = 0; at < whole.length; at += chunkOctets)
    chunks.push(whole.subarray(at, at + chunkOctets))
  return { what, pdus: PDUS, octets: whole.length, chunks }
}

/** The rows that the codec's table ends with. */
export function streamContests(): Contest[] {
  const stream = streamOf('a stream of segments', STREAMS[0]!.pdus, CHUNKS[0]!)
  return [
    framing(stream),
    decoding(stream, 'codec', codecRead),
    decoding(stream, 'as a node does', nodeRead()),
  ]
}

function framing({ what, pdus, chunks }: Stream): Contest {
  const framer = new Framer(65_536)
  return {
    what: `frame ${what}`,
    pdus,
    ours: () => {
      let octets = 0
      for (const chunk of chunks)
        framer.push(chunk, ({ body }) => {
          octets += body.length
          return true
        })
      return octets
    },
    theirs: theirStream(chunks, (stream, length) => {
      const rest = stream.read(length - 4) as Buffer | null
      if (rest === null) return undefined
      const header = Buffer.alloc(4)
      header.writeUInt32BE(length, 0)
      return Buffer.concat([header, rest]).length
    }),
  }
}

function decoding(
  { what, pdus, chunks }: Stream,
  how: string,
  read: (pdu: FramedPdu) => boolean,
): Contest {
  const framer = new Framer(65_536)
  return {
    what: `frame and decode ${what}: ${how}`,
    pdus,
    ours: () => {
      for (const chunk of chunks) framer.push(chunk, read)
      return framer.pending
    },
    theirs: theirStream(chunks, (stream, length) => {
      const pdu = smpp.PDU.fromStream(stream, length)
      return pdu === false ? undefined : pdu.command_length
    }),
  }
}

function codecRead({ command_id, body }: FramedPdu): boolean {
  return decodeBody(commandName(command_id)!, body).ok
}

function nodeRead(): (pdu: FramedPdu) => boolean {
  const reader = new SubmitReader()
  return ({ command_id, body }) => {
    const command = commandName(command_id)
    if (command !== 'submit_sm' && command !== 'deliver_sm')
      return body.length === 0 || readMessageId(body).length >= 0
    const status = reader.read(body, command)
    const { source_addr, destination_addr, message } = reader
    return status + source_addr.length + destination_addr.length + message.length > 0
  }
}

/** What the package's session does with the socket it reads from. */
function theirStream(
  chunks: readonly Buffer[],
  take: (stream: Readable, command_length: number) => number | undefined,
): Work {
  const stream = new Readable({ read: () => undefined, highWaterMark: 65_536 })
  let length: number | false = false
  return () => {
    let octets = 0
    for (const chunk of chunks) {
      stream.push(chunk)
      for (;;) {
        length ||= smpp.PDU.commandLength(stream)
        if (length === false) break
        const taken = take(stream, length)
        if (taken === undefined) break
        octets += taken
        length = false
      }
    }
    return octets
  }
}

import { deepStrictEqual, equal } from 'node:assert/strict'
import { Readable } from 'node:stream'
import smpp from 'smpp'
import { assert } from '../src/base/assert.js'
import { decodeBody, encodePdu, readMessageId, writeHeader } from '../src/smpp/codec.js'
import { COMMAND_IDS, commandName } from '../src/smpp/command-ids.js'
import { Framer, type FramedPdu } from '../src/smpp/framing.js'
import { SubmitReader } from '../src/smpp/submit-reader.js'
import { SAMPLES, type Sample } from './codec-samples.js'

/** One line of the result: nanoseconds for one PDU, the median of the rounds. */
export interface CodecRow {
  what: string
  oursNs: number
  theirsNs: number
  /** Theirs over ours: medians of the ratios of each round. */
  ratio: number
}

/** Does what is measured once, and returns something of the result, so that it is not optimised away. */
type Work = () => number

interface Contest {
  what: string
  /** PDUs in one call. */
  pdus: number
  ours: Work
  theirs: Work
}

/** Measures ours and theirs in turn, so that both meet the same machine. */
export function benchCodec(options: { rounds: number; roundMs: number }): CodecRow[] {
  return contests().map(contest => measure(contest, options))
}

function measure(
  contest: Contest,
  { rounds, roundMs }: { rounds: number; roundMs: number },
): CodecRow {
  const { what, pdus, ours, theirs } = contest
  const seen = { ours: [] as number[], theirs: [] as number[], ratios: [] as number[] }
  nsOf(ours, roundMs)
  nsOf(theirs, roundMs) // both are compiled before the first round
  for (let round = 0; round < rounds; round++) {
    const our = nsOf(ours, roundMs) / pdus
    const their = nsOf(theirs, roundMs) / pdus
    seen.ours.push(our)
    seen.theirs.push(their)
    seen.ratios.push(their / our)
  }
  return {
    what,
    oursNs: median(seen.ours),
    theirsNs: median(seen.theirs),
    ratio: median(seen.ratios),
  }
}

export function codecText(rows: readonly CodecRow[]): string {
  const cells = rows.map(row => [
    row.what,
    row.oursNs.toFixed(0),
    row.theirsNs.toFixed(0),
    `× ${row.ratio.toFixed(1)}`,
  ])
  const all = [['', 'ours, ns', 'smpp, ns', 'ratio'], ...cells]
  const widths = [0, 1, 2, 3].map(column => Math.max(...all.map(row => row[column]!.length)))
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return `${all.map(line).join('\n')}\n`
}

let sink = 0

/** Nanoseconds of one call. */
function nsOf(work: Work, ms: number): number {
  const began = process.hrtime.bigint()
  const until = began + BigInt(ms) * 1_000_000n
  let calls = 0
  let now = began
  while (now < until) {
    for (let i = 0; i < 100; i++) sink ^= work()
    calls += 100
    now = process.hrtime.bigint()
  }
  assert(Number.isInteger(sink), 'what was read is used')
  return Number(now - began) / calls
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

function contests(): Contest[] {
  return [
    ...SAMPLES.map(decoding),
    ...SAMPLES.map(hotDecoding).filter(one => one !== undefined),
    ...SAMPLES.map(encoding),
    ...SAMPLES.map(hotEncoding).filter(one => one !== undefined),
    framing(),
    streaming('codec', codecRead),
    streaming('as a node does', nodeRead()),
  ]
}

/** All parameters and TLVs, as values. */
function decoding({ title, command, octets, theirs }: Sample): Contest {
  const body = octets.subarray(16)
  const read = decodeBody(command, body)
  const their = new smpp.PDU(octets)
  for (const parameter of Object.keys(theirs))
    deepStrictEqual(plain(their[parameter]), theirs[parameter])
  if (!read.ok) throw new Error(`${title} cannot be read`)
  return {
    what: `decode ${title}: codec`,
    pdus: 1,
    ours: () => {
      const decoded = decodeBody(command, body)
      return decoded.ok ? decoded.body.tlvs.length : 0
    },
    theirs: () => new smpp.PDU(octets).sequence_number,
  }
}

/** As a node does it: strict checks, and no more strings than it needs. */
function hotDecoding({ title, command, octets }: Sample): Contest | undefined {
  const body = octets.subarray(16)
  const reader = new SubmitReader()
  const theirs: Work = () => new smpp.PDU(octets).sequence_number
  const what = `decode ${title}: as a node does`
  if (command === 'submit_sm_resp')
    return { what, pdus: 1, ours: () => readMessageId(body).length, theirs }
  if (command !== 'submit_sm' && command !== 'deliver_sm') return undefined
  equal(reader.read(body, command), 0)
  const ours: Work = () => {
    const status = reader.read(body, command)
    return (
      status + reader.source_addr.length + reader.destination_addr.length + reader.message.length
    )
  }
  return { what, pdus: 1, ours, theirs }
}

/** From values to octets. */
function encoding({ title, command, octets, body, theirs }: Sample): Contest {
  const { sequence_number } = theirs as { sequence_number: number }
  const header = { sequence_number }
  const written = new smpp.PDU(command, { ...theirs }).toBuffer()
  deepStrictEqual(written.toString('hex'), octets.toString('hex'))
  deepStrictEqual(encodePdu(command, header, body), octets)
  return {
    what: `encode ${title}: codec`,
    pdus: 1,
    ours: () => encodePdu(command, header, body).length,
    theirs: () => new smpp.PDU(command, theirs).toBuffer().length,
  }
}

/** As a node passes a message on: a header before the body that came. */
function hotEncoding({ title, command, octets, theirs }: Sample): Contest | undefined {
  if (command !== 'submit_sm' && command !== 'deliver_sm' && command !== 'submit_sm_resp')
    return undefined
  const body = octets.subarray(16)
  const into = Buffer.alloc(octets.length)
  return {
    what: `encode ${title}: as a node does`,
    pdus: 1,
    ours: () => {
      writeHeader(into, 0, into.length, COMMAND_IDS[command], 0, 0x01020304)
      into.set(body, 16)
      return into[15]!
    },
    theirs: () => new smpp.PDU(command, theirs).toBuffer().length,
  }
}

/** Octets of a TCP segment on an Ethernet. */
const SEGMENT_OCTETS = 1_448

/** A thousand PDUs of the samples, in segments: most begin and end within a PDU. */
function segments(): { pdus: number; chunks: Buffer[] } {
  const pdus = 1_000
  const stream = Buffer.concat(
    Array.from({ length: pdus }, (_, i) => SAMPLES[i % SAMPLES.length]!.octets),
  )
  const chunks: Buffer[] = []
  for (let at = 0; at < stream.length; at += SEGMENT_OCTETS)
    chunks.push(stream.subarray(at, at + SEGMENT_OCTETS))
  return { pdus, chunks }
}

function framing(): Contest {
  const { pdus, chunks } = segments()
  const framer = new Framer(65_536)
  return {
    what: 'frame a stream of segments',
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

function streaming(how: string, read: (pdu: FramedPdu) => boolean): Contest {
  const { pdus, chunks } = segments()
  const framer = new Framer(65_536)
  return {
    what: `frame and decode a stream of segments: ${how}`,
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
    if (command !== 'submit_sm' && command !== 'deliver_sm') return readMessageId(body).length >= 0
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

/** Their messages are objects. */
function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'message' in value ? value.message : value
}

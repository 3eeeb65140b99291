import { deepStrictEqual, equal } from 'node:assert/strict'
import smpp from 'smpp'
import { decodeBody, encodePdu, readMessageId, writeHeader } from '../src/smpp/codec.js'
import { COMMAND_IDS } from '../src/smpp/command-ids.js'
import { SubmitReader } from '../src/smpp/submit-reader.js'
import { SAMPLES, type Sample } from './codec-samples.js'
import { measure, type Contest, type ContestRow, type Rounds, type Work } from './contest.js'
import { streamContests } from './framer.js'

export function benchCodec(rounds: Rounds): ContestRow[] {
  return contests().map(contest => measure(contest, rounds))
}

export function codecText(rows: readonly ContestRow[]): string {
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

function contests(): Contest[] {
  return [
    ...SAMPLES.map(decoding),
    ...SAMPLES.map(hotDecoding).filter(one => one !== undefined),
    ...SAMPLES.map(encoding),
    ...SAMPLES.map(hotEncoding).filter(one => one !== undefined),
    ...streamContests(),
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

/** Their messages are objects. */
function plain(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'message' in value ? value.message : value
}

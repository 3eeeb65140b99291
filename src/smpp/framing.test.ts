import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { Framer, type FramingError } from './framing.js'
import { octetsOf, VECTORS } from './testing/vectors.js'

const STREAM = Buffer.concat(VECTORS.map(({ hex }) => octetsOf(hex)))

void t.test('any split of a stream yields the same PDUs', t => {
  const expected = split(STREAM, [])
  t.equal(expected.pdus.length, VECTORS.length)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: STREAM.length }), { maxLength: 30 }), cuts => {
      deepStrictEqual(split(STREAM, cuts), expected)
    }),
    { numRuns: 200 },
  )
  t.end()
})

void t.test('any split of garbage yields the same PDUs, and ends alike', t => {
  fc.assert(
    fc.property(
      // lengths that are small often enough to be believed
      fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 255 })), { maxLength: 200 }),
      fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 10 }),
      (octets, cuts) => {
        const whole = split(Buffer.from(octets), [])
        const parts = split(Buffer.from(octets), cuts)
        deepStrictEqual(parts.pdus, whole.pdus)
        equal(parts.error?.command_length, whole.error?.command_length)
      },
    ),
    { numRuns: 300 },
  )
  t.end()
})

void t.test('a PDU that lies whole within a chunk is not copied', t => {
  const chunk = Buffer.from(STREAM)
  new Framer(65_536).push(chunk, pdu => {
    t.equal(pdu.body.buffer, chunk.buffer)
    return true
  })
  t.end()
})

void t.test('command_length below 16 or above the limit cannot be followed', t => {
  for (const { hex, error } of [
    { hex: '00000000', error: { command_length: 0, sequence_number: undefined } },
    {
      hex: '0000000f 00000004 00000000 00000007',
      error: { command_length: 15, sequence_number: 7 },
    },
    {
      hex: '00000401 00000004 00000000 00000008',
      error: { command_length: 1025, sequence_number: 8 },
    },
    {
      hex: 'f0000010 00000015 00000000',
      error: { command_length: 0xf0000010, command_id: undefined },
    },
  ]) {
    const framer = new Framer(1024)
    t.match(
      framer.push(octetsOf(hex), () => t.fail('no PDU')),
      error,
    )
    t.match(
      framer.push(STREAM, () => t.fail('no PDU')),
      error,
      'and stays so',
    )
    t.equal(framer.pending, 0)
  }
  t.end()
})

void t.test('the largest PDU allowed passes', t => {
  const octets = Buffer.alloc(1024)
  octets.writeUInt32BE(1024, 0)
  const { pdus, error } = split(octets, [3, 500], 1024)
  t.equal(error, undefined)
  t.equal(pdus[0]?.body.length, (1024 - 16) * 2, 'in hexadecimal')
  t.end()
})

void t.test('nothing is handed over after the session said stop', t => {
  let seen = 0
  new Framer(65_536).push(STREAM, () => {
    seen++
    return seen < 2
  })
  t.equal(seen, 2)
  t.end()
})

function split(stream: Buffer, cuts: readonly number[], limit = 65_536) {
  const pdus: { command_id: number; sequence_number: number; body: string }[] = []
  let error: FramingError | undefined
  const framer = new Framer(limit)
  const edges = [
    0,
    ...cuts.map(cut => Math.min(cut, stream.length)).sort((a, b) => a - b),
    stream.length,
  ]
  for (let i = 1; i < edges.length; i++) {
    const chunk = Buffer.from(stream.subarray(edges[i - 1], edges[i]))
    error = framer.push(chunk, ({ command_id, sequence_number, body }) => {
      pdus.push({ command_id, sequence_number, body: body.toString('hex') })
      return true
    })
    chunk.fill(0xee) // the chunk is the framer's only during the call
  }
  return { pdus, error }
}

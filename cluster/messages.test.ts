import fc from 'fast-check'
import t from 'tap'

import {
  BadFrame,
  decodeMessage,
  encodeMessage,
  MessageKind,
  type RaftMessage,
} from './messages.js'
import { decodeFrame, encodeFrame } from './transport/frames.js'

const number = fc.integer({ min: 0, max: 2 ** 48 - 1 })
const octets = fc.uint8Array({ maxLength: 300 }).map(array => Buffer.from(array))

const messages = fc
  .record({
    type: fc.constantFrom<number>(3, 4, 5, 8, 9, 15, 16, 17),
    from: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
    term: number,
    logTerm: number,
    index: fc.integer({ min: 0, max: 2 ** 40 }),
    commit: number,
    reject: fc.boolean(),
    rejectHint: number,
    context: fc.string({ maxLength: 40 }),
    datas: fc.array(fc.option(octets.filter(data => data.length > 0)), { maxLength: 5 }),
  })
  .map(({ datas, ...fields }): RaftMessage => {
    const isRead = fields.type === MessageKind.MsgReadIndex
    return {
      ...fields,
      to: 9,
      context: isRead ? '' : fields.context,
      readContext: isRead ? fields.context : '',
      entries: datas.map((data, i) => ({
        index: fields.index + 1 + i,
        term: i,
        type: data === null ? 2 : 0,
        data,
      })),
      snapshot: undefined,
    }
  })

void t.test('a Raft message comes out as it went in', t => {
  fc.assert(
    fc.property(messages, message => {
      t.same(decodeMessage(encodeMessage(3, message), 9), message)
    }),
    { numRuns: 200 },
  )
  t.end()
})

void t.test('octets that are no message are refused, and nothing else happens', t => {
  fc.assert(
    fc.property(messages, fc.nat(), fc.integer({ min: 1, max: 255 }), (message, at, flip) => {
      const record = encodeMessage(3, message)
      record[at % record.length]! ^= flip
      for (const part of [record, record.subarray(0, at % record.length)]) {
        try {
          decodeMessage(part, 9)
        } catch (error) {
          t.type(error, BadFrame)
        }
      }
    }),
    { numRuns: 300 },
  )
  t.end()
})

void t.test('a frame holds records of any length; its octets are protobuf', t => {
  const records = [0, 1, 127, 128, 20_000, 3_000_000].map(length => Buffer.alloc(length, length))
  t.same(decodeFrame(encodeFrame(records)), records)
  t.same(encodeFrame([Buffer.from('hi')]), Buffer.from([0x0a, 2, 0x68, 0x69]))
  for (const bad of ['12026869', '0a036869', '0a', '0affffffffff01']) {
    t.throws(() => decodeFrame(Buffer.from(bad, 'hex')), BadFrame)
  }
  t.end()
})

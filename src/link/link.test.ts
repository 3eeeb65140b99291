import { equal, ok } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { encodeBody, encodePdu, writeHeader } from '../smpp/codec.js'
import { COMMAND_IDS, commandName } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { Framer } from '../smpp/framing.js'
import type { BindResult } from '../smpp/session-state.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { connectionPair } from './testing/connection-pair.js'
import { Recorder } from './testing/recorder.js'
import type { SessionLimits } from './types.js'

const SUBMIT_BODY = { destination_addr: '49170', short_message: Buffer.from('hi') }
const SUBMIT = encodeBody('submit_sm', SUBMIT_BODY)
const LARGE = Buffer.alloc(40_000, 7)

void t.test('two links bind, carry a message and part', t => {
  for (const chunkOctets of [Infinity, 1, 17]) {
    const time = new VirtualTime()
    const [a, b] = connectionPair(time, { chunkOctets })
    const smsc = new Recorder('smsc', a, { time })
    const esme = new Recorder('esme', b, { time })
    let result: BindResult | undefined
    esme.link.bind('bind_transceiver', { system_id: 'esme1' }, r => (result = r))
    time.turn()
    t.same(result, { ok: true, system_id: 'carillon', interface_version: 0x34 })
    t.equal(esme.link.state, 'BOUND_TRX')
    t.equal(smsc.link.boundAs, 'bind_transceiver')

    t.equal(esme.link.request(COMMAND_IDS.submit_sm, SUBMIT, 'a'), 2)
    t.equal(smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'b'), 1)
    time.turn()
    t.ok(esme.events.includes('response a ESME_ROK'))
    t.ok(smsc.events.includes('response b ESME_ROK'))

    esme.link.unbind()
    t.equal(esme.link.request(COMMAND_IDS.submit_sm, SUBMIT, 'c'), 'closed')
    time.turn()
    t.same(smsc.events.slice(-2), ['unbinding', 'closed: unbound by the peer'])
    t.equal(esme.events.at(-1), 'closed: unbound by us')
    t.ok(a.closed && b.closed)
    t.equal(time.pending, 0, 'no timer is left behind')
  }
  t.end()
})

void t.test('what is written within one turn is one write, in order', t => {
  const { time, smsc, raw, connection } = bound()
  const writes = connection.written.length
  raw.write(
    Buffer.concat([1, 2, 3].map(n => encodePdu('submit_sm', { sequence_number: n }, SUBMIT_BODY))),
  )
  time.turn()
  t.same(answers(connection.written.slice(writes)), [
    'submit_sm_resp ESME_ROK 1',
    'submit_sm_resp ESME_ROK 2',
    'submit_sm_resp ESME_ROK 3',
  ])
  t.equal(connection.written.length, writes + 1)

  smsc.answering = false
  raw.write(encodePdu('submit_sm', { sequence_number: 4 }, SUBMIT_BODY))
  time.turn()
  smsc.link.respond(COMMAND_IDS.submit_sm, 4, 'ESME_RMSGQFUL', Buffer.from('never sent\0'))
  smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'x')
  smsc.link.request(COMMAND_IDS.deliver_sm, Buffer.concat([SUBMIT, LARGE]), 'large')
  smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'y')
  time.turn()
  t.same(answers(connection.written.slice(writes + 1)), [
    'submit_sm_resp ESME_RMSGQFUL 4',
    'deliver_sm ESME_ROK 1',
    'deliver_sm ESME_ROK 2',
    'deliver_sm ESME_ROK 3',
  ])
  t.end()
})

void t.test('a deliver_sm is answered with a single NUL', t => {
  const time = new VirtualTime()
  const [a, b] = connectionPair(time)
  const esme = new Recorder('esme', a, { time })
  b.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined })
  esme.link.bind('bind_receiver', {}, () => undefined)
  b.write(encodePdu('bind_receiver_resp', { sequence_number: 1 }))
  b.write(encodePdu('deliver_sm', { sequence_number: 0xffffffff }))
  time.turn()
  t.same(a.written.at(-1)?.toString('hex'), '000000118000000500000000ffffffff00')
  t.end()
})

void t.test('a deliver_sm that is refused is answered with one as well', t => {
  const time = new VirtualTime()
  const [a, b] = connectionPair(time)
  new Recorder('esme', a, { time })
  b.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined })
  b.write(encodePdu('deliver_sm', { sequence_number: 9 }))
  time.turn()
  t.equal(a.written.at(-1)?.toString('hex'), '0000001180000005000000040000000900')
  t.end()
})

void t.test('the window out is a limit, and room in it is told', t => {
  const { time, smsc, raw } = bound({ windowOut: 2 })
  t.equal(smsc.link.windowFree, 2)
  smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'a')
  smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'b')
  t.equal(smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'c'), 'windowFull')
  time.turn()
  t.notOk(smsc.events.includes('ready'))
  raw.write(encodePdu('deliver_sm_resp', { sequence_number: 1 }))
  time.turn()
  t.same(smsc.events.slice(-2), ['response a ESME_ROK', 'ready'])
  time.advance(10_000)
  t.ok(smsc.events.includes('timeout b'))
  raw.write(encodePdu('deliver_sm_resp', { sequence_number: 2 }))
  time.turn()
  t.equal(smsc.events.at(-1), 'late b ESME_ROK')
  smsc.link.setLimits({ windowOut: 5 })
  t.equal(smsc.link.windowFree, 5)
  t.end()
})

void t.test('when the link ends, what was outstanding is told first, and only once', t => {
  const { time, smsc, raw } = bound()
  smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'a')
  smsc.link.close('enough')
  t.notOk(smsc.closedReason, 'never from within a call')
  t.equal(smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'b'), 'closed')
  smsc.link.respond(COMMAND_IDS.submit_sm, 1, 'ESME_ROK')
  time.turn()
  raw.destroy()
  time.advance(60_000)
  t.same(smsc.events.slice(-2), ['closed a', 'closed: enough'])
  t.equal(time.pending, 0)
  t.end()
})

void t.test('a peer that does not read is cut off, whole and in time', t => {
  const { time, smsc, raw, connection } = bound({ writeQueueOctetsMax: 10_000, windowOut: 1_000 })
  raw.pause()
  let refused = 0
  for (let i = 0; i < 100; i++) {
    if (smsc.link.request(COMMAND_IDS.deliver_sm, LARGE.subarray(0, 200), i) === 'windowFull')
      refused++
  }
  time.turn()
  t.ok(refused > 50, 'requests wait when half of the queue is full')
  t.notOk(smsc.closedReason)
  t.ok(smsc.link.bufferedOctets <= 6_000)
  for (let i = 0; i < 400; i++) raw.write(encodePdu('enquire_link', { sequence_number: i }))
  time.turn()
  t.equal(smsc.closedReason, 'the peer does not read')
  t.ok(connection.closed)
  t.end()
})

void t.test('room in the write queue is told', t => {
  const { time, smsc, raw } = bound({ writeQueueOctetsMax: 10_000, windowOut: 1_000 })
  raw.pause()
  for (let i = 0; i < 100; i++) smsc.link.request(COMMAND_IDS.deliver_sm, LARGE.subarray(0, 200), i)
  time.turn()
  t.notOk(smsc.events.includes('ready'))
  raw.resume()
  time.turn()
  t.ok(smsc.events.includes('ready'))
  t.end()
})

void t.test('who never binds is closed after the bind time-out', t => {
  const time = new VirtualTime()
  const [a, b] = connectionPair(time)
  const smsc = new Recorder('smsc', a, { time })
  b.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined })
  time.advance(9_000)
  t.notOk(smsc.closedReason)
  time.advance(2_000)
  t.equal(smsc.closedReason, 'bind timeout')
  t.equal(time.pending, 0)
  t.end()
})

void t.test('who binds and goes silent is asked, then closed', t => {
  const { time, smsc, connection } = bound()
  time.advance(32_000)
  t.match(answers(connection.written.slice(-1)), [/^enquire_link /])
  time.advance(60_000)
  t.equal(smsc.closedReason, 'inactivity timeout')
  t.end()
})

void t.test('garbage is nacked once, then the link closes', t => {
  const time = new VirtualTime()
  const [a, b] = connectionPair(time)
  const smsc = new Recorder('smsc', a, { time })
  const heard: Buffer[] = []
  b.listen({
    data: chunk => heard.push(Buffer.from(chunk)),
    drained: () => undefined,
    closed: () => undefined,
  })
  b.write(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
  time.turn()
  t.match(answers(heard), [/^generic_nack ESME_RINVCMDLEN /])
  t.match(smsc.closedReason, /^command_length/)
  t.ok(b.closed)
  t.end()
})

void t.test('a flood of what moves nothing is read slowly, and then goes on', t => {
  for (const [title, pdu, chunks] of [
    ['enquire_link', encodePdu('enquire_link', { sequence_number: 1 }), 10],
    ['an unknown request', header(0x777), 10],
    ['a response to nothing', header(COMMAND_IDS.submit_sm_resp), 10],
    [
      'requests beyond the window',
      encodePdu('submit_sm', { sequence_number: 1 }, SUBMIT_BODY),
      100,
    ],
  ] as const) {
    const { time, smsc, raw } = bound({ windowIn: 1 })
    smsc.answering = false
    const thousand = Buffer.concat(Array.from({ length: 1_000 }, () => pdu))
    for (let i = 0; i < chunks; i++) raw.write(Buffer.from(thousand))
    const before = smsc.link.counters.pdusIn
    time.turn()
    const most = 50 * chunks + 1_000
    t.ok(smsc.link.counters.pdusIn - before <= most, `${title}: not all at once`)
    time.advance(20_000)
    t.equal(smsc.link.counters.pdusIn - before, 1_000 * chunks, `${title}: all in the end`)
    t.equal(smsc.link.state, 'BOUND_TRX')
  }
  t.end()
})

void t.test('what comes in spite of a rest is kept up to a bound, and then ends the link', t => {
  const { time, smsc, raw, connection } = bound()
  connection.pause = () => undefined
  const unknown = header(0x777)
  raw.write(Buffer.concat(Array.from({ length: 5_000 }, () => unknown)))
  time.turn()
  const before = smsc.link.counters.pdusIn
  const chunk = Buffer.concat(Array.from({ length: 1_024 }, () => unknown)) // 16 KiB
  for (let i = 0; i < 59; i++) raw.write(Buffer.from(chunk)) // not quite a megabyte
  time.turn()
  t.equal(smsc.link.counters.pdusIn, before, 'it rests')
  t.notOk(smsc.closedReason)
  for (let i = 0; i < 6; i++) raw.write(Buffer.from(chunk))
  time.turn()
  t.equal(smsc.closedReason, 'cannot be paused')
  t.ok(connection.closed)
  t.end()
})

void t.test('a link that ends while it rests sees the end of its peer', t => {
  const { time, smsc, raw, connection } = bound()
  raw.write(Buffer.concat(Array.from({ length: 5_000 }, () => header(0x777))))
  time.turn()
  smsc.link.close('enough')
  time.turn()
  t.ok(connection.closed)
  t.equal(smsc.closedReason, 'enough')
  t.equal(time.pending, 0, 'no timer is left behind')
  t.end()
})

void t.test('a peer that neither closes nor reads its end is dropped after a while', t => {
  const { time, smsc, raw, connection } = bound()
  raw.pause()
  smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'a')
  smsc.link.close('enough')
  time.turn()
  t.equal(smsc.closedReason, 'enough')
  t.notOk(connection.closed)
  time.advance(5_000)
  t.ok(connection.closed)
  t.end()
})

void t.test('a bind that is refused, unanswered or cut off says so once', t => {
  for (const [how, expected] of [
    ['refused', { ok: false, command_status: 13 }],
    ['silence', { ok: false, command_status: undefined }],
    ['cut', { ok: false, command_status: undefined }],
  ] as const) {
    const time = new VirtualTime()
    const [a, b] = connectionPair(time)
    const esme = new Recorder('esme', a, { time })
    b.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined })
    const results: BindResult[] = []
    esme.link.bind('bind_transmitter', { system_id: 'a', password: 'b' }, r => results.push(r))
    if (how === 'refused') {
      b.write(encodePdu('bind_transmitter_resp', { sequence_number: 1, command_status: 13 }))
    }
    if (how === 'cut') b.destroy()
    time.advance(20_000)
    t.match(results, [expected], how)
    t.ok(esme.closedReason)
  }
  t.end()
})

void t.test('PDUs that are framed rightly never end a session, whatever is in them', t => {
  const commands = Object.entries(COMMAND_IDS).filter(([name]) => !name.startsWith('unbind'))
  const pdu = fc.record({
    command_id: fc.oneof(fc.constantFrom(...commands.map(([, id]) => id)), fc.nat(0xffffffff)),
    command_status: fc.nat(300),
    sequence_number: fc.oneof(fc.nat(5), fc.nat(0xffffffff)),
    body: fc.uint8Array({ maxLength: 60 }),
  })
  fc.assert(
    fc.property(fc.array(pdu, { maxLength: 20 }), fc.integer({ min: 1, max: 50 }), (pdus, cut) => {
      const { time, smsc, raw, connection } = bound({}, cut)
      for (let i = 0; i < 3; i++) smsc.link.request(COMMAND_IDS.deliver_sm, SUBMIT, i)
      for (const { command_id, command_status, sequence_number, body } of pdus) {
        if (COMMAND_IDS.unbind === command_id) continue
        const octets = Buffer.alloc(16 + body.length)
        writeHeader(octets, 0, octets.length, command_id, command_status, sequence_number)
        octets.set(body, 16)
        raw.write(octets)
      }
      raw.write(encodePdu('enquire_link', { sequence_number: 77_777 }))
      time.turn()
      equal(smsc.link.state, 'BOUND_TRX')
      ok(answers(connection.written).includes('enquire_link_resp ESME_ROK 77777'))
      const answered = smsc.events.filter(event => event.startsWith('response ')).length
      equal(smsc.link.windowUsed, 3 - answered)
    }),
    { numRuns: 300 },
  )
  t.end()
})

function header(command_id: number): Buffer {
  const octets = Buffer.alloc(16)
  writeHeader(octets, 0, 16, command_id, 0, 9)
  return octets
}

void t.test('counts what passes', t => {
  const { time, smsc, raw } = bound()
  const before = smsc.link.counters
  raw.write(encodePdu('submit_sm', { sequence_number: 1 }, SUBMIT_BODY))
  raw.write(encodePdu('submit_sm_resp', { sequence_number: 1 }))
  time.turn()
  const { pdusIn, pdusOut, octetsIn, unmatchedResponses } = smsc.link.counters
  t.equal(pdusIn - before.pdusIn, 2)
  t.equal(pdusOut - before.pdusOut, 1)
  t.ok(octetsIn > before.octetsIn)
  t.equal(unmatchedResponses, 1)
  t.end()
})

/** An SMSC's link with a bound ESME on the other end that is only a wire in our hands. */
function bound(limits: Partial<SessionLimits> = {}, chunkOctets = Infinity) {
  const time = new VirtualTime()
  const [connection, raw] = connectionPair(time, { chunkOctets })
  const smsc = new Recorder('smsc', connection, { time, limits })
  raw.listen({ data: () => undefined, drained: () => undefined, closed: () => undefined })
  raw.write(encodePdu('bind_transceiver', { sequence_number: 1 }, { interface_version: 0x34 }))
  time.turn()
  equal(smsc.link.state, 'BOUND_TRX')
  return { time, smsc, raw, connection }
}

/** "submit_sm_resp ESME_ROK 7" for each PDU in the octets. */
function answers(octets: readonly Buffer[]): string[] {
  const lines: string[] = []
  const framer = new Framer(100_000)
  framer.push(Buffer.concat(octets), ({ command_id, command_status, sequence_number }) => {
    lines.push(`${commandName(command_id) ?? '?'} ${statusText(command_status)} ${sequence_number}`)
    return true
  })
  return lines
}

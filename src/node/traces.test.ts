import t from 'tap'
import type { TraceOrder } from '../api/ports.js'
import type { TraceLine, TracedPdu } from '../api/shapes.js'
import type { Fields, Logger } from '../base/logger.js'
import { silentLogger } from '../base/logger.js'
import type { Link } from '../link/link.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import { Recorder } from '../link/testing/recorder.js'
import { encodeBody } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { QUEUE_OCTETS_MAX, Traces, TRACES_MAX } from './traces.js'

const ORDER: TraceOrder = {
  ...{ kind: 'account', name: 'esme1', texts: false },
  ...{ forMs: 60_000, octetsMax: 10_000_000, by: '192.0.2.9' },
}

function world() {
  const time = new VirtualTime()
  const said: [string, Fields | undefined][] = []
  const logger: Logger = { ...silentLogger, info: (event, fields) => said.push([event, fields]) }
  const traces = new Traces({ node: 2, clock: time, timers: time, logger })
  const label = { kind: 'account' as const, name: 'esme1', session: () => '2.1.7' }
  const bound = (): { smsc: Link; esme: Link } => {
    const [ours, theirs] = connectionPair(time)
    const { link: smsc } = new Recorder('smsc', ours, { time })
    const { link: esme } = new Recorder('esme', theirs, { time })
    esme.bind('bind_transceiver', { system_id: 'esme1', password: 'p' }, () => undefined)
    time.turn()
    traces.links.name(smsc, label)
    return { smsc, esme }
  }
  const submit = (link: Link, octets = 100): void => {
    const body = encodeBody('submit_sm', { short_message: Buffer.alloc(0) })
    link.request(COMMAND_IDS.submit_sm, Buffer.concat([body, payload(octets)]), null)
    time.turn()
  }
  const started = (over: Partial<TraceOrder> = {}) => {
    const stream = traces.start({ ...ORDER, ...over })
    if (stream === 'tooMany') throw new Error(stream)
    return stream
  }
  return { time, traces, said, bound, submit, started }
}

function payload(octets: number): Buffer {
  const tlv = Buffer.alloc(4 + octets, 't')
  tlv.writeUInt16BE(0x424, 0)
  tlv.writeUInt16BE(octets, 2)
  return tlv
}

const linesOf = (stream: { read(): unknown }): TraceLine[] =>
  ((stream.read() as Buffer | null)?.toString() ?? '')
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line) as TraceLine)

void t.test('nobody looks, nothing is seen; then both directions, in their order', async t => {
  const { time, traces, said, bound, submit, started } = world()
  const { smsc, esme } = bound()
  submit(esme)
  t.equal(smsc.tap, undefined)
  const stream = started({ forMs: 20_000 })
  const other = started({ name: 'esme2' })
  submit(esme)
  submit(esme)
  const lines = linesOf(stream)
  t.match(lines, [
    { kind: 'begun', node: 2, texts: false },
    { kind: 'pdu', direction: 'in', session: '2.1.7', place: 0, remote: '192.0.2.1:40000' },
    { kind: 'pdu', direction: 'out', place: 0 },
    { kind: 'pdu', direction: 'in' },
    { kind: 'pdu', direction: 'out', place: 17 },
  ])
  const octets = (line: TraceLine) => Buffer.from((line as TracedPdu).pdu, 'base64')
  t.equal((lines[3] as TracedPdu).place, octets(lines[1]!).length)
  t.match(octets(lines[1]!).toString('latin1'), /\*{100}$/)
  t.equal(linesOf(other).length, 1)
  await time.advanceAsync(20_000)
  t.match(linesOf(stream), [{ kind: 'end', why: 'time', pdus: 4, dropped: 0 }])
  t.equal(smsc.tap, undefined, 'and again nobody looks')
  t.match(said.slice(0, 1), [['trace started', { ...ORDER, forMs: 20_000 }]])
  t.match(
    said.find(([event]) => event === 'trace ended'),
    ['trace ended', { name: 'esme1', why: 'time', pdus: 4 }],
  )
  traces.stop()
})

void t.test('what is not read is dropped, counted and told of; its place stays', async t => {
  const { bound, submit, started } = world()
  const { esme } = bound()
  const stream = started()
  const most = Math.ceil(QUEUE_OCTETS_MAX / 30_000)
  for (let i = 0; i < 2 * most; i++) submit(esme, 30_000)
  t.ok(stream.readableLength <= 2.5 * QUEUE_OCTETS_MAX, `${stream.readableLength} octets wait`)
  const before = linesOf(stream)
  submit(esme, 30_000)
  const [dropped, next] = linesOf(stream)
  t.match(dropped, { kind: 'dropped' })
  const count = (dropped as { dropped: number }).dropped
  t.equal(before.length - 1 + count, 4 * most, 'none is unaccounted for')
  t.equal(
    (next as TracedPdu).place,
    2 * most * Buffer.from((next as TracedPdu).pdu, 'base64').length,
  )
})

void t.test('it ends by octets, and when its reader goes away', async t => {
  const { bound, submit, started, said } = world()
  const { smsc, esme } = bound()
  const stream = started({ octetsMax: 500 })
  for (let i = 0; i < 10; i++) submit(esme)
  t.match(linesOf(stream).at(-1), { kind: 'end', why: 'octets', pdus: 7 })
  const left = started()
  t.ok(smsc.tap !== undefined)
  left.destroy()
  await new Promise(resolve => left.once('close', resolve))
  t.equal(smsc.tap, undefined)
  t.match(said.at(-1), ['trace ended', { why: 'left' }])
})

void t.test('there are so many at a time, and no more', async t => {
  const { traces, started } = world()
  const all = Array.from({ length: TRACES_MAX }, () => started())
  t.equal(traces.start(ORDER), 'tooMany')
  all[0]!.destroy()
  await new Promise(resolve => all[0]!.once('close', resolve))
  t.not(traces.start(ORDER), 'tooMany')
  traces.stop()
  t.match(linesOf(all[1]!).at(-1), { kind: 'end', why: 'stopped' })
})

import t from 'tap'
import { PUT_PATH, putRequest, revisionOf, txnRequest } from './clients/etcd-messages.js'
import { HttpReader } from './clients/http1.js'
import { CallTemplate, FLAG, FRAME, frame, FrameReader } from './clients/http2.js'
import { Meter } from './clients/meter.js'
import { isAck, NatsReader, publish } from './clients/nats-protocol.js'
import { peersText, windowsOf, type PeersReport } from './peers-report.js'
import {
  compare,
  spread,
  windowText,
  type Comparison,
  type Row,
  type RoundSample,
} from './ratios.js'
import { parseBenchmark } from './redis-output.js'

/** Feeds octets at once, and one at a time: whoever reads a stream must not care. */
function bothWays<T>(octets: Buffer, read: (chunks: Buffer[]) => T[]): [T[], T[]] {
  const single = Array.from(octets, (_, i) => Buffer.from(octets.subarray(i, i + 1)))
  return [read([octets]), read(single)]
}

void t.test('HTTP/2: a call has its own stream and key in each of its frames', async t => {
  const key = Buffer.from('#key############')
  const message = putRequest(key, Buffer.alloc(16_500, 0x61))
  const template = new CallTemplate('127.0.0.1:2379', PUT_PATH, message)
  t.equal(template.dataOctets, 5 + message.length)
  const [at] = template.placesOf(key)
  const call = template.call(7)
  call.write('0000000000000001', at!)
  const [whole, single] = bothWays(call, chunks => {
    const reader = new FrameReader()
    const seen: { type: number; flags: number; stream: number; payload: string }[] = []
    for (const chunk of chunks)
      reader.feed(chunk, (type, flags, stream, payload) =>
        seen.push({ type, flags, stream, payload: payload.toString('latin1') }),
      )
    return seen
  })
  t.same(single, whole)
  t.same(
    whole.map(({ type, flags, stream, payload }) => [type, flags, stream, payload.length]),
    [
      [FRAME.headers, FLAG.endHeaders, 7, whole[0]!.payload.length],
      [FRAME.data, 0, 7, 16_384],
      [FRAME.data, FLAG.endStream, 7, template.dataOctets - 16_384],
    ],
  )
  t.match(whole[0]!.payload, '/etcdserverpb.KV/Put')
  t.match(whole[1]!.payload, '\u00000000000000000001'.slice(1))
  t.notMatch(template.call(9).toString('latin1'), '0000000000000001', 'a template stays as it is')
})

void t.test('etcd: messages as its .proto has them', async t => {
  const put = putRequest(Buffer.from('k'), Buffer.from('vw'))
  t.equal(put.toString('hex'), '0a016b12027677')
  t.equal(txnRequest([put, put]).toString('hex'), '120912070a016b12027677'.repeat(2))
  // header { cluster_id: 300, member_id: 2, revision: 1000, raft_term: 3 }
  const header = Buffer.from('0a0a08ac02100218e8072003', 'hex')
  t.equal(revisionOf(header), 1_000)
  t.equal(revisionOf(Buffer.from('1200', 'hex')), 0)
  t.equal(frame(FRAME.ping, FLAG.ack, 0, Buffer.alloc(8)).length, 17)
})

void t.test('NATS: messages and lines, however they are cut', async t => {
  const octets = Buffer.from(
    'INFO {}\r\nMSG _INBOX.a.7 1 11\r\n{"seq":\r\n1}\r\nPING\r\nMSG s 1 reply 2\r\nok\r\n',
  )
  const [whole, single] = bothWays(octets, chunks => {
    const reader = new NatsReader()
    const seen: string[] = []
    for (const chunk of chunks)
      reader.feed(
        chunk,
        (subject, payload) => seen.push(`${subject}=${payload.toString()}`),
        line => seen.push(line),
      )
    return seen
  })
  t.same(whole, ['INFO {}', '_INBOX.a.7={"seq":\r\n1}', 'PING', 's=ok'])
  t.same(single, whole)
  t.equal(publish('s', 'r', Buffer.from('ab')).toString(), 'PUB s r 2\r\nab\r\n')
  t.ok(isAck(Buffer.from('{"stream":"S","seq":12}')))
  t.notOk(isAck(Buffer.from('{"error":{"code":503},"stream":"S","seq":0}')))
})

void t.test('HTTP/1.1: requests without a body and answers with one', async t => {
  const octets = Buffer.from(
    'HTTP/1.1 202 Accepted\r\nContent-Length: 3\r\n\r\n0: GET /?n=5 HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  const [whole, single] = bothWays(octets, chunks => {
    const reader = new HttpReader()
    const seen: string[] = []
    for (const chunk of chunks) reader.feed(chunk, (line, body) => seen.push(`${line}|${body}`))
    return seen
  })
  t.same(whole, ['HTTP/1.1 202 Accepted|0: ', 'GET /?n=5 HTTP/1.1|'])
  t.same(single, whole)
})

void t.test('Redis: the figures of redis-benchmark --csv', async t => {
  const output =
    '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"\n' +
    '"SET","41356.80","11.5","0.8","10.9","20.1","33.4","55.2"\n'
  t.same(parseBenchmark(output), {
    perSecond: 41_356.8,
    meanMs: 11.5,
    p50: 10.9,
    p95: 20.1,
    p99: 33.4,
    max: 55.2,
  })
  t.equal(parseBenchmark('"SET","41356.80"\n'), undefined, 'before 6.2')
  t.equal(parseBenchmark('Could not connect to Redis'), undefined)
})

void t.test('a meter counts between warm-up and end, and nothing else', async t => {
  let nowMs = 0
  const ports = { nowMs: () => nowMs, cpuMs: () => nowMs / 2, epochMs: () => 1_000_000 + nowMs }
  const meter = new Meter({ warmUpMs: 1_000, durationMs: 2_000 }, ports)
  for (; nowMs < 3_500; nowMs += 10) meter.answered(nowMs - 4, 100)
  t.ok(meter.isOver)
  const report = meter.report([])
  t.equal(report.perSecond, 10_000)
  t.equal(report.latencyMs.count, 200)
  t.equal(report.clientCores, 0.5)
  t.same([report.fromMs, report.untilMs], [1_001_000, 1_003_000])
  t.same(report.problems, [])
  t.same(new Meter({ warmUpMs: 0, durationMs: 1 }, ports).report(['lost']).problems, [
    'lost',
    'nothing was answered',
  ])
})

void t.test('a spread is the middle of the rounds, and both ends', async t => {
  t.equal(spread([]), undefined)
  t.same(spread([3]), { median: 3, min: 3, max: 3 })
  t.same(spread([10, 2, 4]), { median: 4, min: 2, max: 10 })
  t.same(spread([10, 2]), { median: 6, min: 2, max: 10 })
})

const sample = (perSecond: number, p99 = 1, dispatchedPerSecond: number | null = null) =>
  ({
    perSecond,
    dispatchedPerSecond,
    latencyMs: { count: 1, mean: 1, p50: 1, p90: 1, p95: 1, p99, p999: p99, max: p99 },
    ...{ fromMs: 0, untilMs: 1, clientCores: 0.4, systemCores: 1.2, machineCores: 1.9 },
    problems: [],
  }) satisfies RoundSample

const row = (system: string, workload: string, samples: Row['samples'], skipped = ''): Row => ({
  ...{ system, workload, client: 'a client', samples, skipped },
})

const OURS = { system: 'carillon-3', workload: 'dispatch', figure: 'perSecond' } as const
const THEIRS = { system: 'etcd', workload: 'puts', figure: 'perSecond' } as const

for (const { name, comparison, rows, value, reached } of [
  {
    name: 'each round is compared with itself',
    comparison: { name: '', ours: OURS, theirs: THEIRS, goal: { least: 4 } },
    // 3 and 5, where the medians over each other would be 5.5 ÷ 1.5
    rows: [
      row('carillon-3', 'dispatch', [sample(3), sample(10)]),
      row('etcd', 'puts', [sample(1), sample(2)]),
    ],
    value: { median: 4, min: 3, max: 5 },
    reached: true,
  },
  {
    name: 'a round that one of them lacks does not count',
    comparison: { name: '', ours: OURS, theirs: THEIRS, goal: { least: 4 } },
    rows: [
      row('carillon-3', 'dispatch', [sample(3), sample(10)]),
      row('etcd', 'puts', [sample(1), undefined]),
    ],
    value: { median: 3, min: 3, max: 3 },
    reached: false,
  },
  {
    name: 'without the other there is no ratio, and no verdict',
    comparison: { name: '', ours: OURS, theirs: THEIRS, goal: { least: 4 } },
    rows: [
      row('carillon-3', 'dispatch', [sample(3)]),
      row('etcd', 'puts', [undefined], 'etcd is not here'),
    ],
    value: null,
    reached: null,
  },
  {
    name: 'a latency stands alone, and must stay below',
    comparison: { name: '', ours: { ...OURS, figure: 'p99' }, theirs: null, goal: { below: 40 } },
    rows: [row('carillon-3', 'dispatch', [sample(1, 40), sample(1, 40)])],
    value: { median: 40, min: 40, max: 40 },
    reached: false,
  },
] satisfies {
  name: string
  comparison: Comparison
  rows: Row[]
  value: unknown
  reached: unknown
}[])
  void t.test(name, async t => {
    const compared = compare(comparison, rows)
    t.same(compared.value, value)
    t.equal(compared.reached, reached)
  })

void t.test(
  'the table says what was skipped and why, the ratios, and what was in flight',
  async t => {
    const rows = [
      row('carillon-3', 'dispatch', [sample(30_000, 9, 29_000), sample(50_000, 11, 49_000)]),
      row('etcd', 'puts', [sample(8_000), sample(8_000)]),
      row('redis', 'set', [undefined, undefined], 'redis-server not here'),
    ]
    const comparison = { name: 'ours ÷ etcd', ours: OURS, theirs: THEIRS, goal: { least: 6 } }
    const text = peersText({
      machine: {
        ...{ cpu: 'CPU', cores: 2, memoryGiB: 24, system: 'linux', node: 'v20', load1: 0, at: '' },
        fdatasyncMs: { p50: 0.3, p99: 0.5 },
      },
      settings: { rounds: 2, warmUpMs: 2_000, durationMs: 6_000, octets: 250 },
      systems: [{ name: 'etcd', title: 'three nodes', version: 'etcd 3.4.23' }],
      rows,
      comparisons: [compare(comparison, rows)],
      windows: windowsOf(rows, { esme: 3_000, connector: 1_000 }),
    } satisfies PeersReport)
    t.match(text, /carillon-3 +dispatch +40,000 +30,000–50,000 +39,000 +1.00 ms +10.0 ms +1.20/)
    t.match(text, /redis +set +- .*skipped: redis-server not here; a client/)
    t.match(text, /ours ÷ etcd +≥ 6 +× 5.00 +3.75–6.25 +not reached/)
    t.match(text, /etcd: three nodes \(etcd 3.4.23\)/)
    t.match(text, '3000 in flight ≥ 40000/s × 40 ms = 1600')
    t.match(text, '1000 in flight < (too few) 40000/s × 40 ms = 1600')
    t.equal(windowText('x', 10, 250), 'x: 10 in flight ≥ 250/s × 40 ms = 10')
  },
)

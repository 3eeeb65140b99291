import t from 'tap'
import { SeededRandom } from '../base/random.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { AcceptedLog } from './accepted-log.js'
import { AnswerTimeline } from './answer-timeline.js'
import { DueQueue } from './due-queue.js'
import { Fifo } from './fifo.js'
import { Histogram } from './histogram.js'
import { IdTable } from './id-table.js'
import { parseRun, TagReader, tagText } from './message-tag.js'
import { TagCounts } from './tag-counts.js'

void t.test('quantiles of a histogram are within 0.8 % of the exact ones', async t => {
  const random = new SeededRandom(1)
  const histogram = new Histogram()
  const values: number[] = []
  for (let i = 0; i < 20_000; i++) {
    const ms = 0.01 * Math.exp(random.unit() * 14) // 10 µs to 12 s
    values.push(ms)
    histogram.record(ms)
  }
  values.sort((a, b) => a - b)
  for (const share of [0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1]) {
    const exact = values[Math.max(0, Math.ceil(share * values.length) - 1)]!
    const shown = histogram.quantile(share)
    t.ok(Math.abs(shown - exact) <= 0.008 * exact + 0.001, `${share}: ${shown} for ${exact}`)
  }
  t.equal(histogram.max, values.at(-1))
  t.equal(histogram.count, 20_000)
  histogram.clear()
  t.equal(histogram.quantile(0.5), 0)
})

void t.test('a histogram is exact below 256 µs, and takes what no one expects', async t => {
  for (const us of [0, 1, 127, 128, 200, 255]) {
    const histogram = new Histogram()
    histogram.record(us / 1000)
    histogram.record(5_000) // so that the maximum does not cut the value down
    t.equal(histogram.quantile(0.5), us / 1000, `${us} µs`)
  }
  const histogram = new Histogram()
  histogram.record(-1)
  histogram.record(NaN)
  histogram.record(1e12)
  t.equal(histogram.quantile(0.1), 0)
  t.equal(histogram.count, 3)
})

void t.test('a tag is found wherever it stands, and nothing else is taken for one', async t => {
  const reader = new TagReader()
  const run = parseRun('k3f9a1')!
  t.equal(tagText(run, 42), 'T=k3f9a1-00000042;')
  for (const text of [
    'T=k3f9a1-00000042;',
    'T=T=T=k3f9a1-00000042;..',
    'say T= k T=k3f9a1-00000042;',
  ]) {
    const octets = Buffer.from(text)
    t.ok(reader.find(octets, 0, octets.length), text)
    t.same([reader.run, reader.n], [run, 42])
  }
  for (const text of ['', 'T=', 'T=k3f9a1-0000042;', 'T=K3f9a1-00000042;', 'T=k3f9a1_00000042;']) {
    const octets = Buffer.from(text)
    t.notOk(reader.find(octets, 0, octets.length), text)
  }
  const cut = Buffer.from('T=k3f9a1-00000042;')
  t.notOk(reader.find(cut, 0, cut.length - 1))
})

void t.test('tags are counted in an octet each, and repetitions shown', async t => {
  const counts = new TagCounts()
  for (let n = 0; n < 200_000; n++) if (n < 70_000 || n >= 70_010) counts.add(7, n)
  t.equal(counts.add(7, 99_999), 2)
  t.equal(counts.add(7, 99_999), 3)
  counts.add(8, 5)
  t.match(counts.of(7), { distinct: 199_990, total: 199_992, duplicated: 1, highest: 199_999 })
  t.same(counts.missing(7, 200_002), [
    [70_000, 70_010],
    [200_000, 200_002],
  ])
  t.same([...counts.counts(7, 69_999, 70_002)], [1, 0, 0])
  t.equal(counts.all().length, 2)
})

void t.test('counting tags has a bound, beyond which it says so', async t => {
  const counts = new TagCounts(2)
  t.equal(counts.add(1, 0), 1)
  t.equal(counts.add(1, 99_999_999), 1)
  t.equal(counts.add(1, 500_000), 0)
  t.equal(counts.add(2, 0), 0)
  t.equal(counts.uncounted, 2)
  for (let i = 0; i < 300; i++) counts.add(1, 0)
  t.equal(counts.count(1, 0), 255)
})

void t.test('gaps are found over any set of sessions', async t => {
  const one = new AnswerTimeline()
  const other = new AnswerTimeline()
  for (let ms = 0; ms < 1_000; ms += 2) if (ms < 300 || ms >= 700) one.note(ms)
  for (let ms = 1; ms < 500; ms += 2) other.note(ms)
  t.same(one.gaps(10_000, 1_000, 10, 5), [{ atMs: 10_298, ms: 402 }])
  t.same(other.gaps(0, 1_000, 10, 5), [{ atMs: 499, ms: 501 }])
  const both = new AnswerTimeline()
  both.merge(one)
  both.merge(other)
  t.same(both.gaps(0, 1_000, 10, 5), [{ atMs: 499, ms: 201 }])
  t.equal(both.next(500), 700)
  t.equal(both.next(999), undefined)
  one.note(3_600_000) // an hour later
  t.equal(one.next(1_000), 3_600_000)
})

void t.test('an id is known again, whatever came first', async t => {
  const ids = new IdTable(16)
  const of = (n: number): Buffer => Buffer.from(`a1b2${n.toString(16).padStart(16, '0')}`)
  for (let n = 0; n < 50_000; n++) {
    const id = of(n)
    if (n % 3 === 0 && ids.receipt(id, 0, id.length).n !== undefined) t.fail('known early')
    const entry = ids.acknowledge(id, 0, id.length, n)
    if (entry.acks !== 1 || entry.receipts !== (n % 3 === 0 ? 1 : 0)) t.fail(`entry ${n}`)
  }
  t.equal(ids.count, 50_000)
  const id = of(49_999)
  t.match(ids.acknowledge(id, 0, id.length, 7), { n: 49_999, acks: 2 })
  t.match(ids.receipt(id, 0, id.length), { n: 49_999, receipts: 1 })
  t.equal([...ids.entries()].length, 50_000)
})

void t.test('what is due comes in order of its time, and what comes due meanwhile too', async t => {
  const time = new VirtualTime()
  const taken: string[] = []
  const queue = new DueQueue<string>(time, time, item => {
    taken.push(item)
    if (item === 'a') queue.add(0, 'after a')
  })
  queue.add(50, 'b')
  queue.add(10, 'a')
  queue.add(500, 'c')
  time.advance(100)
  t.same(taken, ['a', 'after a', 'b'])
  t.equal(queue.length, 1)
  time.advance(1_000)
  t.equal(taken.at(-1), 'c')
  queue.add(5, 'd')
  queue.clear()
  time.advance(1_000)
  t.equal(taken.length, 4)
})

void t.test('first in, first out, and back again', async t => {
  const fifo = new Fifo<number>()
  for (let i = 0; i < 5_000; i++) fifo.push(i)
  const first = Array.from({ length: 3_000 }, () => fifo.shift())
  t.same(first, [...first.keys()])
  fifo.unshift(2_999)
  t.equal(fifo.length, 2_001)
  t.equal(fifo.shift(), 2_999)
  t.equal(fifo.shift(), 3_000)
})

void t.test('the log of accepted messages forgets the oldest', async t => {
  const log = new AcceptedLog()
  for (let n = 0; n < 1_100_000; n++) log.add(36 ** 5, n, 1_000 + n)
  const [first] = log.since(0, 1)
  t.same(first, { seq: 51_425, run: '100000', n: 51_424, atMs: 52_424 })
  t.equal(log.since(1_099_999, 10).length, 1)
  t.same(log.since(1_100_000, 10), [])
})

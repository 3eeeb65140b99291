import t from 'tap'
import { benchCodec, codecText } from './codec.js'
import { benchFramer, streamContests, streamOf } from './framer.js'
import { shareMin, sumAt } from './load.js'

void t.test('what went out is known between two seconds, and at the worst of times', async t => {
  const taken = [
    { atMs: 1_000, sum: 0 },
    { atMs: 2_000, sum: 100 },
    { atMs: 3_000, sum: 100 },
    { atMs: 4_000, sum: 300 },
  ]
  t.equal(sumAt(taken, 1_500), 50)
  t.equal(sumAt(taken, 3_500), 200)
  t.equal(sumAt(taken, 9_000), 300)
  t.equal(sumAt([], 9_000), 0)
  t.equal(shareMin(taken, 1_000, 4_000, 1_000, 100), 0)
  t.equal(shareMin(taken, 1_000, 4_000, 3_000, 100), 1)
  t.equal(shareMin(taken, 1_000, 1_500, 1_000, 100), null)
})

void t.test('our codec and the smpp package are measured on the same octets', t => {
  const rows = benchCodec({ rounds: 1, roundMs: 1 })
  t.ok(rows.length > 20)
  t.ok(rows.every(({ oursNs, theirsNs, ratio }) => oursNs > 0 && theirsNs > 0 && ratio > 0))
  t.match(codecText(rows), /decode submit_sm: codec +\d+ +\d+ +× \d/)
  t.end()
})

void t.test('streams are cut into the same PDUs by ours and by the smpp package', t => {
  const rows = benchFramer({ rounds: 1, roundMs: 1 })
  t.equal(rows.length, 18)
  t.ok(rows.every(({ oursNs, theirsNs, ratio }) => oursNs > 0 && theirsNs > 0 && ratio > 0))
  const stream = streamOf('three', [Buffer.alloc(10), Buffer.alloc(20)], 7)
  t.same([stream.pdus, stream.octets, stream.chunks.length], [1_000, 15_000, 2_143])
  const [frame] = streamContests()
  const headers = 16 * frame!.pdus
  t.equal(frame!.ours() + headers, frame!.theirs(), 'bodies, and whole PDUs')
  t.end()
})

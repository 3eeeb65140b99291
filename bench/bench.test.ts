import t from 'tap'
import { benchCodec, codecText } from './codec.js'
import { shareMin, sumAt } from './load.js'
import { summarise, type CpuProfile } from './profile.js'

void t.test('self time goes to the room or library that it was spent in', async t => {
  const frame = (id: number, functionName: string, url: string, children: number[] = []) => ({
    id,
    callFrame: { functionName, url },
    children,
  })
  const modules = 'file:///app/node_modules'
  const profile: CpuProfile = {
    nodes: [
      frame(1, '(root)', '', [2, 4, 6, 7, 8, 9, 10, 11]),
      frame(2, 'onSubmit', 'file:///app/build/src/front/submits.js', [3]),
      frame(3, 'copy', ''),
      frame(4, 'step', `${modules}/@coaty/consensus.raft/ported/raft.js`, [5]),
      frame(5, 'writev', ''),
      frame(6, '(garbage collector)', ''),
      frame(7, '(idle)', ''),
      frame(8, 'batch', `${modules}/classic-level/index.js`),
      frame(9, 'onread', 'node:internal/stream_base_commons'),
      frame(10, 'next', 'file:///app/build/cluster/raft-group.js'),
      frame(11, 'pack', `${modules}/msgpackr/pack.js`),
    ],
    samples: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
    startTime: 1_000_000,
    timeDeltas: [100, 50, 100, 150, 100, 5_000, 100, 100, 200, 100],
  }
  const { busyMs, idleMs, groups, top } = summarise([profile], undefined, 2)
  t.same([busyMs, idleMs], [1, 5])
  t.same(
    new Map(groups.map(({ group, share }) => [group, share])),
    new Map([
      ['sockets', 0.25],
      ['cluster', 0.2],
      ['front', 0.15],
      ['engine', 0.1],
      ['gc', 0.1],
      ['leveldb', 0.1],
      ['msgpackr', 0.1],
    ]),
  )
  t.match(top[0], { function: 'next (cluster/raft-group.js)', share: 0.2 })
  t.equal(top.length, 2)
  const cut = summarise([profile], { fromUs: 1_000_000, toUs: 1_000_260 })
  t.same(cut.groups, [
    { group: 'front', share: 0.6 },
    { group: 'engine', share: 0.4 },
  ])
})

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

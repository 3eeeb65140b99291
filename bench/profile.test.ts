import { Script } from 'node:vm'
import t from 'tap'
import { flameGraphHtml } from './flame-html.js'
import { flameGraphs, type Flame } from './flame-tree.js'
import { placesOf } from './profile-places.js'
import { summarise, type CpuProfile } from './profile.js'

const MODULES = 'file:///app/node_modules'
const BUILD = 'file:///app/build'

const frame = (
  id: number,
  functionName: string,
  url: string,
  children: number[] = [],
): CpuProfile['nodes'][number] => ({
  id,
  callFrame: { functionName, url, lineNumber: url === '' ? -1 : 9 },
  children,
})

const profile: CpuProfile = {
  nodes: [
    frame(1, '(root)', '', [2, 4, 6, 7, 8, 9, 10, 11]),
    frame(2, 'onSubmit', `${BUILD}/src/front/submits.js`, [3]),
    frame(3, 'copy', ''),
    frame(4, 'step', `${MODULES}/@coaty/consensus.raft/ported/raft.js`, [5]),
    frame(5, 'writev', ''),
    frame(6, '(garbage collector)', ''),
    frame(7, '(idle)', ''),
    frame(8, 'batch', `${MODULES}/classic-level/index.js`),
    frame(9, 'onread', 'node:internal/stream_base_commons'),
    frame(10, 'next', `${BUILD}/cluster/raft-group.js`),
    frame(11, 'pack', `${MODULES}/msgpackr/pack.js`),
  ],
  samples: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  startTime: 1_000_000,
  timeDeltas: [100, 50, 100, 150, 100, 5_000, 100, 100, 200, 100],
}

void t.test('self time goes to the room or library that it was spent in', async t => {
  const { busyMs, idleMs, groups, top } = summarise([profile], undefined, 2)
  t.same([busyMs, idleMs], [1, 5])
  t.same(
    new Map(groups.map(({ group, share }) => [group, share])),
    new Map([
      ['raft', 0.3],
      ['sockets', 0.25],
      ['front', 0.15],
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
    { group: 'raft', share: 0.4 },
  ])
})

void t.test('parts of the journal, of SMPP and of the cluster are told apart', async t => {
  const src = `${BUILD}/src`
  const nodes = [
    frame(1, '(root)', '', [2, 7, 10, 11, 12, 13, 14, 15, 16]),
    frame(2, 'applyEntry', `${src}/journal/apply.js`, [3, 5]),
    frame(3, 'decodeCommand', `${src}/journal/command-codec.js`, [4]),
    frame(4, '_copyActual', 'node:buffer'),
    frame(5, 'push', `${src}/base/heap.js`, [6]),
    frame(6, 'assert', `${src}/journal/state.js`),
    frame(7, 'flush', `${src}/journal/state-store.js`, [8, 9]),
    frame(8, 'collect', `${src}/journal/block.js`),
    frame(9, 'write', `${BUILD}/cluster/log/level-store.js`),
    frame(10, 'encodeCommand', `${src}/journal/command-codec.js`),
    frame(11, 'onPdu', `${src}/smpp/session.js`),
    frame(12, 'decodeBody', `${src}/smpp/codec.js`),
    frame(13, 'send', `${BUILD}/cluster/transport/lane.js`),
    frame(14, 'listOnTimeout', 'node:internal/timers'),
    frame(15, 'message', `${src}/journal/journal.js`),
    frame(16, 'observe', `${MODULES}/prom-client/lib/histogram.js`),
  ]
  const places = placesOf({ ...profile, nodes })
  t.same(
    nodes.slice(1).map(({ id }) => [id, places.get(id)?.group]),
    [
      [2, 'apply'],
      [3, 'apply'],
      [4, 'apply'],
      [5, 'apply'],
      [6, 'apply'],
      [7, 'state flush'],
      [8, 'state flush'],
      [9, 'leveldb'],
      [10, 'journal encode'],
      [11, 'session'],
      [12, 'codec'],
      [13, 'grpc'],
      [14, 'timers'],
      [15, 'journal'],
      [16, 'metrics'],
    ],
  )
})

void t.test('a flame is as wide as all that was called, and equal stacks are one', async t => {
  const nodes = [
    frame(1, '(root)', '', [2, 4, 6]),
    frame(2, 'read', `${BUILD}/src/link/tcp.js`, [3]),
    frame(3, 'push', `${BUILD}/src/smpp/framing.js`),
    frame(4, 'read', `${BUILD}/src/link/tcp.js`, [5]),
    frame(5, 'push', `${BUILD}/src/smpp/framing.js`),
    frame(6, '(idle)', ''),
  ]
  const { frames, graphs } = flameGraphs([
    {
      title: 'node 1',
      profile: {
        nodes,
        startTime: 0,
        samples: [2, 3, 4, 5, 6, 5],
        timeDeltas: [10, 20, 5, 7, 1_000, 3],
      },
      span: { fromUs: 0, toUs: 1_045 },
    },
  ])
  const named = ([of, selfUs, totalUs, called]: Flame): unknown => [
    frames[of]?.slice(0, 2).join(' '),
    selfUs,
    totalUs,
    called.map(named),
  ]
  t.same(
    graphs.map(({ root }) => named(root)),
    [
      [
        'all that was busy ',
        0,
        42,
        [['read link/tcp.js:10', 15, 42, [['push smpp/framing.js:10', 27, 27, []]]]],
      ],
    ],
  )
})

void t.test(
  'the page of a flame graph needs nothing else, and its data cannot end its script',
  async t => {
    const nodes = [
      frame(1, '(root)', '', [2]),
      frame(2, '</script><img>', `${BUILD}/src/link/tcp.js`),
    ]
    const html = flameGraphHtml('3 nodes <&>', [
      { title: 'node 1', profile: { ...profile, nodes, samples: [2], timeDeltas: [1] } },
    ])
    t.notMatch(html, /(src|href)=|url\(|https?:|import\(/)
    t.match(html, /<title>3 nodes &lt;&amp;&gt;<\/title>/)
    t.equal(html.match(/<\/script>/g)?.length, 2)
    const data = /id="data">(.*?)<\/script>/.exec(html)?.[1] ?? ''
    t.match(JSON.parse(data), { graphs: [{ title: 'node 1' }] })
    const script = /<script>([\s\S]*)<\/script>/.exec(html)?.[1] ?? ''
    t.doesNotThrow(() => new Script(script))
  },
)

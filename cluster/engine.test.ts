import t from 'tap'

import { SeededRandom } from '../src/base/random.js'
import { silentLogger } from '../src/base/logger.js'
import { Engine } from './engine.js'
import type { Ready } from './engine-types.js'
import { ENTRIES_PER_MESSAGE_MAX, limitSize, payloadSize } from './engine-guards.js'
import { encodeChange } from './engine-conf.js'
import { LogStore } from './log/log-store.js'
import type { Configuration, LogEntry } from './log/records.js'
import { MessageKind, messageOf, type RaftMessage } from './messages.js'
import { MemoryDisk } from './testing/memory-store.js'

const NOW = {
  after: (_ms: number, fn: () => void) => {
    queueMicrotask(fn)
    return () => undefined
  },
  every: () => () => undefined,
  soon: queueMicrotask,
}

async function engineOf(
  id: number,
  configuration: Partial<Configuration>,
): Promise<{ engine: Engine; log: LogStore }> {
  const random = new SeededRandom(id)
  const log = await LogStore.open(new MemoryDisk(NOW, random).open(), 0, silentLogger)
  const { voters = [], learners = [] } = configuration
  await log.bootstrap({
    configuration: { voters, learners, votersOutgoing: [], learnersNext: [], autoLeave: false },
    members: [...voters, ...learners].map(member => ({ id: member, address: '' })),
  })
  const engine = new Engine({
    id,
    log,
    applied: 1,
    snapshotAt: () => log.lastIndex,
    heartbeatMs: 50,
    electionTimeoutMs: 500,
    random,
    logger: silentLogger,
  })
  return { engine, log }
}

/** Does what a Ready asks, and returns it. */
async function handle({ engine, log }: { engine: Engine; log: LogStore }): Promise<Ready> {
  const ready = engine.ready()
  await log.write(ready.entries, ready.hardState ?? log.hardState)
  for (const { type, data } of ready.committed) if (type !== 0) engine.applyChange(data)
  engine.advance()
  return ready
}

const message = (fields: Partial<RaftMessage> & Pick<RaftMessage, 'type'>): RaftMessage =>
  messageOf({ to: 1, from: 2, term: 2, ...fields })

/** Node 1 of three, elected in term 2, its first entry (index 2) on all disks and applied. */
async function leader(): Promise<{ engine: Engine; log: LogStore }> {
  const one = await engineOf(1, { voters: [1, 2, 3] })
  const { engine } = one
  engine.campaign()
  await handle(one)
  engine.step(message({ type: MessageKind.MsgPreVoteResp }))
  await handle(one)
  engine.step(message({ type: MessageKind.MsgVoteResp }))
  await handle(one)
  for (const from of [2, 3]) engine.step(message({ type: MessageKind.MsgAppResp, from, index: 2 }))
  while (engine.hasReady()) await handle(one)
  return one
}

void t.test('sizes are counted, not written out as JSON', t => {
  const entries = Array.from({ length: 5000 }, (_, i): LogEntry => {
    return { index: i, term: 1, type: 0, data: Buffer.alloc(100) }
  })
  t.equal(payloadSize(entries[0]!), 100)
  t.equal(payloadSize({ data: null }), 0)
  t.equal(limitSize(entries, 116 * 3).length, 3)
  t.equal(limitSize(entries, 1).length, 1, 'at least one')
  t.equal(limitSize(entries, 1e9).length, ENTRIES_PER_MESSAGE_MAX, 'guard 7: no more arguments')
  t.equal(limitSize(entries, Number.MAX_SAFE_INTEGER).length, 5000, 'no limit, no limit of count')
  t.end()
})

void t.test('guard 1: looking at progress does not break the next proposal', async t => {
  const one = await leader()
  t.equal(one.engine.progress().get(2)?.matchIndex, 2)
  t.ok(one.engine.propose([Buffer.from('a'), Buffer.from('b')]))
  const ready = await handle(one)
  t.equal(ready.entries.length, 2)
  t.equal(ready.messages.filter(({ type }) => type === MessageKind.MsgApp).length, 2)
})

void t.test('guard 2: answers to reads are not doubled', async t => {
  const two = await engineOf(1, { voters: [1, 2, 3] })
  two.engine.step(message({ type: MessageKind.MsgHeartbeat }))
  for (const readContext of ['a', 'b', 'c']) {
    two.engine.step(message({ type: MessageKind.MsgReadIndexResp, index: 1, readContext }))
  }
  t.same(
    two.engine.ready().reads.map(({ context }) => context),
    ['a', 'b', 'c'],
  )
})

void t.test('guard 3: a membership change that does not fit changes nothing', async t => {
  const one = await leader()
  const refusals = [
    one.engine.proposeChange({
      changes: [
        { kind: 'remove', id: 1 },
        { kind: 'remove', id: 2 },
        { kind: 'remove', id: 3 },
      ],
      members: [],
    }),
    one.engine.proposeChange({ changes: [], members: [] }),
  ]
  t.match(refusals, [{ refused: /removed all voters/ }, { refused: /non-joint/ }])
  const before = one.engine.configuration
  t.equal(one.engine.applyChange(encodeChange({ changes: [], members: [] })), undefined)
  t.equal(one.engine.applyChange(null), undefined, 'nor one without octets')
  t.same(one.engine.configuration, before)
})

void t.test('a membership change lies in the log as octets, and a second one waits', async t => {
  const one = await leader()
  const change = {
    changes: [{ kind: 'addLearner' as const, id: 4 }],
    members: [{ id: 4, address: 'h:4' }],
  }
  t.equal(one.engine.proposeChange(change), 3)
  t.match(one.engine.proposeChange(change), { refused: /under way/ })
  const { entries } = await handle(one)
  t.same(entries[0]!.data, encodeChange(change))
})

void t.test(
  'guards 4 and 6: a follower behind the cut gets a snapshot, and is reported on',
  async t => {
    const one = await leader()
    const { engine, log } = one
    engine.propose([Buffer.from('x')])
    await handle(one)
    engine.step(message({ type: MessageKind.MsgAppResp, index: 3 }))
    while (engine.hasReady()) await handle(one)
    await log.cut(3)
    engine.reportUnreachable(3)
    engine.step(message({ type: MessageKind.MsgHeartbeatResp, from: 3 }))
    const snaps = engine.ready().messages.filter(({ type }) => type === MessageKind.MsgSnap)
    t.match(snaps, [
      {
        to: 3,
        snapshot: { index: 3, term: 2, membership: { configuration: { voters: [1, 2, 3] } } },
      },
    ])
    engine.advance()
    engine.reportSnapshot(3, true)
    engine.step(message({ type: MessageKind.MsgHeartbeatResp, from: 3 }))
    t.ok(engine.ready().messages.some(({ type, to }) => type === MessageKind.MsgApp && to === 3))
  },
)

void t.test('guard 8: what the engine calls a panic is thrown', async t => {
  const { engine } = await engineOf(1, { voters: [1, 2, 3] })
  t.throws(() => engine.step(message({ type: MessageKind.MsgHeartbeat, commit: 99 })), {
    name: 'EnginePanic',
  })
})

void t.test('while a Ready is written, no commit leaves that is not on this disk', async t => {
  const one = await engineOf(1, { voters: [1], learners: [2] })
  const { engine, log } = one
  engine.campaign()
  while (engine.hasReady()) await handle(one)
  engine.step(message({ type: MessageKind.MsgAppResp, index: 2 }))
  while (engine.hasReady()) await handle(one)
  engine.propose([Buffer.from('x')])
  t.equal(engine.commitIndex, 3, 'the engine counts its own copy at once')
  const ready = engine.ready()
  const [early] = engine.split(ready.messages, log.hardState.term)
  t.match(early, [{ type: MessageKind.MsgApp, commit: 3 }], 'the append may leave before the write')
  for (const each of early) engine.clamp(each)
  t.equal(early[0]!.commit, 2)
  for (let i = 0; i < 5; i++) engine.tick()
  const beats = engine.takeEarly(log.hardState.term)
  t.match(beats, [{ type: MessageKind.MsgHeartbeat, to: 2 }], 'heartbeats do not wait')
  await log.write(ready.entries, ready.hardState!)
  engine.advance()
  t.match(engine.ready().messages, [{ commit: 3 }], 'afterwards the followers are told')
})

void t.test('votes, and what speaks for a term that is not on disk, wait for it', async t => {
  const { engine, log } = await engineOf(1, { voters: [1, 2, 3] })
  engine.step(message({ type: MessageKind.MsgVote, term: 5, index: 1, logTerm: 1 }))
  const ready = engine.ready()
  t.match(engine.split(ready.messages, log.hardState.term), [
    [],
    [{ type: MessageKind.MsgVoteResp }],
  ])
  engine.step(message({ type: MessageKind.MsgHeartbeat, term: 5 }))
  t.same(engine.takeEarly(log.hardState.term), [], 'the answer names term 5')
  t.equal(engine.takeEarly(5).length, 1)
})

void t.test(
  'a voter that gave up its patience grants a pre-vote, and starts no election',
  async t => {
    const { engine } = await engineOf(1, { voters: [1, 2, 3] })
    engine.step(message({ type: MessageKind.MsgHeartbeat, from: 3 }))
    const preVote = { type: MessageKind.MsgPreVote, term: 3, index: 1, logTerm: 1 }
    engine.step(message(preVote))
    const votes = (): unknown[] =>
      engine
        .takeEarly(0)
        .concat(engine.ready().messages)
        .filter(({ type }) => type === MessageKind.MsgPreVoteResp)
    t.same(votes(), [], 'it trusts its leader')
    engine.advance()
    engine.giveUpPatience()
    engine.tick()
    engine.step(message(preVote))
    t.match(votes(), [{ to: 2, reject: false }])
    t.equal(engine.role, 'follower')
  },
)

void t.test('election timeouts are spread by rank', async t => {
  const ticks: number[] = []
  for (const id of [1, 2, 3])
    ticks.push(patience((await engineOf(id, { voters: [1, 2, 3] })).engine))
  t.ok(ticks[0]! >= 51 && ticks[0]! <= 60, `rank 0 after ${ticks[0]} ticks`)
  t.ok(ticks[1]! >= 68 && ticks[1]! <= 77, `rank 1 after ${ticks[1]} ticks`)
  t.ok(ticks[2]! >= 85 && ticks[2]! <= 94, `rank 2 after ${ticks[2]} ticks`)
})

void t.test('whoever leads has no rank: the first of the others stands first', async t => {
  for (const [lead, first, second] of [
    [1, 2, 3],
    [2, 1, 3],
    [3, 1, 2],
  ] as const) {
    for (const [id, least] of [
      [first, 51],
      [second, 68],
    ] as const) {
      const { engine } = await engineOf(id, { voters: [1, 2, 3] })
      engine.step(message({ type: MessageKind.MsgHeartbeat, from: lead, to: id }))
      const ticks = patience(engine)
      t.ok(ticks >= least && ticks <= least + 9, `node ${id} after ${ticks} ticks without ${lead}`)
    }
  }
})

/** Ticks until it stands. */
function patience(engine: Engine): number {
  let count = 0
  for (; engine.role === 'follower'; count++) engine.tick()
  return count
}

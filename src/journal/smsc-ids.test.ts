import t from 'tap'
import { MemoryStore } from '../testing/memory-store.js'
import { CONCLUDED_TABLES_MAX } from './concluded-ids.js'
import { SEGMENT_ADDITIONS, SmscIds } from './smsc-ids.js'
import { StateStore } from './state-store.js'

async function opened(store: MemoryStore): Promise<{ ids: SmscIds; flush: () => Promise<void> }> {
  store.opened = true
  const state = new StateStore(store)
  const ids = new SmscIds(state)
  ids.remembers = true
  await ids.load()
  return { ids, flush: () => state.flush(() => undefined) }
}

/** As many concluded messages as a segment holds; their ids begin with `name`. */
function segmentOf(ids: SmscIds, name: string): void {
  for (let i = 0; i < SEGMENT_ADDITIONS; i++) {
    ids.add(1, `${name}-${i}`, i + 1)
    ids.remove(1, `${name}-${i}`, i + 1)
  }
}

void t.test('ids are known while their message waits for its receipt, and afterwards', async t => {
  const { ids } = await opened(new MemoryStore())
  t.notOk(ids.knows(1, 'a'))
  ids.add(1, 'a', 7)
  t.ok(ids.knows(1, 'a'))
  t.notOk(ids.knows(2, 'a'), 'at its own connector only')
  ids.remove(1, 'a', 7)
  t.same(ids.candidates(1, 'a'), [])
  t.ok(ids.knows(1, 'a'))
})

void t.test(
  'the ids of 64 segments of concluded messages are remembered, with one more the oldest go',
  async t => {
    const store = new MemoryStore()
    const { ids, flush } = await opened(store)
    ids.add(1, 'waits', 1_000_000)
    // a segment that goes hands the one id on that still waits, so that 64 times as many do not fit into 64
    for (let n = 0; n < CONCLUDED_TABLES_MAX; n++) {
      segmentOf(ids, `s${n}`)
      if (n % 8 === 0) await flush()
    }
    t.ok(ids.knows(1, 's0-0'))
    t.ok(ids.knows(1, `s0-${SEGMENT_ADDITIONS - 2}`))
    t.notOk(ids.knows(1, 'never'))
    t.same(ids.candidates(1, 'waits'), [1_000_000])
    segmentOf(ids, 'last')
    t.notOk(ids.knows(1, 's0-0'), 'the bound')
    t.ok(ids.knows(1, 's1-100'))
    t.equal(ids.size, 1)

    await flush()
    const { ids: again, flush: flushAgain } = await opened(store)
    t.notOk(again.knows(1, 's0-0'), 'the same after a restart')
    t.ok(again.knows(1, 's1-100'))
    t.ok(again.knows(1, 'last-0'))
    t.same(again.candidates(1, 'waits'), [1_000_000])
    segmentOf(again, 'more')
    await flushAgain()
    t.notOk(again.knows(1, 's1-100'), 'and the order is')
    t.ok(again.knows(1, 's2-100'))
    t.equal(await keysOf(store, 'j'), CONCLUDED_TABLES_MAX)
  },
)

void t.test(
  'ids under which nothing is awaited have the same bound, and survive a restart',
  async t => {
    const store = new MemoryStore()
    const { ids, flush } = await opened(store)
    const fill = (name: string) => {
      for (let i = 0; i < SEGMENT_ADDITIONS; i++) ids.addUnawaited(1, `${name}-${i}`)
    }
    ids.add(1, 'waits', 1_000_000)
    for (let n = 0; n < CONCLUDED_TABLES_MAX; n++) {
      fill(`s${n}`)
      if (n % 8 === 0) await flush()
    }
    t.ok(ids.knows(1, 's0-0'))
    t.same(ids.candidates(1, 's0-0'), [], 'of no message')
    fill('last')
    t.notOk(ids.knows(1, 's0-0'), 'the bound')
    t.ok(ids.knows(1, 'last-0'))
    t.equal(ids.size, 1)
    await flush()
    const { ids: again } = await opened(store)
    t.ok(again.knows(1, 's1-100'))
    t.ok(again.knows(1, 'last-0'))
    t.notOk(again.knows(1, 's0-0'))
    t.same(again.candidates(1, 'waits'), [1_000_000])
    t.equal(again.size, 1)
    t.equal(await keysOf(store, 'j'), CONCLUDED_TABLES_MAX)
  },
)

async function keysOf(store: MemoryStore, kind: string): Promise<number> {
  let keys = 0
  const next = String.fromCharCode(kind.charCodeAt(0) + 1)
  for await (const page of store.pages({ gte: Buffer.from(kind), lt: Buffer.from(next) }))
    keys += page.length
  return keys
}

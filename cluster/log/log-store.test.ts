import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

import { silentLogger } from '../../src/base/logger.js'
import type { KeyValueStore } from '../../src/base/store.js'
import { entryKey } from './keys.js'
import { openLevelStore } from './level-store.js'
import { LogStore, type LogStoreOptions } from './log-store.js'
import { LogDamaged, encodeEntry, type LogEntry, type Membership } from './records.js'

const GROUP = 3
const MEMBERSHIP: Membership = {
  configuration: {
    voters: [1, 2, 3],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  },
  members: [1, 2, 3].map(id => ({ id, address: `h:${id}` })),
}

const entry = (index: number, term = 1, text = `value ${index}`): LogEntry => ({
  index,
  term,
  type: 0,
  data: text === '' ? null : Buffer.from(text),
})
const range = (lo: number, hi: number, term = 1): LogEntry[] =>
  Array.from({ length: hi - lo }, (_, i) => entry(lo + i, term))
const hard = (term: number, commit = 1) => ({ term, vote: 2, commit })

/** A LevelDB in a directory of its own, opened and closed as a test wants. */
class Bench {
  readonly path: string
  store!: KeyValueStore
  private readonly dir = mkdtempSync(join(tmpdir(), 'log-store-'))

  constructor(t: Tap) {
    this.path = join(this.dir, 'log')
    t.teardown(async () => {
      await this.store.close()
      rmSync(this.dir, { recursive: true })
    })
  }

  async open(options?: LogStoreOptions, wrap = (store: KeyValueStore) => store): Promise<LogStore> {
    this.store = await openLevelStore(this.path)
    return LogStore.open(wrap(this.store), GROUP, silentLogger, options)
  }

  async reopen(
    options?: LogStoreOptions,
    wrap?: (store: KeyValueStore) => KeyValueStore,
  ): Promise<LogStore> {
    await this.store.close()
    return this.open(options, wrap)
  }
}
type Tap = Pick<typeof t, 'teardown'>

/** A log whose entries 2 to 20 are on disk. */
async function filled(bench: Bench, options?: LogStoreOptions): Promise<LogStore> {
  const log = await bench.open(options)
  await log.bootstrap(MEMBERSHIP)
  await log.write(range(2, 12), hard(1))
  await log.write(range(12, 21, 4), hard(4, 15))
  return log
}

void t.test('what was written is there after a restart, terms and values too', async t => {
  const bench = new Bench(t)
  await filled(bench)
  const log = await bench.reopen()
  t.same([log.firstIndex, log.lastIndex], [2, 20])
  t.same(log.hardState, hard(4, 15))
  t.same(
    [1, 2, 11, 12, 20, 21, 0].map(index => log.term(index)),
    [1, 1, 1, 4, 4, undefined, undefined],
  )
  t.same(
    log.entries(10, 14, Infinity).map(({ index, term, data }) => [index, term, String(data)]),
    [10, 11, 12, 13].map(index => [index, index < 12 ? 1 : 4, `value ${index}`]),
  )
  t.equal(log.entries(2, 21, 20).length, 2, 'a bound of octets ends the entries')
  t.equal(log.entries(2, 21, 1).length, 1, 'but one is always there')
  t.same(log.membershipAt(5), MEMBERSHIP)
})

void t.test('only the newest entries stay in memory, the others are read from disk', async t => {
  const bench = new Bench(t)
  const log = await filled(bench, { tailBytesMax: 30 })
  await bench.store.batch().del(entryKey(GROUP, 4)).write({ sync: true })
  t.throws(() => log.entries(4, 5, Infinity), /entry 4 of group 3 is gone/)
  t.equal(log.entries(2, 4, Infinity).length, 2)
  t.equal(log.value(20)?.toString(), 'value 20')
})

void t.test('an entry in memory pins its own write, not what it came in', async t => {
  const bench = new Bench(t)
  const log = await filled(bench)
  const socketChunk = Buffer.alloc(65_536, 'v')
  const entries = range(21, 23).map((one, i) => ({ ...one, data: socketChunk.subarray(i, i + 20) }))
  await log.write(entries, hard(1))
  const [first, second] = [log.value(21)!, log.value(22)!]
  t.equal(first.toString(), 'v'.repeat(20))
  t.equal(first.buffer, second.buffer, 'one block for a write')
  t.ok(first.buffer.byteLength < 100, `${first.buffer.byteLength} octets`)
})

void t.test('entries of a new leader replace what conflicts with them', async t => {
  const bench = new Bench(t)
  const log = await filled(bench)
  await log.write([entry(15, 5), entry(16, 5)], hard(5))
  const check = (each: LogStore): void => {
    t.same([each.lastIndex, each.term(14), each.term(15), each.term(17)], [16, 4, 5, undefined])
    t.equal(each.value(18), undefined)
  }
  check(log)
  check(await bench.reopen())
})

void t.test('a torn tail, which no completed write vouches for, is cut off', async t => {
  const bench = new Bench(t)
  await filled(bench)
  const torn = encodeEntry(entry(22))
  torn[torn.length - 1]! ^= 1
  const batch = bench.store.batch()
  await batch
    .put(entryKey(GROUP, 21), encodeEntry(entry(21)))
    .put(entryKey(GROUP, 22), torn)
    .write({ sync: true })
  const log = await bench.reopen()
  t.equal(log.lastIndex, 20)
  await log.write([entry(21, 6)], hard(6))
  t.equal((await bench.reopen()).lastIndex, 21)
})

for (const { what, damage } of [
  { what: 'is missing', damage: undefined },
  { what: 'fails its checksum', damage: encodeEntry(entry(8)) },
]) {
  void t.test(`an entry that ${what} is refused with the repair`, async t => {
    const bench = new Bench(t)
    await filled(bench)
    const batch = bench.store.batch()
    if (damage === undefined) batch.del(entryKey(GROUP, 7))
    else batch.put(entryKey(GROUP, 7), damage) // sound octets, of another index
    await batch.write({ sync: true })
    await t.rejects(bench.reopen(), {
      name: 'LogDamaged',
      message: new RegExp(`entry 7 ${what}.*under a new id.*carillon inspect --skip 7`, 's'),
    })
    await t.rejects(bench.reopen(), LogDamaged, 'and again, because nothing was changed')
  })
}

void t.test('a missing end that was answered for is a hole, not a torn tail', async t => {
  const bench = new Bench(t)
  await filled(bench)
  await bench.store.batch().del(entryKey(GROUP, 20)).write({ sync: true })
  await t.rejects(bench.reopen(), /entry 20 is missing/)
})

void t.test('values outlive the cut of the log until they are released', async t => {
  const bench = new Bench(t)
  const log = await filled(bench)
  await log.write([entry(21, 4, '')], hard(4)) // Raft's own
  await log.release([5, 6])
  t.equal(log.value(5), undefined, 'released')
  t.equal(log.entries(5, 6, Infinity).length, 1, 'but still part of the log')
  t.ok(bench.store.get(entryKey(GROUP, 5)), 'and on disk, for replay and for followers')

  await log.cut(10)
  t.same([log.firstIndex, log.term(10), log.term(9)], [11, 1, undefined])
  t.equal(bench.store.get(entryKey(GROUP, 5)), undefined, 'gone with the cut')
  t.equal(log.value(7)?.toString(), 'value 7', 'not released')
  await log.release([7])
  t.equal(bench.store.get(entryKey(GROUP, 7)), undefined, 'below the cut it goes at once')
  await log.rewrite(8, Buffer.from('8'))
  await t.rejects(log.rewrite(15, Buffer.from('15')), /still part of the log/)

  await log.release([14])
  const again = await bench.reopen()
  t.equal(again.value(14), undefined, 'a release above the cut survives a restart')
  t.equal(again.value(8)?.toString(), '8')
  await again.cut(20, index => index !== 16)
  t.equal(bench.store.get(entryKey(GROUP, 16)), undefined, 'the application needs it no more')
  await again.cut(21)
  t.equal(bench.store.get(entryKey(GROUP, 14)), undefined)
  t.equal(bench.store.get(entryKey(GROUP, 21)), undefined, 'an empty entry is of no one’s concern')
  t.equal(again.value(13)?.toString(), 'value 13')
  t.same((await bench.reopen()).firstIndex, 22)
})

void t.test('memberships are kept as of the cut, and from there on', async t => {
  const bench = new Bench(t)
  const log = await filled(bench)
  const later = { ...MEMBERSHIP, members: MEMBERSHIP.members.slice(1) }
  await log.recordMembership(8, later)
  await log.recordMembership(15, MEMBERSHIP)
  await log.cut(10)
  const again = await bench.reopen()
  t.same(
    [10, 14, 15].map(index => again.membershipAt(index)),
    [later, later, MEMBERSHIP],
  )
  t.equal(again.membershipAt(7), undefined)
})

void t.test('a cut is planned by entries or octets, whichever is exceeded first', async t => {
  const log = await filled(new Bench(t))
  const keep = (keepEntries: number, keepBytes: number) =>
    log.cutFor(20, { keepEntries, keepBytes }, 0.1)
  t.equal(keep(100, 1e6), undefined)
  t.equal(keep(10, 1e6), 10)
  t.equal(keep(100, 80), 10, 'ten values of eight octets')
  t.equal(keep(18, 1e6), undefined, 'an excess within the slack waits')
})

void t.test('values that are released while a snapshot is sent stay in its view', async t => {
  const log = await filled(new Bench(t))
  await log.cut(10)
  let open: (() => void) | undefined
  const pinned = log.pinned(() => new Promise<void>(resolve => (open = resolve)))
  const released = log.release([4])
  open!()
  const { view } = await pinned
  await released
  t.equal(log.value(4), undefined)
  t.ok(log.rawValue(view, 4))
  await view.close()
})

void t.test('an installation that a crash interrupts anywhere is finished at start-up', async t => {
  let ends = 0
  for (let writes = 0; ; writes++) {
    const bench = new Bench(t)
    const full = await filled(bench)
    const values = [4, 9, 30].map(index => ({
      index,
      raw: encodeEntry(entry(index, 7, `new ${index}`)),
    }))
    const stage = await full.stageValues()
    for (const { index, raw } of values) await stage.put(index, raw)
    await t.rejects(stage.put(31, values[0]!.raw), LogDamaged, 'a value under a wrong index')
    await stage.finish()
    await bench.store.close()

    let left = writes
    const log = await bench.open({}, store => failing(store, () => left-- > 0))
    const snapshot = { index: 40, term: 7, membership: MEMBERSHIP }
    const done = await log.installSnapshot(snapshot, hard(7, 40)).then(
      () => true,
      () => false,
    )
    const again = await bench.reopen()
    if (writes === 0) {
      t.equal(again.pendingInstall, undefined)
      t.equal(again.lastIndex, 20, 'nothing recorded: the old log stands')
      await again.discardStaged()
      continue
    }
    t.equal(again.pendingInstall?.index, 40, `after ${writes} writes`)
    await again.resumeInstall()
    await again.resumeInstall() // repeatable
    await again.write([entry(41, 7)], hard(7, 40))
    t.same(
      [4, 5, 9, 20].map(index => again.value(index)?.toString()),
      ['new 4', 'value 5', 'new 9', 'value 20'],
      'the old state can be read as well',
    )
    let ending = ends++
    const unsure = await bench.reopen({}, store => failing(store, () => ending-- > 0))
    const ended = await unsure.endInstall().then(
      () => true,
      () => false,
    )
    const sure = await bench.reopen()
    if (!ended) {
      t.equal(sure.pendingInstall?.index, 40, `after ${ends - 1} writes of the end`)
      await sure.resumeInstall()
      await sure.endInstall()
    }
    const last = await bench.reopen()
    t.same(
      [last.firstIndex, last.lastIndex, last.term(40), last.pendingInstall],
      [41, 41, 7, undefined],
    )
    t.same(
      [4, 5, 9, 20, 30].map(index => last.value(index)?.toString()),
      ['new 4', undefined, 'new 9', undefined, 'new 30'],
    )
    if (done && ended) break
  }
  t.ok(ends > 3, `a crash at ${ends} places of the end`)
})

/** A store whose writes fail once `may` says no, as after a crash. */
function failing(store: KeyValueStore, may: () => boolean): KeyValueStore {
  return {
    get: key => store.get(key),
    pages: (keys, options) => store.pages(keys, options),
    snapshot: () => store.snapshot(),
    close: () => store.close(),
    clear: keys => (may() ? store.clear(keys) : Promise.reject(new Error('crash'))),
    batch() {
      const batch = store.batch()
      const write = batch.write.bind(batch)
      batch.write = options => (may() ? write(options) : Promise.reject(new Error('crash')))
      return batch
    },
  }
}

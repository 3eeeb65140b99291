import t from 'tap'
import { silentLogger } from '../base/logger.js'
import { MemoryFolder } from '../testing/memory-store.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { EntryMessages, shrinkEntry } from './entry.js'
import { Journal } from './journal.js'
import { Proposer } from './proposer.js'
import { accept, TestLog } from './testing/log.js'

void t.test('a shrunk entry keeps offsets, and the octets that are still needed', async t => {
  const log = await TestLog.ready()
  const bodies = ['first', 'second', 'third'].map(text => Buffer.from(text))
  const receipts = bodies.map(body => ({
    kind: 'receipt' as const,
    smscId: 'id',
    state: 2,
    error: 0,
    addressHash: 1,
    body,
  }))
  const entry = log.entry(1, 1, 9, [
    accept(bodies.map(body => ({ body }))),
    { kind: 'inbound', connector: 1, epoch: 1, items: receipts },
    { kind: 'endSession', session: 'x' },
  ])
  const shrunk = shrinkEntry(entry, offset => offset === 1 || offset === 5)
  const messages = new EntryMessages(shrunk)
  t.equal(messages.count, 6)
  const texts = Array.from({ length: 6 }, (_, offset) => messages.read(offset)!.body.toString())
  t.same(texts, ['', 'second', '', '', '', 'third'])
  t.equal(messages.proposedAtMs, log.nowMs)
  t.ok(shrunk.length < entry.length)
})

async function journalIn(folder: MemoryFolder, time: VirtualTime, errors: Error[]) {
  const proposer = new Proposer({
    node: 1,
    send: () => 'sent',
    clock: time,
    timers: time,
    submitTimeoutMs: 5000,
    tooLate: () => undefined,
  })
  const fatal = (error: Error): void => void errors.push(error)
  const options = { node: 1, group: 0, folder, clock: time, timers: time, logger: silentLogger }
  return Journal.open({ ...options, fatal }, proposer)
}

void t.test('two snapshots that wait for the same write do not both write', async t => {
  const errors: Error[] = []
  const log = await TestLog.ready()
  const journal = await journalIn(new MemoryFolder(), new VirtualTime(), errors)
  journal.apply(1, 1, log.entries[0]!)
  const before = journal.flush()
  journal.apply(2, 1, log.entries[1]!)
  const views = await Promise.all([journal.snapshot(), journal.snapshot()])
  await before
  t.same(
    views.map(view => view.index),
    [2, 2],
  )
  t.same(errors, [])
})

/** A journal that is behind `source`, with its next state staged. */
async function behind(folder: MemoryFolder, time: VirtualTime, errors: Error[]) {
  const log = await TestLog.ready()
  const source = await journalIn(new MemoryFolder(), time, errors)
  log.entries.forEach((entry, i) => source.apply(i + 1, 1, entry))
  const journal = await journalIn(folder, time, errors)
  journal.apply(1, 1, log.entries[0]!)
  const view = await source.snapshot()
  const stage = await journal.stage()
  for await (const chunk of view.chunks()) await stage.write(chunk)
  await stage.finish(view.index)
  return { source, journal, index: view.index }
}

void t.test('a flush that falls due while a snapshot is put in place does no harm', async t => {
  const time = new VirtualTime()
  const errors: Error[] = []
  const folder = new MemoryFolder()
  const { source, journal, index } = await behind(folder, time, errors)
  void journal.applied() // a flush is due in 50 ms
  folder.onWrite = () => {
    time.advance(100)
    return Promise.resolve()
  }
  await journal.install(index)
  t.equal(journal.state.appliedIndex, source.state.appliedIndex)
  t.equal(journal.state.hash.value, source.state.hash.value)
  t.same(errors, [])
})

void t.test('a state can be read at any moment while a snapshot takes its place', async t => {
  const folder = new MemoryFolder()
  const { journal, index } = await behind(folder, new VirtualTime(), [])
  const seen = new Set<number>()
  let resets = 0
  const look = (): void => {
    seen.add(journal.state.appliedIndex)
    journal.state.blocks.get(77_000) // asks the store: it is no block that is held
  }
  journal.listen({ effect: () => undefined, reset: () => resets++ })
  folder.onWrite = () => {
    look()
    return Promise.resolve()
  }
  let done = false
  const installed = journal.install(index).finally(() => {
    done = true
  })
  while (!done) {
    look()
    await Promise.resolve()
  }
  await installed
  t.same([...seen], [1, index])
  t.equal(resets, 1)
})

void t.test('of two states that a crash left, the newer one is in force', async t => {
  for (const crash of ['before the new one is marked', 'after it'] as const) {
    const folder = new MemoryFolder()
    const time = new VirtualTime()
    const { journal, source, index } = await behind(folder, time, [])
    await journal.flush()
    let writes = 0
    folder.onWrite = () => {
      const lands = crash === 'after it' || ++writes > 1
      return lands ? Promise.resolve() : new Promise<void>(() => undefined)
    }
    folder.destroy = () => new Promise(() => undefined)
    void journal.install(index)
    for (let turns = 0; turns < 200; turns++) await Promise.resolve()
    folder.crash()
    folder.onWrite = () => Promise.resolve()
    folder.destroy = MemoryFolder.prototype.destroy.bind(folder)

    const again = await journalIn(folder, time, [])
    t.equal(again.durableIndex, crash === 'after it' ? index : 1, crash)
    await again.install(index)
    t.equal(again.state.hash.value, source.state.hash.value)
    const last = await again.stage() // and there is room for the next one
    await last.discard()
    await again.stop()
    t.equal((await journalIn(folder, time, [])).durableIndex, index)
  }
})

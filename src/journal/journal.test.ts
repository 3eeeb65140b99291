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

void t.test('a flush that falls due while a snapshot is put in place does no harm', async t => {
  const time = new VirtualTime()
  const errors: Error[] = []
  const log = await TestLog.ready()
  const source = await journalIn(new MemoryFolder(), time, errors)
  log.entries.forEach((entry, i) => source.apply(i + 1, 1, entry))
  const folder = new MemoryFolder()
  const journal = await journalIn(folder, time, errors)
  journal.apply(1, 1, log.entries[0]!)
  void journal.applied() // a flush is due in 50 ms

  const view = await source.snapshot()
  const stage = await journal.stage()
  for await (const chunk of view.chunks()) await stage.write(chunk)
  await stage.finish(view.index)
  const rename = folder.rename.bind(folder)
  folder.rename = (from, to) => {
    time.advance(100)
    return rename(from, to)
  }
  await journal.install(view.index)
  t.equal(journal.state.appliedIndex, log.entries.length)
  t.equal(journal.state.hash.value, source.state.hash.value)
  t.same(errors, [])
})

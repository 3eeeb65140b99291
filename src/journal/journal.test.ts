import t from 'tap'
import { EntryMessages, shrinkEntry } from './entry.js'
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

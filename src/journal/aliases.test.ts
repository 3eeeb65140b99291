import t from 'tap'
import { Aliases, ALIASES, aliasText, FIRST_ALIAS, parseAlias } from './aliases.js'
import { Block } from './block.js'
import { refOf } from './ids.js'
import { StateStore } from './state-store.js'
import { accept, hashOf, TestLog } from './testing/log.js'
import { MemoryStore } from '../testing/memory-store.js'

const from = { node: 1, boot: 1, number: 1, proposedAtMs: 1 }

void t.test('short ids are eight digits, and leading zeros may be lost on the way', async t => {
  t.equal(aliasText(FIRST_ALIAS), '00004096')
  t.equal(aliasText(3 * ALIASES + 42), '00000042')
  t.equal(parseAlias('00000042'), 42)
  t.equal(parseAlias('42'), 42)
  for (const id of ['', '123456789', '1234567a', '-1']) t.equal(parseAlias(id), undefined, id)
})

void t.test('after 10^8 messages an alias comes again, and the newest is found first', async t => {
  const store = new MemoryStore()
  store.opened = true
  const aliases = new Aliases(new StateStore(store))
  const old = new Block(7, 3, from)
  aliases.add(old, 1)
  aliases.add(old, 2)
  t.equal(old.isShort(0), false)
  aliases.next += ALIASES - 2
  const young = new Block(9, 1, from)
  aliases.add(young, 0)
  t.same(aliases.refs(FIRST_ALIAS), [refOf(9, 0), refOf(7, 1)])
  t.same(aliases.refs(FIRST_ALIAS + 1), [refOf(7, 2)])
  aliases.remove(old)
  t.same(aliases.refs(FIRST_ALIAS), [refOf(9, 0)])
  t.same(aliases.refs(FIRST_ALIAS - 1), [])
})

void t.test('a message keeps its short id until its receipt is acknowledged', async t => {
  const log = await TestLog.ready()
  log.propose(1, accept([{}, { short: true, to: '4915' }]))
  const index = log.entries.length
  const { epoch } = log.connector
  log.propose(1, { kind: 'claim', connector: 1, epoch, count: 2 })
  const sent = { attempt: 1, result: 'sent', error: 0, retryAtMs: 0 } as const
  const items = [0, 1].map(offset => ({ ...sent, ref: refOf(index, offset), smscId: `s${offset}` }))
  log.propose(1, { kind: 'outcomes', connector: 1, epoch, items })
  const receipts = [0, 1].map(offset => ({
    kind: 'receipt' as const,
    smscId: `s${offset}`,
    state: 2,
    error: 0,
    addressHash: hashOf(offset === 0 ? '491701234567' : '4915'),
    body: Buffer.from('receipt'),
  }))
  log.propose(1, { kind: 'inbound', connector: 1, epoch, items: receipts })
  log.propose(1, { kind: 'retire', upTo: 100, unawaited: [] })
  t.ok(log.state.lingering.has(index), 'past retention, but its receipt is owed')
  t.same(log.state.aliases.refs(FIRST_ALIAS), [refOf(index, 1)])
  await log.state.flush()
  await log.restart()
  t.same(log.state.aliases.refs(FIRST_ALIAS), [refOf(index, 1)])

  const delivered = {
    kind: 'delivered',
    account: 1,
    epoch: log.account.epoch,
    expired: false,
  } as const
  log.propose(1, { ...delivered, seqs: [0] })
  t.ok(log.state.blocks.get(index), 'the long one held nothing')
  log.propose(1, { ...delivered, seqs: [1] })
  t.equal(log.state.blocks.get(index), undefined)
  t.same(log.state.aliases.refs(FIRST_ALIAS), [])
})

import t from 'tap'
import type { Command } from './commands.js'
import { refOf } from './ids.js'
import { claim, inboundOf, outcomes, receipt } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

void t.test(
  'a message goes from queue to claim to sent to delivered, and its receipt to the account',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!.node
    const { index } = log.proposed(1, accept([{}, {}]))
    t.equal(log.state.queued, 2)
    t.equal(log.account.queued, 2)
    t.same(log.propose(home, claim(log)), { ok: true, claimed: [{ index, lo: 0, hi: 2 }] })
    t.equal(log.state.queued, 0)
    t.equal(log.state.inFlight, 2)
    log.propose(
      home,
      outcomes(log, { ref: refOf(index, 0), smscId: 'a0' }, { ref: refOf(index, 1), smscId: 'a1' }),
    )
    t.equal(log.state.inFlight, 0)
    t.equal(log.account.queued, 0)
    t.equal(log.markOf(index, 0), 'SENT')
    t.same(inboundOf(log.propose(home, receipt('a1'))), ['matched'])
    t.equal(log.markOf(index, 1), 'DONE')
    t.equal(log.state.receiptsQueued, 1)
    t.same(log.account.delivery(0)?.message, refOf(index, 1))
    log.propose(1, { kind: 'delivered', account: 1, epoch: 0, seqs: [0], expired: false })
    t.equal(log.state.receiptsQueued, 0)
  },
)

void t.test('a repeated proposal is applied once and gets the first answer', async t => {
  const log = await TestLog.ready()
  const entry = log.entry(1, 1, 3, [accept([{}])])
  log.append(entry)
  log.append(entry)
  t.equal(log.state.queued, 1)
  const decided = log.effects.filter(effect => effect.kind === 'decided' && effect.number === 3)
  t.equal(decided.length, 2)
  t.same(decided[0], decided[1])
})

void t.test('proposals of another boot, below the window or beyond it are refused', async t => {
  const log = await TestLog.ready()
  log.append(log.entry(2, 2, 1, [accept([{}])])) // a boot nobody registered
  log.append(log.entry(2, 1, 1025, [accept([{}])], 1)) // 1,024 beyond the lowest unanswered
  log.append(log.entry(2, 1, 20, [accept([{}])], 20))
  log.append(log.entry(2, 1, 19, [accept([{}])], 19)) // answered, says number 20
  t.equal(log.state.queued, 1)
  log.register(2, 2)
  log.append(log.entry(2, 1, 21, [accept([{}])], 20)) // the boot has ended
  t.equal(log.state.queued, 1)
})

void t.test('queueLimit is exact, and the refused messages are named', async t => {
  const log = await TestLog.ready(settings => (settings.accounts[0]!.queueLimit = 3))
  log.propose(1, accept([{}, {}]))
  const result = log.propose(2, accept([{}, {}, {}]))
  t.same(result, {
    ok: true,
    accepted: {
      first: 0,
      count: 3,
      refused: [
        [1, 'queueFull'],
        [2, 'queueFull'],
      ],
    },
  })
  t.equal(log.state.queued, 3)
})

void t.test(
  'void drops what is unclaimed, counts the rest, and keeps what comes later out',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!.node
    const first = log.proposed(2, accept([{}, {}, {}]))
    log.propose(home, claim(log, 1))
    const number = 1 // node 2's first proposal
    t.same(log.propose(2, { kind: 'void', number }), { ok: true, voided: 2, tooLate: 1 })
    t.same(
      [0, 1, 2].map(o => log.markOf(first.index, o)),
      ['CLAIMED', 'REFUSED', 'REFUSED'],
    )
    t.equal(log.state.queued, 0)
    t.equal(log.account.queued, 1)

    const late = log.entry(2, 1, 4, [accept([{}])])
    log.append(log.entry(2, 1, 5, [{ kind: 'void', number: 4 }]))
    log.append(late)
    t.equal(log.state.queued, 0)
    t.match(log.state.nodes.outcomeOf(2, 4), { results: [{ ok: false, why: 'voided' }] })
  },
)

void t.test('retire forgets concluded blocks and keeps open ones until they conclude', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const done = log.proposed(1, accept([{ registered_delivery: 0 }])).index
  const open = log.proposed(1, accept([{}])).index
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref: refOf(done, 0) }, { ref: refOf(open, 0), smscId: 'w' }))
  log.propose(1, { kind: 'retire', upTo: open + 1, unawaited: [] })
  t.equal(log.markOf(done, 0), 'GONE')
  t.equal(log.markOf(open, 0), 'SENT')
  t.same([...log.state.lingering], [open])
  log.propose(1, { kind: 'retire', upTo: open + 1, unawaited: [open] })
  t.equal(log.markOf(open, 0), 'GONE')
  t.same([...log.state.releases], [done, open])
  t.same(inboundOf(log.propose(home, receipt('w'))), ['kept'], 'nothing awaits it any more')
})

void t.test(
  'settings that drop a connector with messages are refused, with the reason',
  async t => {
    const log = await TestLog.ready()
    log.propose(1, accept([{}]))
    const settings = { ...log.state.settings, connectors: [] }
    const command: Command = { kind: 'settings', expected: 1, settings, author: 'a', atMs: 0 }
    t.match(log.propose(1, command), { why: 'inUse', detail: /smsc-a still holds 1 messages/ })
    t.match(log.propose(1, { ...command, settings: log.state.settings }), { why: 'unchanged' })
    t.match(log.propose(1, { ...command, expected: 7 }), { why: 'conflict' })
  },
)

void t.test('octets that are no entry change nothing', async t => {
  const log = await TestLog.ready()
  const hash = log.state.hash.value
  const good = log.entry(1, 1, 9, [accept([{}])])
  for (const bad of [
    Buffer.from('rubbish'),
    good.subarray(0, 40),
    Buffer.concat([good, Buffer.from([0])]),
    Buffer.alloc(0),
  ])
    log.append(bad)
  t.equal(log.state.hash.value, hash)
  t.equal(log.state.queued, 0)
})

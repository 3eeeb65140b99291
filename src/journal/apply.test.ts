import t from 'tap'
import type { Command, CommandResult, OutcomeItem } from './commands.js'
import { refOf } from './ids.js'
import { accept, hashOf, TestLog } from './testing/log.js'

const claim = (log: TestLog, count = 100): Command => ({
  kind: 'claim',
  connector: 1,
  epoch: log.connector.epoch,
  count,
})

const outcomes = (log: TestLog, ...items: (Partial<OutcomeItem> & { ref: number })[]): Command => ({
  kind: 'outcomes',
  connector: 1,
  epoch: log.connector.epoch,
  items: items.map(item => ({
    attempt: 1,
    result: 'sent',
    error: 0,
    smscId: '',
    retryAtMs: 0,
    ...item,
  })),
})

const receipt = (smscId: string, state = 2, to = '491701234567'): Command => ({
  kind: 'inbound',
  connector: 1,
  epoch: 1,
  items: [
    {
      kind: 'receipt',
      smscId,
      state,
      error: 0,
      addressHash: hashOf(to),
      body: Buffer.from('deliver_sm body'),
    },
  ],
})

const bind = (id: string, node: number, bindType: 'trx' | 'tx' | 'rx' = 'trx'): Command => ({
  kind: 'bind',
  session: { id, account: 1, bindType, version: 0x34, node, remoteAddress: '::1', boundAtMs: 0 },
})

const inboundOf = (result: CommandResult): unknown =>
  'inbound' in result ? result.inbound : result

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

void t.test('open claims never exceed binds × window', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  log.propose(1, accept(Array.from({ length: 30 }, () => ({}))))
  log.propose(home, claim(log))
  t.equal(log.connector.claims.size, 10)
  t.same(log.propose(home, claim(log)), { ok: true, claimed: [] })
})

void t.test('a claim takes retries first, then the higher priorities', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const low = log.proposed(1, accept([{}], 0)).index
  const high = log.proposed(1, accept([{}], 3)).index
  t.same(log.propose(home, claim(log, 1)), { ok: true, claimed: [{ index: high, lo: 0, hi: 1 }] })
  const ref = refOf(high, 0)
  log.propose(home, outcomes(log, { ref, result: 'retry', error: 0x58, retryAtMs: 5 }))
  t.equal(log.markOf(high, 0), 'RETRY')
  t.equal(log.state.queued, 2)
  log.propose(home, { kind: 'requeue', connector: 1, epoch: log.connector.epoch, refs: [ref] })
  t.same(log.propose(home, claim(log)), {
    ok: true,
    claimed: [
      { index: high, lo: 0, hi: 1 },
      { index: low, lo: 0, hi: 1 },
    ],
  })
})

void t.test(
  'a lost home leaves its claims in doubt, and its late commands are refused but for good news',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!
    const { index } = log.proposed(1, accept([{}, {}]))
    log.propose(home.node, claim(log))
    const late = outcomes(log, { ref: refOf(index, 0), smscId: 'x' })
    const refusal = outcomes(log, { ref: refOf(index, 1), result: 'failed', error: 8 })
    const lateClaim = claim(log)
    const other = home.node === 3 ? 1 : 3
    log.propose(other, { kind: 'nodeDown', node: home.node, boot: 1 })
    t.equal(log.connector.doubts.size, 2)
    t.not(log.connector.home!.node, home.node)
    log.propose(other, late, refusal)
    t.equal(log.markOf(index, 0), 'SENT')
    t.equal(log.markOf(index, 1), 'IN_DOUBT')
    t.match(log.propose(other, lateClaim), { ok: false, why: 'staleEpoch' })
  },
)

void t.test('with inDoubt: resend the doubted message is claimed again at once', async t => {
  const log = await TestLog.ready(s => (s.connectors[0]!.inDoubt = { kind: 'resend' }))
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}]))
  log.propose(home, claim(log))
  log.propose(home, outcomes(log, { ref: refOf(index, 0), result: 'doubt' }), claim(log))
  t.equal(log.connector.claims.get(refOf(index, 0)), 2)
  log.propose(home, outcomes(log, { ref: refOf(index, 0), attempt: 1, result: 'failed' }))
  t.equal(log.markOf(index, 0), 'CLAIMED', 'an outcome of an earlier attempt does not count')
})

void t.test(
  'a receipt settles the only message in doubt that goes to its address, and none of several',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!.node
    const { index } = log.proposed(
      1,
      accept([{ to: '4915112345' }, { to: '4916099999' }, { to: '4916099999' }]),
    )
    log.propose(home, claim(log))
    log.propose(
      home,
      outcomes(log, ...[0, 1, 2].map(o => ({ ref: refOf(index, o), result: 'doubt' as const }))),
    )
    t.same(inboundOf(log.propose(home, receipt('unknown-1', 2, '4915112345'))), ['matched'])
    t.equal(log.markOf(index, 0), 'DONE')
    t.same(inboundOf(log.propose(home, receipt('unknown-2', 2, '4916099999'))), ['kept'])
    t.equal(log.connector.doubts.size, 2)
  },
)

void t.test(
  'a receipt that overtakes its submit_sm_resp is not taken for one of a message in doubt to the same address',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!.node
    const to = '4915112345'
    const { index: doubted } = log.proposed(1, accept([{ to }]))
    log.propose(home, claim(log))
    log.propose(home, outcomes(log, { ref: refOf(doubted, 0), result: 'doubt' }))
    const { index: onItsWay } = log.proposed(1, accept([{ to }]))
    log.propose(home, claim(log))
    t.same(inboundOf(log.propose(home, receipt('early', 2, to))), ['kept'])
    t.equal(log.markOf(doubted, 0), 'IN_DOUBT', 'it may never have reached the SMSC')
    log.propose(home, outcomes(log, { ref: refOf(onItsWay, 0), smscId: 'early' }))
    t.equal(log.markOf(onItsWay, 0), 'DONE')
    t.equal(log.state.receiptsQueued, 1)
    t.equal(log.markOf(doubted, 0), 'IN_DOUBT')
  },
)

void t.test('a receipt that overtakes its submit_sm_resp is kept and matched later', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(1, accept([{}]))
  log.propose(home, claim(log))
  t.same(inboundOf(log.propose(home, receipt('early'))), ['kept'])
  t.equal(log.state.receiptsQueued, 0)
  log.propose(home, outcomes(log, { ref: refOf(index, 0), smscId: 'early' }))
  t.equal(log.markOf(index, 0), 'DONE')
  t.equal(log.state.receiptsQueued, 1)
  t.equal(log.connector.orphans.size, 0)
})

void t.test(
  'an SMSC that answers the same id to all: the newest message to that address is meant',
  async t => {
    const log = await TestLog.ready()
    const home = log.connector.home!.node
    const { index } = log.proposed(
      1,
      accept([{ to: '111111111' }, { to: '222222222' }, { to: '333333333' }]),
    )
    log.propose(home, claim(log))
    log.propose(home, outcomes(log, ...[0, 1, 2].map(o => ({ ref: refOf(index, o), smscId: '0' }))))
    t.same(inboundOf(log.propose(home, receipt('0', 2, '222222222'))), ['matched'])
    t.same(
      [0, 1, 2].map(o => log.markOf(index, o)),
      ['SENT', 'DONE', 'SENT'],
    )
  },
)

void t.test(
  'a rejected or expired message makes a receipt of ours where the ESME asked for one',
  async t => {
    for (const { registered_delivery, owed } of [
      { registered_delivery: 0, owed: 0 },
      { registered_delivery: 1, owed: 1 },
      { registered_delivery: 2, owed: 1 },
    ]) {
      const log = await TestLog.ready()
      const home = log.connector.home!.node
      const { index } = log.proposed(1, accept([{ registered_delivery }]))
      log.propose(home, claim(log))
      log.propose(home, outcomes(log, { ref: refOf(index, 0), result: 'failed', error: 0x0b }))
      t.equal(log.state.receiptsQueued, owed)
      if (owed > 0) t.equal(log.account.delivery(0)?.inbound, 0)
      t.equal(log.markOf(index, 0), 'DONE')
    }
  },
)

void t.test('expire ends what is unclaimed, and leaves what is claimed to its home', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  const { index } = log.proposed(
    1,
    accept([{ expiresAtMs: log.nowMs + 1500 }, { expiresAtMs: log.nowMs + 1500 }]),
  )
  t.equal(log.connector.expiries.size, 1)
  const second = [...log.connector.expiries.keys()][0]!
  t.equal(second, Math.ceil((log.nowMs + 1500) / 1000))
  log.propose(home, claim(log, 1))
  log.propose(home, {
    kind: 'expire',
    connector: 1,
    epoch: log.connector.epoch,
    refs: [refOf(index, 0), refOf(index, 1)],
    buckets: [second],
  })
  t.same(
    [0, 1].map(o => log.markOf(index, o)),
    ['CLAIMED', 'DONE'],
  )
  t.equal(log.connector.expiries.size, 0)
  t.equal(log.state.receiptsQueued, 1)
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

void t.test(
  'maxSessions is exact, and a node that registers again has lost its sessions',
  async t => {
    const log = await TestLog.ready()
    for (const id of ['2.1.1', '2.1.2', '2.1.3']) t.same(log.propose(2, bind(id, 2)), { ok: true })
    t.match(log.propose(1, bind('1.1.1', 1)), { ok: false, why: 'tooManySessions' })
    t.equal(log.account.owner?.node, 2)
    const epoch = log.account.epoch
    log.register(2, 2)
    t.equal(log.account.sessions.size, 0)
    t.equal(log.account.owner, null)
    t.ok(log.account.epoch > epoch)
    t.same(log.propose(1, bind('1.1.1', 1)), { ok: true })
    t.equal(log.account.owner?.node, 1)
  },
)

void t.test(
  'the delivery owner is a node with a receiver session, and stays while it has one',
  async t => {
    const log = await TestLog.ready()
    log.propose(3, bind('3.1.1', 3, 'tx'))
    t.equal(log.account.owner, null)
    log.propose(2, bind('2.1.1', 2, 'rx'))
    log.propose(1, bind('1.1.1', 1))
    t.equal(log.account.owner?.node, 2)
    log.propose(2, { kind: 'endSession', session: '2.1.1' })
    t.equal(log.account.owner?.node, 1)
    t.match(
      log.propose(2, {
        kind: 'delivered',
        account: 1,
        epoch: log.account.epoch,
        seqs: [],
        expired: false,
      }),
      {
        why: 'staleEpoch',
      },
    )
  },
)

void t.test('MO are queued for the account up to moLimit', async t => {
  const log = await TestLog.ready()
  const mo = { kind: 'mo', account: 1, body: Buffer.from('mo') } as const
  const result = log.propose(1, { kind: 'inbound', connector: 1, epoch: 1, items: [mo, mo, mo] })
  t.same(inboundOf(result), ['queued', 'queued', 'queueFull'])
  t.equal(log.state.receiptsQueued, 2)
  log.propose(1, { kind: 'delivered', account: 1, epoch: 0, seqs: [0, 1], expired: false })
  t.equal(log.state.receiptsQueued, 0)
  t.ok(log.state.releases.size > 0, 'the octets are given up')
})

void t.test('homes are spread over the nodes, and handed over when a node comes back', async t => {
  const log = await TestLog.ready(settings => {
    const [first] = settings.connectors
    settings.connectors = ['a', 'b', 'c'].map(id => ({ ...first!, id }))
    settings.routes[0]!.to = ['a']
  })
  const homes = (): number[] => [...log.state.connectors.values()].map(c => c.home!.node).sort()
  t.same(homes(), [1, 2, 3])
  log.propose(1, { kind: 'nodeDown', node: 3, boot: 1 })
  t.same(
    homes().filter(node => node === 3),
    [],
  )
  log.register(3, 2)
  const wanted = [...log.state.connectors.values()].filter(c => c.wanted === 3)
  t.equal(wanted.length, 1)
  const [moving] = wanted
  const from = moving!.home!.node
  log.propose(from, { kind: 'releaseHome', connector: moving!.number, epoch: moving!.epoch })
  t.same(homes(), [1, 2, 3])
})

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

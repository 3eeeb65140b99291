import t from 'tap'
import { refOf } from './ids.js'
import { claim, inboundOf, outcomes, receipt } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

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

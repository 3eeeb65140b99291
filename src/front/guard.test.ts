import t from 'tap'
import { addressHash } from '../journal/index.js'
import { writeAcceptRecord } from '../journal/accept-record.js'
import { encodeBody } from '../smpp/codec.js'
import { FrontWorld } from './testing/front-world.js'

/** Node 2 accepts a message of esme1, and its receipt comes; returns the entry's index. */
function elsewhere(world: FrontWorld): number {
  const body = encodeBody('submit_sm', { destination_addr: '491701234567' })
  const records = Buffer.alloc(22 + body.length)
  writeAcceptRecord(records, 0, {
    account: world.account.number,
    registered_delivery: 1,
    flags: 0,
    expiresAtMs: 0,
    dueAtMs: 0,
    session: 1,
    addressHash: addressHash(Buffer.from('491701234567'), 0, 12),
    body,
  })
  const { index } = world.cluster.other(2).outcome({
    kind: 'accept',
    connector: world.cluster.state.connector('smsc-a')!.number,
    priority: 0,
    count: 1,
    revision: 1,
    records,
  })
  world.receipts(world.dispatch())
  return index
}

function report(index: number): Buffer {
  const body = Buffer.alloc(7)
  body[0] = 1
  body.writeUIntBE(index, 1, 6)
  return body
}

void t.test("a receipt waits until another node's submit_sm_resp is reported written", async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  const index = elsewhere(world)
  world.mo(['behind it'])
  world.time.advance(300)
  t.same(esme.texts, [], 'first transmissions keep their order')
  world.hear(2, report(index))
  world.time.turn()
  t.equal(esme.delivered.length, 2)
  t.match(esme.texts[1], 'behind it')
})

void t.test('a report may come before the receipt does', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  world.hear(2, report(world.cluster.state.appliedIndex + 2)) // node 2 begins its boot first
  elsewhere(world)
  world.time.turn()
  t.equal(esme.delivered.length, 1)
})

void t.test(
  'without a report a receipt leaves after the guard, and many wait no longer than one',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    for (let i = 0; i < 20; i++) {
      elsewhere(world)
      world.time.advance(5)
    }
    world.time.advance(390)
    t.equal(esme.delivered.length, 0)
    world.time.advance(130)
    t.equal(esme.delivered.length, 20)
  },
)

void t.test('when the boot of the submitting node is over nothing waits', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  elsewhere(world)
  world.cluster.decide({ kind: 'nodeDown', node: 2, boot: 1 })
  world.mo(['wake'])
  world.time.turn()
  t.equal(esme.delivered.length, 2)
})

void t.test("a node reports its entries to the account's owner, once each", async t => {
  const world = await FrontWorld.open(t)
  const rx = world.cluster.other(2)
  rx.decide({
    kind: 'bind',
    session: {
      id: '2.1.1',
      account: world.account.number,
      bindType: 'rx',
      version: 0x34,
      node: 2,
      remoteAddress: '',
      boundAtMs: 0,
    },
  })
  const esme = world.bound({}, 'bind_transmitter')
  esme.submit().submit().submit({ registered_delivery: 0 })
  world.time.turn()
  t.equal(world.sent.length, 1)
  t.equal(world.sent[0]!.to, 2)
  t.equal(world.sent[0]!.body.length, 7)
})

void t.test('rubbish from another node does no harm', async t => {
  const world = await FrontWorld.open(t)
  for (const octets of [Buffer.alloc(0), Buffer.from([9, 9]), Buffer.from([1, 2, 3])])
    world.hear(2, octets)
  t.match(world.bound().binds, ['ESME_ROK carillon'])
})

for (const { others, expected } of [
  { others: 49_999, expected: 1 },
  { others: 50_000, expected: 0 },
])
  void t.test(
    `of ${others + 1} reports the first is ${expected ? 'known' : 'forgotten'}`,
    async t => {
      const world = await FrontWorld.open(t)
      const esme = world.bound()
      const index = world.cluster.state.appliedIndex + 2
      world.hear(2, report(index))
      for (let i = 0; i < others; i++) world.hear(2, report(1_000_000 + i))
      t.equal(elsewhere(world), index)
      world.time.turn()
      t.equal(esme.delivered.length, expected)
      world.time.advance(600)
      t.equal(esme.delivered.length, 1, 'it leaves all the same, after receiptGuardMs')
    },
  )

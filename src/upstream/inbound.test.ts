import t from 'tap'
import type { Ref } from '../journal/index.js'
import { indexOf, MESSAGE_STATE } from '../journal/index.js'
import { decodeBody, encodeBody, tlv } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { account, gateway } from '../testing/gateway.js'
import { World } from './testing/world.js'

const owedTo = (world: World) => world.cluster.state.account('esme1')!.owed

for (const { form, stat, tlvState, state } of [
  { form: 'both', stat: 'DELIVRD', tlvState: 2, state: MESSAGE_STATE.DELIVERED },
  { form: 'text', stat: 'UNDELIV', tlvState: 2, state: MESSAGE_STATE.UNDELIVERABLE },
  { form: 'text', stat: 'delivrd', tlvState: 2, state: MESSAGE_STATE.DELIVERED },
  { form: 'tlv', stat: '', tlvState: 8, state: MESSAGE_STATE.REJECTED },
  { form: 'bare', stat: 'EXPIRED', tlvState: 2, state: MESSAGE_STATE.EXPIRED },
] as const) {
  void t.test(`a receipt (${form}, ${stat}) is matched, then answered`, async t => {
    const world = await World.open()
    const ref = await world.submit()
    await world.pass(10)
    world.smsc.receipt('smsc-1', { form, stat, state: tlvState })
    await world.pass(10)
    t.same(world.smsc.delivered, ['smsc-1 ESME_ROK'])
    t.equal(world.stateOf(ref), state)
    t.equal(owedTo(world), 1)
    await world.stop()
  })
}

for (const { submit, receipt, given, text, tlvId } of [
  { submit: 'hex', receipt: 'dec', given: '1A2B', text: '0000006699', tlvId: '1a2b' },
  { submit: 'dec', receipt: 'hex', given: '255', text: '00FF', tlvId: '255' },
  { submit: 'hex', receipt: 'hex', given: '0x00Ff', text: 'FF', tlvId: 'ff' },
  { submit: 'text', receipt: 'text', given: 'a-B', text: 'other', tlvId: 'a-B' },
  { submit: 'text', receipt: 'text', given: 'a-B', text: 'a-B', tlvId: 'other' },
] as const) {
  void t.test(`${submit} id ${given} is found as ${receipt} ${text} or ${tlvId}`, async t => {
    const world = await World.open({ messageIdFormat: { submit, receipt } })
    world.smsc.answer = () => ({ id: given })
    const ref = await world.submit()
    await world.pass(10)
    world.smsc.receipt(text, { tlvId })
    await world.pass(10)
    t.equal(world.markOf(ref), 'DONE')
    await world.stop()
  })
}

void t.test('a receipt that comes before its submit_sm_resp is kept for it', async t => {
  const world = await World.open()
  world.smsc.answer = () => 'later'
  const ref = await world.submit()
  await world.pass(10)
  world.smsc.receipt('early', { source_addr: '+49170' })
  await world.pass(10)
  t.same(world.smsc.delivered, ['early ESME_ROK'])
  t.equal(owedTo(world), 0)
  world.smsc.respond(world.smsc.submitted[0]!, { id: 'early' })
  await world.pass(10)
  t.equal(world.stateOf(ref), MESSAGE_STATE.DELIVERED)
  t.equal(owedTo(world), 1)
  await world.stop()
})

void t.test('a receipt right behind its submit_sm_resp finds the id in the log', async t => {
  const world = await World.open()
  world.smsc.answer = () => 'later'
  const refs = await world.submitMany(8)
  await world.pass(10)
  world.cluster.delayMs = 5 // with two proposals open, outcomes gather for a while
  for (const submitted of world.smsc.submitted) {
    const id = `quick-${submitted.ordinal}`
    world.smsc.respond(submitted, { id })
    world.smsc.receipt(id)
    await world.pass(1)
  }
  await world.pass(50)
  t.same(
    refs.map(ref => world.stateOf(ref)),
    refs.map(() => MESSAGE_STATE.DELIVERED),
  )
  t.equal(world.connector.orphans.next, 0, 'none was kept for later')
  await world.stop()
})

void t.test('an SMSC that gives every message the same id: each receipt settles one', async t => {
  const world = await World.open()
  world.smsc.answer = () => ({ id: '0' })
  const [first] = await world.submitMany(1, { to: '49171' })
  const [second, third] = await world.submitMany(2, { to: '49172' })
  await world.pass(10)
  const concluded = () => [first!, second!, third!].map(ref => world.markOf(ref))
  world.smsc.receipt('0', { source_addr: '49172' })
  await world.pass(10)
  t.same(concluded(), ['SENT', 'SENT', 'DONE'], 'the newest to that address')
  world.smsc.receipt('0', { source_addr: '49172' })
  await world.pass(10)
  t.same(concluded(), ['SENT', 'DONE', 'DONE'], 'the newest that is not answered')
  world.smsc.receipt('0', { source_addr: '49171' })
  await world.pass(10)
  t.same(concluded(), ['DONE', 'DONE', 'DONE'])
  t.equal(owedTo(world), 3)
  await world.stop()
})

void t.test(
  'one receipt for the last part only: it settles that part, and holds up nothing',
  async t => {
    const world = await World.open({ window: 3 })
    const part = (n: number) => ({
      esm_class: 0x40,
      text: `\x05\x00\x03\x07\x03${String.fromCharCode(n)}part`,
    })
    const refs: Ref[] = []
    for (const n of [1, 2, 3]) refs.push(await world.submit(part(n)))
    await world.pass(10)
    world.smsc.receipt('smsc-3')
    await world.pass(10)
    t.same(
      refs.map(ref => world.markOf(ref)),
      ['SENT', 'SENT', 'DONE'],
    )
    t.equal(owedTo(world), 1, 'as the SMSC gave it, and no more')
    const { connector, cluster } = world
    const { queued } = cluster.state.account('esme1')!
    t.same([connector.inFlight, connector.queued, queued], [0, 0, 0])
    await world.submitMany(5)
    await world.pass(100)
    t.equal(world.smsc.submitted.length, 8, 'their window slots are free')

    // The leader's steward ends the wait, when it is long enough (steward.test.ts).
    const unawaited = refs.map(indexOf)
    cluster.decide({ kind: 'retire', upTo: cluster.state.appliedIndex, unawaited })
    t.equal(world.markOf(refs[0]!), 'gone')
    t.equal(owedTo(world), 1, 'what is not known is not told')
    world.smsc.receipt('smsc-1')
    await world.pass(10)
    t.equal(owedTo(world), 1)
    t.equal(connector.orphans.size, 1, 'one that comes later still is kept for an hour')
    await world.stop()
  },
)

void t.test(
  'one message_id for all parts, and one receipt: it settles the last of them',
  async t => {
    const world = await World.open()
    world.smsc.answer = () => ({ id: 'whole' })
    const refs = await world.submitMany(3, { esm_class: 0x40 })
    await world.pass(10)
    world.smsc.receipt('whole')
    await world.pass(10)
    t.same(
      refs.map(ref => world.markOf(ref)),
      ['SENT', 'SENT', 'DONE'],
    )
    t.equal(owedTo(world), 1)
    await world.stop()
  },
)

void t.test('a receipt that nobody awaits is forgotten after an hour', async t => {
  const world = await World.open()
  world.smsc.receipt('nobody')
  await world.pass(1000)
  t.equal(world.connector.orphans.size, 1)
  await world.pass(3_590_000)
  t.equal(world.connector.orphans.size, 1)
  await world.pass(20_000)
  t.equal(world.connector.orphans.size, 0)
  await world.stop()
})

void t.test('a receipt settles the only message in doubt that it fits', async t => {
  const world = await World.open({ responseTimeoutMs: 1000 })
  world.smsc.answer = () => 'later'
  const ref = await world.submit()
  await world.pass(1500)
  t.equal(world.markOf(ref), 'IN_DOUBT')
  world.smsc.receipt('whatever')
  await world.pass(10)
  t.equal(world.stateOf(ref), MESSAGE_STATE.DELIVERED)
  await world.pass(60_000)
  t.equal(world.smsc.submitted.length, 1)
  await world.stop()
})

void t.test('no receipt is answered before it is committed', async t => {
  const world = await World.open()
  await world.submit()
  await world.pass(10)
  world.cluster.setLeader('held')
  world.smsc.receipt('smsc-1')
  await world.pass(20_000)
  t.same(world.smsc.delivered, [])
  world.cluster.setLeader('here')
  await world.pass(10)
  t.same(world.smsc.delivered, ['smsc-1 ESME_ROK'])
  await world.stop()
})

void t.test('an MO goes to the account of its route, or is refused', async t => {
  const mo = { match: { connector: null, destinationPrefix: '12', sourcePrefix: '' }, to: 'esme1' }
  const world = await World.open(
    {},
    {
      gateway: { moRoutes: [{ name: 'mo', ...mo }], accounts: [account('esme1', { moLimit: 2 })] },
    },
  )
  const fields = { source_addr: '49170', short_message: Buffer.from('id:1 stat:DELIVRD is mine') }
  for (const [tag, destination_addr] of [
    ['a', '1234'],
    ['b', '99'],
    ['c', '1234'],
    ['d', '1234'],
  ] as const) {
    world.smsc.deliver(tag, { ...fields, destination_addr })
    await world.pass(10)
  }
  t.same(world.smsc.delivered, ['a ESME_ROK', 'b ESME_RX_P_APPN', 'c ESME_ROK', 'd ESME_RX_T_APPN'])
  t.equal(owedTo(world), 2)
  await world.stop()
})

void t.test('an MO may come as data_sm; an alert_notification is passed over', async t => {
  const world = await World.open()
  const link = world.smsc.links[0]!
  const fields = { source_addr: '49170', destination_addr: '1234' }
  const tlvs = [tlv.octets('message_payload', Buffer.from('hello'))]
  link.request(COMMAND_IDS.data_sm, encodeBody('data_sm', { ...fields, tlvs }), 'data')
  link.request(COMMAND_IDS.alert_notification, encodeBody('alert_notification', {}), 'alert')
  await world.pass(10)
  t.same(world.smsc.delivered, ['data ESME_ROK'])
  const { head } = world.cluster.state.account('esme1')!.deliveries
  const delivery = world.cluster.state.account('esme1')!.delivery(head)!
  t.same(
    world.cluster.journal.message(delivery.inbound)!.body,
    encodeBody('deliver_sm', { ...fields, tlvs }),
  )
  await world.stop()
})

void t.test('stray octets of an SMSC’s receipt or MO do not go to the ESME', async t => {
  const world = await World.open()
  await world.submit()
  await world.pass(10)
  const fields = { source_addr: '49170', destination_addr: '1234' }
  const text = Buffer.from('id:smsc-1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:')
  const state = Buffer.from('0427000102', 'hex')
  const bodies = [
    encodeBody('deliver_sm', { ...fields, esm_class: 4, short_message: text }),
    encodeBody('deliver_sm', { ...fields, short_message: Buffer.from('x') }),
  ]
  for (const [tag, body] of bodies.entries()) {
    const odd = Buffer.concat([body, Buffer.of(0), state])
    world.smsc.links[0]!.request(COMMAND_IDS.deliver_sm, odd, String(tag))
    await world.pass(10)
  }
  t.same(world.smsc.delivered, ['0 ESME_ROK', '1 ESME_ROK'])
  const owed = world.cluster.state.account('esme1')!
  for (const [seq, body] of bodies.entries())
    t.same(
      world.cluster.journal.message(owed.delivery(seq)!.inbound)!.body,
      Buffer.concat([body, state]),
    )
  await world.stop()
})

void t.test('what must be NULL in a deliver_sm is NULL when it goes to the ESME', async t => {
  const world = await World.open()
  const fields = {
    source_addr: '49170',
    destination_addr: '1234',
    priority_flag: 1,
    registered_delivery: 1,
    data_coding: 8,
    short_message: Buffer.from('0041', 'hex'),
    tlvs: [tlv.uint8('payload_type', 0)],
  }
  const time = '260101000000000+'
  for (const odd of [
    { validity_period: time },
    { schedule_delivery_time: time, validity_period: time },
    { replace_if_present_flag: 1 },
    { sm_default_msg_id: 9 },
  ]) {
    world.smsc.deliver('odd', { ...fields, ...odd })
    await world.pass(10)
  }
  t.same(world.smsc.delivered, Array(4).fill('odd ESME_ROK'))
  const owed = world.cluster.state.account('esme1')!
  for (const seq of [0, 1, 2, 3])
    t.same(
      world.cluster.journal.message(owed.delivery(seq)!.inbound)!.body,
      encodeBody('deliver_sm', fields),
    )
  await world.stop()
})

void t.test('a deliver_sm that cannot be read is refused, and the bind stands', async t => {
  const world = await World.open()
  world.smsc.links[0]!.request(COMMAND_IDS.deliver_sm, Buffer.alloc(7, 0x41), 'bad')
  await world.pass(10)
  t.same(world.smsc.delivered, ['bad ESME_RINVSERTYP'])
  t.equal(world.smsc.links.length, 1)
  await world.stop()
})

void t.test('what cannot be proposed is refused for now', async t => {
  const world = await World.open({}, { gateway: gateway() })
  world.cluster.proposer.refuseAll()
  world.smsc.receipt('x')
  await world.pass(10)
  t.same(world.smsc.delivered, ['x ESME_RX_T_APPN'])
  await world.stop()
})

void t.test('TLVs that the connector strips stay out of receipts and MO', async t => {
  const campaign = { tag: 0x1401, value: Buffer.of(7) }
  const world = await World.open(
    { tlvs: { from: { campaign: 'strip' } } },
    { gateway: { tlvs: [{ name: 'campaign', tag: 0x1401, type: 'uint8', min: 1, max: 1 }] } },
  )
  await world.submit()
  await world.pass(10)
  const fields = { source_addr: '49170', destination_addr: '1234' }
  const text = Buffer.from('id:smsc-1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:')
  const other = { tag: 0x1402, value: Buffer.of(7) }
  const tlvs = [campaign, other]
  world.smsc.deliver('receipt', { ...fields, esm_class: 4, short_message: text, tlvs })
  world.smsc.deliver('mo', { ...fields, short_message: Buffer.from('x'), tlvs })
  await world.pass(10)
  t.same([...world.smsc.delivered].sort(), ['mo ESME_ROK', 'receipt ESME_ROK'])
  const owed = world.cluster.state.account('esme1')!
  for (const seq of [0, 1]) {
    const { body } = world.cluster.journal.message(owed.delivery(seq)!.inbound)!
    const decoded = decodeBody('deliver_sm', body)
    t.same(decoded.ok && decoded.body.tlvs, [other])
  }
  await world.stop()
})

void t.test(
  'parts of an MO are answered when each is in the log, and told as parts of one',
  async t => {
    const part = (number: number, esm_class = 0x40): Parameters<World['smsc']['deliver']>[1] => ({
      source_addr: '49170',
      destination_addr: '1234',
      esm_class,
      short_message: Buffer.concat([Buffer.of(5, 0, 3, 9, 2, number), Buffer.from('text')]),
    })
    const world = await World.open(
      {},
      { gateway: { accounts: [account('esme1', { longMo: 'whole' })] } },
    )
    const { journal } = world.cluster
    world.smsc.deliver('two', part(2))
    world.smsc.deliver('two again', part(2))
    world.smsc.deliver('no part', part(1, 0))
    await world.pass(10)
    t.same(world.smsc.delivered, ['two ESME_ROK', 'two again ESME_ROK', 'no part ESME_ROK'])
    t.equal(owedTo(world), 2)
    world.smsc.deliver('one', part(1))
    await world.pass(10)
    const owed = world.cluster.state.account('esme1')!
    const { parts = [] } = owed.delivery(owed.deliveries.tail - 1)!
    const texts = parts.map(ref => decodeBody('deliver_sm', journal.message(ref)!.body))
    t.same(
      texts.map(read => read.ok && read.body.short_message[5]),
      [1, 2],
    )
    await world.stop()
  },
)

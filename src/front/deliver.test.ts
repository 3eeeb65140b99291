import t from 'tap'
import { decodeBody, encodeBody, findTlv, tlvString } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { account, gateway } from '../testing/gateway.js'
import { FrontWorld } from './testing/front-world.js'

/** Submits `count` messages over the client, has them sent and the receipts come. */
function receiptsOf(world: FrontWorld, esme: ReturnType<FrontWorld['connect']>, count: number) {
  for (let i = 0; i < count; i++) esme.submit()
  world.time.turn()
  const refs = world.dispatch()
  world.receipts(refs)
  return refs
}

void t.test(
  'a receipt reaches the ESME under our id, and leaves with its response (I3)',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound({ interface_version: 0x34 })
    esme.answering = null
    receiptsOf(world, esme, 1)
    world.time.turn()
    const id = esme.answers[0]!.message_id
    t.same(esme.texts, [`id:${id} sub:001 dlvrd:001 stat:DELIVRD err:000 text:`])
    t.equal(tlvString(findTlv(esme.delivered[0]!.tlvs, 'receipted_message_id')!), id)
    t.equal(world.account.owed, 1)
    esme.link.respond(5, esme.held[0]!, 'ESME_ROK')
    world.time.turn()
    t.equal(world.account.owed, 0)
  },
)

void t.test('a session of SMPP 3.3 gets ids of 8 digits, and no optional parameters', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound({ interface_version: 0x33 })
  receiptsOf(world, esme, 1)
  world.time.turn()
  t.same(esme.delivered[0]!.tlvs, [])
  const id = esme.answers[0]!.message_id
  t.match(id, /^[0-9]{8}$/)
  t.match(esme.texts, [`id:${id} sub`])
})

void t.test('an account of short ids has them in responses, receipts and query_sm', async t => {
  const accounts = [account('esme1', { messageIdStyle: 'short' })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound({ interface_version: 0x34 })
  receiptsOf(world, esme, 3)
  world.time.turn()
  const ids = esme.answers.map(({ message_id }) => message_id)
  t.equal(new Set(ids).size, 3)
  t.ok(ids.every(id => /^[0-9]{8}$/.test(id)))
  t.same(
    esme.texts.map(text => text.slice(3, 11)),
    ids,
  )
  for (const [i, { tlvs }] of esme.delivered.entries())
    t.equal(tlvString(findTlv(tlvs, 'receipted_message_id')!), ids[i])

  const query = encodeBody('query_sm', { message_id: ids[1]!, source_addr: '1000' })
  esme.ask(COMMAND_IDS.query_sm, query)
  await world.settle()
  const decoded = decodeBody('query_sm_resp', esme.answers[3]!.body)
  t.match(decoded, { ok: true, body: { message_id: ids[1]!, message_state: 2 } })
})

void t.test('an MO goes as it came, in order, within the window', async t => {
  const accounts = [account('esme1', { window: 10 })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound()
  esme.answering = null
  const texts = Array.from({ length: 35 }, (_, i) => `mo ${i}`)
  world.mo(texts)
  world.time.turn()
  t.equal(esme.delivered.length, 10)
  while (esme.held.length > 0) {
    esme.link.respond(5, esme.held.shift()!, 'ESME_ROK')
    world.time.turn()
  }
  t.same(esme.texts, texts)
  t.equal(world.account.owed, 0)
})

void t.test(
  'what waits goes out when a receiver binds, on any node; to a transmitter nothing',
  async t => {
    const world = await FrontWorld.open(t)
    const tx = world.bound({}, 'bind_transmitter')
    world.mo(['one', 'two'])
    world.time.advance(1000)
    t.same(tx.texts, [])
    const rx = world.bound({}, 'bind_receiver')
    world.time.turn()
    t.same(rx.texts, ['one', 'two'])
    t.equal(world.account.owed, 0)
  },
)

void t.test(
  'a receipt prefers the session of its message; others take what it has no room for',
  async t => {
    const accounts = [account('esme1', { window: 2 })]
    const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
    const [one, two] = [world.bound(), world.bound()]
    one.answering = two.answering = null
    two.submit().submit()
    world.time.turn()
    two.submit()
    world.time.turn()
    world.receipts(world.dispatch())
    world.time.turn()
    t.equal(two.delivered.length, 2)
    t.equal(one.delivered.length, 1)
  },
)

void t.test(
  'what an ESME refuses comes again with growing pauses and holds back nothing else',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    esme.answering = 'ESME_RX_T_APPN'
    world.mo(['refused'])
    world.time.turn()
    esme.answering = 'ESME_ROK'
    world.mo(['next'])
    world.time.turn()
    t.same(esme.texts, ['refused', 'next'])
    esme.answering = 'ESME_RX_P_APPN'
    const times: number[] = []
    for (let seen = esme.delivered.length; times.length < 9;) {
      world.time.advance(100)
      if (esme.delivered.length > seen) times.push(world.time.monotonicMs())
      seen = esme.delivered.length
    }
    const pauses = times.slice(1).map((at, i) => at - times[i]!)
    t.ok(
      pauses.slice(0, 4).every((ms, i) => ms >= 900 * 2 ** i && ms <= 2100 * 2 ** i),
      pauses.join(),
    )
    t.ok(
      pauses.every(ms => ms <= 60_100),
      'never more than a minute',
    )
    t.equal(world.account.owed, 1, 'it is owed until it is taken')
    esme.answering = 'ESME_ROK'
    world.time.advance(61_000)
    t.equal(world.account.owed, 0)
  },
)

void t.test('no answer in time: again, and a late positive one counts', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  esme.answering = null
  world.mo(['slow'])
  world.time.advance(10_600)
  esme.link.respond(5, esme.held[0]!, 'ESME_ROK')
  world.time.turn()
  t.equal(world.account.owed, 0)
  world.time.advance(20_000)
  t.equal(esme.delivered.length, 1)
})

void t.test('what was unacknowledged when a session broke comes again on another', async t => {
  const world = await FrontWorld.open(t)
  const [one, two] = [world.bound(), world.bound()]
  one.answering = two.answering = null
  world.mo(['a', 'b', 'c', 'd'])
  world.time.turn()
  t.same(
    [one.texts, two.texts],
    [
      ['a', 'c'],
      ['b', 'd'],
    ],
  )
  two.answering = 'ESME_ROK'
  one.link.close('broken')
  world.time.advance(1100)
  t.same(two.texts, ['b', 'd', 'a', 'c'])
  t.equal(world.account.owed, 2, 'b and d')
})

void t.test('all comes again after a rebind when the last session broke', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  esme.answering = null
  world.mo(['a', 'b'])
  world.time.turn()
  esme.link.close('broken')
  world.time.turn()
  const again = world.bound()
  world.time.turn()
  t.same(again.texts, ['a', 'b'])
  t.equal(world.account.owed, 0)
})

for (const result of ['expired', 'failed'] as const) {
  void t.test(`a message that ${result} makes a receipt of ours`, async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound({ interface_version: 0x34 }).submit({
      source_addr_ton: 5,
      source_addr: 'Shop',
      dest_addr_ton: 1,
    })
    world.time.turn()
    world.time.advance(61_000)
    world.dispatch({ result, error: 0x0b, smscId: '' })
    world.time.turn()
    const { message_id } = esme.answers[0]!
    const stat = result === 'expired' ? 'EXPIRED' : 'REJECTD'
    const state = result === 'expired' ? 3 : 8
    t.same(esme.texts, [
      `id:${message_id} sub:001 dlvrd:000 submit date:2601010000 done date:2601010001 ` +
        `stat:${stat} err:011 text:hello`,
    ])
    const [receipt] = esme.delivered
    t.match(receipt, {
      source_addr: '491701234567',
      source_addr_ton: 1,
      destination_addr: 'Shop',
      dest_addr_ton: 5,
      esm_class: 4,
    })
    t.equal(findTlv(receipt!.tlvs, 'message_state')![0], state)
    t.equal(tlvString(findTlv(receipt!.tlvs, 'receipted_message_id')!), message_id)
    t.equal(world.account.owed, 0)
  })
}

void t.test('what nobody fetched within receiptTtl is given up', async t => {
  const accounts = [account('esme1', { receiptTtlMs: 60_000 })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound()
  esme.answering = 'ESME_RX_T_APPN'
  world.mo(['old'])
  world.time.advance(55_000)
  world.mo(['young'])
  world.time.advance(20_000)
  t.equal(world.account.owed, 1)
  esme.answering = 'ESME_ROK'
  const seen = esme.delivered.length
  world.time.advance(60_000)
  t.same(esme.texts.slice(seen), ['young'])
})

void t.test('acknowledgements that cannot be proposed are proposed later', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  const { proposer } = world.cluster
  const propose = proposer.propose.bind(proposer)
  proposer.propose = () => false
  world.mo(['x'])
  world.time.advance(500)
  t.equal(world.account.owed, 1)
  proposer.propose = propose
  world.time.advance(500)
  t.equal(world.account.owed, 0)
  t.equal(esme.delivered.length, 1)
})

void t.test(
  'a message_payload receipt keeps its place, and a long one is cut for SMPP 3.3',
  async t => {
    const { relayedReceipt } = await import('./receipt-pdu.js')
    const { encodeBody, tlv } = await import('../smpp/codec.js')
    const id = 'a'.repeat(20)
    const text = `id:1 stat:DELIVRD text:${'x'.repeat(300)}`
    const body = encodeBody('deliver_sm', {
      tlvs: [
        tlv.octets('message_payload', Buffer.from(text)),
        tlv.cstring('receipted_message_id', '1'),
        { tag: 0x1400, value: Buffer.from('vendor') },
      ],
    })
    const read = (octets: Buffer) => {
      const decoded = decodeBody('deliver_sm', octets)
      if (!decoded.ok) throw new Error(decoded.problem.parameter)
      return decoded.body
    }
    const whole = read(relayedReceipt(body, id, true))
    t.equal(findTlv(whole.tlvs, 'message_payload')!.toString(), text.replace('id:1', `id:${id}`))
    t.same(
      whole.tlvs.map(({ tag }) => tag),
      [0x001e, 0x0424, 0x1400],
    )
    t.equal(whole.short_message.length, 0)
    const old = read(relayedReceipt(body, id, false))
    t.same(old.tlvs, [])
    t.equal(old.short_message.toString(), text.replace('id:1', `id:${id}`).slice(0, 254))
    t.same(relayedReceipt(Buffer.from('rubbish'), id, true), Buffer.from('rubbish'))
  },
)

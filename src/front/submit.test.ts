import t from 'tap'
import { parseMessageId } from '../journal/index.js'
import { decodeBody, encodeBody, findTlv, tlv, type Body } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { account, connector, gateway, route } from '../testing/gateway.js'
import { FrontWorld } from './testing/front-world.js'

void t.test(
  'a submit is answered once its entry is applied, with the id of its place (I1)',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    t.same(esme.binds, ['ESME_ROK carillon'])
    world.cluster.setLeader('held')
    esme.submit().submit()
    world.time.advance(1000)
    t.same(esme.answers, [], 'nothing was committed')
    world.cluster.setLeader('here')
    world.time.turn()
    t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK'])
    const [first, second] = esme.answers.map(({ message_id }) => parseMessageId(message_id))
    t.equal(first!.generation, 0xabcd)
    t.equal(second!.ref, first!.ref + 1)
    t.equal(world.cluster.journal.idOf(first!.ref), esme.answers[0]!.message_id)
    const stored = world.cluster.journal.message(first!.ref)
    t.match(stored, { kind: 'submit', registered_delivery: 1, session: 1, flags: 0 })
  },
)

void t.test('all 4,096 offsets of an entry make different ids', async t => {
  const world = await FrontWorld.open(t, {
    settings: gateway({ accounts: [account('esme1', { window: 9000 })] }),
  })
  const esme = world.bound()
  for (let i = 0; i < 5000; i++) esme.submit()
  world.time.turn()
  world.time.advance(100)
  t.equal(new Set(esme.answers.map(({ message_id }) => message_id)).size, 5000)
  t.ok(esme.answers.every(({ message_id }) => /^[0-9a-f]{20}$/.test(message_id)))
})

const TWO_MESSAGES: Partial<Body<'submit_sm'>> = {
  short_message: Buffer.from('one'),
  tlvs: [tlv.octets('message_payload', Buffer.from('or the other'))],
}

for (const [title, fields, status] of [
  ['an empty destination', { destination_addr: '' }, 'ESME_RINVDSTADR'],
  ['a destination without a route', { destination_addr: '44123' }, 'ESME_RINVDSTADR'],
  ['a text in short_message and in message_payload', TWO_MESSAGES, 'ESME_RINVMSGLEN'],
  ['a schedule that is over', { schedule_delivery_time: '251231235800000+' }, 'ESME_RINVSCHED'],
  ['a schedule that is no time', { schedule_delivery_time: '260132000000000+' }, 'ESME_RINVSCHED'],
  ['a schedule of right now', { schedule_delivery_time: '251231235930000+' }, 'ESME_ROK'],
  [
    'a validity that ends before the schedule',
    { schedule_delivery_time: '000000020000000R', validity_period: '000000010000000R' },
    'ESME_RINVEXPIRY',
  ],
  ['a validity that is over', { validity_period: '251231000000000+' }, 'ESME_RINVEXPIRY'],
  ['a validity that is no time', { validity_period: '269931000000000+' }, 'ESME_RINVEXPIRY'],
  ['a priority beyond 3, which counts as 3', { priority_flag: 4 }, 'ESME_ROK'],
] as const) {
  void t.test(`${title} is answered ${status}`, async t => {
    const settings = gateway({ routes: [route('de', ['smsc-a'], { destinationPrefix: '49' })] })
    const world = await FrontWorld.open(t, { settings })
    const esme = world.bound().submit(fields).submit()
    world.time.turn()
    t.same(esme.statuses, [status, 'ESME_ROK'], 'and the session goes on')
  })
}

void t.test('a validity period makes the message expire in the journal', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound().submit({ validity_period: '000000010000000R' })
  world.time.turn()
  const { ref } = parseMessageId(esme.answers[0]!.message_id)!
  const stored = world.cluster.journal.message(ref)
  t.match(stored, { flags: 1, expiresAtMs: world.time.nowMs() + 3_600_000 })
  t.equal(world.cluster.state.connector('smsc-a')!.expiries.size, 1)
})

void t.test('schedule_delivery_time makes the message wait, and stays with us', async t => {
  const world = await FrontWorld.open(t)
  const nowMs = world.time.nowMs()
  const esme = world.bound()
  esme.submit({ schedule_delivery_time: '000000010000000R' }) // in an hour
  esme.submit({ schedule_delivery_time: '260103120000004+', validity_period: '000005000000000R' })
  world.time.turn()
  const [hour, noon] = esme.answers.map(({ message_id }) => {
    const { ref } = parseMessageId(message_id)!
    t.equal(world.cluster.state.blocks.get(Math.floor(ref / 4096))?.isScheduled(ref % 4096), true)
    const stored = world.cluster.journal.message(ref)
    const decoded = decodeBody('submit_sm', stored!.body)
    if (!decoded.ok || stored?.kind !== 'submit') return t.fail('is no submit')
    t.equal(decoded.body.schedule_delivery_time, '', 'an SMSC would schedule it again')
    return { ...stored, validity: decoded.body.validity_period }
  })
  const hourMs = nowMs + 3_600_000
  t.match(hour, { dueAtMs: hourMs, expiresAtMs: hourMs + 3 * 86_400_000, validity: '' })
  t.match(noon, { dueAtMs: Date.UTC(2026, 0, 3, 11), validity: '000005000000000R' })
  t.equal(world.cluster.state.connector('smsc-a')!.schedules.size, 2)
})

void t.test('a connector that keeps no more scheduled messages takes others', async t => {
  const world = await FrontWorld.open(t)
  const { schedules } = world.cluster.state.connector('smsc-a')!
  Object.defineProperty(schedules, 'isFull', { value: true })
  const esme = world.bound().submit({ schedule_delivery_time: '000000010000000R' }).submit()
  world.time.turn()
  t.same(esme.statuses, ['ESME_RMSGQFUL', 'ESME_ROK'])
})

void t.test('a peer of SMPP 5.0 is told how full we are, older ones are not', async t => {
  const settings = gateway({ accounts: [account('esme1', { queueLimit: 20 })] })
  for (const interface_version of [0x50, 0x34]) {
    const world = await FrontWorld.open(t, { settings })
    const esme = world.bound({ interface_version })
    const states: (number | undefined)[] = []
    for (let i = 0; i < 21; i++) {
      esme.submit()
      world.time.turn()
      const told = decodeBody('submit_sm_resp', esme.answers[i]!.body)
      if (told.ok) states.push(findTlv(told.body.tlvs, 'congestion_state')?.[0])
    }
    t.equal(esme.statuses[20], 'ESME_RMSGQFUL')
    const some = [states[0], states[9], states[19]]
    t.same(some, interface_version === 0x50 ? [5, 50, 99] : [undefined, undefined, undefined])
  }
})

void t.test('nothing is scheduled before every living node knows how', async t => {
  const world = await FrontWorld.open(t)
  world.cluster.state.rules = 3
  const esme = world.bound().submit({ schedule_delivery_time: '000000010000000R' })
  world.time.turn()
  t.same(esme.statuses, ['ESME_RINVSCHED'])
})

void t.test('query_sm: SCHEDULED is a state of SMPP 5.0, before it is ENROUTE', async t => {
  for (const { interface_version, state } of [
    { interface_version: 0x50, state: 0 },
    { interface_version: 0x34, state: 1 },
  ]) {
    const world = await FrontWorld.open(t)
    const esme = world.bound({ interface_version })
    esme.submit({ schedule_delivery_time: '000000010000000R' })
    world.time.turn()
    const query = encodeBody('query_sm', { message_id: esme.answers[0]!.message_id })
    esme.ask(COMMAND_IDS.query_sm, query)
    await world.settle()
    const told = decodeBody('query_sm_resp', esme.answers[1]!.body)
    t.match(told, { body: { message_state: state, final_date: '' } })
  }
})

void t.test('data_sm submits as submit_sm does (PITFALLS 15)', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  const body = encodeBody('data_sm', {
    source_addr: '1000',
    destination_addr: '491701234567',
    registered_delivery: 1,
    data_coding: 8,
    tlvs: [tlv.octets('message_payload', Buffer.from('hello'))],
  })
  esme.ask(COMMAND_IDS.data_sm, body).ask(COMMAND_IDS.data_sm, body.subarray(0, 12))
  world.time.turn()
  t.same(esme.statuses, ['ESME_ROK', 'ESME_RINVCMDLEN'])
  const stored = world.cluster.journal.message(parseMessageId(esme.answers[0]!.message_id)!.ref)
  t.same(
    stored!.body,
    encodeBody('submit_sm', {
      source_addr: '1000',
      destination_addr: '491701234567',
      registered_delivery: 1,
      data_coding: 8,
      tlvs: [tlv.octets('message_payload', Buffer.from('hello'))],
    }),
  )
})

void t.test("beyond the account's rate submits are throttled, and pass again later", async t => {
  const accounts = [account('esme1', { throughputPerSecond: 50 })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound()
  for (let i = 0; i < 10; i++) esme.submit()
  world.time.turn()
  t.equal(esme.statuses.filter(status => status === 'ESME_ROK').length, 5, 'a tenth of a second')
  t.equal(esme.statuses.filter(status => status === 'ESME_RTHROTTLED').length, 5)
  world.time.advance(40)
  esme.submit().submit().submit()
  world.time.turn()
  t.same(esme.statuses.slice(10), ['ESME_ROK', 'ESME_ROK', 'ESME_RTHROTTLED'])
})

void t.test("an account's rate is shared by the nodes with sessions that may submit", async t => {
  const accounts = [account('esme1', { throughputPerSecond: 100 })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound()
  const session = { account: world.account.number, version: 0x34, remoteAddress: '', boundAtMs: 0 }
  for (const [node, bindType] of [
    [2, 'tx'],
    [3, 'rx'],
  ] as const)
    world.cluster
      .other(node)
      .decide({ kind: 'bind', session: { ...session, id: `${node}.1.1`, node, bindType } })
  world.time.advance(2000)
  for (let i = 0; i < 100; i++) {
    world.time.advance(10)
    esme.submit()
  }
  world.time.turn()
  const passed = esme.statuses.filter(status => status === 'ESME_ROK').length
  t.ok(passed >= 50 && passed <= 55, `${passed} of 100 in a second, half of the rate is node 2's`)
})

void t.test('beyond queueLimit submits are answered ESME_RMSGQFUL', async t => {
  const accounts = [account('esme1', { queueLimit: 3 })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound()
  for (let i = 0; i < 5; i++) esme.submit()
  world.time.turn()
  esme.submit()
  world.time.turn()
  t.same(esme.statuses.slice(0, 3), ['ESME_ROK', 'ESME_ROK', 'ESME_ROK'])
  t.same(esme.statuses.slice(3), ['ESME_RMSGQFUL', 'ESME_RMSGQFUL', 'ESME_RMSGQFUL'])
  t.equal(world.account.queued, 3)
})

void t.test(
  'without a leader a submit is refused in bounded time, and never counts (I8)',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    world.cluster.setLeader('none')
    esme.submit()
    world.time.advance(5100)
    t.same(esme.statuses, ['ESME_RSYSERR'])
    esme.submit()
    world.time.turn()
    t.same(esme.statuses, ['ESME_RSYSERR', 'ESME_RSYSERR'], 'at once by now')
    world.cluster.setLeader('here')
    world.time.advance(2000)
    t.equal(world.cluster.state.queued, 0)
    esme.submit()
    world.time.turn()
    t.equal(esme.statuses[2], 'ESME_ROK', 'service resumes by itself')
  },
)

void t.test('a leader change is a pause, not an error', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  world.cluster.setLeader('lost')
  esme.submit()
  world.time.advance(300)
  world.cluster.setLeader('none')
  esme.submit()
  world.time.advance(300)
  world.cluster.copies = 2
  world.cluster.setLeader('here')
  world.time.advance(1000)
  t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK'])
  t.equal(world.cluster.state.queued, 2)
})

void t.test('the first connector of the route that has binds is taken', async t => {
  const settings = gateway({
    connectors: [connector('smsc-a'), connector('smsc-b')],
    routes: [route('default', ['smsc-a', 'smsc-b'])],
  })
  const world = await FrontWorld.open(t, { settings })
  const esme = world.bound().submit()
  world.time.turn()
  const [a, b] = ['smsc-a', 'smsc-b'].map(id => world.cluster.state.connector(id)!)
  t.equal(a!.queued, 1, 'none is bound: the first')
  world.own({ kind: 'linkState', connector: b!.number, epoch: b!.epoch, binds: 1 })
  esme.submit()
  world.time.turn()
  t.equal(b!.queued, 1)
})

void t.test(
  'cancel_sm of nothing, replace_sm of nothing and a second bind get their own refusals',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    esme.ask(COMMAND_IDS.cancel_sm, encodeBody('cancel_sm', {}))
    esme.ask(COMMAND_IDS.replace_sm, encodeBody('replace_sm', {}))
    esme.ask(COMMAND_IDS.bind_transceiver, encodeBody('bind_transceiver', {}))
    await world.settle()
    t.same(esme.statuses, ['ESME_RINVDSTADR', 'ESME_RINVMSGID', 'ESME_RALYBND'])
  },
)

void t.test('throughputCounts: segments, and a long text takes as many tokens', async t => {
  const over = { throughputPerSecond: 50, throughputCounts: 'segments' } as const
  const world = await FrontWorld.open(t, {
    settings: gateway({ accounts: [account('esme1', over)] }),
  })
  const esme = world.bound()
  const long = (septets: number) => ({
    short_message: Buffer.alloc(0),
    tlvs: [tlv.octets('message_payload', Buffer.alloc(septets, 0x61))],
  })
  esme.submit(long(459)).submit().submit(long(161)).submit().submit() // five tokens: 3, 1, not 2, 1
  world.time.turn()
  const { statuses } = esme
  t.same(statuses, ['ESME_ROK', 'ESME_ROK', 'ESME_RTHROTTLED', 'ESME_ROK', 'ESME_RTHROTTLED'])
  world.time.advance(100)
  esme.submit(long(1530)).submit()
  world.time.turn()
  t.same(esme.statuses.slice(5), ['ESME_ROK', 'ESME_RTHROTTLED'], 'ten, of a full bucket of five')
  world.time.advance(119)
  esme.submit()
  world.time.turn()
  world.time.advance(1)
  esme.submit()
  world.time.turn()
  t.same(esme.statuses.slice(7), ['ESME_RTHROTTLED', 'ESME_ROK'], 'six tokens later')
})

import t from 'tap'
import type { OutcomeResult } from '../journal/index.js'
import { decodeBody, encodeBody, type Body, tlv } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { formatTime } from '../smpp/times.js'
import { OPEN_MAX } from './late-answers.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { answers, openTwo, submitted } from './testing/late-requests.js'

type Fields = Partial<Body<'replace_sm'>>

/** Submits one, and gives its id. */
const one = (
  world: FrontWorld,
  esme: EsmeClient,
  fields: Partial<Body<'submit_sm'>> = {},
): string => submitted(world, esme, fields)[0]!

function replace(esme: EsmeClient, message_id: string, fields: Fields = {}): void {
  const body = { source_addr: '1000', short_message: Buffer.from('other'), message_id, ...fields }
  esme.ask(COMMAND_IDS.replace_sm, encodeBody('replace_sm', body))
}

/** What would be sent for an id. */
function sentFor(world: FrontWorld, id: string): Body<'submit_sm'> | undefined {
  const { journal } = world.cluster
  const message = journal.message(journal.refsOf(id)[0]!)
  const decoded = decodeBody('submit_sm', message?.body ?? Buffer.alloc(0))
  return decoded.ok ? decoded.body : undefined
}

const textFor = (world: FrontWorld, id: string): string | undefined =>
  sentFor(world, id)?.short_message.toString()

for (const messageIdStyle of ['long', 'short'] as const)
  void t.test(`a message that waits is replaced, and keeps its id: ${messageIdStyle}`, async t => {
    const world = await openTwo(t, { messageIdStyle })
    const esme = world.bound()
    const id = one(world, esme, { registered_delivery: 0, data_coding: 8 })
    const untouched = one(world, esme)
    replace(esme, id.toUpperCase(), { registered_delivery: 1 })
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    t.equal(esme.answers.at(-1)!.body.length, 0, 'replace_sm_resp has no body')
    t.match(sentFor(world, id), { registered_delivery: 1, data_coding: 8 })
    t.equal(textFor(world, id), 'other')
    t.not(textFor(world, untouched), 'other')
    t.equal(world.cluster.state.queued, 2)
    replace(esme, id, { registered_delivery: 1, short_message: Buffer.from('third') })
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    t.equal(textFor(world, id), 'third')

    const query = encodeBody('query_sm', { message_id: id, source_addr: '1000' })
    esme.ask(COMMAND_IDS.query_sm, query)
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    esme.ask(
      COMMAND_IDS.cancel_sm,
      encodeBody('cancel_sm', { message_id: id, source_addr: '1000' }),
    )
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    world.time.advance(1000)
    t.match(esme.texts, [/stat:DELETED/], 'the submit wanted none')
    t.ok(esme.texts[0]!.includes(id))
    replace(esme, id)
    t.same(await answers(world, esme, 1), ['ESME_RREPLACEFAIL'])
  })

void t.test('the SMSC’s receipt of a replaced message names the id of its submit', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const id = one(world, esme)
  replace(esme, id, { registered_delivery: 1 })
  t.same(await answers(world, esme, 1), ['ESME_ROK'])
  world.receipts(world.dispatch())
  world.time.advance(1000)
  t.equal(esme.texts.length, 1)
  t.ok(esme.texts[0]!.includes(`id:${id}`))
})

void t.test('what does not fit is refused with the parameter’s error', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const other = world.bound({ system_id: 'esme2' })
  const id = one(world, esme, { source_addr_ton: 1, source_addr_npi: 1 })
  const past = formatTime(world.time.nowMs() - 1000)
  const cases: [string, Fields, string][] = [
    ['', {}, 'ESME_RINVMSGID'],
    ['nonsense', {}, 'ESME_RINVMSGID'],
    [`${id.slice(0, 17)}fff`, {}, 'ESME_RINVMSGID'],
    [id, { source_addr: '1001' }, 'ESME_RINVSRCADR'],
    [id, { source_addr: '' }, 'ESME_RINVSRCADR'],
    [id, { source_addr_ton: 2 }, 'ESME_RINVSRCADR'],
    [id, { tlvs: [tlv.octets('message_payload', Buffer.from('and'))] }, 'ESME_RINVMSGLEN'],
    [id, { schedule_delivery_time: 'nonsense' }, 'ESME_RINVSCHED'],
    [id, { schedule_delivery_time: formatTime(world.time.nowMs() - 61_000) }, 'ESME_RINVSCHED'],
    [id, { validity_period: past }, 'ESME_RINVEXPIRY'],
    [id, { validity_period: 'nonsense' }, 'ESME_RINVEXPIRY'],
    [id, { validity_period: '000000000000000R' }, 'ESME_RINVEXPIRY'],
  ]
  for (const [message_id, fields] of cases) replace(esme, message_id, fields)
  replace(other, id)
  t.same(
    await answers(world, esme, cases.length),
    cases.map(([, , status]) => status),
  )
  t.same(await answers(world, other, 1), ['ESME_RINVMSGID'])
  t.not(textFor(world, id), 'other')
  replace(esme, id, { source_addr_ton: 1, source_addr_npi: 1 })
  t.same(await answers(world, esme, 1), ['ESME_ROK'])
})

void t.test('what is claimed, in doubt, sent or concluded is not replaced', async t => {
  for (const result of ['unsent', 'doubt', 'sent', 'failed'] as OutcomeResult[]) {
    const world = await openTwo(t)
    const esme = world.bound()
    const id = one(world, esme)
    world.dispatch({ result })
    replace(esme, id)
    const expected = result === 'unsent' ? 'ESME_ROK' : 'ESME_RREPLACEFAIL'
    t.same(await answers(world, esme, 1), [expected], result)
  }
})

void t.test('a claim that comes into the log first wins over the front end’s view', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const id = one(world, esme)
  const { number, epoch } = world.cluster.state.connector('smsc-a')!
  world.cluster.setLeader('held')
  world.cluster.proposer.propose({ kind: 'claim', connector: number, epoch, count: 1 })
  replace(esme, id)
  t.same(await answers(world, esme, 1), ['ESME_ROK'], 'the submit’s; nothing is answered yet')
  world.cluster.setLeader('here')
  t.same(await answers(world, esme, 1), ['ESME_RREPLACEFAIL'])
  t.not(textFor(world, id), 'other')
})

void t.test('of several at once each counts, in the order of their answers', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const id = one(world, esme, { registered_delivery: 0 })
  const validity_period = formatTime(world.time.nowMs() + 60_000)
  replace(esme, id, { validity_period })
  for (let i = 0; i < 10; i++) replace(esme, id, { short_message: Buffer.from(`text ${i}`) })
  t.same(await answers(world, esme, 11), Array<string>(11).fill('ESME_ROK'))
  t.match(sentFor(world, id), { validity_period }, 'one without validity_period leaves it')
  t.match(textFor(world, id), /text \d/)
})

void t.test('a later validity_period keeps the message, an earlier one ends it', async t => {
  for (const [first, then, queued] of [
    ['000000000010000R', '000000000100000R', 1],
    ['000000000100000R', '000000000010000R', 0],
    ['', '000000000010000R', 0],
  ] as const) {
    const world = await openTwo(t)
    const esme = world.bound()
    const id = one(world, esme, { validity_period: first, registered_delivery: 0 })
    replace(esme, id, { validity_period: then })
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    const connector = world.cluster.state.connector('smsc-a')!
    const block = world.cluster.state.blocks.get(
      Math.floor(world.cluster.journal.refsOf(id)[0]! / 4096),
    )
    const endsBy = world.time.nowMs() + 11_000
    t.equal(block?.outlives(0, endsBy), queued === 1)
    t.ok([...connector.expiries.keys()].some(second => second * 1000 < endsBy))
  }
})

void t.test('what is scheduled is replaced, and stays scheduled', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const schedule_delivery_time = formatTime(world.time.nowMs() + 60_000)
  const id = one(world, esme, { schedule_delivery_time })
  replace(esme, id, { validity_period: '000000000030000R' })
  replace(esme, id)
  t.same(await answers(world, esme, 2), ['ESME_RINVEXPIRY', 'ESME_ROK'])
  t.same(world.dispatch(), [], 'it is not due')
  const { number, epoch } = world.cluster.state.connector('smsc-a')!
  const upTo = Math.floor(world.time.nowMs() / 1000) + 61
  world.own({ kind: 'due', connector: number, epoch, upTo, count: 10 })
  t.equal(textFor(world, id), 'other')
  t.equal(world.dispatch().length, 1)
})

void t.test('a connector that keeps no more scheduled messages lets none be moved', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const schedule_delivery_time = formatTime(world.time.nowMs() + 60_000)
  const id = one(world, esme, { schedule_delivery_time })
  const { schedules } = world.cluster.state.connector('smsc-a')!
  Object.defineProperty(schedules, 'isFull', { value: true })
  replace(esme, id, { schedule_delivery_time })
  replace(esme, id)
  t.same(await answers(world, esme, 2), ['ESME_RMSGQFUL', 'ESME_ROK'])
})

void t.test('a schedule_delivery_time moves what waits, later or earlier', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const { number, epoch } = world.cluster.state.connector('smsc-a')!
  const startMs = world.time.nowMs()
  const due = (seconds: number): string[] => {
    const upTo = Math.floor(startMs / 1000) + seconds
    world.own({ kind: 'due', connector: number, epoch, upTo, count: 100 })
    return world.dispatch().map(ref => world.cluster.journal.idOf(ref))
  }
  const at = (seconds: number): string => formatTime(startMs + seconds * 1000)
  const later = one(world, esme, { schedule_delivery_time: at(60) })
  const earlier = one(world, esme, { schedule_delivery_time: at(60) })
  const queued = one(world, esme)
  replace(esme, later, { schedule_delivery_time: at(100) })
  replace(esme, earlier, { schedule_delivery_time: at(30) })
  replace(esme, queued, { schedule_delivery_time: at(80), validity_period: at(81) })
  t.same(await answers(world, esme, 3), ['ESME_ROK', 'ESME_ROK', 'ESME_ROK'])
  t.match(sentFor(world, later), { schedule_delivery_time: '' }, 'it is our business')
  t.same(due(29), [])
  t.same(due(31), [earlier])
  t.same(due(61), [])
  t.same(due(81), [queued])
  replace(esme, later, { schedule_delivery_time: at(90), validity_period: at(90) })
  replace(esme, later)
  t.same(await answers(world, esme, 2), ['ESME_RINVEXPIRY', 'ESME_ROK'])
  t.same(due(99), [])
  t.same(due(101), [later])
  replace(esme, later, { schedule_delivery_time: at(200) })
  t.same(await answers(world, esme, 1), ['ESME_RREPLACEFAIL'])
})

void t.test(
  'one that is tried again has no schedule, nor has any before all nodes know',
  async t => {
    const world = await openTwo(t)
    const esme = world.bound()
    const schedule_delivery_time = '000000000100000R'
    const id = one(world, esme)
    world.dispatch({ result: 'retry', retryAtMs: world.time.nowMs() + 9000 })
    replace(esme, id, { schedule_delivery_time })
    replace(esme, id)
    t.same(await answers(world, esme, 2), ['ESME_RREPLACEFAIL', 'ESME_ROK'])
    world.cluster.state.rules = 7
    replace(esme, id, { schedule_delivery_time })
    t.same(await answers(world, esme, 1), ['ESME_RINVSCHED'])
  },
)

void t.test('the default validity of what is scheduled anew begins when it is due', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const id = one(world, esme)
  replace(esme, id, { schedule_delivery_time: '000200000000000R' })
  t.same(await answers(world, esme, 1), ['ESME_ROK'])
  const message = world.cluster.journal.message(world.cluster.journal.refsOf(id)[0]!)
  if (message?.kind !== 'submit') throw new Error('it is gone')
  t.equal(message.expiresAtMs, message.dueAtMs + world.cluster.state.settings.validityMs)
})

void t.test('a replacement takes a token of the account’s rate', async t => {
  const world = await openTwo(t, { throughputPerSecond: 2 })
  const esme = world.bound()
  const id = one(world, esme)
  world.time.advance(1000)
  for (let i = 0; i < 3; i++) replace(esme, id)
  const statuses = await answers(world, esme, 3)
  t.equal(statuses.filter(status => status === 'ESME_RTHROTTLED').length, 2, statuses.join())
})

void t.test('what is not committed in time, or cannot be, is ESME_RSYSERR', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const id = one(world, esme)
  world.cluster.setLeader('held')
  replace(esme, id)
  await answers(world, esme, 1)
  world.time.advance(5000)
  t.same(esme.statuses.slice(1), ['ESME_RSYSERR'])
  world.cluster.setLeader('here')
  await answers(world, esme, 1)
  t.equal(esme.statuses.length, 2, 'it is answered once')
  t.equal(textFor(world, id), 'other', 'nobody knew; it was applied')
  world.currentRead = () => Promise.reject(new Error('no quorum'))
  replace(esme, id)
  t.same(await answers(world, esme, 1), ['ESME_RSYSERR'])
})

void t.test('an account has so many open', async t => {
  const world = await openTwo(t, { window: 1000 })
  const esme = world.bound()
  const id = one(world, esme)
  world.cluster.setLeader('held')
  for (let i = 0; i <= OPEN_MAX; i++) replace(esme, id)
  t.same(await answers(world, esme, 1), ['ESME_RTHROTTLED'])
  t.equal(Object.keys(esme.statuses).length, 2, 'the submit’s, and that of one too many')
})

void t.test('before all living nodes know the rule, nothing is replaced', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const id = one(world, esme)
  world.cluster.state.rules = 5
  replace(esme, id)
  t.same(await answers(world, esme, 1), ['ESME_RREPLACEFAIL'])
  t.not(textFor(world, id), 'other')
})

void t.test('a receiver may not replace, and a wrong body gets its parameter’s error', async t => {
  const world = await openTwo(t)
  const receiver = world.bound({}, 'bind_receiver')
  replace(receiver, 'x')
  t.same(await answers(world, receiver, 1), ['ESME_RINVBNDSTS'])
  const esme = world.bound({ interface_version: 0x33 }, 'bind_transmitter')
  esme.ask(COMMAND_IDS.replace_sm, Buffer.from('1\0\0\0\0\0\0\0\0\x05ab'))
  t.same(await answers(world, esme, 1), ['ESME_RINVMSGLEN'])
  const id = one(world, esme)
  replace(esme, id)
  t.same(await answers(world, esme, 1), ['ESME_ROK'])
})

import t from 'tap'
import type { OutcomeItem, OutcomeResult, Ref } from '../journal/index.js'
import { decodeBody, encodeBody, type Body } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { SEARCH_TIMEOUT_MS } from './pending-search.js'
import { OPEN_MAX } from './late-answers.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { answers, openTwo, submitted } from './testing/late-requests.js'

const TO = '491701234567'

function cancel(esme: EsmeClient, fields: Partial<Body<'cancel_sm'>>): void {
  esme.ask(COMMAND_IDS.cancel_sm, encodeBody('cancel_sm', { source_addr: '1000', ...fields }))
}

const byAddresses = (fields: Partial<Body<'cancel_sm'>> = {}): Partial<Body<'cancel_sm'>> => ({
  destination_addr: TO,
  ...fields,
})

/** The connector takes all that is queued, and this becomes of it. */
function claimed(world: FrontWorld, result?: OutcomeResult): Ref[] {
  const connector = world.cluster.state.connector('smsc-a')!
  const { number, epoch } = connector
  world.own({ kind: 'claim', connector: number, epoch, count: 4096 })
  const refs = [...connector.claims.keys()]
  if (result === undefined) return refs
  const items = refs.map((ref): OutcomeItem => ({
    ref,
    attempt: connector.claims.get(ref) ?? 1,
    result,
    error: 0,
    smscId: '',
    retryAtMs: 0,
  }))
  world.own({ kind: 'outcomes', connector: number, epoch, items })
  return refs
}

for (const messageIdStyle of ['long', 'short'] as const)
  void t.test(`a message that waits is cancelled by its id: ${messageIdStyle}`, async t => {
    const world = await openTwo(t, { messageIdStyle })
    const esme = world.bound()
    const [id, other] = submitted(world, esme, {}, {})
    t.match(id, messageIdStyle === 'short' ? /^\d{8}$/ : /^[0-9a-f]{20}$/)
    cancel(esme, { message_id: id!.toUpperCase() })
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    t.equal(esme.answers.at(-1)!.body.length, 0, 'cancel_sm_resp has no body')
    t.equal(world.cluster.state.queued, 1)
    world.time.advance(1000)
    t.match(esme.texts, [/stat:DELETED/])
    t.ok(esme.texts[0]!.includes(id!))
    const query = encodeBody('query_sm', { message_id: id!, source_addr: '1000' })
    esme.ask(COMMAND_IDS.query_sm, query)
    t.same(await answers(world, esme, 1), ['ESME_ROK'])
    const told = decodeBody('query_sm_resp', esme.answers.at(-1)!.body)
    t.match(told, { body: { message_state: 4, final_date: /^\d{15}\+$/ } })
    cancel(esme, { message_id: id! })
    cancel(esme, { message_id: other!, destination_addr: TO })
    t.same(await answers(world, esme, 2), ['ESME_RCANCELFAIL', 'ESME_ROK'])
  })

void t.test('what does not fit is refused with the parameter’s error', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const other = world.bound({ system_id: 'esme2' })
  const [id, nameless] = submitted(
    world,
    esme,
    { source_addr_ton: 1, source_addr_npi: 1, dest_addr_ton: 1 },
    { source_addr: '' },
  )
  const message_id = id!
  const cases: [Partial<Body<'cancel_sm'>>, string][] = [
    [{ message_id: 'nonsense' }, 'ESME_RINVMSGID'],
    [{ message_id: `0000${message_id.slice(4)}` }, 'ESME_RINVMSGID'],
    [{ message_id: `${message_id.slice(0, 17)}fff` }, 'ESME_RINVMSGID'],
    [{ message_id, source_addr: '1001' }, 'ESME_RINVSRCADR'],
    [{ message_id, source_addr: '' }, 'ESME_RINVSRCADR'],
    [{ message_id, source_addr_ton: 2 }, 'ESME_RINVSRCADR'],
    [{ message_id, source_addr_npi: 8 }, 'ESME_RINVSRCADR'],
    [{ message_id, destination_addr: '4917' }, 'ESME_RINVDSTADR'],
    [{ message_id, destination_addr: TO, dest_addr_ton: 2 }, 'ESME_RINVDSTADR'],
    [{ message_id: nameless! }, 'ESME_RINVSRCADR'],
    [{}, 'ESME_RINVDSTADR'],
    [byAddresses({ source_addr: '1001' }), 'ESME_RCANCELFAIL'],
  ]
  for (const [fields] of cases) cancel(esme, fields)
  t.same(
    await answers(world, esme, cases.length),
    cases.map(([, status]) => status),
  )
  cancel(other, { message_id })
  cancel(other, byAddresses())
  t.same(await answers(world, other, 2), ['ESME_RINVMSGID', 'ESME_RCANCELFAIL'])
  t.equal(world.cluster.state.queued, 2)
  cancel(esme, { message_id: nameless!, source_addr: '' })
  cancel(esme, { message_id, source_addr_ton: 1, source_addr_npi: 1, service_type: 'CMT' })
  t.same(await answers(world, esme, 2), ['ESME_ROK', 'ESME_ROK'])
})

void t.test('what is claimed, in doubt, sent or concluded is not cancelled', async t => {
  for (const result of [undefined, 'doubt', 'sent', 'failed'] as const) {
    const world = await openTwo(t)
    const esme = world.bound()
    const [id] = submitted(world, esme, {})
    claimed(world, result)
    cancel(esme, { message_id: id! })
    cancel(esme, byAddresses())
    const statuses = await answers(world, esme, 2)
    t.same(statuses, ['ESME_RCANCELFAIL', 'ESME_RCANCELFAIL'], result ?? 'claimed')
  }
})

void t.test('a claim that comes into the log first wins over the front end’s view', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const [id] = submitted(world, esme, {})
  const { number, epoch } = world.cluster.state.connector('smsc-a')!
  world.cluster.setLeader('held')
  world.cluster.proposer.propose({ kind: 'claim', connector: number, epoch, count: 1 })
  cancel(esme, { message_id: id! })
  t.same(await answers(world, esme, 1), ['ESME_ROK'], 'the submit’s; nothing is answered yet')
  t.equal(world.cluster.state.queued, 1, 'the front end has seen it wait')
  world.cluster.setLeader('here')
  t.same(await answers(world, esme, 1), ['ESME_RCANCELFAIL'])
})

void t.test('by addresses all that match and wait are cancelled, and nothing else', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const other = world.bound({ system_id: 'esme2' })
  submitted(world, esme, {})
  claimed(world, 'retry')
  submitted(world, esme, {}, { priority_flag: 3 }, { service_type: 'CMT' })
  submitted(world, esme, { destination_addr: `00${TO}` }, { source_addr: '1001' })
  submitted(world, other, {})
  cancel(esme, byAddresses({ service_type: 'CMT' }))
  t.same(await answers(world, esme, 1), ['ESME_ROK'])
  t.equal(world.cluster.state.queued, 6)
  cancel(esme, byAddresses({ service_type: 'CMT' }))
  cancel(esme, byAddresses())
  t.same(await answers(world, esme, 2), ['ESME_RCANCELFAIL', 'ESME_ROK'])
  t.equal(world.cluster.state.queued, 3, 'another number, another source, another account')
  t.equal(world.cluster.state.connector('smsc-a')!.retries.size, 0)
  world.time.advance(1000)
  t.equal(esme.texts.filter(text => text.includes('stat:DELETED')).length, 4)
})

void t.test('a message that comes after the cancel_sm by addresses is not meant', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  for (let i = 0; i < 100; i++) submitted(world, esme, {}) // an entry each: several turns
  cancel(esme, byAddresses())
  await world.settle()
  t.not(esme.statuses.length, 101, 'it is not done in one turn')
  submitted(world, esme, {}, { priority_flag: 3 }) // a queue that is not read yet
  await answers(world, esme, 1)
  t.equal(esme.answers[100]?.status, 'ESME_ROK')
  t.equal(world.cluster.state.queued, 2)
})

void t.test('a snapshot in the middle of a search begins it anew', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  for (let i = 0; i < 100; i++) submitted(world, esme, {})
  cancel(esme, byAddresses())
  await world.settle()
  const { journal } = world.cluster
  await journal.flush()
  const source = await journal.snapshot()
  const stage = await journal.stage()
  for await (const chunk of source.chunks()) await stage.write(chunk)
  await stage.finish(source.index)
  await journal.install(source.index)
  t.same(await answers(world, esme, 1), ['ESME_ROK'])
  t.equal(world.cluster.state.queued, 0)
})

void t.test('what is not committed in time, or cannot be, is ESME_RSYSERR', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const [id] = submitted(world, esme, {})
  world.cluster.setLeader('held')
  cancel(esme, { message_id: id! })
  cancel(esme, byAddresses())
  await answers(world, esme, 1)
  world.time.advance(5000)
  t.same(esme.statuses.slice(1), ['ESME_RSYSERR'])
  world.time.advance(SEARCH_TIMEOUT_MS)
  t.same(esme.statuses.slice(1), ['ESME_RSYSERR', 'ESME_RSYSERR'])
  world.cluster.setLeader('here')
  await answers(world, esme, 1)
  t.equal(esme.statuses.length, 3, 'each is answered once')
  world.currentRead = () => Promise.reject(new Error('no quorum'))
  cancel(esme, { message_id: id! })
  t.same(await answers(world, esme, 1), ['ESME_RSYSERR'])
})

void t.test('an account has so many open, and leaves the others theirs', async t => {
  const world = await openTwo(t, { window: 1000 })
  const esme = world.bound()
  const other = world.bound({ system_id: 'esme2' })
  const [id] = submitted(world, other, {})
  world.cluster.setLeader('held')
  for (let i = 0; i <= OPEN_MAX; i++) cancel(esme, byAddresses())
  t.same((await answers(world, esme, 1)).length, 1)
  t.equal(esme.statuses.filter(status => status === 'ESME_RTHROTTLED').length, 1)
  cancel(other, { message_id: id! })
  world.cluster.setLeader('here')
  t.same(await answers(world, other, 1), ['ESME_ROK'])
})

void t.test('before all living nodes know the rule, nothing is cancelled', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const [id] = submitted(world, esme, {})
  world.cluster.state.rules = 2
  cancel(esme, { message_id: id! })
  cancel(esme, byAddresses())
  t.same(await answers(world, esme, 2), ['ESME_RCANCELFAIL', 'ESME_RCANCELFAIL'])
  t.equal(world.cluster.state.queued, 1)
})

void t.test('a receiver may not cancel, and a wrong body gets its parameter’s error', async t => {
  const world = await openTwo(t)
  const esme = world.bound({}, 'bind_receiver')
  cancel(esme, { message_id: 'x' })
  t.same(await answers(world, esme, 1), ['ESME_RINVBNDSTS'])
  const sender = world.bound({ interface_version: 0x33 }, 'bind_transmitter')
  sender.ask(COMMAND_IDS.cancel_sm, Buffer.from('\0'.repeat(3)))
  t.notSame(await answers(world, sender, 1), ['ESME_ROK'])
  const [id] = submitted(world, sender, {})
  t.match(id, /^\d{8}$/, 'SMPP 3.3')
  cancel(sender, { message_id: id! })
  t.same(await answers(world, sender, 1), ['ESME_ROK'])
})

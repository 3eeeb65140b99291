import t from 'tap'
import type { OutcomeResult } from '../journal/index.js'
import type { Account, Connector, VendorTlv } from '../policy/settings.js'
import { decodeBody, type Body } from '../smpp/codec.js'
import { formatTime } from '../smpp/times.js'
import { account, connector, gateway } from '../testing/gateway.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { answers, openTwo, submitted } from './testing/late-requests.js'

type Fields = Partial<Body<'submit_sm'>>

const NEW = { replace_if_present_flag: 1, short_message: Buffer.from('new') }

/** Submits with the flag; the id that it is given. */
async function replacing(world: FrontWorld, esme: EsmeClient, fields: Fields = {}) {
  esme.submit({ ...NEW, ...fields })
  const [status] = await answers(world, esme, 1)
  return status === 'ESME_ROK' ? esme.answers.at(-1)!.message_id : status
}

/** What would be sent for an id. */
function sentFor(world: FrontWorld, id: string): Body<'submit_sm'> | undefined {
  const { journal } = world.cluster
  const message = journal.message(journal.refsOf(id)[0]!)
  const decoded = decodeBody('submit_sm', message?.body ?? Buffer.alloc(0))
  return decoded.ok ? decoded.body : undefined
}

for (const messageIdStyle of ['long', 'short'] as const)
  void t.test(
    `the message that waits is replaced, and its id answered: ${messageIdStyle}`,
    async t => {
      const world = await openTwo(t, { messageIdStyle })
      const esme = world.bound()
      const [id] = submitted(world, esme, { registered_delivery: 0, data_coding: 8 })
      t.equal(await replacing(world, esme, { registered_delivery: 1 }), id)
      t.match(sentFor(world, id!), { registered_delivery: 1, data_coding: 0 })
      t.equal(sentFor(world, id!)!.short_message.toString(), 'new')
      t.equal(world.cluster.state.queued, 1)
      t.equal(await replacing(world, esme), id, 'and again')
      world.receipts(world.dispatch())
      world.time.advance(1000)
      t.equal(esme.texts.length, 1)
      t.ok(esme.texts[0]!.includes(`id:${id}`), 'one message, one receipt')
    },
  )

void t.test('only what has the same addresses and service_type is replaced', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const other = world.bound({ system_id: 'esme2' })
  const stored = { source_addr_ton: 5, service_type: 'CMT' }
  const [id] = submitted(world, esme, stored)
  for (const fields of [
    { ...stored, source_addr: '1001' },
    { ...stored, source_addr_ton: 1 },
    { ...stored, destination_addr: '491701234568' },
    { ...stored, service_type: 'WAP' },
    { ...stored, service_type: '' },
  ])
    t.not(await replacing(world, esme, fields), id, JSON.stringify(fields))
  t.not(await replacing(world, other, stored), id, 'another account')
  t.equal(world.cluster.state.queued, 7)
  t.equal(sentFor(world, id!)!.short_message.toString(), 'hello')
  t.equal(await replacing(world, esme, stored), id)
  t.equal(world.cluster.state.queued, 7)
})

void t.test('of several the newest is replaced', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const [old] = submitted(world, esme, {})
  const [newest] = submitted(world, esme, {})
  t.equal(await replacing(world, esme), newest)
  t.equal(sentFor(world, old!)!.short_message.toString(), 'hello')
})

void t.test('what is claimed, in doubt, sent or concluded is not replaced', async t => {
  for (const result of ['unsent', 'retry', 'doubt', 'sent', 'failed'] as OutcomeResult[]) {
    const world = await openTwo(t)
    const esme = world.bound()
    const [id] = submitted(world, esme, {})
    world.dispatch({ result })
    const now = await replacing(world, esme)
    const waits = result === 'unsent' || result === 'retry'
    t.equal(now === id, waits, result)
    t.equal(sentFor(world, now!)!.short_message.toString(), 'new')
  }
})

void t.test('a claim between the search and the log wins: the message is a new one', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const [id] = submitted(world, esme, {})
  const { journal } = world.cluster
  const message = journal.message.bind(journal)
  let looks = 0
  journal.message = ref => {
    const found = message(ref)
    if (++looks === 2) world.dispatch({ result: 'sent' }) // the search has read it, and now it is to be replaced
    return found
  }
  const now = await replacing(world, esme)
  t.not(now, id)
  t.equal(world.cluster.state.queued, 1)
})

void t.test('those that come together replace each other, and one is left', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const second = world.bound()
  for (const n of [1, 2, 3]) {
    esme.submit({ ...NEW, short_message: Buffer.from(`esme ${n}`) })
    second.submit({ ...NEW, short_message: Buffer.from(`second ${n}`) })
  }
  await answers(world, esme, 3)
  await answers(world, second, 3)
  const ids = [...esme.answers, ...second.answers].map(({ message_id }) => message_id)
  t.equal(new Set(ids).size, 1)
  t.equal(world.cluster.state.queued, 1)
  t.equal(sentFor(world, ids[0]!)!.short_message.toString(), 'second 3')
})

void t.test('all its times count, those too that it does not name', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const hour = formatTime(world.time.nowMs() + 3_600_000)
  const [id] = submitted(world, esme, { schedule_delivery_time: hour })
  const block = world.cluster.state.blocks.get(
    Math.floor(world.cluster.journal.refsOf(id!)[0]! / 4096),
  )!
  t.ok(block.isScheduled(0))
  t.equal(await replacing(world, esme, { schedule_delivery_time: hour }), id)
  t.notOk(block.isDue(0, Math.floor(world.time.nowMs() / 1000) + 5))
  t.equal(sentFor(world, id!)!.schedule_delivery_time, '', 'its schedule is ours')
  t.equal(await replacing(world, esme), id)
  t.ok(block.isDue(0, Math.ceil(world.time.nowMs() / 1000)), 'at once')
  const [brief] = submitted(world, esme, {
    destination_addr: '49',
    validity_period: '000000000010000R',
  })
  t.equal(await replacing(world, esme, { destination_addr: '49' }), brief)
  const { expiresAtMs } = world.cluster.journal.message(
    world.cluster.journal.refsOf(brief!)[0]!,
  ) as {
    expiresAtMs: number
  }
  t.ok(expiresAtMs >= world.time.nowMs() + world.cluster.state.settings.validityMs - 1000)
  const past = formatTime(world.time.nowMs() - 1000)
  t.equal(await replacing(world, esme, { validity_period: past }), 'ESME_RINVEXPIRY')
})

void t.test('a connector that keeps no more scheduled messages lets none be moved', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const hour = formatTime(world.time.nowMs() + 3_600_000)
  const [id] = submitted(world, esme, { schedule_delivery_time: hour })
  const { schedules } = world.cluster.state.connector('smsc-a')!
  Object.defineProperty(schedules, 'isFull', { value: true })
  t.equal(await replacing(world, esme, { schedule_delivery_time: hour }), 'ESME_RMSGQFUL')
  t.equal(await replacing(world, esme), id, 'at once')
})

void t.test('one of a submit_multi, or from HTTP, is not replaced', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  const [id] = submitted(world, esme, {})
  const ref = world.cluster.journal.refsOf(id!)[0]!
  world.cluster.state.blocks.get(Math.floor(ref / 4096))!.setWatched(ref % 4096)
  t.not(await replacing(world, esme), id)
})

void t.test('without a quorum nobody knows, and nothing is accepted', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  submitted(world, esme, {})
  world.currentRead = () => Promise.reject(new Error('no quorum'))
  t.equal(await replacing(world, esme), 'ESME_RSYSERR')
  t.equal(world.cluster.state.queued, 1)
  world.currentRead = () => Promise.resolve()
  t.ok(await replacing(world, esme), 'the next one has its turn')
  t.equal(world.cluster.state.queued, 1)
})

void t.test(
  'more than may be open are throttled; those that wait too long get ESME_RSYSERR',
  async t => {
    const settings = gateway({
      accounts: [account('esme1', { window: 2000 })],
      connectors: [connector('smsc-a')],
    })
    const world = await FrontWorld.open(t, { settings })
    const esme = world.bound()
    let go = (): void => undefined
    world.currentRead = () =>
      new Promise<void>(resolve => {
        go = resolve
      })
    for (let n = 0; n < 1001; n++) esme.submit({ ...NEW, destination_addr: `49${n}` })
    await world.settle()
    t.same(Object.values(esme.statuses), ['ESME_RTHROTTLED'])
    world.time.advance(30_000)
    await world.settle()
    t.equal(esme.statuses.filter(status => status === 'ESME_RSYSERR').length, 1000)
    go()
    await world.settle()
    t.equal(world.cluster.state.queued, 0, 'nothing is accepted behind its refusal')
  },
)

void t.test('what has no flag costs no current read', async t => {
  const world = await openTwo(t)
  const esme = world.bound()
  world.currentRead = () => Promise.reject(new Error('asked'))
  submitted(world, esme, {})
  t.equal(world.cluster.state.queued, 1)
})

for (const [of, to] of [
  [{ tlvs: { from: { cost: 'refuse', campaign: 'strip' } } }, {}],
  [{ tlvs: { from: { campaign: 'strip' } } }, { tlvs: { to: { cost: 'refuse' } } }],
] as [Partial<Account>, Partial<Connector>][])
  void t.test(`rules for TLVs hold: ${JSON.stringify([of, to])}`, async t => {
    const tlvs: VendorTlv[] = [
      { name: 'campaign', tag: 0x1401, type: 'cstring', min: 2, max: 9 },
      { name: 'cost', tag: 0x1402, type: 'uint32', min: 4, max: 4 },
    ]
    const accounts = [account('esme1', of)]
    const connectors = [connector('smsc-a', to)]
    const world = await FrontWorld.open(t, { settings: gateway({ tlvs, accounts, connectors }) })
    const esme = world.bound()
    const [id] = submitted(world, esme, {})
    const cost = { tag: 0x1402, value: Buffer.of(0, 0, 0, 1) }
    const campaign = { tag: 0x1401, value: Buffer.from('abc\0') }
    t.equal(await replacing(world, esme, { tlvs: [cost] }), 'ESME_ROPTPARNOTALLWD')
    t.equal(await replacing(world, esme, { tlvs: [campaign] }), id)
    t.same(sentFor(world, id!)!.tlvs, [])
  })

import t from 'tap'
import type { OutcomeItem } from '../journal/index.js'
import { decodeBody, encodeBody, type Body } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { ESM_CLASS } from '../smpp/constants.js'
import { account, connector, gateway } from '../testing/gateway.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { OF_SESSION_MAX } from './transactions.js'

const TRANSACTION = { esm_class: ESM_CLASS.transaction }

type Fields = Partial<Body<'submit_sm'>>

async function open(tap: { teardown(fn: () => unknown): void }, over = {}) {
  const settings = gateway({
    accounts: [account('esme1', { window: 1000, ...over })],
    connectors: [connector('smsc-a', { binds: 10, window: 1000 })],
  })
  const world = await FrontWorld.open(tap, { settings })
  return { world, esme: world.bound({ interface_version: 0x34 }) }
}

function submit(world: FrontWorld, esme: EsmeClient, fields: Fields = {}): void {
  esme.submit({ ...TRANSACTION, ...fields })
  world.time.turn()
}

interface Inside {
  onEffect(effect: unknown): void
  onReset(): void
}

/** What the SMSC would get of the message. */
function stored(world: FrontWorld, ref: number): Body<'submit_sm'> | undefined {
  const decoded = decodeBody('submit_sm', world.cluster.journal.message(ref)!.body)
  return decoded.ok ? decoded.body : undefined
}

void t.test('the response waits for the SMSC, and there is no receipt', async t => {
  const { world, esme } = await open(t)
  submit(world, esme, { registered_delivery: 0x1d })
  world.time.advance(2000)
  t.same(esme.answers, [], 'committed, and not answered')
  t.equal(world.cluster.state.queued, 1)
  const [ref] = world.dispatch()
  t.same(esme.statuses, ['ESME_ROK'])
  t.equal(esme.answers[0]!.message_id, world.cluster.journal.idOf(ref!))
  world.time.advance(60_000)
  t.same(esme.texts, [])
  const query = encodeBody('query_sm', { message_id: esme.answers[0]!.message_id })
  esme.ask(COMMAND_IDS.query_sm, query)
  await world.settle()
  const said = decodeBody('query_sm_resp', esme.answers[1]!.body)
  t.match(said, { body: { message_state: 2 } }, 'DELIVERED')
})

void t.test('the SMSC is asked for no receipt, and as long as its ESME waits', async t => {
  const { world, esme } = await open(t, { transactionTimeoutMs: 5000 })
  submit(world, esme, { registered_delivery: 0x1d, validity_period: '000001000000000R' })
  const index = world.cluster.state.appliedIndex
  const message = world.cluster.journal.message(index * 4096)!
  t.match(stored(world, index * 4096), { registered_delivery: 0x0c, esm_class: 2 })
  t.match(message, { expiresAtMs: world.time.nowMs() + 5000 })
})

for (const { outcome, status } of [
  {
    outcome: { result: 'failed', error: COMMAND_STATUS.ESME_RINVDSTADR },
    status: 'ESME_RINVDSTADR',
  },
  { outcome: { result: 'failed', error: 0x410 }, status: '0x00000410' },
  { outcome: { result: 'failed' }, status: 'ESME_RDELIVERYFAILURE' },
  { outcome: { result: 'expired', error: 88 }, status: 'ESME_RDELIVERYFAILURE' },
] as { outcome: Partial<OutcomeItem>; status: string }[])
  void t.test(`${JSON.stringify(outcome)} is answered ${status}`, async t => {
    const { world, esme } = await open(t)
    submit(world, esme)
    world.dispatch({ smscId: '', ...outcome })
    t.same(esme.statuses, [status])
    t.equal(esme.answers[0]!.body.length, 0)
    world.time.advance(60_000)
    t.equal(esme.answers.length, 1)
  })

void t.test('a retry and a doubt are waited for', async t => {
  const { world, esme } = await open(t, { transactionTimeoutMs: 9000 })
  for (const result of ['retry', 'doubt'] as const) {
    submit(world, esme)
    world.dispatch({ result, smscId: '', retryAtMs: world.time.nowMs() })
  }
  world.time.advance(8900)
  t.same(esme.answers, [])
  world.time.advance(200)
  t.same(esme.statuses, ['ESME_RDELIVERYFAILURE', 'ESME_RDELIVERYFAILURE'])
  t.equal(world.cluster.state.queued, 0, 'what waits is cancelled')
  t.equal(world.cluster.state.inFlight, 1, 'what may be at the SMSC cannot be')
})

void t.test('at its time-out what waits is answered, and never sent', async t => {
  const { world, esme } = await open(t, { transactionTimeoutMs: 2000 })
  submit(world, esme)
  world.time.advance(1999)
  t.same(esme.answers, [])
  world.time.advance(2)
  t.same(esme.statuses, ['ESME_RDELIVERYFAILURE'])
  t.equal(world.cluster.state.queued, 0)
  t.equal(world.cluster.state.receiptsQueued, 0)
})

void t.test('what its session waits for no more is cancelled', async t => {
  const { world, esme } = await open(t)
  submit(world, esme)
  submit(world, esme)
  t.equal(world.cluster.state.queued, 2)
  esme.link.close('gone')
  world.time.advance(100)
  t.equal(world.cluster.state.queued, 0)
})

void t.test('the end that came with a snapshot is answered', async t => {
  const { world, esme } = await open(t)
  submit(world, esme)
  const inside = world.front as unknown as Inside
  inside.onEffect = () => undefined
  world.dispatch()
  delete (inside as Partial<Inside>).onEffect
  t.same(esme.answers, [], 'its effect was lost with the old state')
  inside.onReset()
  world.time.turn()
  t.same(esme.statuses, ['ESME_ROK'])
})

void t.test('a session may have so many open, and other messages as ever', async t => {
  const { world, esme } = await open(t)
  for (let n = 0; n < OF_SESSION_MAX + 1; n++) esme.submit(TRANSACTION)
  esme.submit()
  world.time.turn()
  t.equal(esme.answers[OF_SESSION_MAX]!.status, 'ESME_RTHROTTLED')
  t.equal(esme.answers[OF_SESSION_MAX + 1]!.status, 'ESME_ROK')
  const other = world.bound()
  other.submit(TRANSACTION)
  world.time.turn()
  world.dispatch()
  t.equal(esme.statuses.filter(status => status === 'ESME_ROK').length, OF_SESSION_MAX + 1)
  t.same(other.statuses, ['ESME_ROK'])
  submit(world, esme)
  world.dispatch()
  t.equal(esme.statuses.at(-1), 'ESME_ROK', 'there is room again')
})

void t.test('what the log refuses is answered as any', async t => {
  const { world, esme } = await open(t, { queueLimit: 1 })
  esme.submit({ ...TRANSACTION, destination_addr: '49171' }).submit(TRANSACTION)
  world.time.turn()
  t.same(
    Object.values(esme.answers).map(({ status }) => status),
    ['ESME_RMSGQFUL'],
  )
  world.dispatch()
  t.equal(esme.statuses[0], 'ESME_ROK')
})

void t.test('what does not go together with it', async t => {
  const { world, esme } = await open(t)
  submit(world, esme, { schedule_delivery_time: '000000010000000R' })
  const to = { dest_flag: 1 as const, dest_addr_ton: 0, dest_addr_npi: 0, destination_addr: '49' }
  const multi = { ...TRANSACTION, dest_address: [to], short_message: Buffer.from('x') }
  esme.ask(COMMAND_IDS.submit_multi, encodeBody('submit_multi', multi))
  world.time.turn()
  t.same(esme.statuses, ['ESME_RINVSCHED', 'ESME_RINVESMCLASS'])
  t.equal(world.cluster.state.queued, 0)
})

void t.test('a data_sm waits as well; the other modes do not', async t => {
  const { world, esme } = await open(t)
  for (const esm_class of [2, 0x42, 0, 1, 3]) {
    const data = { esm_class, destination_addr: '49170' }
    esme.ask(COMMAND_IDS.data_sm, encodeBody('data_sm', data))
  }
  world.time.turn()
  t.same(Object.keys(esme.answers), ['2', '3', '4'])
  world.dispatch()
  t.same(esme.statuses, Array(5).fill('ESME_ROK'))
})

void t.test('it replaces nothing, and is not replaced', async t => {
  const { world, esme } = await open(t)
  const flag = { replace_if_present_flag: 1 }
  esme.submit()
  submit(world, esme, flag)
  await world.settle()
  t.equal(world.cluster.state.queued, 2)
  world.own({
    kind: 'cancel',
    account: 1,
    refs: world.cluster.journal.refsOf(esme.answers[0]!.message_id),
  })
  esme.submit(flag)
  for (let n = 0; n < 5; n++) await world.settle()
  t.equal(world.cluster.state.queued, 2, 'a message of its own')
  world.dispatch()
  t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK', 'ESME_ROK'])
})

void t.test('SMPP 3.3 knows no modes', async t => {
  const { world } = await open(t)
  const esme = world.bound({ interface_version: 0x33 }, 'bind_transmitter')
  submit(world, esme)
  t.same(esme.statuses, ['ESME_ROK'])
})

void t.test(
  'the resubmission window does not know it: its id would say that it was delivered',
  async t => {
    const { world, esme } = await open(t, { resubmissionWindowMs: 60_000 })
    submit(world, esme)
    world.dispatch({ result: 'doubt', smscId: '' })
    esme.link.close('gone')
    world.time.advance(1000)
    const again = world.bound()
    submit(world, again)
    world.time.advance(1000)
    t.same(again.answers, [])
    world.dispatch()
    t.same(again.statuses, ['ESME_ROK'])
  },
)

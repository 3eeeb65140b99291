import t from 'tap'
import { SubmitReader } from '../smpp/submit-reader.js'
import type { DistributionList } from '../policy/settings.js'
import { decodeBody, encodeBody, tlv, type Body, type DestAddress } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { account, gateway, route } from '../testing/gateway.js'
import type { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { answers } from './testing/late-requests.js'

const sme = (destination_addr: string): DestAddress => ({
  dest_flag: 1,
  dest_addr_ton: 1,
  dest_addr_npi: 1,
  destination_addr,
})
const named = (dl_name: string): DestAddress => ({ dest_flag: 2, dl_name })
const numbers = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `49${1000 + i}`)
const THREE = ['4917001', '4917002', '4917003']
const STAFF: DistributionList = { name: 'staff', account: 'esme1', ton: 1, npi: 1, members: THREE }

/** A world with `esme1`, which has `over`, and a list of it; numbers that begin with 00 have no route. */
const open = (tap: { teardown(fn: () => unknown): void }, over = {}): Promise<FrontWorld> =>
  FrontWorld.open(tap, {
    settings: gateway({
      accounts: [account('esme1', over), account('esme2')],
      routes: [route('default', ['smsc-a'], { destinationPrefix: '49' })],
      distributionLists: [STAFF],
    }),
  })

function multi(
  esme: EsmeClient,
  to: readonly (DestAddress | string)[],
  fields: Partial<Body<'submit_multi'>> = {},
): void {
  const dest_address = to.map(one => (typeof one === 'string' ? sme(one) : one))
  const body = { source_addr: '1000', registered_delivery: 1, short_message: Buffer.from('hello') }
  esme.ask(
    COMMAND_IDS.submit_multi,
    encodeBody('submit_multi', { ...body, dest_address, ...fields }),
  )
}

/** The last answer, and whom it says to be refused. */
function outcome(esme: EsmeClient): { status: string; id: string; refused: string[] } {
  const { status, body } = esme.answers.at(-1)!
  const decoded = decodeBody('submit_multi_resp', body)
  if (!decoded.ok) throw new Error('the response cannot be read')
  return {
    status,
    id: decoded.body.message_id,
    refused: decoded.body.unsuccess_sme.map(
      ({ destination_addr, error_status_code }) =>
        `${destination_addr} ${statusText(error_status_code)}`,
    ),
  }
}

/** Destinations of all that was taken for smsc-a, in its order, each with its place. */
function dispatched(world: FrontWorld): { to: string; ref: number; body: Buffer }[] {
  const reader = new SubmitReader()
  return world.dispatch().map(ref => {
    const body = world.cluster.journal.message(ref)?.body ?? Buffer.alloc(0)
    reader.read(body, 'submit_sm')
    return { to: reader.destination_addr, ref, body }
  })
}

void t.test(
  'each destination is a message, and all are answered at once when they are applied',
  async t => {
    const world = await open(t)
    const esme = world.bound()
    world.cluster.setLeader('held')
    multi(esme, ['491', named('staff'), '492'], { tlvs: [tlv.uint16('user_message_reference', 9)] })
    world.time.turn()
    t.same(esme.answers, [])
    world.cluster.setLeader('here')
    world.time.turn()
    t.match(outcome(esme), { status: 'ESME_ROK', refused: [] })
    t.equal(world.account.queued, 5)
    const sent = dispatched(world)
    t.same(
      sent.map(({ to }) => to),
      ['491', ...THREE, '492'],
    )
    t.equal(outcome(esme).id, world.cluster.journal.idOf(sent[0]!.ref))
    const expected = {
      source_addr: '1000',
      dest_addr_ton: 1,
      dest_addr_npi: 1,
      destination_addr: '491',
      registered_delivery: 1,
      short_message: Buffer.from('hello'),
      tlvs: [tlv.uint16('user_message_reference', 9)],
    }
    t.same(sent[0]!.body, encodeBody('submit_sm', expected))
  },
)

for (const messageIdStyle of ['long', 'short'] as const)
  void t.test(`all receipts name the id of the response: ${messageIdStyle}`, async t => {
    const world = await open(t, { messageIdStyle })
    const esme = world.bound()
    multi(esme, THREE)
    world.time.turn()
    const { id } = outcome(esme)
    t.equal(id.length, messageIdStyle === 'short' ? 8 : 20)
    const [first, ...others] = world.dispatch()
    world.receipts([first!, ...others])
    world.time.advance(1000)
    t.equal(esme.texts.length, 3)
    for (const text of esme.texts) t.ok(text.includes(`id:${id}`))
  })

void t.test('receipts of our own name it too, and their destination', async t => {
  const world = await open(t)
  const esme = world.bound()
  multi(esme, THREE)
  world.time.turn()
  world.dispatch({ result: 'failed', error: 11 })
  world.time.advance(1000)
  const { id } = outcome(esme)
  t.same(
    esme.delivered.map(({ source_addr }) => source_addr),
    THREE,
  )
  for (const text of esme.texts) t.ok(text.includes(`id:${id}`))
})

void t.test('who is refused is named with the reason, and the others go', async t => {
  const world = await open(t, { throughputPerSecond: 40 }) // four at once
  const esme = world.bound()
  multi(esme, ['00', '491', named('nobody'), '', '492', '493'])
  world.time.turn()
  t.match(outcome(esme), {
    status: 'ESME_ROK',
    refused: [
      'nobody ESME_RINVDLNAME',
      '00 ESME_RINVDSTADR',
      ' ESME_RINVDSTADR',
      '493 ESME_RTHROTTLED',
    ],
  })
  t.same(
    dispatched(world).map(({ to }) => to),
    ['491', '492'],
  )
})

void t.test('queueLimit is exact, and counts destinations', async t => {
  const world = await open(t, { queueLimit: 2 })
  const esme = world.bound()
  multi(esme, THREE)
  world.time.turn()
  t.match(outcome(esme), { status: 'ESME_ROK', refused: ['4917003 ESME_RMSGQFUL'] })
  multi(esme, THREE)
  world.time.turn()
  t.match(outcome(esme), { status: 'ESME_RMSGQFUL', refused: [] })
})

void t.test(
  'where none is accepted, the common reason is the status, or ESME_RSUBMITFAIL',
  async t => {
    const world = await open(t)
    const esme = world.bound()
    multi(esme, ['001', '002'])
    world.time.turn()
    t.equal(outcome(esme).status, 'ESME_RINVDSTADR')
    multi(esme, [named('nobody')])
    world.time.turn()
    t.equal(outcome(esme).status, 'ESME_RINVDLNAME')
    multi(esme, ['001', named('nobody')])
    world.time.turn()
    t.equal(outcome(esme).status, 'ESME_RSUBMITFAIL')
    t.equal(esme.answers.at(-1)!.body.length, 0)
    t.equal(world.account.queued, 0)
  },
)

void t.test(
  'what is wrong with all of it is its status, and nobody’s list is another account’s',
  async t => {
    const world = await open(t)
    const esme = world.bound()
    const other = world.bound({ system_id: 'esme2' })
    const payload = Buffer.alloc(5000)
    const cases: [() => void, string][] = [
      [() => multi(esme, []), 'ESME_RINVNUMDESTS'],
      [() => multi(esme, [...numbers(252), named('staff')]), 'ESME_RINVNUMDESTS'],
      [() => multi(esme, numbers(255)), 'ESME_RINVNUMDESTS'],
      [
        () =>
          multi(esme, numbers(254), {
            short_message: Buffer.alloc(0),
            tlvs: [tlv.octets('message_payload', payload)],
          }),
        'ESME_RINVNUMDESTS',
      ],
      [
        () => multi(esme, THREE, { tlvs: [tlv.octets('message_payload', payload)] }),
        'ESME_RINVMSGLEN',
      ],
      [() => multi(esme, THREE, { schedule_delivery_time: 'nonsense' }), 'ESME_RINVSCHED'],
      [() => multi(esme, THREE, { validity_period: '000000000000000R' }), 'ESME_RINVEXPIRY'],
      [() => multi(esme, THREE, { replace_if_present_flag: 2 }), 'ESME_RINVREPFLAG'],
    ]
    for (const [ask, status] of cases) {
      ask()
      world.time.turn()
      t.equal(outcome(esme).status, status)
    }
    multi(other, [named('staff')])
    world.time.turn()
    t.equal(outcome(other).status, 'ESME_RINVDLNAME')
    world.cluster.state.rules = 11
    multi(esme, THREE)
    world.time.turn()
    t.equal(outcome(esme).status, 'ESME_RSUBMITFAIL')
    t.equal(world.cluster.state.queued, 0)
  },
)

void t.test('254 destinations are one entry, under load too', async t => {
  const world = await open(t)
  const esme = world.bound()
  for (let i = 0; i < 50; i++) esme.submit()
  multi(esme, numbers(254))
  multi(esme, numbers(254))
  world.time.advance(10)
  t.same(esme.statuses.slice(-2), ['ESME_ROK', 'ESME_ROK'])
  t.not(esme.answers.at(-1)!.message_id, esme.answers.at(-2)!.message_id)
  t.equal(world.account.queued, 558)
})

void t.test('query_sm tells of the one that is furthest behind', async t => {
  const world = await open(t)
  const esme = world.bound()
  multi(esme, THREE)
  world.time.turn()
  const { id } = outcome(esme)
  const state = async (): Promise<number | undefined> => {
    esme.ask(COMMAND_IDS.query_sm, encodeBody('query_sm', { message_id: id, source_addr: '1000' }))
    await answers(world, esme, 1)
    const decoded = decodeBody('query_sm_resp', esme.answers.at(-1)!.body)
    return decoded.ok && decoded.body.message_id === id ? decoded.body.message_state : undefined
  }
  t.equal(await state(), 1)
  const refs = world.dispatch()
  world.receipts(refs.slice(0, 2))
  t.equal(await state(), 1, 'the third is on its way')
  world.receipts(refs.slice(2))
  t.equal(await state(), 2)
})

void t.test('cancel_sm cancels the one that it names, or all', async t => {
  const world = await open(t)
  const esme = world.bound()
  const cancel = async (message_id: string, destination_addr: string): Promise<string> => {
    const body = { message_id, source_addr: '1000', destination_addr }
    esme.ask(COMMAND_IDS.cancel_sm, encodeBody('cancel_sm', body))
    return (await answers(world, esme, 1))[0]!
  }
  multi(esme, THREE)
  world.time.turn()
  const { id } = outcome(esme)
  t.equal(await cancel(id, '4917002'), 'ESME_ROK')
  t.equal(world.account.queued, 2)
  t.equal(await cancel(id, '4917004'), 'ESME_RINVDSTADR')
  t.equal(await cancel(id, '4917002'), 'ESME_RCANCELFAIL')
  t.equal(await cancel(id, ''), 'ESME_RCANCELFAIL', 'one of them was cancelled before')
  t.equal(world.account.queued, 0, 'the others are now')
  world.time.advance(1000)
  t.same(
    esme.delivered.map(({ source_addr }) => source_addr),
    ['4917002', '4917001', '4917003'],
  )
  multi(esme, THREE)
  world.time.turn()
  t.equal(await cancel(outcome(esme).id, ''), 'ESME_ROK')
})

void t.test('replace_sm cannot say which is meant: one of several is not replaced', async t => {
  const world = await open(t)
  const esme = world.bound()
  const replace = async (message_id: string): Promise<string> => {
    const body = { message_id, source_addr: '1000', short_message: Buffer.from('other') }
    esme.ask(COMMAND_IDS.replace_sm, encodeBody('replace_sm', body))
    return (await answers(world, esme, 1))[0]!
  }
  multi(esme, THREE)
  world.time.turn()
  t.equal(await replace(outcome(esme).id), 'ESME_RREPLACEFAIL')
  multi(esme, ['491'])
  world.time.turn()
  t.equal(await replace(outcome(esme).id), 'ESME_ROK')
})

void t.test('what is not committed in time is refused, all of it, and stays so', async t => {
  const world = await open(t)
  const esme = world.bound()
  world.cluster.setLeader('held')
  multi(esme, THREE)
  world.time.advance(6000)
  t.equal(outcome(esme).status, 'ESME_RSYSERR')
  world.cluster.setLeader('here')
  world.time.advance(1000)
  t.equal(world.account.queued, 0)
})

void t.test('schedule_delivery_time holds for each', async t => {
  const world = await open(t)
  const esme = world.bound()
  multi(esme, THREE, { schedule_delivery_time: '000000000100000R' })
  world.time.turn()
  t.equal(outcome(esme).status, 'ESME_ROK')
  t.same(world.dispatch(), [])
  const { number, epoch } = world.cluster.state.connector('smsc-a')!
  const upTo = Math.floor(world.time.nowMs() / 1000) + 61
  world.own({ kind: 'due', connector: number, epoch, upTo, count: 100 })
  t.equal(world.dispatch().length, 3)
})

// Submitted again: docs/decisions/0012.

const WINDOW = { resubmissionWindowMs: 60_000 }

/** A submit_multi whose connection broke before its response was written. */
function lose(world: FrontWorld, to: readonly string[]): void {
  const first = world.bound()
  world.cluster.setLeader('held')
  multi(first, to)
  world.time.turn()
  first.link.close('gone')
  world.time.turn()
  world.cluster.setLeader('here')
  world.time.advance(100)
}

for (const messageIdStyle of ['long', 'short'] as const)
  void t.test(`one whose response was lost gets the same id again: ${messageIdStyle}`, async t => {
    const world = await open(t, { ...WINDOW, messageIdStyle })
    lose(world, THREE)
    t.equal(world.account.resubmissions.lostCount, 3)
    const id = world.cluster.journal.shownIdOf(world.account.resubmissions.all[0]!.ref)
    const esme = world.bound()
    multi(esme, THREE)
    world.time.turn()
    t.match(outcome(esme), { status: 'ESME_ROK', id, refused: [] })
    t.equal(world.account.queued, 3)
    world.time.advance(100)
    t.equal(world.account.resubmissions.size, 0, 'now its response is written')
    world.receipts(world.dispatch())
    world.time.advance(1000)
    for (const text of esme.texts) t.ok(text.includes(`id:${id}`))
    t.equal(esme.texts.length, 3)
  })

void t.test('one of its messages submitted again alone gets that id too', async t => {
  const world = await open(t, WINDOW)
  lose(world, THREE)
  const id = world.cluster.journal.shownIdOf(world.account.resubmissions.all[0]!.ref)
  const esme = world
    .bound()
    .submit({ destination_addr: '4917003', dest_addr_ton: 1, dest_addr_npi: 1 })
  world.time.turn()
  t.equal(esme.answers[0]!.message_id, id)
  t.equal(world.account.queued, 3)
})

void t.test(
  'of one that comes again with others the others are refused, to come by themselves',
  async t => {
    const world = await open(t, WINDOW)
    lose(world, THREE)
    const esme = world.bound()
    multi(esme, ['491', ...THREE, '492'])
    world.time.turn()
    t.match(outcome(esme), {
      status: 'ESME_ROK',
      refused: ['491 ESME_RTHROTTLED', '492 ESME_RTHROTTLED'],
    })
    t.equal(world.account.queued, 3)
    multi(esme, ['491', '492'])
    world.time.turn()
    t.match(outcome(esme), { status: 'ESME_ROK', refused: [] })
    t.equal(world.account.queued, 5)
  },
)

void t.test(
  'of what was lost as two with two ids, one is answered, and the other comes by itself',
  async t => {
    const world = await open(t, WINDOW)
    lose(world, ['491', '492'])
    lose(world, ['493'])
    const ids = world.account.resubmissions.all.map(({ ref }) =>
      world.cluster.journal.shownIdOf(ref),
    )
    const esme = world.bound()
    multi(esme, ['491', '493', '492'])
    world.time.turn()
    t.match(outcome(esme), { status: 'ESME_ROK', id: ids[0], refused: ['493 ESME_RTHROTTLED'] })
    multi(esme, ['493'])
    world.time.turn()
    t.match(outcome(esme), { status: 'ESME_ROK', id: ids[2], refused: [] })
    t.equal(world.account.queued, 3)
  },
)

void t.test('one whose like is open under another session waits, and is answered once', async t => {
  const world = await open(t, WINDOW)
  const first = world.bound()
  world.cluster.setLeader('held')
  multi(first, THREE)
  world.time.turn()
  world.cluster.setLeader('here')
  // Applied, and its mark not yet: another session submits the same.
  const second = world.bound()
  world.cluster.setLeader('held')
  multi(second, THREE)
  world.time.advance(30)
  t.same(second.answers, [])
  world.cluster.setLeader('here')
  world.time.advance(200)
  t.equal(outcome(second).status, 'ESME_ROK', 'the first had its answer: this is another')
  t.not(outcome(second).id, outcome(first).id)
  t.equal(world.account.queued, 6)
})

for (const { counts, refused } of [
  { counts: undefined, refused: ['494 ESME_RTHROTTLED'] },
  { counts: 'segments', refused: ['492', '493', '494'].map(to => `${to} ESME_RTHROTTLED`) },
  { counts: 'pdus', refused: [] },
] as const)
  void t.test(`throughputCounts: ${counts}, of a submit_multi`, async t => {
    const world = await open(t, { throughputPerSecond: 30, throughputCounts: counts }) // three at once
    const esme = world.bound()
    const tlvs = [tlv.octets('message_payload', Buffer.alloc(200, 0x61))] // two segments
    const to = ['491', '492', '493', '494']
    multi(esme, to, { short_message: Buffer.alloc(0), tlvs })
    world.time.turn()
    t.same(outcome(esme).refused, refused)
    if (counts !== 'pdus') return
    multi(esme, to)
    multi(esme, to)
    multi(esme, to)
    world.time.turn()
    t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK', 'ESME_ROK', 'ESME_RTHROTTLED'])
  })

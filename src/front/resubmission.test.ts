import t from 'tap'
import { acceptRecordOctets, writeAcceptRecord } from '../journal/accept-record.js'
import { FLAG_FINGERPRINT, refOf } from '../journal/index.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import type { Body } from '../smpp/codec.js'
import { encodeBody, tlv } from '../smpp/codec.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { account, gateway } from '../testing/gateway.js'
import { fingerprintOf } from './fingerprint.js'
import { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'

const SUBMIT = {
  source_addr: '1000',
  destination_addr: '491701234567',
  short_message: Buffer.from('hello'),
  registered_delivery: 1,
}

const windowed = (t: { teardown(fn: () => unknown): void }, over = {}): Promise<FrontWorld> =>
  FrontWorld.open(t, {
    settings: gateway({ accounts: [account('esme1', { resubmissionWindowMs: 60_000, ...over })] }),
  })

function fingerprint(fields: Partial<Body<'submit_sm'>> = {}): Buffer {
  const reader = new SubmitReader()
  t.equal(reader.read(encodeBody('submit_sm', { ...SUBMIT, ...fields }), 'submit_sm'), 0)
  return fingerprintOf(reader)
}

/** A session of this node submitted, and broke before its answer; returns the message's place. */
function lostHere(world: FrontWorld, bind = {}): number {
  const first = world.bound(bind)
  world.cluster.setLeader('held')
  first.submit()
  world.time.turn()
  first.link.close('gone')
  world.time.turn()
  world.cluster.setLeader('here')
  world.time.advance(100)
  return world.account.resubmissions.all[0]!.ref
}

/** Node 2 has a session, and the submit that EsmeClient makes was accepted there; returns its id. */
function acceptedElsewhere({ cluster, time }: FrontWorld, fields = {}): string {
  const other = cluster.other(2)
  const session = {
    id: '2.1.1',
    account: 1,
    bindType: 'tx' as const,
    version: 0x34,
    node: 2,
    remoteAddress: '::1',
    boundAtMs: time.nowMs(),
  }
  other.decide({ kind: 'bind', session })
  const record = {
    account: 1,
    registered_delivery: 1,
    flags: FLAG_FINGERPRINT,
    expiresAtMs: 0,
    dueAtMs: 0,
    session: 1,
    addressHash: 0,
    fingerprint: fingerprint(fields),
    body: encodeBody('submit_sm', { ...SUBMIT, ...fields }),
  }
  const records = Buffer.alloc(acceptRecordOctets(record))
  writeAcceptRecord(records, 0, record)
  const { index } = other.outcome({
    kind: 'accept',
    connector: 1,
    priority: 0,
    count: 1,
    revision: 1,
    records,
  })
  t.same(cluster.journal.message(refOf(index, 0)), {
    kind: 'submit',
    connector: 1,
    priority: 0,
    ...record,
  })
  return cluster.journal.shownIdOf(refOf(index, 0))
}

void t.test('the fingerprint is of the named fields, and of no others', async t => {
  const first = fingerprint()
  t.equal(first.length, 16)
  const payload = (text: string) => tlv.octets('message_payload', Buffer.from(text))
  const reference = (value: number) => tlv.uint16('user_message_reference', value)
  const same: Partial<Body<'submit_sm'>>[] = [
    {},
    { registered_delivery: 0 },
    { priority_flag: 2, protocol_id: 1, validity_period: '000000010000000R' },
    { short_message: Buffer.alloc(0), tlvs: [payload('hello')] },
  ]
  for (const fields of same) t.same(fingerprint(fields), first, JSON.stringify(fields))
  const others: Partial<Body<'submit_sm'>>[] = [
    { source_addr: '1001' },
    { source_addr_ton: 1 },
    { source_addr: '10004', destination_addr: '91701234567' },
    { destination_addr: '491701234568' },
    { dest_addr_npi: 1 },
    { data_coding: 8 },
    { esm_class: 0x40 },
    { short_message: Buffer.from('hello!') },
    { short_message: Buffer.alloc(0), tlvs: [payload('another')] },
    { tlvs: [reference(0)] },
    { tlvs: [reference(1)] },
  ]
  const seen = new Set([first.toString('hex')])
  for (const fields of others) seen.add(fingerprint(fields).toString('hex'))
  t.equal(seen.size, others.length + 1, 'all differ')
})

void t.test('a submit whose node is known to be dead gets the first id at once', async t => {
  const world = await windowed(t)
  const id = acceptedElsewhere(world)
  world.cluster.decide({ kind: 'nodeDown', node: 2, boot: 1 })
  const esme = world.bound().submit().submit()
  world.time.turn()
  t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK'])
  t.equal(esme.answers[0]!.message_id, id)
  t.not(esme.answers[1]!.message_id, id, 'one match for one first')
  t.equal(world.cluster.state.queued, 2)
})

void t.test(
  'an ESME that is back before its node is missed waits, and gets the first id',
  async t => {
    const world = await windowed(t)
    const id = acceptedElsewhere(world)
    const esme = world.bound().submit().submit({ destination_addr: '4917000' })
    world.time.advance(1000)
    t.equal(esme.answers[0], undefined)
    t.equal(esme.answers[1]!.status, 'ESME_ROK', 'it holds nothing else up')
    world.cluster.decide({ kind: 'nodeDown', node: 2, boot: 1 })
    world.time.advance(20)
    t.same(esme.answers[0]!.message_id, id)
    t.equal(world.cluster.state.queued, 2)
  },
)

void t.test(
  'where the other session had its answer, the same submit is another message',
  async t => {
    const world = await windowed(t)
    const id = acceptedElsewhere(world)
    const esme = world.bound().submit()
    world.time.advance(100)
    t.same(esme.answers, [])
    const { ref } = world.account.resubmissions.all[0]!
    world.cluster.other(2).decide({ kind: 'written', account: 1, refs: [ref] })
    world.time.advance(20)
    t.equal(esme.answers[0]!.status, 'ESME_ROK')
    t.not(esme.answers[0]!.message_id, id)
    t.equal(world.cluster.state.queued, 2)
  },
)

void t.test(
  'a submit that waits too long is refused, one that nobody hears is dropped',
  async t => {
    const world = await windowed(t)
    acceptedElsewhere(world)
    const stays = world.bound().submit()
    const goes = world.bound().submit()
    world.time.advance(1000)
    goes.link.close('gone')
    world.time.advance(4500)
    t.same(stays.statuses, ['ESME_RSYSERR'])
    t.equal(world.cluster.state.queued, 1)
  },
)

void t.test(
  'a connection that broke before the answer: the next one gets the first id',
  async t => {
    const world = await windowed(t)
    const ref = lostHere(world)
    t.equal(world.account.resubmissions.lostCount, 1)
    const second = world.bound().submit()
    world.time.turn()
    t.equal(second.answers[0]!.message_id, world.cluster.journal.idOf(ref))
    t.equal(world.cluster.state.queued, 1)
    world.time.advance(100)
    t.equal(world.account.resubmissions.size, 0, 'now its response is written')
  },
)

for (const [title, over, bind] of [
  ['SMPP 3.3', {}, { interface_version: 0x33 }],
  ['short ids', { messageIdStyle: 'short' }, {}],
] as const)
  void t.test(`with ${title} the first id has 8 digits too`, async t => {
    const world = await windowed(t, over)
    const ref = lostHere(world, bind)
    const second = world.bound(bind).submit().submit()
    world.time.turn()
    t.equal(second.answers[0]!.message_id, world.cluster.journal.shownIdOf(ref))
    t.same(
      second.answers.map(({ message_id }) => message_id.length),
      [8, 8],
    )
  })

void t.test('without a window nothing is remembered, and nothing more is proposed', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound().submit()
  world.time.turn()
  const { proposed } = world.cluster
  t.equal(world.account.resubmissions.size, 0)
  world.time.advance(400)
  t.equal(world.cluster.proposed, proposed)
  t.same(esme.statuses, ['ESME_ROK'])
})

void t.test(
  'a response that its link does not write any more is not marked as written',
  async t => {
    const world = await windowed(t)
    const [ours, theirs] = connectionPair(world.time)
    const session = world.front.accept(ours)
    const esme = new EsmeClient(theirs, world.time).bind()
    world.time.turn()
    world.cluster.setLeader('held')
    esme.submit()
    world.time.turn()
    session.link.close('broken')
    world.cluster.setLeader('here')
    t.ok(session.bound !== undefined, 'the front end hears of it in the next turn')
    t.equal(world.cluster.state.queued, 1, 'and the submit is applied before')
    world.time.advance(400)
    t.equal(esme.answers[0]!.message_id, '')
    t.equal(world.account.resubmissions.lostCount, 1)
  },
)

void t.test('with a window a response is marked as written soon', async t => {
  const world = await windowed(t)
  const esme = world.bound().submit().submit()
  world.time.turn()
  t.equal(esme.statuses.length, 2)
  t.equal(world.account.resubmissions.size, 2)
  const { proposed } = world.cluster
  world.time.advance(400)
  t.equal(world.account.resubmissions.size, 0)
  t.equal(world.cluster.proposed, proposed + 1, 'one proposal for both')
})

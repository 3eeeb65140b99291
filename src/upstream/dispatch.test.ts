import t from 'tap'
import type { Ref } from '../journal/index.js'
import { MESSAGE_STATE } from '../journal/index.js'
import { encodeBody } from '../smpp/codec.js'
import { formatTime } from '../smpp/times.js'
import { World } from './testing/world.js'

void t.test('a message is claimed, sent unchanged, and its SMSC id is known', async t => {
  const world = await World.open()
  const ref = await world.submit({ text: 'hello' })
  await world.pass(10)
  t.same(world.smsc.texts, ['hello'])
  t.same(
    world.smsc.submitted[0]!.body,
    encodeBody('submit_sm', {
      source_addr: '1234',
      destination_addr: '49170',
      registered_delivery: 1,
      short_message: Buffer.from('hello'),
    }),
  )
  t.equal(world.markOf(ref), 'SENT')
  t.equal(world.smscIdOf(ref), 'smsc-1')
  t.equal(world.connector.claims.size, 0)
  await world.stop()
})

void t.test('what goes out is what came in, in order, however small the window', async t => {
  const world = await World.open({ binds: 2, window: 3 })
  const refs = await world.submitMany(500)
  await world.pass(1000)
  t.same(world.tally(refs), { SENT: 500 })
  t.equal(new Set(world.smsc.texts).size, 500)
  t.equal(world.smsc.submitted.length, 500)
  await world.stop()
})

void t.test('an SMSC that rejects any validity_period gets none, from the revision on', async t => {
  const world = await World.open()
  const validity_period = '000001000000000R'
  const sent = async (text: string): Promise<Buffer> => {
    await world.submit({ text, validity_period, expiresAtMs: world.time.nowMs() + 60_000 })
    await world.pass(10)
    return world.smsc.submitted.at(-1)!.body
  }
  const expected = (text: string, validity_period: string) =>
    encodeBody('submit_sm', {
      source_addr: '1234',
      destination_addr: '49170',
      registered_delivery: 1,
      validity_period,
      short_message: Buffer.from(text),
    })
  t.same(await sent('given'), expected('given', validity_period), 'as the ESME said')
  world.configure({ validityPeriod: 'strip' })
  t.same(await sent('stripped'), expected('stripped', ''))
  world.smsc.answer = () => 'ESME_RSYSERR'
  const ref = await world.submit({ validity_period, expiresAtMs: world.time.nowMs() + 12_000 })
  await world.pass(60_000)
  t.equal(world.stateOf(ref), MESSAGE_STATE.EXPIRED, 'for us it holds all the same')
  await world.stop()
})

void t.test('no more is claimed than binds × window, whatever waits', async t => {
  const world = await World.open({ binds: 2, window: 5 })
  world.smsc.answer = () => 'later'
  await world.submitMany(50)
  await world.pass(2000)
  t.equal(world.connector.claims.size, 10)
  t.equal(world.smsc.submitted.length, 10)
  t.same(
    world.smsc.links.map(link => link.unanswered),
    [5, 5],
    'spread over the binds',
  )
  world.smsc.respond(world.smsc.submitted[3]!, { id: 'x' })
  await world.pass(10)
  t.equal(world.smsc.submitted.length, 11, 'a committed outcome frees a slot')
  t.equal(world.connector.claims.size, 10)
  await world.stop()
})

void t.test('outcomes and the next claim share an entry, and entries are few', async t => {
  const world = await World.open({ binds: 1, window: 100 })
  const before = world.cluster.proposed
  await world.submitMany(1000)
  await world.pass(1000)
  t.equal(world.smsc.submitted.length, 1000)
  t.ok(world.cluster.proposed - before < 60, `${world.cluster.proposed - before} entries`)
  await world.stop()
})

void t.test('a bind that only receives claims nothing', async t => {
  const world = await World.open({ bindType: 'rx' })
  await world.submitMany(5)
  await world.pass(2000)
  t.equal(world.connector.claims.size, 0)
  t.equal(world.connector.queued, 5)
  await world.stop()
})

for (const { status, mark, state, retries } of [
  { status: 'ESME_RSYSERR', mark: 'RETRY', state: 0, retries: 1 },
  { status: 'ESME_RTHROTTLED', mark: 'RETRY', state: 0, retries: 1 },
  { status: 'ESME_RINVDSTADR', mark: 'DONE', state: MESSAGE_STATE.REJECTED, retries: 0 },
  { status: 'ESME_RSUBMITFAIL', mark: 'RETRY', state: 0, retries: 1 },
] as const) {
  void t.test(`a message answered ${status} is then ${mark}`, async t => {
    const world = await World.open({ errors: { ESME_RSUBMITFAIL: 'temporary' } })
    world.smsc.answer = () => status
    const ref = await world.submit()
    await world.pass(100)
    t.equal(world.markOf(ref), mark)
    t.equal(world.stateOf(ref), state)
    t.equal(world.connector.retries.size, retries)
    t.equal(world.smsc.submitted.length, 1)
    await world.stop()
  })
}

void t.test('a temporary error is tried again after 5 s, 10 s, 20 s', async t => {
  const world = await World.open()
  world.smsc.answer = ({ ordinal }) => (ordinal < 4 ? 'ESME_RSYSERR' : { id: 'x' })
  const ref = await world.submit()
  await world.pass(60_000)
  const at = world.smsc.submitted.map(({ atMs }) => atMs)
  t.equal(at.length, 4)
  for (const [i, expected] of [5000, 10_000, 20_000].entries())
    t.ok(Math.abs(at[i + 1]! - at[i]! - expected) <= expected * 0.11, `${at[i + 1]! - at[i]!} ms`)
  t.equal(world.markOf(ref), 'SENT')
  await world.stop()
})

void t.test('throttling slows the whole connector down, and it recovers', async t => {
  const world = await World.open({ throughputPerSecond: 100 })
  const acceptable = 20
  let second = 0
  let taken = 0
  world.smsc.answer = ({ atMs }) => {
    if (Math.floor(atMs / 1000) !== second) taken = 0
    second = Math.floor(atMs / 1000)
    return ++taken > acceptable ? 'ESME_RTHROTTLED' : { id: 'x' }
  }
  await world.submitMany(1000)
  await world.pass(5000)
  const pace = world.upstream.status()[0]!.pacePerSecond!
  t.ok(pace < 40 && pace >= 1, `${pace}/s`)
  const { throttled } = world.upstream.status()[0]!
  await world.pass(30_000)
  const more = world.upstream.status()[0]!.throttled - throttled
  const sent = world.upstream.status()[0]!.sent
  t.ok(more < 150, `${more} refused in 30 s`)
  t.ok(sent > 300, `${sent} sent`)
  world.smsc.answer = () => ({ id: 'x' })
  await world.pass(90_000)
  t.equal(world.upstream.status()[0]!.pacePerSecond, 100, 'back at the limit')
  await world.stop()
})

void t.test('the throughput limit holds, and begins without a burst', async t => {
  const world = await World.open({ throughputPerSecond: 50 })
  await world.submitMany(300)
  await world.pass(4000)
  const at = world.smsc.submitted.map(({ atMs }) => atMs)
  const span = at.at(-1)! - at[0]!
  t.ok(at.length <= 50 * (span / 1000) + 3, `${at.length} in ${span} ms`)
  t.ok(at.length >= 180, `${at.length} messages in 4 s`)
  t.ok(at.filter(ms => ms < at[0]! + 100).length <= 8)
  t.ok(world.connector.claims.size <= 5, 'what has to wait for its turn is not claimed')
  await world.stop()
})

void t.test(
  'what has waited for a bind leaves without a burst, as behind a home that moved',
  async t => {
    const world = await World.open({ throughputPerSecond: 200 }, { start: false })
    world.smsc.refuses = 'ECONNREFUSED'
    await world.submitMany(500)
    await world.start()
    for (let outage = 0; outage < 2; outage++) {
      await world.pass(3000)
      const before = world.smsc.submitted.length
      world.smsc.refuses = undefined
      for (let waitedMs = 0; waitedMs < 40_000; waitedMs += 100)
        if (world.smsc.submitted.length < before + 250) await world.pass(100)
      const at = world.smsc.submitted.slice(before).map(({ atMs }) => atMs)
      const early = at.filter(ms => ms < at[0]! + 10).length
      t.ok(at.length >= 250, 'it is bound again')
      t.ok(early <= 3, `${early} in the first 10 ms`)
      for (let from = at[0]!; from < at[0]! + 1000; from += 100) {
        const count = at.filter(ms => ms >= from && ms < from + 100).length
        t.ok(count <= 21 && count >= 15, `${count} in 100 ms`)
      }
      world.smsc.refuses = 'ECONNREFUSED'
      for (const link of [...world.smsc.links]) link.close('gone')
    }
    await world.stop()
  },
)

void t.test('a broken bind leaves in doubt exactly what it had not answered', async t => {
  const world = await World.open({ binds: 2, window: 10, inDoubt: { kind: 'hold' } })
  world.smsc.answer = ({ ordinal }) => (ordinal <= 5 ? { id: `x${ordinal}` } : 'later')
  const refs = await world.submitMany(100)
  await world.pass(100)
  const link = world.smsc.links[0]!
  const lost = world.smsc.submitted.filter(s => s.link === link && s.ordinal > 5).length
  t.equal(lost, 10)
  world.smsc.refuses = 'ECONNREFUSED'
  link.close('gone')
  await world.pass(100)
  t.same(world.tally(refs), { SENT: 5, IN_DOUBT: 10, CLAIMED: 10, QUEUED: 75 })
  t.equal(world.connector.doubts.size, lost)
  t.equal(world.upstream.status()[0]!.doubt, lost)
  await world.stop()
})

void t.test('a response time-out puts in doubt, and the late response settles it', async t => {
  const world = await World.open({ responseTimeoutMs: 1000 })
  world.smsc.answer = () => 'later'
  const ref = await world.submit()
  await world.pass(1500)
  t.equal(world.markOf(ref), 'IN_DOUBT')
  t.equal(world.smsc.submitted.length, 1)
  world.smsc.respond(world.smsc.submitted[0]!, { id: 'late' })
  await world.pass(100)
  t.equal(world.markOf(ref), 'SENT')
  t.equal(world.smscIdOf(ref), 'late')
  await world.pass(60_000)
  t.equal(world.smsc.submitted.length, 1, 'it is not sent again')
  await world.stop()
})

void t.test('a late refusal ends the doubt: the SMSC does not have it', async t => {
  const world = await World.open({ responseTimeoutMs: 1000, inDoubt: { kind: 'hold' } })
  world.smsc.answer = ({ ordinal }) => (ordinal === 1 ? 'later' : { id: 'x' })
  const ref = await world.submit()
  await world.pass(1500)
  world.smsc.respond(world.smsc.submitted[0]!, 'ESME_RSYSERR')
  await world.pass(100)
  t.equal(world.smsc.submitted.length, 2)
  t.equal(world.markOf(ref), 'SENT')
  await world.stop()
})

for (const { policy, after100Ms, after40s } of [
  { policy: { kind: 'resend' }, after100Ms: 2, after40s: 2 },
  { policy: { kind: 'wait', ms: 30_000 }, after100Ms: 1, after40s: 2 },
  { policy: { kind: 'hold' }, after100Ms: 1, after40s: 1 },
] as const) {
  void t.test(`what is in doubt under ${policy.kind} is sent again or not`, async t => {
    const world = await World.open({ responseTimeoutMs: 1000, inDoubt: policy })
    world.smsc.answer = ({ ordinal }) => (ordinal === 1 ? 'later' : { id: 'x' })
    const ref = await world.submit()
    await world.pass(1200)
    t.equal(world.smsc.submitted.length, after100Ms)
    await world.pass(40_000)
    t.equal(world.smsc.submitted.length, after40s)
    t.equal(world.markOf(ref), policy.kind === 'hold' ? 'IN_DOUBT' : 'SENT')
    await world.stop()
  })
}

void t.test('a change of the policy reaches what is in doubt already', async t => {
  const world = await World.open({ responseTimeoutMs: 1000, inDoubt: { kind: 'hold' } })
  world.smsc.answer = ({ ordinal }) => (ordinal === 1 ? 'later' : { id: 'x' })
  await world.submit()
  await world.pass(5000)
  world.configure({ responseTimeoutMs: 1000, inDoubt: { kind: 'wait', ms: 2000 } })
  await world.pass(1000)
  t.equal(world.smsc.submitted.length, 1)
  await world.pass(2000)
  t.equal(world.smsc.submitted.length, 2)
  await world.stop()
})

void t.test('behind the fence nothing is written, and all goes on when it opens', async t => {
  const world = await World.open({ window: 10 })
  world.fenced = false
  await world.submitMany(20)
  await world.pass(5000)
  t.same(world.smsc.texts, [])
  world.fenced = true
  await world.pass(1000)
  t.equal(world.smsc.submitted.length, 20)
  await world.stop()
})

void t.test('what was claimed when the fence closed stays claimed and unwritten', async t => {
  const world = await World.open({ window: 10 })
  world.cluster.delayMs = 10
  const submitted = world.submitMany(20)
  await world.pass(12) // accepted; the claim is on its way
  await submitted
  world.fenced = false
  await world.pass(100)
  t.equal(world.connector.claims.size, 10)
  t.same(world.smsc.texts, [])
  world.fenced = true
  await world.pass(1000)
  t.equal(world.smsc.submitted.length, 20)
  await world.stop()
})

void t.test('an epoch that is over writes nothing more', async t => {
  const world = await World.open({ window: 10, inDoubt: { kind: 'hold' } })
  world.smsc.answer = () => 'later'
  const refs = await world.submitMany(30)
  await world.pass(100)
  const { epoch } = world.connector
  const other = world.cluster.other(2)
  world.cluster.endBoot()
  t.equal(world.connector.home!.node, other.node)
  t.ok(world.connector.epoch > epoch)
  for (const submitted of world.smsc.submitted) world.smsc.respond(submitted, 'ESME_RSYSERR')
  await world.pass(20_000)
  t.equal(world.smsc.submitted.length, 10)
  t.equal(world.smsc.links.length, 0, 'its binds are closed')
  t.same(world.tally(refs), { IN_DOUBT: 10, QUEUED: 20 })
  t.same(world.upstream.status(), [])
  await world.stop()
})

void t.test('a positive response that comes after the epoch ended still counts', async t => {
  const world = await World.open({ window: 10, inDoubt: { kind: 'hold' }, nodes: [1, 2] })
  world.smsc.answer = () => 'later'
  const refs = await world.submitMany(10)
  await world.pass(100)
  world.cluster.other(2)
  world.cluster.decide({
    kind: 'settings',
    expected: null,
    settings: {
      ...world.cluster.state.settings,
      connectors: [{ ...world.connector.settings!, nodes: [2] }],
    },
    author: 'test',
    atMs: 0,
  })
  await world.pass(7500) // the hand-over waits for its windows in vain
  t.equal(world.connector.home!.node, 2)
  t.same(world.tally(refs), { IN_DOUBT: 10 })
  for (const submitted of world.smsc.submitted) world.smsc.respond(submitted, { id: 'late' })
  await world.pass(100)
  t.same(world.tally(refs), { SENT: 10 })
  await world.stop()
})

void t.test('a message whose validity ended before it was sent is not sent', async t => {
  const world = await World.open()
  world.smsc.refuses = 'ECONNREFUSED'
  world.smsc.links[0]!.close('gone')
  await world.pass(100)
  const soon = world.time.nowMs() + 5000
  const short = await world.submit({ text: 'short', expiresAtMs: soon })
  const long = await world.submit({ text: 'long', expiresAtMs: soon + 600_000 })
  await world.pass(10_000)
  t.equal(world.stateOf(short), MESSAGE_STATE.EXPIRED)
  t.equal(world.connector.expiries.size, 1)
  world.smsc.refuses = undefined
  await world.pass(60_000)
  t.same(world.smsc.texts, ['long'])
  t.equal(world.markOf(long), 'SENT')
  await world.stop()
})

void t.test('a retry is never due after the message has expired', async t => {
  const world = await World.open()
  world.smsc.answer = () => 'ESME_RSYSERR'
  const ref = await world.submit({ expiresAtMs: world.time.nowMs() + 8000 })
  await world.pass(10_000)
  t.equal(world.stateOf(ref), MESSAGE_STATE.EXPIRED)
  t.ok(world.smsc.submitted.length <= 2)
  await world.stop()
})

void t.test('what leaves late says how much of its validity is left', async t => {
  const world = await World.open({}, { start: false })
  const validity_period = '000000020000000R'
  const validityMs = 2 * 3_600_000
  const nowMs = world.time.nowMs()
  await world.submit({ text: 'waits', validity_period, expiresAtMs: nowMs + validityMs })
  const dueAtMs = nowMs + 3_000_000
  await world.submit({ text: 'due', validity_period, expiresAtMs: nowMs + validityMs, dueAtMs })
  const absolute = formatTime(nowMs + validityMs)
  await world.submit({
    text: 'absolute',
    validity_period: absolute,
    expiresAtMs: nowMs + validityMs,
  })
  await world.pass(3_602_000)
  await world.start()
  await world.submit({
    text: 'prompt',
    validity_period,
    expiresAtMs: world.time.nowMs() + validityMs,
  })
  await world.pass(2000)
  const said = Object.fromEntries(
    world.smsc.submitted.map(({ text, fields }) => [text, fields.validity_period]),
  )
  t.match(said, {
    waits: /^00000000595\d000R$/,
    due: /^00000000595\d000R$/,
    absolute,
    prompt: validity_period,
  })
  await world.stop()
})

void t.test('without a validity_period the default ends what waits', async t => {
  const world = await World.open({}, { gateway: { validityMs: 60_000 } })
  world.smsc.refuses = 'ECONNREFUSED'
  world.smsc.links[0]!.close('gone')
  const refs: Ref[] = []
  for (let entry = 0; entry < 100; entry++) refs.push(...(await world.submitMany(2)))
  await world.pass(59_000)
  t.same(world.tally(refs), { QUEUED: 200 })
  await world.pass(10_000)
  t.same(world.tally(refs), { DONE: 200 })
  await world.stop()
})

void t.test(
  'claims under our own epoch that we know nothing of were never sent, so they are',
  async t => {
    const world = await World.open({}, { start: false })
    const refs = await world.submitMany(5)
    const { number: connector, epoch } = world.connector
    world.cluster.proposer.propose({ kind: 'claim', connector, epoch, count: 3 })
    await world.pass(10)
    t.same(world.tally(refs), { CLAIMED: 3, QUEUED: 2 })
    await world.start()
    t.same(world.tally(refs), { SENT: 5 })
    t.equal(world.smsc.submitted.length, 5)
    world.upstream.reset()
    await world.pass(1000)
    t.equal(world.smsc.submitted.length, 5)
    await world.stop()
  },
)

void t.test('without a leader nothing is lost and nothing doubled', async t => {
  const world = await World.open({ window: 20 })
  const refs = await world.submitMany(100)
  world.cluster.setLeader('none')
  await world.pass(3000)
  world.cluster.setLeader('here')
  await world.pass(3000)
  t.same(world.tally(refs), { SENT: 100 })
  t.equal(world.smsc.submitted.length, 100)
  world.cluster.copies = 2 // each proposal arrives twice
  const more = await world.submitMany(100)
  await world.pass(3000)
  t.same(world.tally(more), { SENT: 100 })
  t.equal(world.smsc.submitted.length, 200)
  await world.stop()
})

void t.test('what is claimed and cannot be written is given back', async t => {
  const world = await World.open({ window: 10, throughputPerSecond: 100 })
  world.cluster.setLeader('held')
  const submitted = world.submitMany(10)
  world.cluster.setLeader('here')
  await submitted
  world.smsc.refuses = 'ECONNREFUSED'
  for (const link of [...world.smsc.links]) link.close('gone')
  const refs = await submitted
  await world.pass(5000)
  t.equal(world.connector.claims.size, 0)
  t.equal(world.tally(refs).CLAIMED, undefined)
  await world.stop()
})

for (const { counts, longMessages, least, most } of [
  { counts: undefined, longMessages: undefined, least: 190, most: 205 },
  { counts: 'segments', longMessages: undefined, least: 63, most: 70 },
  { counts: undefined, longMessages: 'udh8', least: 190, most: 205 },
  { counts: 'segments', longMessages: 'udh8', least: 190, most: 205 },
] as const)
  void t.test(
    `50/s of ${counts ?? 'pdus'}, with texts of three segments ${longMessages ?? 'whole'}`,
    async t => {
      const world = await World.open({
        throughputPerSecond: 50,
        ...(counts === undefined ? {} : { throughputCounts: counts }),
        ...(longMessages === undefined ? {} : { longMessages }),
      })
      await world.submitMany(300, { payload: 'a'.repeat(400) })
      await world.pass(4000)
      const { length } = world.smsc.submitted
      t.ok(length >= least && length <= most, `${length} submit_sm in 4 s`)
      await world.stop()
    },
  )

void t.test('segments count where there is no limit, too: all goes out', async t => {
  const world = await World.open({ throughputCounts: 'segments', window: 200 })
  await world.submitMany(200, { payload: 'a'.repeat(400) })
  await world.pass(100)
  t.equal(world.smsc.submitted.length, 200)
  t.equal(new Set(world.smsc.submitted.map(({ atMs }) => atMs)).size, 1, 'at once')
  await world.stop()
})

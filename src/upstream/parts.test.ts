import t from 'tap'
import { indexOf, MESSAGE_STATE, offsetOf, type Ref } from '../journal/index.js'
import { RULES } from '../journal/rules.js'
import type { Connector } from '../policy/settings.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { shownText } from '../text/message-text.js'
import type { Submitted, Verdict } from './testing/smsc.js'
import { World } from './testing/world.js'

const LONG = `${'a'.repeat(153)}${'b'.repeat(153)}c`

const open = (settings: Partial<Connector> = {}): Promise<World> =>
  World.open({ longMessages: 'udh8', ...settings })

const submitLong = (world: World): Promise<Ref> => world.submit({ payload: LONG })

/** Part numbers as they came, and the first letter of each. */
const came = (world: World): string[] =>
  world.smsc.submitted.map(({ body }) => {
    const { part, text } = shownText(body, 'submit_sm', 'gsm7')!
    return `${part ?? 'whole'} ${text!.slice(0, 1)}`
  })

const partOf = ({ body }: Submitted): number => body[partAt(body)]!

/** Where the part's number lies: the last octet of the header. */
function partAt(body: Buffer): number {
  const reader = new SubmitReader()
  reader.read(body, 'submit_sm')
  return reader.short_message_start + 5
}

/** The SMSC may have some of it, says the state. */
const isMarked = ({ cluster }: World, ref: Ref): boolean =>
  cluster.state.blocks.get(indexOf(ref))!.doubted(offsetOf(ref))

const owed = (world: World): number => world.cluster.state.account('esme1')!.owed

void t.test('a long message goes in parts, and their receipts are one', async t => {
  const world = await open()
  const ref = await submitLong(world)
  await world.pass(10)
  t.same(came(world), ['1/3 a', '2/3 b', '3/3 c'])
  t.ok(world.smsc.submitted.every(({ fields }) => (fields.esm_class & 0x40) !== 0))
  t.equal(world.markOf(ref), 'SENT')
  t.equal(world.connector.claims.size, 0)
  for (const id of ['smsc-1', 'smsc-3', 'smsc-2']) {
    t.equal(owed(world), 0)
    world.smsc.receipt(id)
    await world.pass(10)
  }
  t.equal(owed(world), 1)
  t.equal(world.stateOf(ref), MESSAGE_STATE.DELIVERED)
  t.same(
    world.smsc.delivered.map(said => said.split(' ')[1]),
    ['ESME_ROK', 'ESME_ROK', 'ESME_ROK'],
  )
  await world.stop()
})

void t.test('what fits, and what is short anyhow, goes in short_message', async t => {
  const world = await open()
  await world.submit({ payload: 'a'.repeat(160) })
  await world.submit({ text: 'short' })
  await world.pass(10)
  t.same(world.smsc.texts, ['a'.repeat(160), 'short'])
  await world.stop()
})

void t.test(
  'without the setting, or before all nodes know it, it goes as it was given',
  async t => {
    for (const world of [await World.open(), await open()]) {
      if (world.connector.settings?.longMessages !== undefined) world.cluster.state.setRules(8)
      const ref = await submitLong(world)
      await world.pass(10)
      t.equal(world.smsc.submitted.length, 1)
      t.equal(world.smsc.submitted[0]!.fields.tlvs[0]?.value.toString(), LONG)
      world.smsc.receipt('smsc-1')
      await world.pass(10)
      t.equal(world.stateOf(ref), MESSAGE_STATE.DELIVERED)
      await world.stop()
    }
  },
)

void t.test('a window smaller than the message is enough', async t => {
  const world = await open({ window: 1 })
  const refs = [await submitLong(world), await submitLong(world)]
  await world.pass(200)
  t.equal(world.smsc.submitted.length, 6)
  t.same(world.tally(refs), { SENT: 2 })
  await world.stop()
})

void t.test('throughput counts parts', async t => {
  const world = await open({ throughputPerSecond: 10 })
  const before = world.time.monotonicMs()
  const refs = await world.submitMany(10, { payload: LONG })
  await world.pass(10_000)
  t.same(world.tally(refs), { SENT: 10 })
  t.equal(world.smsc.submitted.length, 30)
  const tookMs = world.smsc.submitted.at(-1)!.atMs - before
  t.ok(tookMs > 1500, `${tookMs} ms for 30 PDUs at 10/s`)
  await world.stop()
})

void t.test('after a refusal that passes only what was not taken comes again', async t => {
  const world = await open()
  let refusals = 1
  world.smsc.answer = (submitted): Verdict =>
    partOf(submitted) === 2 && refusals-- > 0 ? 'ESME_RSYSERR' : { id: `smsc-${submitted.ordinal}` }
  const ref = await submitLong(world)
  await world.pass(10)
  t.equal(world.markOf(ref), 'RETRY')
  t.ok(isMarked(world, ref), 'it is neither cancelled nor replaced any more')
  const first = came(world)
  await world.pass(10_000)
  t.equal(world.markOf(ref), 'SENT')
  t.same(came(world).slice(first.length)[0], '2/3 b')
  t.equal(came(world).filter(one => one.startsWith('1/3')).length, 1)
  t.equal(came(world).filter(one => one.startsWith('3/3')).length, 1)
  await world.stop()
})

void t.test(
  'before the SMSC has a part, and before all nodes know the mark, there is none',
  async t => {
    for (const { refused, rules } of [
      { refused: 1, rules: RULES },
      { refused: 2, rules: 13 },
    ]) {
      const world = await open({ window: 1 })
      world.cluster.state.setRules(rules)
      world.smsc.answer = (submitted): Verdict =>
        partOf(submitted) === refused ? 'ESME_RSYSERR' : { id: `smsc-${submitted.ordinal}` }
      const ref = await submitLong(world)
      await world.pass(10)
      t.equal(world.markOf(ref), 'RETRY')
      t.notOk(isMarked(world, ref))
      await world.stop()
    }
  },
)

void t.test('one part refused for good is the whole message rejected', async t => {
  const world = await open()
  world.smsc.answer = (submitted): Verdict =>
    partOf(submitted) === 2 ? 'ESME_RINVDSTADR' : { id: `smsc-${submitted.ordinal}` }
  const ref = await submitLong(world)
  await world.pass(10)
  t.equal(world.markOf(ref), 'DONE')
  t.equal(world.stateOf(ref), MESSAGE_STATE.REJECTED)
  t.equal(owed(world), 1)
  await world.stop()
})

void t.test('one part without an answer is the whole message in doubt', async t => {
  const world = await open({ responseTimeoutMs: 1000, inDoubt: { kind: 'wait', ms: 5000 } })
  let silent = true
  world.smsc.answer = (submitted): Verdict =>
    partOf(submitted) === 2 && silent ? 'later' : { id: `smsc-${submitted.ordinal}` }
  const ref = await submitLong(world)
  await world.pass(1500)
  t.equal(world.markOf(ref), 'IN_DOUBT')
  world.smsc.receipt('smsc-1')
  await world.pass(10)
  t.equal(world.markOf(ref), 'IN_DOUBT', 'the receipt of another part says nothing')
  silent = false
  await world.pass(6000)
  t.equal(world.markOf(ref), 'SENT')
  t.equal(came(world).filter(one => one.startsWith('2/3')).length, 2)
  t.equal(came(world).filter(one => one.startsWith('1/3')).length, 1, 'only what is in doubt')
  await world.stop()
})

void t.test('the answer that was missing comes late: all parts are there', async t => {
  const world = await open({ responseTimeoutMs: 1000, inDoubt: { kind: 'hold' } })
  world.smsc.answer = (submitted): Verdict =>
    partOf(submitted) === 2 ? 'later' : { id: `smsc-${submitted.ordinal}` }
  const ref = await submitLong(world)
  await world.pass(1500)
  t.equal(world.markOf(ref), 'IN_DOUBT')
  const late = world.smsc.submitted.find(submitted => partOf(submitted) === 2)!
  world.smsc.respond(late, { id: 'smsc-2' })
  await world.pass(10)
  t.equal(world.markOf(ref), 'SENT')
  for (const id of ['smsc-1', 'smsc-2', 'smsc-3']) world.smsc.receipt(id)
  await world.pass(10)
  t.equal(world.stateOf(ref), MESSAGE_STATE.DELIVERED)
  await world.stop()
})

void t.test(
  'a bind that breaks between two parts leaves the message in doubt, and it is sent again',
  async t => {
    const world = await open({ window: 1, inDoubt: { kind: 'resend' } })
    world.smsc.answer = (submitted): Verdict =>
      submitted.ordinal === 2 ? 'later' : { id: `smsc-${submitted.ordinal}` }
    const ref = await submitLong(world)
    await world.pass(50)
    t.same(came(world), ['1/3 a', '2/3 b'])
    world.smsc.links[0]!.close('broken')
    await world.pass(5000)
    t.equal(world.markOf(ref), 'SENT')
    t.same(came(world), ['1/3 a', '2/3 b', '2/3 b', '3/3 c'])
    await world.stop()
  },
)

void t.test('a home that hands over between two parts gives the rest back', async t => {
  const world = await open({ window: 1 })
  world.smsc.answer = (submitted): Verdict =>
    submitted.ordinal === 1 ? 'later' : { id: `smsc-${submitted.ordinal}` }
  const ref = await submitLong(world)
  await world.pass(50)
  const drained = world.upstream.drain()
  await world.pass(50)
  world.smsc.respond(world.smsc.submitted[0]!, { id: 'first' })
  await world.pass(3000)
  await drained
  t.equal(world.markOf(ref), 'QUEUED')
  t.same(came(world), ['1/3 a'])
  await world.stop()
})

void t.test('parts by other settings are other parts: all of them go', async t => {
  const world = await open({ window: 1 })
  world.smsc.answer = (submitted): Verdict =>
    submitted.ordinal === 2 ? 'later' : { id: `smsc-${submitted.ordinal}` }
  const ref = await submitLong(world)
  await world.pass(50)
  world.configure({ window: 1, longMessages: 'sar' })
  world.smsc.respond(world.smsc.submitted[1]!, 'ESME_RSYSERR')
  await world.pass(10_000)
  t.equal(world.markOf(ref), 'SENT')
  t.same(came(world), ['1/3 a', '2/3 b', '1/3 a', '2/3 a', '3/3 b'])
  await world.stop()
})

void t.test('copies of a part are copies for the mobile, too', async t => {
  const world = await open()
  const ref = await submitLong(world)
  await world.pass(10)
  const [one, two] = world.smsc.submitted.map(({ body }) => body[partAt(body) - 2])
  t.equal(one, two, 'one reference')
  const other = await submitLong(world)
  await world.pass(10)
  t.not(world.smsc.submitted[3]!.body[partAt(world.smsc.submitted[3]!.body) - 2], one)
  t.not(ref, other)
  await world.stop()
})

import t from 'tap'
import { connector } from '../testing/gateway.js'
import { World } from './testing/world.js'

void t.test('as many binds as the settings say, with what they say', async t => {
  const world = await World.open({ binds: 3, systemId: 'us', localAddress: '127.0.0.9' })
  t.equal(world.smsc.links.length, 3)
  t.match(world.smsc.connects[0], { host: '127.0.0.1', port: 2776, localAddress: '127.0.0.9' })
  t.match(world.smsc.binds[0], { system_id: 'us', password: 'secret', interface_version: 0x34 })
  t.equal(world.connector.binds, 3, 'and the journal knows')
  await world.stop()
})

for (const { bindType, boundAs } of [
  { bindType: 'trx', boundAs: 'bind_transceiver' },
  { bindType: 'tx', boundAs: 'bind_transmitter' },
  { bindType: 'rx', boundAs: 'bind_receiver' },
] as const) {
  void t.test(`bindType ${bindType} sends ${boundAs}`, async t => {
    const world = await World.open({ bindType })
    t.equal(world.smsc.links[0]!.boundAs, boundAs)
    await world.stop()
  })
}

void t.test('a bind comes back: soon at first, then ever later, up to 30 s', async t => {
  const world = await World.open()
  world.smsc.refuses = 'ECONNREFUSED'
  await world.pass(20_000)
  const before = world.smsc.connects.length
  world.smsc.links[0]!.close('gone')
  await world.pass(250)
  t.equal(world.smsc.connects.length, before + 1)
  await world.pass(300_000)
  const tries = world.smsc.connects.length - before
  t.ok(tries >= 12 && tries <= 30, `${tries} tries in 5 minutes`)
  t.match(world.upstream.statusOf('smsc-a'), { bindsBound: 0, lastError: 'ECONNREFUSED' })
  t.equal(world.connector.binds, 0)
  world.smsc.refuses = undefined
  await world.pass(31_000)
  t.match(world.upstream.statusOf('smsc-a'), { bindsBound: 1, lastError: null })
  await world.stop()
})

void t.test('why a bind fails is logged once, and again only when it changes', async t => {
  const lines: string[] = []
  const note = (event: string, fields = {}) => void lines.push(`${event} ${JSON.stringify(fields)}`)
  const logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: note,
    error: note,
    with: () => logger,
  }
  const world = await World.open({}, { start: false, over: { logger } })
  world.smsc.bindStatus = 'ESME_RINVPASWD'
  await world.start()
  await world.pass(60_000)
  t.same(lines, ['connector bind failed {"reason":"ESME_RINVPASWD"}'])
  world.smsc.refuses = 'ECONNREFUSED'
  await world.pass(60_000)
  t.equal(lines.length, 2)
  await world.stop()
})

void t.test('an SMSC that unbinds is left, and bound to again', async t => {
  const world = await World.open()
  await world.pass(20_000)
  world.smsc.links[0]!.unbind()
  await world.pass(500)
  t.equal(world.smsc.links.length, 1)
  t.equal(world.smsc.connects.length, 2)
  const ref = await world.submit()
  await world.pass(10)
  t.equal(world.markOf(ref), 'SENT')
  await world.stop()
})

void t.test('an SMSC that answers nothing draws no more than a window into doubt', async t => {
  const world = await World.open({ window: 20, inDoubt: { kind: 'hold' } })
  world.smsc.answer = () => 'later'
  const refs = await world.submitMany(200)
  await world.pass(19_500)
  t.equal(world.tally(refs).IN_DOUBT, 20)
  t.equal(world.smsc.submitted.length, 20)
  await world.pass(1500)
  t.equal(world.smsc.connects.length, 2, 'the bind begins anew')
  world.smsc.answer = () => ({ id: 'x' })
  await world.pass(60_000)
  t.same(world.tally(refs), { IN_DOUBT: 40, SENT: 160 })
  await world.stop()
})

void t.test('a password that cannot be opened is a reason, not a crash', async t => {
  const openSecret = () => {
    throw new Error('no key')
  }
  const world = await World.open({}, { over: { openSecret } })
  t.match(world.upstream.statusOf('smsc-a')?.lastError, /no key/)
  await world.stop()
})

void t.test('a system_id that does not fit is a reason too', async t => {
  const world = await World.open({ systemId: 'x'.repeat(100) })
  t.match(world.upstream.statusOf('smsc-a')?.lastError, /system_id/)
  await world.stop()
})

void t.test('settings change binds without losing what is sent', async t => {
  const world = await World.open({ binds: 3, window: 5 })
  world.smsc.answer = () => 'later'
  const refs = await world.submitMany(15)
  await world.pass(10)
  world.configure({ binds: 1, window: 5 })
  await world.pass(1000)
  t.equal(world.upstream.status()[0]!.bindsBound, 1)
  for (const submitted of world.smsc.submitted) world.smsc.respond(submitted, { id: 'x' })
  await world.pass(100)
  t.same(world.tally(refs), { SENT: 15 })
  t.equal(world.smsc.links.length, 1)
  world.configure({ binds: 2, window: 5, port: 2999 })
  await world.pass(1000)
  t.equal(world.smsc.connects.at(-1)!.port, 2999)
  t.equal(world.smsc.links.length, 2)
  await world.stop()
})

void t.test('a hand-over finishes its windows, unbinds, and leaves nothing in doubt', async t => {
  const world = await World.open({ window: 10 })
  world.smsc.answer = submitted => {
    world.time.after(300, () => world.smsc.respond(submitted, { id: 'x' }))
    return 'later'
  }
  const refs = await world.submitMany(100)
  await world.pass(50)
  world.cluster.other(2)
  const { node } = world.cluster.journal
  const drained = world.upstream.drain()
  world.cluster.decide({ kind: 'draining', node: 99, boot: 1, draining: true })
  world.cluster.proposer.propose({ kind: 'draining', node, boot: 1, draining: true })
  await world.pass(1000)
  await drained
  t.equal(world.connector.home!.node, 2)
  t.equal(world.connector.doubts.size, 0)
  t.same(world.tally(refs), { SENT: 10, QUEUED: 90 })
  t.equal(world.smsc.links.length, 0)
  await world.stop()
})

void t.test('a hand-over waits 5 s for an SMSC that does not answer', async t => {
  const world = await World.open({ window: 10, inDoubt: { kind: 'hold' } })
  world.smsc.answer = () => 'later'
  const refs = await world.submitMany(20)
  await world.pass(50)
  world.cluster.other(2)
  const { node } = world.cluster.journal
  world.cluster.proposer.propose({ kind: 'draining', node, boot: 1, draining: true })
  await world.pass(4900)
  t.equal(world.connector.home!.node, 1)
  await world.pass(2500)
  t.equal(world.connector.home!.node, 2)
  t.same(world.tally(refs), { IN_DOUBT: 10, QUEUED: 10 })
  await world.stop()
})

void t.test('a hand-over is called off when nobody is wanted any more', async t => {
  const world = await World.open({ window: 10 })
  world.smsc.answer = () => 'later'
  await world.submitMany(20)
  await world.pass(50)
  const other = world.cluster.other(2)
  const { node } = world.cluster.journal
  world.cluster.proposer.propose({ kind: 'draining', node, boot: 1, draining: true })
  await world.pass(50)
  t.equal(world.connector.wanted, 2)
  world.cluster.decide({ kind: 'nodeDown', node: 2, boot: other.boot })
  world.cluster.proposer.propose({ kind: 'draining', node, boot: 1, draining: false })
  world.smsc.answer = () => ({ id: 'x' })
  await world.pass(1000)
  for (const submitted of [...world.smsc.submitted]) world.smsc.respond(submitted, { id: 'x' })
  await world.pass(1000)
  t.equal(world.connector.home!.node, 1)
  t.equal(world.smsc.submitted.length, 20)
  await world.stop()
})

void t.test('connectors are taken up and left as the settings name them', async t => {
  const world = await World.open()
  world.cluster.apply({
    ...world.cluster.state.settings,
    connectors: [connector('smsc-a'), connector('smsc-b', { port: 2777 })],
  })
  await world.pass(500)
  t.same(
    world.upstream.status().map(home => home.connector),
    ['smsc-a', 'smsc-b'],
  )
  world.cluster.apply({ ...world.cluster.state.settings, connectors: [connector('smsc-b')] })
  await world.pass(1000)
  t.same(
    world.upstream.status().map(home => home.connector),
    ['smsc-b'],
  )
  await world.stop()
})

void t.test('stopping leaves no timer and no connection behind', async t => {
  const world = await World.open({ binds: 2 })
  await world.submitMany(10)
  world.upstream.stop()
  await world.pass(6000)
  t.equal(world.smsc.links.length, 0)
  await world.cluster.stop()
  await world.pass(60_000)
  t.equal(world.time.pending, 0)
})

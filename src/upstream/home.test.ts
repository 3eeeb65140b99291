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

void t.test(
  'a pair is a transmitter and a receiver; messages go to the one, receipts come by the other',
  async t => {
    const world = await World.open({ bindType: 'tx+rx', binds: 2, window: 5 })
    const kinds = (): unknown[] => world.smsc.links.map(({ boundAs }) => boundAs).sort()
    const [rx, tx] = ['bind_receiver', 'bind_transmitter']
    t.same(kinds(), [rx, rx, tx, tx])
    t.equal(world.connector.binds, 2, 'two pairs')
    t.match(world.upstream.statusOf('smsc-a'), { bindsBound: 2, receiversBound: 2, windowSize: 10 })
    const refs = await world.submitMany(20)
    await world.pass(100)
    t.same(world.tally(refs), { SENT: 20 })
    t.ok(world.smsc.submitted.every(({ link }) => link.boundAs === tx))
    for (let i = 1; i <= 20; i++) world.smsc.receipt(`smsc-${i}`)
    await world.pass(100)
    t.same(world.tally(refs), { DONE: 20 })

    world.smsc.bindStatus = 'ESME_RBINDFAIL'
    world.smsc.links.find(({ boundAs }) => boundAs === rx)!.close('gone')
    await world.pass(3000)
    t.match(world.upstream.statusOf('smsc-a'), {
      bindsBound: 2,
      receiversBound: 1,
      lastError: 'ESME_RBINDFAIL',
    })
    await world.submit()
    await world.pass(100)
    t.equal(world.smsc.submitted.length, 21, 'a missing receiver does not hold messages up')
    for (const link of world.smsc.links.filter(({ boundAs }) => boundAs === tx)) link.close('gone')
    await world.pass(3000)
    t.equal(world.connector.binds, 0, 'receivers alone carry nothing')
    world.smsc.bindStatus = 'ESME_ROK'
    await world.pass(31_000)
    t.same(kinds(), [rx, rx, tx, tx])
    t.match(world.upstream.statusOf('smsc-a'), {
      bindsBound: 2,
      receiversBound: 2,
      lastError: null,
    })
    world.configure({ bindType: 'tx+rx', binds: 1, window: 5 })
    await world.pass(1000)
    t.same(kinds(), [rx, tx], 'a whole pair goes')
    await world.stop()
  },
)

void t.test(
  'where a host takes no bind the next one is tried at once, and the first again later',
  async t => {
    const hosts = [
      { host: 'b', port: 1 },
      { host: '::c', port: 2 },
    ]
    const lines: string[] = []
    const note = (event: string, fields = {}) =>
      void lines.push(`${event} ${JSON.stringify(fields)}`)
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: note,
      error: note,
      with: () => logger,
    }
    const options = { start: false, over: { logger } }
    const world = await World.open({ host: 'a', port: 0, otherHosts: hosts }, options)
    const { down, connects } = world.smsc
    const bound = () => world.upstream.statusOf('smsc-a')?.addresses
    down.add('a:0').add('b:1')
    await world.start()
    t.same(
      connects.map(({ host }) => host),
      ['a', 'b', '::c'],
      'without a wait',
    )
    t.same(bound(), [{ address: '[::c]:2', binds: 1 }])
    t.match(world.upstream.statusOf('smsc-a'), { lastError: null })
    down.delete('a:0')
    await world.pass(60_000)
    t.equal(connects.length, 3, 'what stands stays')
    world.smsc.links[0]!.close('gone')
    await world.pass(500)
    t.same(bound(), [{ address: 'a:0', binds: 1 }])

    down.add('a:0').add('[::c]:2')
    world.smsc.links[0]!.close('gone')
    await world.pass(60_000)
    const all = 'a:0 ECONNREFUSED; b:1 ECONNREFUSED; [::c]:2 ECONNREFUSED'
    t.match(world.upstream.statusOf('smsc-a'), { bindsBound: 0, lastError: all })
    const tries = connects.length - 4
    t.ok(
      tries >= 12 && tries <= 30 && tries % 3 === 0,
      `${tries} tries in a minute: rounds of three`,
    )
    t.equal(lines.filter(line => line.includes('ECONNREFUSED')).length, 1, 'said once')
    down.clear()
    world.smsc.bindStatus = 'ESME_RINVPASWD'
    await world.pass(35_000)
    t.match(world.upstream.statusOf('smsc-a')?.lastError, /^a:0 ESME_RINVPASWD; b:1 ESME_RINVPASWD/)
    await world.stop()
  },
)

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

import t from 'tap'
import { silentLogger } from '../base/logger.js'
import { account, gateway } from '../testing/gateway.js'
import { FrontWorld } from './testing/front-world.js'

const hashed = (systemId: string, over = {}) =>
  account(systemId, { password: { kind: 'argon2id', hash: '$argon2id$secret1' }, ...over })

void t.test('a bind is answered once it is committed, and is in the registry then', async t => {
  const world = await FrontWorld.open(t)
  world.cluster.setLeader('held')
  const esme = world.connect('198.51.100.7').bind({ interface_version: 0x34 })
  world.time.advance(1000)
  t.same(esme.binds, [])
  world.cluster.setLeader('here')
  world.time.turn()
  t.same(esme.binds, ['ESME_ROK carillon'])
  t.match(
    [...world.account.sessions.values()],
    [{ id: '1.1.1', bindType: 'trx', version: 0x34, node: 1, remoteAddress: '198.51.100.7' }],
  )
})

void t.test('before the first settings a bind is refused for now, not for good', async t => {
  const world = await FrontWorld.open(t, { settings: 'none' })
  t.same(world.bound().binds, ['ESME_RSYSERR'])
  world.cluster.apply(gateway())
  t.same(world.bound().binds, ['ESME_ROK carillon'])
})

void t.test('a bind that is not committed in time is refused, and ends when it is', async t => {
  const world = await FrontWorld.open(t)
  world.cluster.setLeader('held')
  const esme = world.connect().bind()
  world.time.advance(5100)
  t.same(esme.binds, ['ESME_RSYSERR'])
  world.cluster.setLeader('here')
  world.time.turn()
  t.equal(world.account.sessions.size, 0)
})

void t.test('a socket that closes while its bind is on its way leaves no session', async t => {
  const world = await FrontWorld.open(t)
  world.cluster.setLeader('held')
  const esme = world.connect().bind()
  world.time.turn()
  esme.link.close('gone')
  world.time.turn()
  world.cluster.setLeader('here')
  world.time.turn()
  t.equal(world.account.sessions.size, 0)
  t.same(world.front.counts, { connections: 0, sessions: 0 })
})

void t.test('a session ends in the registry however it ends', async t => {
  const world = await FrontWorld.open(t)
  const [unbinds, closes] = [world.bound(), world.bound(), world.bound()]
  t.equal(world.account.sessions.size, 3)
  unbinds.link.unbind()
  closes.link.close('gone')
  world.time.turn()
  t.equal(world.account.sessions.size, 1)
  world.cluster.setLeader('none')
  world.time.advance(2000)
  world.cluster.setLeader('here')
  world.time.turn()
  t.equal(world.account.sessions.size, 1, 'it lives')
})

void t.test('maxSessions is exact, and more are answered ESME_RALYBND (PITFALLS 14)', async t => {
  const accounts = [account('esme1', { maxSessions: 2 })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const all = [world.connect().bind(), world.connect().bind(), world.connect().bind()]
  world.time.turn()
  t.same(
    all.map(esme => esme.binds[0]!.slice(0, 11)),
    ['ESME_ROK ca', 'ESME_ROK ca', 'ESME_RALYBN'],
  )
  all[0]!.link.unbind()
  world.time.turn()
  t.match(world.bound().binds, ['ESME_ROK carillon'])
})

void t.test(
  'or ESME_RBINDFAIL, where the account says so; and the next revision counts',
  async t => {
    const settings = (over: object) =>
      gateway({ accounts: [account('esme1', { maxSessions: 1, ...over })] })
    const world = await FrontWorld.open(t, {
      settings: settings({ tooManySessions: 'ESME_RBINDFAIL' }),
    })
    const first = world.bound()
    t.same(first.binds, ['ESME_ROK carillon'])
    const refused = world.bound()
    t.same(refused.binds, ['ESME_RBINDFAIL'])
    t.equal(refused.closedReason, undefined, 'at once, and it may try again on its connection')
    world.cluster.apply(settings({}))
    t.same(world.bound().binds, ['ESME_RALYBND'])
    first.link.unbind()
    world.time.turn()
    t.same(world.bound().binds, ['ESME_ROK carillon'])
  },
)

for (const [title, bind, over, why] of [
  ['an unknown system_id', { system_id: 'nobody' }, {}, 'unknownSystemId'],
  ['a wrong password', { password: 'secret2' }, {}, 'wrongPassword'],
  ['an address that is not allowed', {}, { allowFrom: ['10.0.0.0/8'] }, 'unknownSystemId'],
] as const) {
  void t.test(`${title} is answered ESME_RINVPASWD after 200 ms, and logged`, async t => {
    for (const accounts of [
      [account('esme1', { ...over, allowFrom: [...(over.allowFrom ?? [])] })],
      [hashed('esme1', over)],
    ]) {
      const lines: unknown[] = []
      const logger = { ...silentLogger, info: (...line: unknown[]) => lines.push(line) }
      const world = await FrontWorld.open(t, { settings: gateway({ accounts }), front: { logger } })
      const esme = world.connect().bind(bind)
      await world.settle()
      world.time.advance(199)
      t.same(esme.binds, [], 'not at once, however quickly it was known')
      world.time.advance(1)
      t.same(esme.binds, ['ESME_RINVPASWD'])
      t.ok(esme.closedReason !== undefined, 'and the connection is closed')
      const named = why === 'wrongPassword' ? { systemId: 'esme1' } : {}
      const remoteAddress = '192.0.2.1'
      t.same(lines, [['bind refused', { why, ...named, remoteAddress, unsaid: 0 }]])
    }
  })
}

void t.test('one line a second is logged of refused binds, with how many were not', async t => {
  const lines: unknown[] = []
  const logger = { ...silentLogger, info: (_: string, fields?: object) => lines.push(fields) }
  const world = await FrontWorld.open(t, { front: { logger } })
  for (let i = 0; i < 20; i++) world.connect().bind({ password: `guess${i}` })
  world.time.advance(1000)
  world.connect().bind({ password: 'guess' })
  world.time.advance(1000)
  t.match(lines, [{ unsaid: 0 }, { unsaid: 19 }])
  t.equal(lines.length, 2)
})

void t.test('a bind type that the account may not use is answered ESME_RBINDFAIL', async t => {
  const accounts = [account('esme1', { bindTypes: ['rx'] })]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  t.same(world.bound().binds, ['ESME_RBINDFAIL'])
  t.same(world.bound({}, 'bind_receiver').binds, ['ESME_ROK carillon'])
})

void t.test('guessing gets slower for that address and system_id, for nobody else', async t => {
  const world = await FrontWorld.open(t)
  const times: number[] = []
  for (let i = 0; i < 5; i++) {
    const guess = world.connect().bind({ password: `guess${i}` })
    const from = world.time.monotonicMs()
    while (guess.binds.length === 0) world.time.advance(10)
    times.push(world.time.monotonicMs() - from)
  }
  t.same(times, [200, 400, 800, 900, 900])
  t.match(world.bound().binds, ['ESME_ROK carillon'], 'the right password passes at once')
  const elsewhere = world.connect('203.0.113.1').bind({ password: 'guess' })
  world.time.advance(210)
  t.same(elsewhere.binds, ['ESME_RINVPASWD'])
})

void t.test('a thousand rebinds cost one hash; one is made at a time', async t => {
  const accounts = [hashed('esme1', { maxSessions: 2000 }), hashed('esme2')]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  world.passwords.quick = false
  const storm = Array.from({ length: 400 }, () => world.connect().bind())
  const other = world.connect().bind({ system_id: 'esme2' })
  await world.settle()
  t.equal(world.passwords.made, 1)
  await world.passwords.finish()
  await world.settle()
  t.equal(world.passwords.made, 2, "esme2's turn")
  await world.passwords.finish()
  await world.settle()
  world.time.advance(50)
  t.ok(storm.every(({ binds }) => binds[0] === 'ESME_ROK carillon'))
  t.same(other.binds, ['ESME_ROK carillon'])
  for (let i = 0; i < 600; i++) storm.push(world.bound())
  t.ok(storm.every(({ binds }) => binds[0] === 'ESME_ROK carillon'))
  const wrong = world.connect().bind({ password: 'wrong' })
  world.time.advance(210)
  t.same(wrong.binds, ['ESME_RINVPASWD'])
  t.equal(world.passwords.made, 2, 'nor does a wrong guess cost one')
})

void t.test('another secret in the settings ends what was known of the old one', async t => {
  const world = await FrontWorld.open(t, { settings: gateway({ accounts: [hashed('esme1')] }) })
  const first = world.connect().bind()
  await world.settle()
  t.match(first.binds, ['ESME_ROK carillon'])
  const password = { kind: 'argon2id' as const, hash: '$argon2id$secret9' }
  world.cluster.apply(gateway({ accounts: [account('esme1', { password })] }))
  const [old, next] = [world.connect().bind(), world.connect().bind({ password: 'secret9' })]
  await world.settle()
  world.time.advance(1000)
  t.same(old.binds, ['ESME_RINVPASWD'])
  t.same(next.binds, ['ESME_ROK carillon'])
})

void t.test('hashes of closed sockets are dropped, and a full lane says ESME_RSYSERR', async t => {
  const accounts = [hashed('esme1'), hashed('esme2')]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  world.passwords.quick = false
  const flood = Array.from({ length: 700 }, (_, i) => world.connect().bind({ password: `p${i}` }))
  world.time.turn()
  t.equal(flood.filter(({ binds }) => binds[0] === 'ESME_RSYSERR').length, 199)
  const good = world.connect().bind({ system_id: 'esme2' })
  world.time.turn()
  for (const esme of flood) esme.link.close('gone')
  await world.settle()
  await world.passwords.finish()
  await world.passwords.finish()
  await world.settle()
  t.same(good.binds, ['ESME_ROK carillon'])
  t.equal(world.passwords.made, 2)
})

void t.test('before the boot is registered nobody may bind', async t => {
  const world = await FrontWorld.open(t)
  world.cluster.endBoot()
  t.same(world.bound().binds, ['ESME_RSYSERR'])
  world.cluster.begin(2)
  world.front.begin(2)
  const esme = world.bound()
  t.same(esme.binds, ['ESME_ROK carillon'])
  t.same([...world.cluster.state.sessions.keys()], ['1.2.1'])
})

import t from 'tap'
import type { GatewaySettings } from '../policy/settings.js'
import { account, gateway } from '../testing/gateway.js'
import { FrontWorld } from './testing/front-world.js'

const BANS = { failures: 3, withinMs: 60_000, forMs: 900_000 }
const FROM = '198.51.100.7'

const settings = (over: Partial<GatewaySettings> = {}): GatewaySettings =>
  gateway({ accounts: [account('esme1'), account('esme2')], bans: BANS, ...over })

/** Tries to bind; the answer, without what it is told of us. */
function bind(world: FrontWorld, fields: object = {}, from = FROM): string {
  const esme = world.connect(from).bind(fields)
  world.time.advance(1000)
  return esme.binds[0]?.split(' ')[0] ?? 'none'
}

const guess = (world: FrontWorld, times: number, fields: object = {}): void => {
  for (let i = 0; i < times; i++) bind(world, { password: 'guess', ...fields })
}

void t.test('after failures enough even the right password is refused from there', async t => {
  const world = await FrontWorld.open(t, { settings: settings() })
  guess(world, 2)
  t.equal(bind(world), 'ESME_ROK', 'a bind that succeeds begins the count anew')
  guess(world, 2)
  t.equal(world.cluster.state.bans.size, 0)
  guess(world, 1)
  t.match([...world.cluster.state.bans.all()], [{ address: FROM, failures: 3 }])
  t.equal(bind(world), 'ESME_RINVPASWD', 'as with a wrong password')
  t.equal(bind(world, {}, '203.0.113.9'), 'ESME_ROK', 'from elsewhere it may')
  t.equal(bind(world, { system_id: 'esme2' }), 'ESME_ROK', 'another account may')
  const made = world.passwords.made
  bind(world)
  t.equal(world.passwords.made, made, 'no password is looked at')
  const [ban] = world.cluster.state.bans.all()
  t.equal(ban!.untilMs - ban!.sinceMs, BANS.forMs)
  world.cluster.decide({ kind: 'liftBans', bans: [ban!] })
  t.equal(bind(world), 'ESME_ROK')
})

void t.test('a ban that another node has seen to counts here', async t => {
  const world = await FrontWorld.open(t, { settings: settings() })
  const { number } = world.account
  const times = { sinceMs: 0, untilMs: 1, failures: 3 }
  world.cluster.decide({ kind: 'ban', bans: [{ account: number, address: FROM, ...times }] })
  t.equal(bind(world), 'ESME_RINVPASWD')
})

void t.test('failures that lie further apart than `within` are not counted together', async t => {
  const world = await FrontWorld.open(t, { settings: settings() })
  guess(world, 2)
  world.time.advance(BANS.withinMs)
  guess(world, 2)
  t.equal(world.cluster.state.bans.size, 0)
  guess(world, 1)
  t.equal(world.cluster.state.bans.size, 1)
})

void t.test('nobody is banned by default, nor under a name that is no account', async t => {
  const off = await FrontWorld.open(t)
  guess(off, 30)
  t.equal(off.cluster.state.bans.size, 0)
  const world = await FrontWorld.open(t, { settings: settings() })
  guess(world, 30, { system_id: 'nobody' })
  t.equal(world.cluster.state.bans.size, 0)
  world.cluster.state.setRules(10)
  guess(world, 30)
  t.equal(world.cluster.state.bans.size, 0, 'not every node would know it')
})

void t.test('without a leader nothing is said, and the count begins anew', async t => {
  const world = await FrontWorld.open(t, { settings: settings() })
  world.cluster.setLeader('none')
  guess(world, 3)
  world.cluster.setLeader('here')
  world.time.advance(1000)
  guess(world, 3)
  t.equal(world.cluster.state.bans.size, 1)
})

import t from 'tap'
import { withEnabled, type Account } from '../policy/settings.js'
import { account, gateway } from '../testing/gateway.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'

const set = (world: FrontWorld, enabled: boolean, over: Partial<Account> = {}): void =>
  world.cluster.apply(gateway({ accounts: [withEnabled(account('esme1', over), enabled)] }))

void t.test(
  'a session that is kicked answers its deliver_sm first, and may bind again',
  async t => {
    const world = await FrontWorld.open(t)
    const [esme, other] = [world.bound(), world.bound()]
    const [kicked] = [...world.cluster.state.sessions.keys()]
    other.answering = null
    esme.answering = null
    world.mo(['one', 'two'])
    world.time.turn()
    t.same([...esme.texts, ...other.texts].sort(), ['one', 'two'])
    let reason = ''
    void world.front.kick(kicked!)!.then(said => (reason = said))
    void world.front.kick(kicked!)
    await world.time.advanceAsync(500)
    t.notOk(esme.unboundBySmsc, 'it still owes an answer')
    world.cluster.setLeader('held')
    esme.submit()
    world.mo(['three'])
    world.time.turn()
    esme.link.respond(5, esme.held[0]!, 'ESME_ROK')
    await world.time.advanceAsync(100)
    t.ok(esme.unboundBySmsc)
    t.equal(esme.closedReason, undefined, 'it waits for the answer to its submit')
    world.cluster.setLeader('here')
    await world.time.advanceAsync(100)
    t.same(esme.statuses, ['ESME_ROK'])
    t.equal(reason, 'unbound by us')
    t.same([esme.texts.length, other.texts.length], [1, 2], 'three went to the other session')
    t.same([...world.cluster.state.sessions.keys()].includes(kicked!), false)
    t.equal(world.account.owed, 2, 'what was answered is done')
    t.equal(world.front.kick(kicked!), undefined)
    t.match(world.bound().binds, ['ESME_ROK carillon'])
  },
)

void t.test('an ESME that reads nothing is closed after seconds', async t => {
  const world = await FrontWorld.open(t)
  const [ours, theirs] = connectionPair(world.time)
  world.front.accept(ours)
  const esme = new EsmeClient(theirs, world.time).bind()
  esme.answering = null
  world.time.turn()
  world.mo(['one'])
  world.time.turn()
  const [id] = [...world.cluster.state.sessions.keys()]
  await world.time.advanceAsync(300)
  t.same(world.front.activityOf(id!), {
    window: 100,
    unanswered: 0,
    delivering: 1,
    octetsWaiting: 0,
    pdusIn: 1,
    pdusOut: 2,
    lastPduAtMs: world.time.nowMs() - 300,
  })
  theirs.pause()
  let reason = ''
  void world.front.kick(id!)!.then(said => (reason = said))
  await world.time.advanceAsync(5900)
  t.equal(reason, '')
  await world.time.advanceAsync(600)
  t.equal(reason, 'unbind was not answered')
  t.equal(world.cluster.state.sessions.size, 0)
})

void t.test('a disabled account: sessions unbound, binds refused, receipts wait', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound().submit()
  world.time.turn()
  esme.answering = null
  world.mo(['one'])
  world.time.turn()
  set(world, false)
  world.time.turn()
  t.notOk(esme.unboundBySmsc, 'it still owes an answer')
  esme.submit()
  world.time.turn()
  t.same(esme.statuses, ['ESME_ROK', 'ESME_RSYSERR'], 'from this moment on')
  esme.link.respond(5, esme.held[0]!, 'ESME_ROK')
  await world.time.advanceAsync(50)
  t.ok(esme.unboundBySmsc)
  t.equal(world.cluster.state.sessions.size, 0)
  t.equal(world.account.owed, 0, 'its last answer counted')

  world.receipts(world.dispatch())
  t.equal(world.account.owed, 1)
  const refused = world.bound()
  const stranger = world.bound({ password: 'wrong' })
  await world.time.advanceAsync(1000)
  t.same(refused.binds, ['ESME_RBINDFAIL'])
  t.ok(refused.closedReason !== undefined)
  t.same(stranger.binds, ['ESME_RINVPASWD'], 'who has no password does not learn of it')

  set(world, true)
  const again = world.bound()
  await world.time.advanceAsync(1000)
  t.match(again.binds, ['ESME_ROK carillon'])
  t.match(again.texts, [/stat:DELIVRD/])
})

void t.test('a bind that crosses the end of its account is refused', async t => {
  const world = await FrontWorld.open(t)
  world.cluster.setLeader('held')
  const esme = world.bound()
  set(world, false)
  world.cluster.setLeader('here')
  await world.time.advanceAsync(1000)
  t.same(esme.binds, ['ESME_RBINDFAIL'])
  t.equal(world.cluster.state.sessions.size, 0)
})

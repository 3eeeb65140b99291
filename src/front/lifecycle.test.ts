import t from 'tap'
import { encodeBody, decodeBody } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { account, gateway } from '../testing/gateway.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'

void t.test('a drain finishes windows, unbinds and ends sessions; nothing is lost', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  const unbound = world.connect()
  esme.answering = null
  world.mo(['one'])
  world.time.turn()
  world.cluster.setLeader('held')
  esme.submit()
  world.time.turn()
  world.mo(['two'])
  let drained = false
  void world.front.drain(10_000).then(() => {
    drained = true
  })
  await world.time.advanceAsync(200)
  t.ok(unbound.closedReason !== undefined)
  t.equal(esme.closedReason, undefined, 'its window is not empty')
  esme.submit()
  world.time.turn()
  t.equal(esme.statuses[1], undefined, 'what comes before the unbind is taken')
  await world.time.advanceAsync(1000)
  esme.submit()
  world.time.turn()
  world.cluster.setLeader('here')
  await world.time.advanceAsync(50)
  t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK', 'ESME_ROK'], 'however long it takes')
  esme.link.respond(5, esme.held[0]!, 'ESME_ROK')
  await world.time.advanceAsync(200)
  t.ok(esme.unboundBySmsc)
  t.ok(drained)
  t.same(esme.texts, ['one'])
  t.equal(world.account.sessions.size, 0)
  t.equal(world.account.owed, 1, 'two waits for another node')
})

void t.test('a session with submits under way is unbound after a second all the same', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  world.cluster.setLeader('held')
  esme.submit()
  world.time.turn()
  let drained = false
  void world.front.drain(10_000).then(() => {
    drained = true
  })
  await world.time.advanceAsync(900)
  t.notOk(esme.unboundBySmsc)
  esme.submit()
  await world.time.advanceAsync(200)
  t.ok(esme.unboundBySmsc)
  t.notOk(drained)
  t.same(esme.statuses, [], 'it is told nothing yet, and waits for it')
  world.cluster.setLeader('here')
  await world.time.advanceAsync(200)
  t.same(esme.statuses, ['ESME_ROK', 'ESME_ROK'])
  t.equal(esme.closedReason, 'unbound by the peer')
  t.ok(drained)
  t.equal(world.account.sessions.size, 0)
})

void t.test('a drain ends at its deadline', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  esme.answering = null
  world.mo(['never answered'])
  world.time.turn()
  let drained = false
  void world.front.drain(3000).then(() => {
    drained = true
  })
  await world.time.advanceAsync(1700)
  t.notOk(esme.unboundBySmsc, 'the answer may come yet')
  t.notOk(drained)
  await world.time.advanceAsync(1400)
  t.ok(esme.unboundBySmsc)
  t.ok(drained)
  t.ok(esme.closedReason !== undefined)
})

void t.test('a node without a leader unbinds everybody after isolationTimeout', async t => {
  const world = await FrontWorld.open(t)
  const esme = world.bound()
  world.cluster.setLeader('none')
  world.leaderlessSinceMs = world.time.monotonicMs()
  world.time.advance(9400)
  t.notOk(esme.unboundBySmsc)
  world.time.advance(1200)
  t.ok(esme.unboundBySmsc)
  t.same(world.bound().binds, ['ESME_RSYSERR'])
  world.leaderlessSinceMs = undefined
  world.cluster.setLeader('here')
  world.time.advance(1100)
  t.equal(world.account.sessions.size, 0, 'the end of the session was committed')
  t.match(world.bound().binds, ['ESME_ROK carillon'])
})

void t.test('when the boot ends all sessions close at once', async t => {
  const world = await FrontWorld.open(t)
  const all = [world.bound(), world.bound(), world.connect()]
  world.cluster.endBoot()
  world.time.turn()
  t.ok(all.every(({ closedReason }) => closedReason !== undefined))
  t.same(world.front.counts, { connections: 0, sessions: 0 })
})

void t.test('the sessions of an account that is gone are unbound, the others stay', async t => {
  const accounts = [account('esme1'), account('esme2')]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const [gone, stays] = [world.bound(), world.bound({ system_id: 'esme2' })]
  world.cluster.apply(gateway({ accounts: [account('esme2')], moRoutes: [] }))
  world.time.turn()
  t.ok(gone.unboundBySmsc)
  t.equal(world.cluster.state.sessions.size, 1)
  stays.submit()
  world.time.turn()
  t.same(stays.statuses, ['ESME_ROK'])
})

void t.test('an account has times of its own, from its bind on', async t => {
  const times = { enquireLinkMs: 2000, inactivityTimeoutMs: 5000, responseTimeoutMs: 1500 }
  const settings = gateway({ accounts: [account('esme1', times), account('esme2')] })
  const world = await FrontWorld.open(t, { settings })
  const patient = world.bound({ system_id: 'esme2' })
  const [ours, theirs] = connectionPair(world.time)
  world.front.accept(ours)
  const esme = new EsmeClient(theirs, world.time).bind()
  world.time.turn()
  theirs.pause() // it neither answers an enquire_link nor asks
  await world.time.advanceAsync(4900)
  t.equal(world.front.counts.sessions, 2)
  await world.time.advanceAsync(1000)
  t.equal(world.front.counts.sessions, 1)
  t.same(esme.binds, ['ESME_ROK carillon'])
  t.equal(patient.closedReason, undefined)
})

void t.test('query_sm tells an account of its own messages, once the read is current', async t => {
  const accounts = [account('esme1'), account('esme2')]
  const world = await FrontWorld.open(t, { settings: gateway({ accounts }) })
  const esme = world.bound().submit().submit()
  world.time.turn()
  const [sent, other] = esme.answers.map(({ message_id }) => message_id)
  world.receipts(world.dispatch().slice(0, 1))
  let reads = 0
  world.currentRead = () => {
    reads++
    return Promise.resolve()
  }
  const query = (message_id: string) => encodeBody('query_sm', { message_id, source_addr: '1000' })
  const askers = [esme, world.bound({ system_id: 'esme2' })]
  for (const asker of askers)
    for (const id of [
      sent!.toUpperCase(),
      other!,
      'nonsense',
      `0000${sent!.slice(4)}`,
      `${sent!.slice(0, 17)}fff`,
    ])
      asker.ask(COMMAND_IDS.query_sm, query(id))
  world.time.turn()
  await world.settle()
  t.same(esme.statuses.slice(2), [
    'ESME_ROK',
    'ESME_ROK',
    'ESME_RINVMSGID',
    'ESME_RINVMSGID',
    'ESME_RQUERYFAIL',
  ])
  t.same(askers[1]!.statuses.slice(0, 2), ['ESME_RQUERYFAIL', 'ESME_RQUERYFAIL'])
  t.ok(reads <= 2, `${reads} reads for ten queries`)
  const [delivered, enroute] = esme.answers.slice(2, 4).map(({ body }) => {
    const decoded = decodeBody('query_sm_resp', body)
    return decoded.ok ? decoded.body : undefined
  })
  t.match(delivered, { message_id: sent, message_state: 2, final_date: '260101000000000+' })
  t.match(enroute, { message_id: other, message_state: 1, final_date: '' })
  world.currentRead = () => Promise.reject(new Error('no quorum'))
  esme.ask(COMMAND_IDS.query_sm, query(sent!))
  world.time.turn()
  await world.settle()
  t.equal(esme.statuses.at(-1), 'ESME_RSYSERR')
})

void t.test(
  'when a snapshot takes the place of the state, sessions and deliveries go on',
  async t => {
    const world = await FrontWorld.open(t)
    const esme = world.bound()
    const gone = world.bound()
    esme.answering = gone.answering = null
    world.mo(['one'])
    world.time.turn()
    const { journal } = world.cluster
    world.cluster.decide({ kind: 'endSession', session: '1.1.2' })
    await journal.flush()
    const source = await journal.snapshot()
    const stage = await journal.stage()
    for await (const chunk of source.chunks()) await stage.write(chunk)
    await stage.finish(source.index)
    await journal.install(source.index)
    world.time.turn()
    t.ok(gone.unboundBySmsc, 'its session is not in the new state')
    t.equal(esme.closedReason, undefined)
    esme.answering = gone.answering = 'ESME_ROK'
    for (const sequence of esme.held) esme.link.respond(5, sequence, 'ESME_ROK')
    world.mo(['two'])
    world.time.advance(3000)
    t.same(esme.texts, ['one', 'two'])
    t.equal(world.account.owed, 0)
    esme.submit()
    world.time.turn()
    t.same(esme.statuses, ['ESME_ROK'])
  },
)

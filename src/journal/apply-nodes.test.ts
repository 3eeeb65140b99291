import t from 'tap'
import { bind } from './testing/commands.js'
import { TestLog } from './testing/log.js'

void t.test(
  'maxSessions is exact, and a node that registers again has lost its sessions',
  async t => {
    const log = await TestLog.ready()
    for (const id of ['2.1.1', '2.1.2', '2.1.3']) t.same(log.propose(2, bind(id, 2)), { ok: true })
    t.match(log.propose(1, bind('1.1.1', 1)), { ok: false, why: 'tooManySessions' })
    t.equal(log.account.owner?.node, 2)
    const epoch = log.account.epoch
    log.register(2, 2)
    t.equal(log.account.sessions.size, 0)
    t.equal(log.account.owner, null)
    t.ok(log.account.epoch > epoch)
    t.same(log.propose(1, bind('1.1.1', 1)), { ok: true })
    t.equal(log.account.owner?.node, 1)
  },
)

void t.test(
  'the delivery owner is a node with a receiver session, and stays while it has one',
  async t => {
    const log = await TestLog.ready()
    log.propose(3, bind('3.1.1', 3, 'tx'))
    t.equal(log.account.owner, null)
    log.propose(2, bind('2.1.1', 2, 'rx'))
    log.propose(1, bind('1.1.1', 1))
    t.equal(log.account.owner?.node, 2)
    log.propose(2, { kind: 'endSession', session: '2.1.1' })
    t.equal(log.account.owner?.node, 1)
    t.match(
      log.propose(2, {
        kind: 'delivered',
        account: 1,
        epoch: log.account.epoch,
        seqs: [],
        expired: false,
      }),
      {
        why: 'staleEpoch',
      },
    )
  },
)

void t.test('homes are spread over the nodes, and handed over when a node comes back', async t => {
  const log = await TestLog.ready(settings => {
    const [first] = settings.connectors
    settings.connectors = ['a', 'b', 'c'].map(id => ({ ...first!, id }))
    settings.routes[0]!.to = ['a']
  })
  const homes = (): number[] => [...log.state.connectors.values()].map(c => c.home!.node).sort()
  t.same(homes(), [1, 2, 3])
  log.propose(1, { kind: 'nodeDown', node: 3, boot: 1 })
  t.same(
    homes().filter(node => node === 3),
    [],
  )
  log.register(3, 2)
  const wanted = [...log.state.connectors.values()].filter(c => c.wanted === 3)
  t.equal(wanted.length, 1)
  const [moving] = wanted
  const from = moving!.home!.node
  log.propose(from, { kind: 'releaseHome', connector: moving!.number, epoch: moving!.epoch })
  t.same(homes(), [1, 2, 3])
})

const withConnectors = (...ids: string[]) =>
  TestLog.ready(settings => {
    const [first] = settings.connectors
    settings.connectors = ids.map(id => ({ ...first!, id }))
    settings.routes[0]!.to = ['a']
  })

void t.test('a node that is relieved has its sessions, and nothing that others can do', async t => {
  const log = await withConnectors('a', 'b', 'c')
  const homes = (): number[] => [...log.state.connectors.values()].map(c => c.home!.node)
  log.propose(3, bind('3.1.1', 3))
  log.propose(1, bind('1.1.1', 1))
  t.equal(log.account.owner?.node, 3)
  const relieved = [...log.state.connectors.values()].find(c => c.home!.node === 3)!
  const { epoch } = relieved
  t.same(log.propose(1, { kind: 'relieve', node: 3, boot: 1 }), { ok: true })
  t.notOk(homes().includes(3))
  t.ok(relieved.epoch > epoch)
  t.equal(log.account.owner?.node, 1)
  t.equal(log.account.sessions.size, 2)
  t.match(log.propose(3, { kind: 'claim', connector: relieved.number, epoch, count: 1 }), {
    why: 'staleEpoch',
  })
  t.same(log.propose(3, { kind: 'draining', node: 3, boot: 1, draining: false }), { ok: true })
  const wanted = [...log.state.connectors.values()].filter(c => c.wanted === 3)
  t.equal(wanted.length, 1, 'it is given a home again, in good order')
})

void t.test('what nobody else can do stays with a node that is relieved', async t => {
  const log = await TestLog.ready(settings => {
    settings.connectors = settings.connectors.map(each => ({ ...each, nodes: [3] }))
  })
  const [connector] = log.state.connectors.values()
  log.propose(3, bind('3.1.1', 3))
  const before = [connector!.epoch, log.account.epoch]
  t.same(log.propose(1, { kind: 'relieve', node: 3, boot: 1 }), { ok: true })
  t.equal(connector!.home?.node, 3)
  t.equal(log.account.owner?.node, 3)
  t.same([connector!.epoch, log.account.epoch], before)
})

void t.test('a node is not relieved of what an earlier boot had, nor by older rules', async t => {
  const log = await TestLog.ready()
  log.register(3, 2)
  t.match(log.propose(1, { kind: 'relieve', node: 3, boot: 1 }), { why: 'staleBoot' })
  log.state.setRules(17)
  t.match(log.propose(1, { kind: 'relieve', node: 3, boot: 2 }), { why: 'malformed' })
})

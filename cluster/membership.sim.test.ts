import t from 'tap'

import { Simulation, type SimulatedNode } from './testing/simulation.js'

void t.test('a node joins as a learner, becomes a voter, and carries the cluster', async t => {
  const simulation = new Simulation({ seed: 1, settings: { keepEntries: 20, keepBytes: 1e9 } })
  await simulation.start()
  for (let i = 0; i < 400; i++) {
    simulation.nodes[i % 3]!.submit(`before ${i}`)
    if (i % 10 === 0) await simulation.run(5)
  }
  const leader = simulation.leader()!
  const four = simulation.add(4)
  void four.start()
  await simulation.run(2000)
  t.notOk(four.alive, 'it waits to be added')

  const member = { id: 4, address: 'node-4' }
  await simulation.settle(leader.groups[0]!.changeMembers([{ kind: 'addLearner', member }]))
  await simulation.until(() => four.alive && simulation.converged())
  t.equal(four.groups[0]!.status().role, 'learner')
  t.equal(four.node!.clusterId, leader.node!.clusterId)
  t.equal(four.machines[0]!.hash, leader.machines[0]!.hash, 'a snapshot brought it level')

  await simulation.settle(leader.groups[0]!.changeMembers([{ kind: 'addVoter', member }]))
  const followers = simulation.nodes.filter(node => node !== leader && node !== four)
  followers[0]!.kill()
  leader.submit('three of four')
  await simulation.until(() => leader.acknowledged[0]!.has('three of four'))
  t.same(
    leader.groups[0]!.status().members.map(({ id, role, alive }) => [
      id,
      role,
      alive || id === followers[0]!.id,
    ]),
    [1, 2, 3, 4].map(id => [id, 'voter', true]),
  )
  four.kill()
  void four.start()
  await simulation.until(() => four.alive && simulation.converged())
  t.equal(four.groups[0]!.status().members.length, 4, 'it remembers after a restart')
})

void t.test(
  'members are replaced through joint consensus, the leader by its own request too',
  async t => {
    const simulation = new Simulation({ seed: 2 })
    await simulation.start()
    const leader = simulation.leader()!
    const [stays, goes] = simulation.nodes.filter(node => node !== leader) as [
      SimulatedNode,
      SimulatedNode,
    ]
    const four = simulation.add(4)
    void four.start()
    const member = { id: 4, address: 'node-4' }
    await simulation.settle(
      leader.groups[0]!.changeMembers([
        { kind: 'addVoter', member },
        { kind: 'remove', id: goes.id },
      ]),
    )
    await simulation.until(() => four.alive && four.groups[0]!.status().leader === leader.id)
    t.same(ids(leader), [leader.id, stays.id, 4].sort())
    goes.kill()

    const itself = leader.groups[0]!.changeMembers([{ kind: 'remove', id: leader.id }])
    await t.rejects(simulation.settle(itself), /leadership went to node \d first/)
    const next = simulation.leader()!
    t.not(next, leader)
    await simulation.settle(next.groups[0]!.changeMembers([{ kind: 'remove', id: leader.id }]))
    t.same(ids(next), [stays.id, 4].sort())
    leader.kill()
    next.submit('two of two')
    await simulation.until(() => next.acknowledged[0]!.has('two of two'))
  },
)

void t.test('a member that was away finds a leader that it has never heard of', async t => {
  const simulation = new Simulation({ seed: 4 })
  await simulation.start()
  const leader = simulation.leader()!
  const [away, goes] = simulation.nodes.filter(node => node !== leader) as [
    SimulatedNode,
    SimulatedNode,
  ]
  away.kill()
  const four = simulation.add(4)
  void four.start()
  const member = { id: 4, address: 'node-4' }
  for (const kind of ['addLearner', 'addVoter'] as const) {
    await simulation.settle(leader.groups[0]!.changeMembers([{ kind, member }]))
    await simulation.until(() => four.alive && simulation.converged())
  }
  await simulation.settle(four.groups[0]!.transferLeadership(4))
  await simulation.settle(four.groups[0]!.changeMembers([{ kind: 'remove', id: goes.id }]))
  void away.start()
  await simulation.until(() => away.groups[0] !== undefined)
  t.equal(await simulation.settle(away.node!.wasRemoved()), false)
  await simulation.until(() => away.groups[0]!.status().leader === 4 && simulation.converged())

  t.equal(await simulation.settle(goes.node!.wasRemoved()), true, 'the other one is told')
})

void t.test('leadership goes to nobody who is far behind, and proposals do not wait', async t => {
  const simulation = new Simulation({ seed: 5, settings: { keepEntries: 50, keepBytes: 1e9 } })
  await simulation.start()
  const leader = simulation.leader()!
  const [behind, other] = simulation.nodes.filter(node => node !== leader) as [
    SimulatedNode,
    SimulatedNode,
  ]
  behind.kill()
  for (let i = 0; i < 300; i++) {
    leader.submit(`entry ${i}`)
    if (i % 20 === 0) await simulation.run(5)
  }
  await simulation.until(() => leader.open[0]!.size === 0)
  await simulation.run(200)
  simulation.network.faults.snapshotMs = 5_000
  void behind.start()
  await simulation.run(1_000)

  for (const asked of [leader, other]) {
    const refused = simulation.settle(asked.groups[0]!.transferLeadership(behind.id))
    asked.submit(`meanwhile ${asked.id}`)
    const tookMs = await simulation.until(() => asked.open[0]!.size === 0)
    t.ok(tookMs < 50, `a proposal at node ${asked.id} took ${tookMs} ms`)
    await t.rejects(refused, asked === leader ? /too far behind/ : /not go to node \d in time/)
    t.equal(simulation.leader()?.id, leader.id)
  }

  t.ok(behind.groups[0]!.status().lastIndex < 300, 'its snapshot was on its way all the time')
  await simulation.until(() => simulation.living.length === 3 && simulation.converged())
  await simulation.settle(leader.groups[0]!.transferLeadership(behind.id))
  t.equal(leader.groups[0]!.status().leader, behind.id, 'when it has caught up')
})

void t.test('what cannot be changed is refused, and changes nothing', async t => {
  const simulation = new Simulation({ seed: 3 })
  await simulation.start()
  const leader = simulation.leader()!
  const follower = simulation.nodes.find(node => node !== leader)!
  await t.rejects(
    follower.groups[0]!.changeMembers([{ kind: 'remove', id: 3 }]),
    new RegExp(`only the leader changes members: node ${leader.id} leads`),
  )
  await t.rejects(leader.groups[0]!.transferLeadership(9), /node 9 is no voter/)
  const before = leader.groups[0]!.status().lastIndex
  await leader.groups[0]!.changeMembers([{ kind: 'remove', id: 9 }])
  await leader.groups[0]!.changeMembers([
    { kind: 'addVoter', member: { id: 1, address: 'node-1' } },
  ])
  t.equal(leader.groups[0]!.status().lastIndex, before, 'nothing to do, nothing proposed')
})

void t.test('a wiped node is refused under its old id', async t => {
  const simulation = new Simulation({ seed: 4 })
  await simulation.start()
  simulation.node(2).kill()
  const wiped = simulation.add(2)
  await t.rejects(simulation.settle(wiped.start()), {
    name: 'DataGone',
    message: /data of node 2 is gone; add it under a new id/,
  })
})

void t.test('reads see what was committed, and fail without a quorum', async t => {
  const simulation = new Simulation({ seed: 5 })
  await simulation.start()
  const [one, two, three] = simulation.nodes as [SimulatedNode, SimulatedNode, SimulatedNode]
  for (const node of simulation.nodes) {
    one.submit(`for ${node.id}`)
    await simulation.until(() => one.acknowledged[0]!.has(`for ${node.id}`))
    const index = await simulation.settle(node.groups[0]!.readIndex())
    t.ok(index >= one.machines[0]!.entries.at(-1)!.index, `node ${node.id}`)
    t.ok(node.machines[0]!.state.index >= index)
  }
  await simulation.run(1000)
  for (const node of simulation.nodes) {
    const age = simulation.time.monotonicMs() - node.groups[0]!.quorumProbeSentAtMs()
    t.ok(age < 500, `probes are answered all the time: the last was sent ${age} ms ago`)
  }
  two.kill()
  three.kill()
  const beganAtMs = simulation.time.monotonicMs()
  await t.rejects(simulation.settle(one.groups[0]!.readIndex()), /no quorum/)
  t.ok(simulation.time.monotonicMs() - beganAtMs <= 1100, 'after two election timeouts')
  await simulation.run(2000)
  t.ok(one.groups[0]!.quorumProbeSentAtMs() <= beganAtMs, 'no probe after that counts')
})

void t.test('a leader whose disk stalls hands over', async t => {
  const simulation = new Simulation({ seed: 6 })
  await simulation.start()
  const leader = simulation.leader()!
  leader.disk.writeMsMin = leader.disk.writeMsMax = 2000
  leader.submit('slow')
  await simulation.until(
    () => simulation.leader() !== undefined && simulation.leader() !== leader,
    3000,
  )
  const next = simulation.leader()!
  next.submit('goes on')
  await simulation.until(() => next.acknowledged[0]!.has('goes on'), 2000)
  leader.disk.writeMsMin = leader.disk.writeMsMax = 1
  await simulation.until(() => simulation.converged() && leader.open[0]!.size === 0)
  t.ok(leader.acknowledged[0]!.has('slow'), 'what the stalled one had taken is not lost')
})

void t.test('what a new leader held for the old one goes with its first entry', async t => {
  const simulation = new Simulation({ seed: 8 })
  await simulation.start()
  const leader = simulation.leader()!
  const next = simulation.node((leader.id % 3) + 1) // whose turn comes first
  next.disk.writeMsMin = next.disk.writeMsMax = 30
  leader.kill()
  next.submit('held')
  await simulation.until(() => simulation.leader() === next)
  const tookMs = await simulation.until(() => next.acknowledged[0]!.has('held'))
  // one write of its own; the other node is quick
  t.ok(tookMs < 60, `${tookMs} ms`)
})

void t.test('a cluster of one needs nobody', async t => {
  const simulation = new Simulation({ seed: 7, nodes: 1 })
  await simulation.start()
  const [only] = simulation.nodes as [SimulatedNode]
  only.submit('alone')
  await simulation.until(() => only.acknowledged[0]!.has('alone'), 1000)
  t.ok((await simulation.settle(only.groups[0]!.readIndex())) > 1)
  only.kill()
  void only.start()
  await simulation.until(
    () => only.alive && only.machines[0]!.state.index === only.groups[0]!.status().lastIndex,
  )
  t.ok([...simulation.committed[0]!.values()].some(what => what.endsWith('alone')))
})

function ids(node: SimulatedNode): number[] {
  return node.groups[0]!.status().members.map(({ id }) => id)
}

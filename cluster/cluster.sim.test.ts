import t from 'tap'

import { silentLogger } from '../src/base/logger.js'
import { consoleLogger } from './testing/console-logger.js'
import { Simulation, type SimulatedNode } from './testing/simulation.js'

const SEEDS = process.env['SEED'] === undefined ? [1, 2, 3, 4] : [Number(process.env['SEED'])]
const LOGGER = process.env['LOG'] === undefined ? silentLogger : consoleLogger()

for (const { seed, nodes, writeMsMax } of SEEDS.flatMap(seed => [
  { seed, nodes: 3, writeMsMax: 4 },
  ...(seed % 4 === 0 ? [{ seed, nodes: 5, writeMsMax: 40 }] : []),
])) {
  void t.test(
    `${nodes} nodes lose nothing acknowledged under kills and cut streams, seed ${seed}`,
    async t => {
      const simulation = new Simulation({
        seed,
        nodes,
        writeMsMax,
        logger: LOGGER,
        faults: { drop: 0.02, delayMs: { min: 0.2, max: 8 } },
        settings: { keepEntries: 60, keepBytes: 1e9 },
      })
      const { random } = simulation
      await simulation.start()
      let submitted = 0
      for (let round = 0; round < 250; round++) {
        for (const node of simulation.living) {
          if (random.unit() < 0.6) node.submit(`${node.id}-${submitted++}`)
        }
        await disturb(simulation)
        await simulation.run(5 + random.below(40))
      }
      simulation.network.heal()
      for (const node of simulation.nodes) if (!node.alive) void node.start()
      await simulation.until(() => simulation.living.length === nodes && simulation.settled())
      await simulation.until(() => simulation.converged() && noneOpen(simulation))
      const texts = new Set(
        [...simulation.committed[0]!.values()].map(what => what.slice(what.indexOf(' ') + 1)),
      )
      const promised = simulation.nodes.flatMap(node => [...node.acknowledged[0]!])
      t.ok(promised.length > submitted * 0.3, `${promised.length} of ${submitted} acknowledged`)
      t.same(
        promised.filter(text => !texts.has(text)),
        [],
        'all acknowledged are there',
      )
      t.equal(new Set(simulation.nodes.map(node => node.machines[0]!.hash)).size, 1, 'one history')
    },
  )
}

async function disturb(simulation: Simulation): Promise<void> {
  const { random, network, nodes } = simulation
  const any = (): number => 1 + random.below(nodes.length)
  const chance = random.unit()
  const dead = nodes.find(node => !node.alive)
  if (chance < 0.02) simulation.leader()?.kill()
  else if (chance < 0.03) simulation.node(any()).kill()
  else if (chance < 0.09 && dead !== undefined) {
    dead.kill() // it may be on its way up
    void dead.start()
  } else if (chance < 0.11) network.separate([any()])
  else if (chance < 0.16) network.heal()
  else if (chance < 0.2) network.breakStreams(any(), any())
  else if (chance < 0.22)
    simulation
      .leader()
      ?.groups[0]!.transferLeadership(any())
      .catch(() => undefined)
  await Promise.resolve()
}

function noneOpen(simulation: Simulation): boolean {
  return simulation.nodes.every(node => node.open[0]!.size === 0)
}

for (const seed of SEEDS) {
  void t.test(`a dead leader's frames in flight do not end the hint, seed ${seed}`, async t => {
    const simulation = new Simulation({ seed, logger: LOGGER })
    await simulation.start()
    await simulation.run(1000)
    const leader = simulation.leader()!
    simulation.network.faults.delayMs = { min: 30, max: 60 } // what is sent now arrives late
    for (let i = 0; i < 20; i++) {
      leader.submit(`${i}`)
      await simulation.run(3)
    }
    leader.kill()
    simulation.network.faults.delayMs = { min: 0.2, max: 3 }
    const tookMs = await simulation.until(() => simulation.settled())
    t.ok(tookMs < 400, `a new leader after ${tookMs} ms, well before the election timeout`)
  })
}

for (const seed of SEEDS) {
  void t.test(`a log that is behind does not hold the hint up, seed ${seed}`, async t => {
    const simulation = new Simulation({ seed, logger: LOGGER })
    await simulation.start()
    await simulation.run(1000)
    const leader = simulation.leader()!
    const first = simulation.node((leader.id % 3) + 1) // whose turn comes first
    simulation.network.breakStreams(leader.id, first.id)
    leader.submit('first has this not')
    await simulation.run(10)
    leader.kill()
    const tookMs = await simulation.until(() => simulation.settled())
    t.ok(tookMs < 40, `a new leader after ${tookMs} ms, before the second's own turn`)
    t.not(simulation.leader(), first)
  })
}

for (const seed of SEEDS) {
  void t.test(
    `asked for a pre-vote, a node looks for its leader at once, seed ${seed}`,
    async t => {
      // nobody finds out by itself that the process is gone
      const simulation = new Simulation({ seed, faults: { refuseAfterMs: 60_000 }, logger: LOGGER })
      await simulation.start()
      await simulation.run(1000)
      const leader = simulation.leader()!
      leader.kill()
      const first = simulation.node((leader.id % 3) + 1) // whose turn comes first
      simulation.network.find(first.id)!.look(leader.id)
      const tookMs = await simulation.until(() => simulation.settled())
      t.ok(tookMs < 40, `a new leader after ${tookMs} ms`)
    },
  )
}

for (const seed of SEEDS) {
  void t.test(`a log that is behind does not hold an election up, seed ${seed}`, async t => {
    const { simulation, leader, first, second } = await threeNodes(seed)
    simulation.network.breakStreams(leader.id, first.id)
    leader.submit('first has this not')
    await simulation.run(10)
    const tookMs = await cutOff(simulation, leader)
    t.ok(tookMs < 640, `a new leader after ${tookMs} ms, before the second's own turn`)
    t.equal(first.groups[0]!.status().leader, second.id)
  })
}

for (const seed of SEEDS) {
  void t.test(
    `a pre-vote that comes too early is answered when its time has come, seed ${seed}`,
    async t => {
      const { simulation, leader, first, second } = await threeNodes(seed)
      simulation.network.separate([first.id]) // it hears nothing from here on
      await simulation.run(150)
      simulation.network.heal()
      const tookMs = await cutOff(simulation, leader)
      t.ok(tookMs < 540, `a new leader after ${tookMs} ms, before the second's own turn`)
      t.equal(second.groups[0]!.status().leader, first.id)
    },
  )
}

/** Node `first` stands first, `second` after it, when `leader` is gone. */
async function threeNodes(seed: number): Promise<{
  simulation: Simulation
  leader: SimulatedNode
  first: SimulatedNode
  second: SimulatedNode
}> {
  const simulation = new Simulation({ seed, logger: LOGGER })
  await simulation.start()
  await simulation.run(1000)
  const leader = simulation.leader()!
  const [first, second] = simulation.nodes.filter(node => node !== leader)
  return { simulation, leader, first: first!, second: second! }
}

/** ms until the others agree on a leader. */
async function cutOff(simulation: Simulation, leader: SimulatedNode): Promise<number> {
  simulation.network.separate([leader.id])
  const others = simulation.nodes.filter(node => node !== leader)
  return simulation.until(() => {
    const leads = new Set(others.map(({ groups }) => groups[0]!.status().leader))
    const [found] = leads
    return leads.size === 1 && found !== null && found !== leader.id
  })
}

void t.test(
  'a follower that is far behind catches up by a snapshot, and has its values',
  async t => {
    const simulation = new Simulation({ seed: 7, settings: { keepEntries: 50, keepBytes: 1e9 } })
    await simulation.start()
    const follower = simulation.nodes.find(node => node !== simulation.leader())!
    follower.kill()
    const leader = simulation.leader()!
    for (let i = 0; i < 600; i++) {
      leader.submit(`entry ${i}`)
      if (i % 20 === 0) await simulation.run(5)
    }
    await simulation.until(() => leader.open[0]!.size === 0)
    const [first, second, third] = leader.machines[0]!.live
    leader.machines[0]!.forget([second!])
    void leader.groups[0]!.release([second!])
    await simulation.run(200)
    void follower.start()
    await simulation.until(() => simulation.living.length === 3 && simulation.converged())
    t.ok(leader.groups[0]!.status().firstIndex > 300, 'the log was cut')
    t.ok(follower.groups[0]!.status().firstIndex > 300, 'it began with a snapshot')
    t.equal(follower.groups[0]!.value(first!)?.toString(), 'entry 0')
    t.equal(follower.groups[0]!.value(third!)?.toString(), 'entry 2')
    t.equal(follower.groups[0]!.value(second!), undefined, 'what was released did not come')
    t.equal(follower.machines[0]!.hash, leader.machines[0]!.hash)
    leader.kill()
    await simulation.until(() => simulation.settled())
    follower.submit('goes on')
    await simulation.until(() => follower.acknowledged[0]!.has('goes on'))
  },
)

void t.test('four groups share a node, each with its own log', async t => {
  const simulation = new Simulation({ seed: 8, groups: 4 })
  await simulation.start()
  for (const node of simulation.nodes) {
    for (let group = 0; group < 4; group++) node.submit(`${node.id}/${group}`, group)
  }
  await simulation.until(() => simulation.converged() && noneOpen(simulation))
  simulation.leader(2)!.kill()
  await simulation.until(() => simulation.settled())
  for (let group = 0; group < 4; group++) simulation.living[0]!.submit(`later ${group}`, group)
  await simulation.until(() => simulation.living[0]!.acknowledged.every(texts => texts.size === 2))
  for (let group = 0; group < 4; group++) {
    const texts = [...simulation.committed[group]!.values()].filter(what => /\/\d$/.test(what))
    t.ok(texts.length >= 3 && texts.every(what => what.endsWith(`/${group}`)), 'no stranger in it')
  }
})

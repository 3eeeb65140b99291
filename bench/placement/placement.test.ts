import t from 'tap'
import { simulateFleet, type FleetPlan } from './fleet.js'
import { coresOf, rebalance, type GroupLoad } from './placement.js'

const LOADS: GroupLoad[] = Array.from({ length: 40 }, (_, i) => ({
  leader: 0.1 + 0.01 * (i % 7),
  follower: 0.06,
}))
const NODES = [1, 2, 3, 4, 5, 6, 7, 8]

const heldBy = (places: readonly { replicas: number[] }[], id: number): number =>
  places.filter(({ replicas }) => replicas.includes(id)).length

void t.test('replicas are spread by number, on three nodes each', t => {
  const { places, replicasMoved } = rebalance([], NODES, LOADS)
  t.equal(replicasMoved, 120)
  for (const { replicas, leader } of places) {
    t.equal(new Set(replicas).size, 3)
    t.ok(replicas.includes(leader))
  }
  t.same(new Set(NODES.map(id => heldBy(places, id))), new Set([15]))
  const cores = coresOf(places, NODES, LOADS)
  t.ok(Math.max(...cores) - Math.min(...cores) < 0.1, 'leaders are spread by load')
  t.end()
})

void t.test('where nothing happens nothing moves', t => {
  const { places } = rebalance([], NODES, LOADS)
  const again = rebalance(places, NODES, LOADS)
  t.same(again, { places, replicasMoved: 0, leadersMoved: 0 })
  t.end()
})

void t.test('a dead node costs its own replicas and leaders, and few others', t => {
  const { places } = rebalance([], NODES, LOADS)
  const led = places.filter(({ leader }) => leader === 8).length
  const left = NODES.filter(id => id !== 8)
  const after = rebalance(places, left, LOADS)
  t.equal(after.replicasMoved, 15)
  t.ok(after.leadersMoved >= led && after.leadersMoved <= led + 4, `${after.leadersMoved}`)
  t.notOk(after.places.some(({ replicas }) => replicas.includes(8)))
  t.end()
})

void t.test('a new node is given its share, each replica once', t => {
  const { places } = rebalance([], NODES, LOADS)
  const after = rebalance(places, [...NODES, 9], LOADS)
  t.equal(heldBy(after.places, 9), 13)
  t.equal(after.replicasMoved, 13)
  t.ok(
    after.places.some(({ leader }) => leader === 9),
    'it leads, too',
  )
  t.end()
})

void t.test('fewer nodes than replicas, and none', t => {
  t.equal(rebalance([], [1, 2], LOADS).places[0]!.replicas.length, 2)
  t.throws(() => rebalance([], [], LOADS), /fewer nodes/)
  t.end()
})

const PLAN: FleetPlan = {
  nodes: 30,
  coresPerNode: 4,
  groups: 120,
  accounts: 1000,
  messagesPerSecond: 100_000,
  skew: 0.5,
  leaderUs: 30,
  followerUs: 20,
  groupLimit: 1500,
  seed: 7,
}

void t.test(
  'a fleet on paper: all traffic has a place, and the same plan gives the same rows',
  t => {
    const fleet = simulateFleet(PLAN)
    t.same(simulateFleet(PLAN), fleet)
    const [planned, dead, back, , , atOnce] = fleet.rows
    t.equal(planned!.replicasMoved, 360)
    for (const { mean, nodes } of fleet.rows)
      t.ok(Math.abs(mean * nodes - 7) < 1e-6, '70 µs × 100,000')
    t.equal(dead!.groupsWithoutMajority, 0, 'one node is never a majority')
    t.equal(back!.nodes, 30)
    t.equal(atOnce!.nodes, 27)
    t.ok(fleet.busiestGroup >= fleet.largestAccount, 'an account is in one group')
    t.ok(fleet.groupsOverLimit > 0 && fleet.groupsOverLimit < 120)
    t.end()
  },
)

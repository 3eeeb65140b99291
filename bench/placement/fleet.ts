import { fnv1a } from '../../src/base/fnv.js'
import { SeededRandom } from '../../src/base/random.js'
import { coresOf, rebalance, type GroupLoad, type GroupPlace } from './placement.js'

/** A fleet on paper: what its nodes would have to do. */
export interface FleetPlan {
  nodes: number
  coresPerNode: number
  groups: number
  accounts: number
  messagesPerSecond: number
  /** Traffic of the account of rank k is proportional to k ** -skew. */
  skew: number
  /** CPU time of one message at the node that leads its group, and at each of the two others; µs. */
  leaderUs: number
  followerUs: number
  /** What one group takes, bound by its leader's one thread; messages/s. */
  groupLimit: number
  seed: number
}

/** What an event does to the fleet. Loads are those after it. */
export interface FleetRow {
  event: string
  nodes: number
  /** Groups without a majority of their replicas when it has just happened. */
  groupsWithoutMajority: number
  replicasMoved: number
  leadersMoved: number
  /** The busiest node's cores, and the mean. */
  busiest: number
  mean: number
}

export interface Fleet {
  rows: FleetRow[]
  /** Messages/s of the busiest group, and how many have more than one group takes. */
  busiestGroup: number
  groupsOverLimit: number
  /** Messages/s of the largest account; it stays in one group, whatever their number. */
  largestAccount: number
}

/** Builds the fleet, takes nodes from it, and gives it new ones. The same plan gives the same rows. */
export function simulateFleet(plan: FleetPlan): Fleet {
  const rates = groupRates(plan)
  const loads = rates.map((rate): GroupLoad => ({
    leader: (rate * plan.leaderUs) / 1e6,
    follower: (rate * plan.followerUs) / 1e6,
  }))
  const random = new SeededRandom(plan.seed)
  let nodes: number[] = []
  let places: GroupPlace[] = []
  const become = (event: string, next: number[]): FleetRow => {
    const alive = new Set(next)
    const lost = (place: GroupPlace): number => place.replicas.filter(id => !alive.has(id)).length
    const groupsWithoutMajority = places.filter(place => lost(place) > 1).length
    const { replicasMoved, leadersMoved, ...result } = rebalance(places, next, loads)
    nodes = next
    places = result.places
    const cores = coresOf(places, nodes, loads)
    return {
      event,
      nodes: nodes.length,
      groupsWithoutMajority,
      replicasMoved,
      leadersMoved,
      busiest: Math.max(...cores),
      mean: cores.reduce((sum, one) => sum + one, 0) / cores.length,
    }
  }
  const without = (count: number): number[] => {
    const left = [...nodes]
    for (let i = 0; i < count; i++) left.splice(random.below(left.length), 1)
    return left
  }
  const withNew = (count: number): number[] => {
    const first = Math.max(0, ...nodes) + 1
    return [...nodes, ...Array.from({ length: count }, (_, i) => first + i)]
  }
  const tenth = Math.max(1, Math.round(plan.nodes / 10))
  const rows = [
    become('the fleet as planned', withNew(plan.nodes)),
    become('a node dies', without(1)),
    become('a node joins', withNew(1)),
    sumOf(
      Array.from({ length: tenth }, () =>
        become(`${tenth} nodes leave, one after the other`, without(1)),
      ),
    ),
    become(`${tenth} nodes join at once`, withNew(tenth)),
    become(`${tenth} nodes die at once`, without(tenth)),
  ]
  return {
    rows,
    busiestGroup: Math.max(...rates),
    groupsOverLimit: rates.filter(rate => rate > plan.groupLimit).length,
    largestAccount: plan.messagesPerSecond * accountShares(plan)[0]!,
  }
}

/** What several events moved altogether, and the fleet after the last. */
function sumOf(rows: readonly FleetRow[]): FleetRow {
  const total = (key: 'groupsWithoutMajority' | 'replicasMoved' | 'leadersMoved'): number =>
    rows.reduce((sum, row) => sum + row[key], 0)
  return {
    ...rows.at(-1)!,
    groupsWithoutMajority: total('groupsWithoutMajority'),
    replicasMoved: total('replicasMoved'),
    leadersMoved: total('leadersMoved'),
  }
}

/** Messages/s of each group: an account goes to the group that the hash of its name says. */
function groupRates(plan: FleetPlan): number[] {
  const rates = Array.from({ length: plan.groups }, () => 0)
  accountShares(plan).forEach((share, rank) => {
    const group = fnv1a(Buffer.from(`account-${rank}`)) % plan.groups
    rates[group]! += share * plan.messagesPerSecond
  })
  return rates
}

/** Shares of all traffic, the largest first; they add up to 1. */
function accountShares({ accounts, skew }: FleetPlan): number[] {
  const weights = Array.from({ length: accounts }, (_, rank) => (rank + 1) ** -skew)
  const sum = weights.reduce((total, weight) => total + weight, 0)
  return weights.map(weight => weight / sum)
}

/** Replicas of a group; a majority of them is two. */
export const REPLICAS = 3

/** Where the replicas of one Raft group are, and which of them leads. */
export interface GroupPlace {
  /** Ids of nodes, no two alike. */
  replicas: number[]
  leader: number
}

/** What a group costs the nodes it is on, in cores. */
export interface GroupLoad {
  leader: number
  follower: number
}

export interface Rebalanced {
  places: GroupPlace[]
  /** Replicas that a node has now and had not before: each is a snapshot that has to be sent. */
  replicasMoved: number
  /** Groups that another node leads than before: each is a pause of an election, or of a transfer. */
  leadersMoved: number
}

/**
 * Places groups on `nodes`, anew or from where they are. What stands on a living node stays unless that node has too much:
 * a replica moves with all its data, a leader by a word. Replicas are spread by number, leaders by load.
 */
export function rebalance(
  before: readonly GroupPlace[],
  nodes: readonly number[],
  loads: readonly GroupLoad[],
): Rebalanced {
  const replicas = spreadReplicas(before, nodes, loads.length)
  const leaders = spreadLeaders(replicas, before, nodes, loads)
  const places = replicas.map((ids, i) => ({ replicas: ids, leader: leaders[i]! }))
  let replicasMoved = 0
  let leadersMoved = 0
  places.forEach((place, i) => {
    const known = before[i]
    replicasMoved += place.replicas.filter(id => known?.replicas.includes(id) !== true).length
    if (known?.leader !== place.leader) leadersMoved++
  })
  return { places, replicasMoved, leadersMoved }
}

/** Cores that each node spends, in the order of `nodes`. */
export function coresOf(
  places: readonly GroupPlace[],
  nodes: readonly number[],
  loads: readonly GroupLoad[],
): number[] {
  const cores = new Map(nodes.map(id => [id, 0]))
  places.forEach(({ replicas, leader }, i) => {
    for (const id of replicas) {
      const { leader: leads, follower } = loads[i]!
      cores.set(id, cores.get(id)! + (id === leader ? leads : follower))
    }
  })
  return [...cores.values()]
}

/** Replicas of living nodes stay; holes go to whoever has fewest; then the fullest give to the emptiest. */
function spreadReplicas(
  before: readonly GroupPlace[],
  nodes: readonly number[],
  groups: number,
): number[][] {
  const held = new Map(nodes.map(id => [id, 0]))
  const replicas = Array.from({ length: groups }, (_, i) =>
    (before[i]?.replicas ?? []).filter(id => held.has(id)),
  )
  const count = (id: number, by: number): void => void held.set(id, held.get(id)! + by)
  for (const ids of replicas) for (const id of ids) count(id, 1)
  for (const ids of replicas)
    while (ids.length < Math.min(REPLICAS, nodes.length)) {
      const id = least(held, candidate => !ids.includes(candidate))
      ids.push(id)
      count(id, 1)
    }
  for (;;) {
    const emptiest = least(held, () => true)
    const fullest = [...held].reduce((most, one) => (one[1] > most[1] ? one : most))[0]
    if (held.get(fullest)! - held.get(emptiest)! <= 1) return replicas
    const gives = replicas.find(ids => ids.includes(fullest) && !ids.includes(emptiest))
    if (gives === undefined) return replicas
    gives[gives.indexOf(fullest)] = emptiest
    count(fullest, -1)
    count(emptiest, 1)
  }
}

/** A leader that lives goes on leading, until its node is the busiest and another replica's node would be less so. */
function spreadLeaders(
  replicas: readonly number[][],
  before: readonly GroupPlace[],
  nodes: readonly number[],
  loads: readonly GroupLoad[],
): number[] {
  const cores = new Map(nodes.map(id => [id, 0]))
  const add = (id: number, by: number): void => void cores.set(id, cores.get(id)! + by)
  replicas.forEach((ids, i) => ids.forEach(id => add(id, loads[i]!.follower)))
  const extra = (i: number): number => loads[i]!.leader - loads[i]!.follower
  const leaders = replicas.map((ids, i) => {
    const known = before[i]?.leader
    return known !== undefined && ids.includes(known) ? known : undefined
  })
  leaders.forEach((id, i) => id !== undefined && add(id, extra(i)))
  const heaviestFirst = [...leaders.keys()].sort((a, b) => extra(b) - extra(a))
  for (const i of heaviestFirst) {
    if (leaders[i] !== undefined) continue
    leaders[i] = least(cores, id => replicas[i]!.includes(id))
    add(leaders[i], extra(i))
  }
  for (;;) {
    const busiest = [...cores].reduce((most, one) => (one[1] > most[1] ? one : most))[0]
    let best: { group: number; to: number; peak: number } | undefined
    leaders.forEach((leader, group) => {
      if (leader !== busiest) return
      for (const to of replicas[group]!) {
        if (to === busiest) continue
        const peak = Math.max(cores.get(busiest)! - extra(group), cores.get(to)! + extra(group))
        if (peak < (best?.peak ?? cores.get(busiest)! - LEAST_GAIN)) best = { group, to, peak }
      }
    })
    if (best === undefined) return leaders as number[]
    add(busiest, -extra(best.group))
    add(best.to, extra(best.group))
    leaders[best.group] = best.to
  }
}

/** Cores that a transfer has to take off the busiest node, or it is not worth its pause. */
const LEAST_GAIN = 0.02

function least(amounts: ReadonlyMap<number, number>, fits: (id: number) => boolean): number {
  let found: [id: number, amount: number] | undefined
  for (const one of amounts)
    if (fits(one[0]) && (found === undefined || one[1] < found[1])) found = one
  if (found === undefined) throw new Error('fewer nodes than replicas')
  return found[0]
}

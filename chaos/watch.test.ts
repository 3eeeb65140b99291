import t from 'tap'
import type { ClusterView } from '../src/api/shapes.js'
import { leadIn } from '../src/testing/process-cluster.js'
import type { DrillCluster, DrillNode } from './subject.js'
import { newLeader, rolesIn } from './watch.js'

/** What nodes 1, 2, … say in one look: the leader they see, and the term. */
type Look = [leader: number | null, term: number][]

const view = (id: number, [leader, term]: Look[number]): ClusterView =>
  ({ id, leader, term }) as ClusterView

/** A cluster that says something else at each look; the last one stays. */
function changing(looks: readonly Look[]): DrillCluster {
  const asked = looks[0]!.map(() => 0)
  const say = (i: number): ClusterView => {
    const look = looks[Math.min(asked[i]!++, looks.length - 1)]!
    return view(i + 1, look[i]!)
  }
  const nodes = asked.map(
    (_, i) => ({ id: i + 1, cluster: () => Promise.resolve(say(i)) }) as unknown as DrillNode,
  )
  const lead = () => {
    const { id, term } = leadIn(nodes.map((_, i) => say(i)))!
    return Promise.resolve({ node: nodes[id - 1]!, term })
  }
  return { nodes, running: nodes, lead } as unknown as DrillCluster
}

void t.test('leader and term are those of one look, whatever comes between two', async t => {
  const looks: Look[] = [
    [
      [1, 5],
      [1, 5],
      [null, 6], // asks for votes
    ],
    [
      [3, 6],
      [3, 6],
      [3, 6],
    ],
  ]
  const cluster = changing(looks)
  const { leader, term, followers } = await rolesIn(cluster)
  t.match(leader, { id: 1 })
  t.equal(term, 5, 'not that of the candidate, nor of its success')
  t.same(
    followers.map(({ id }) => id),
    [2, 3],
  )
  const led = await newLeader(cluster, term, new Set([leader.id]), 10_000)
  t.match(led?.view, { id: 3, term: 6 }, 'it is the new leader, however soon it came')
})

void t.test('who leads is told by a majority of the answers', t => {
  const of = (...look: Look) => leadIn(look.map((said, i) => view(i + 1, said)))
  t.same(of([1, 5], [1, 5], [1, 5]), { id: 1, term: 5 })
  t.equal(of([1, 5], [2, 6], [null, 6]), undefined, 'nobody knows yet')
  t.same(of([1, 5], [2, 6], [2, 6]), { id: 2, term: 6 }, 'node 1 has slept')
  t.equal(of([null, 5], [null, 5]), undefined)
  t.equal(of(), undefined)
  t.end()
})

import type { Drill } from '../drill.js'
import type { Scene } from '../scene.js'
import type { DrillNode } from '../subject.js'

export const KILLS: readonly Drill[] = [
  {
    name: 'leader-kill',
    needs: ['kill'],
    summary: 'SIGKILL for the leader under load; it is started again when another one leads',
    run: async scene => {
      const { leader, term } = await scene.roles()
      await kill(scene, `SIGKILL for node ${leader.id}, the leader`, [leader], {
        electsAfter: term,
      })
    },
  },
  {
    name: 'follower-kill',
    needs: ['kill'],
    summary: 'SIGKILL for a follower under load: the home of the connector where that is one',
    run: async scene => {
      const { followers } = await scene.roles()
      const home = (await scene.connector())?.home
      const any = followers[scene.random.below(followers.length)]!
      const node = followers.find(({ id }) => id === home) ?? any
      await kill(scene, `SIGKILL for node ${node.id}, a follower`, [node])
    },
  },
  {
    name: 'kill-majority',
    needs: ['kill'],
    summary:
      'SIGKILL for the leader and one more of three: nothing can be accepted until they return',
    run: async scene => {
      const { leader, followers } = await scene.roles()
      const others = Math.ceil(scene.cluster.nodes.length / 2) - 1 // so that no majority is left
      const nodes = [leader, ...followers.slice(0, others)]
      const names = nodes.map(({ id }) => id).join(' and ')
      await kill(scene, `SIGKILL for nodes ${names}, a majority`, nodes, { effectMs: 4_000 })
    },
  },
  {
    name: 'kill-all',
    needs: ['kill'],
    summary: 'SIGKILL for all nodes at once, as a power cut; then all are started again',
    run: async scene => {
      await kill(scene, 'SIGKILL for all nodes', scene.cluster.running, { effectMs: 2_000 })
    },
  },
]

async function kill(
  scene: Scene,
  what: string,
  nodes: readonly DrillNode[],
  { effectMs = 1_500, electsAfter }: { effectMs?: number; electsAfter?: number } = {},
): Promise<void> {
  const names = nodes.map(({ id }) => id).join(', ')
  await scene.fault({
    what,
    nodes,
    effectMs,
    electsAfter,
    act: async () => {
      await Promise.all(nodes.map(node => node.kill()))
    },
    recovery: `node ${names} started again`,
    recover: async () => {
      for (const node of nodes) await node.start()
    },
  })
}

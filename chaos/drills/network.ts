import type { Drill } from '../drill.js'
import type { Scene } from '../scene.js'
import type { DrillNode } from '../subject.js'

const BY_PROXY =
  'the network is broken by a TCP proxy of ours between each two nodes, in each direction; the kernel drops nothing'

export const NETWORK: readonly Drill[] = [
  {
    name: 'partition-leader',
    summary:
      'the leader is cut off from the others, both ways, for six seconds; ESMEs and SMSC still reach it',
    says: [BY_PROXY],
    setup: { proxied: true },
    run: async scene => {
      const { leader, term } = await scene.roles()
      await partition(scene, {
        what: `node ${leader.id}, the leader, is cut off`,
        node: leader,
        electsAfter: term,
        act: () => scene.mesh!.isolate([leader.id]),
      })
    },
  },
  {
    name: 'partition-minority',
    summary:
      'a follower is cut off from the others, both ways, for six seconds: the home of the connector where that is one',
    says: [BY_PROXY],
    setup: { proxied: true },
    run: async scene => {
      const { followers } = await scene.roles()
      const home = (await scene.connector())?.home
      const node = followers.find(({ id }) => id === home) ?? followers[0]!
      await partition(scene, {
        what: `node ${node.id}, a follower, is cut off`,
        node,
        act: () => scene.mesh!.isolate([node.id]),
      })
    },
  },
  {
    name: 'partition-one-way',
    summary: 'the leader hears the others, and they do not hear it, for six seconds',
    says: [BY_PROXY],
    setup: { proxied: true },
    run: async scene => {
      const { leader, term } = await scene.roles()
      await partition(scene, {
        what: `nobody hears node ${leader.id}, the leader`,
        node: leader,
        electsAfter: term,
        act: () => {
          for (const { id } of scene.cluster.nodes) {
            if (id !== leader.id) scene.mesh!.block(leader.id, id)
          }
        },
      })
    },
  },
  {
    name: 'packet-loss',
    summary: 'five of a hundred segments between nodes are lost, for eight seconds',
    says: [
      BY_PROXY,
      'a lost segment holds back what follows for 200 ms, twice that when lost again',
    ],
    setup: { proxied: true },
    run: async scene => {
      await scene.fault({
        what: '5 % of segments between nodes are lost',
        nodes: [],
        effectMs: 8_000,
        act: () => scene.mesh!.changeAll({ loss: 0.05 }),
        recovery: 'no segment is lost any more',
        recover: () => scene.mesh!.heal(),
      })
    },
  },
  {
    name: 'packet-latency',
    summary: 'what nodes say to each other takes 40 to 60 ms, for eight seconds',
    says: [BY_PROXY],
    setup: { proxied: true },
    run: async scene => {
      await scene.fault({
        what: '40 to 60 ms between nodes',
        nodes: [],
        effectMs: 8_000,
        act: () => scene.mesh!.changeAll({ delayMs: 40, jitterMs: 20 }),
        recovery: 'no delay any more',
        recover: () => scene.mesh!.heal(),
      })
    },
  },
]

async function partition(
  scene: Scene,
  options: { what: string; node: DrillNode; electsAfter?: number; act: () => void },
): Promise<void> {
  const { what, node, act, electsAfter } = options
  await scene.fault({
    what,
    nodes: [node],
    effectMs: 6_000,
    electsAfter,
    act,
    recovery: 'the network is whole again',
    recover: () => scene.mesh!.heal(),
  })
}

import type { ConnectorView, List } from '../../src/api/shapes.js'
import { LOSES_POWER } from '../checks.js'
import type { Drill } from '../drill.js'
import type { FaultNetwork } from '../network/fault-network.js'
import { namespacesHere } from '../network/own-namespace.js'
import type { Scene } from '../scene.js'
import type { DrillNode } from '../subject.js'

/** Longer than any answer takes, shorter than host-dead lasts. */
const IMPATIENT = { enquireLinkMs: 4_000, inactivityTimeoutMs: 8_000 }

export const NETWORK: readonly Drill[] = [
  {
    name: 'partition-leader',
    summary:
      'the leader is cut off from the others, both ways, for six seconds; ESMEs and SMSC still reach it',
    setup: { breaks: 'lines' },
    run: async scene => {
      const { leader, term } = await scene.roles()
      await partition(scene, {
        what: `node ${leader.id}, the leader, is cut off`,
        node: leader,
        electsAfter: term,
        act: network => network.isolate([leader.id]),
      })
    },
  },
  {
    name: 'partition-minority',
    summary:
      'a follower is cut off from the others, both ways, for six seconds: the home of the connector where that is one',
    setup: { breaks: 'lines' },
    run: async scene => {
      const node = await followerOrHome(scene)
      await partition(scene, {
        what: `node ${node.id}, a follower, is cut off`,
        node,
        act: network => network.isolate([node.id]),
      })
    },
  },
  {
    name: 'partition-one-way',
    summary: 'the leader hears the others, and they do not hear it, for six seconds',
    setup: { breaks: 'lines' },
    run: async scene => {
      const { leader, followers, term } = await scene.roles()
      await partition(scene, {
        what: `nobody hears node ${leader.id}, the leader`,
        node: leader,
        electsAfter: term,
        act: async network => {
          await Promise.all(followers.map(({ id }) => network.block(leader.id, id)))
        },
      })
    },
  },
  {
    name: 'packet-loss',
    summary: 'five of a hundred segments between nodes are lost, for eight seconds',
    says: ['a proxy holds back what follows a lost segment for 200 ms, twice that when lost again'],
    setup: { breaks: 'lines' },
    run: async scene => {
      await scene.fault({
        what: '5 % of segments between nodes are lost',
        nodes: [],
        effectMs: 8_000,
        act: () => scene.network.lose(0.05),
        recovery: 'no segment is lost any more',
        recover: () => scene.network.heal(),
      })
    },
  },
  {
    name: 'packet-latency',
    summary: 'what nodes say to each other takes 40 to 60 ms, for eight seconds',
    setup: { breaks: 'delays' },
    run: async scene => {
      await scene.fault({
        what: '40 to 60 ms between nodes',
        nodes: [],
        effectMs: 8_000,
        act: () => scene.network.delay(40, 20),
        recovery: 'no delay any more',
        recover: () => scene.network.heal(),
      })
    },
  },
  {
    name: 'host-dead',
    summary:
      'a pulled power cord: all packets of the leader (every second time of a follower, the home of the connector where that is ' +
      'one) are dropped and its process is killed, so that nobody gets a FIN or RST; 15 seconds later it starts again',
    says: [
      `ESMEs send enquire_link after ${IMPATIENT.enquireLinkMs / 1000} s of silence, and give a session up after ` +
        `${IMPATIENT.inactivityTimeoutMs / 1000} s: until then they cannot know`,
    ],
    cannotRun: async () => {
      const { missing } = await namespacesHere()
      return missing && `needs network namespaces: ${missing}`
    },
    setup: { breaks: 'hosts', esme: IMPATIENT },
    repetitionMs: 45_000,
    run: async scene => {
      const { leader, term } = await scene.roles()
      const hitsLeader = scene.faults.length % 2 === 0
      const node = hitsLeader ? leader : await followerOrHome(scene)
      const { power } = scene
      await scene.fault({
        what: `node ${node.id}, ${hitsLeader ? 'the leader' : 'a follower'}, ${LOSES_POWER}`,
        nodes: [node],
        effectMs: 15_000, // longer than the ESMEs' patience, and than the gateway's
        electsAfter: hitsLeader ? term : undefined,
        act: async () => {
          await power.cut(node.id)
          await node.kill()
        },
        recovery: `node ${node.id} has power again, and starts`,
        recover: async () => {
          await boundElsewhere(scene, node)
          await power.restore(node.id)
          await node.start()
        },
      })
    },
  },
]

async function partition(
  scene: Scene,
  options: {
    what: string
    node: DrillNode
    electsAfter?: number
    act: (network: FaultNetwork) => Promise<void>
  },
): Promise<void> {
  const { what, node, act, electsAfter } = options
  await scene.fault({
    what,
    nodes: [node],
    effectMs: 6_000,
    electsAfter,
    act: () => act(scene.network),
    recovery: 'the network is whole again',
    recover: () => scene.network.heal(),
  })
}

/** The home of the connector where that is a follower, else any. */
async function followerOrHome(scene: Scene): Promise<DrillNode> {
  const { followers } = await scene.roles()
  const home = (await scene.connector())?.home
  return followers.find(({ id }) => id === home) ?? followers[0]!
}

/** A must: another node is the connector's home, and all of its binds stand. */
async function boundElsewhere(scene: Scene, dead: DrillNode): Promise<void> {
  const home = (await scene.connector())?.home ?? null
  const list =
    home === null || home === dead.id
      ? undefined
      : await scene.cluster.node(home).get<List<ConnectorView>>('/api/v1/connectors')
  const { bindsBound = null, bindsWanted = 0 } = list?.items[0] ?? {}
  scene.check(
    `connectors are bound elsewhere while node ${dead.id} is dead`,
    bindsBound !== null && bindsBound === bindsWanted,
    `home: ${home ?? 'none'}, binds: ${bindsBound ?? 'none'} of ${bindsWanted}`,
    'home: another node, with all binds',
  )
}

import { join } from 'node:path'
import type { List, SessionView } from '../../src/api/shapes.js'
import { OwnProcess } from '../../src/testing/own-process.js'
import { waitFor } from '../../src/testing/wait-for.js'
import type { Drill } from '../drill.js'
import { behindHaproxy, Haproxy, noHaproxy } from '../haproxy.js'
import type { Scene } from '../scene.js'

const STORM = 1_000

export const SESSIONS: readonly Drill[] = [
  {
    name: 'esme-storm',
    summary:
      'a thousand sessions are bound, break together, and bind again at once, against password hashing',
    setup: {
      accounts: [
        { systemId: 'storm', password: 'secret2', maxSessions: 2 * STORM, bindTypes: ['trx'] },
      ],
    },
    run: async scene => {
      let storm = await stormAt(scene, 'the first time')
      await scene.fault({
        what: `${STORM} sessions break, and bind again at once`,
        nodes: [],
        effectMs: 500,
        act: async () => {
          await storm.kill()
          storm = await stormAt(scene, 'again')
        },
        recovery: 'all of them are bound',
        recover: () => undefined,
      })
      await storm.kill()
    },
  },
  {
    name: 'balancer-failover',
    summary:
      'behind HAProxy: SIGKILL for the leader, then SIGSTOP for another node; sessions find another node',
    says: [
      'ESMEs know one address only: HAProxy, with deploy/haproxy/haproxy.cfg, PROXY protocol v2',
    ],
    cannotRun: () => Promise.resolve(noHaproxy()),
    setup: {
      settings: { smpp: behindHaproxy },
      before: async (cluster, onEnd) => {
        const haproxy = await Haproxy.start(cluster)
        onEnd(() => haproxy.stop())
        return [haproxy.address]
      },
    },
    run: async scene => {
      const { leader, term } = await scene.roles()
      await scene.fault({
        what: `SIGKILL for node ${leader.id}, the leader, behind HAProxy`,
        nodes: [leader],
        effectMs: 3_000,
        electsAfter: term,
        act: () => leader.kill(),
        recovery: `node ${leader.id} started again`,
        recover: () => leader.start(),
      })
      await scene.steady(1_000)
      const sessions = await sessionsOf(scene)
      scene.check(
        'sessions are bound through PROXY protocol v2, which the nodes require',
        sessions.length > 0,
        `${sessions.length} sessions`,
        'more than 0',
      )
      const { followers } = await scene.roles()
      const node = followers.find(({ id }) => sessions.some(session => session.node === id))
      await scene.fault({
        what: `SIGSTOP for node ${node!.id}, behind HAProxy`,
        nodes: [node!],
        effectMs: 6_000,
        act: () => node!.freeze(),
        recovery: `node ${node!.id} goes on`,
        recover: () => node!.thaw(),
      })
    },
  },
]

async function sessionsOf(scene: Scene): Promise<SessionView[]> {
  const { items } = (await scene.cluster.running[0]!.get<List<SessionView>>(
    '/api/v1/sessions',
  )) ?? {
    items: [],
  }
  return items
}

/** A process with a thousand sessions that do nothing but stay; resolves when all are bound. */
async function stormAt(scene: Scene, when: string): Promise<OwnProcess> {
  await waitFor('earlier sessions have ended', async () => (await boundNow(scene)) === 0, {
    timeoutMs: 30_000,
  })
  const began = performance.now()
  const storm = new OwnProcess({
    name: 'esme storm',
    script: new URL('../../src/main.js', import.meta.url),
    args: [
      ...['esme', '--connect', scene.cluster.smppAddresses.join(','), '--system-id', 'storm'],
      ...['--password', 'secret2', '--sessions', String(STORM), '--rate', '1/s'],
      ...['--duration', '10m', '--no-receipts', '--give-up', '2m', '--output', 'json'],
    ],
    logFile: join(scene.cluster.directory, 'storm.log'),
  })
  scene.onEnd(async () => {
    await storm.kill()
  })
  await waitFor(`${STORM} sessions are bound`, async () => (await boundNow(scene)) >= STORM, {
    timeoutMs: 60_000,
    everyMs: 200,
    detail: () => storm.logTail(),
  })
  scene.measured[`${STORM} sessions bound, ${when}, process start included, ms`] = Math.round(
    performance.now() - began,
  )
  return storm
}

async function boundNow(scene: Scene): Promise<number> {
  for (const node of scene.cluster.running) {
    const accounts =
      await node.get<List<{ systemId: string; sessions: number }>>('/api/v1/accounts')
    const storm = accounts?.items.find(({ systemId }) => systemId === 'storm')
    if (storm !== undefined) return storm.sessions
  }
  return 0
}

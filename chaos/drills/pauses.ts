import { HANDS_OVER } from '../checks.js'
import { logged } from '../scene.js'
import type { Drill } from '../drill.js'
import { waitFor } from '../../src/testing/wait-for.js'

/** Nodes and load that have just started compile for so long: gaps of that are none of a restart. See the drill calm. */
const WARM_MS = 25_000

export const PAUSES: readonly Drill[] = [
  {
    name: 'leader-pause',
    needs: ['pause'],
    summary:
      'SIGSTOP for the leader for five seconds: another one leads, and the sleeper wakes up believing it still does',
    run: async scene => {
      const { leader, term } = await scene.roles()
      await scene.fault({
        what: `SIGSTOP for node ${leader.id}, the leader`,
        nodes: [leader],
        effectMs: 5_000,
        electsAfter: term,
        act: () => leader.freeze(),
        recovery: `node ${leader.id} goes on`,
        recover: () => leader.thaw(),
      })
    },
  },
  {
    name: 'leader-transfer',
    summary: 'the leader hands leadership over to another node under load; nothing breaks',
    run: async scene => {
      const { leader, term } = await scene.roles()
      await scene.fault({
        what: `node ${leader.id} ${HANDS_OVER}`,
        nodes: [],
        effectMs: 1_000,
        electsAfter: term,
        act: async () => {
          const done = await leader.post('/api/v1/transfer-leader', { to: null })
          const found = done ? 'done' : 'refused'
          scene.check('leadership was handed over', done, found, 'done')
        },
        recovery: 'another node leads',
        recover: () => undefined,
      })
    },
  },
  {
    name: 'rolling-restart',
    needs: ['stop'],
    summary:
      'SIGTERM for one node after the other, the leader last; each drains, ends and comes back',
    run: async scene => {
      await scene.steady(WARM_MS)
      const { leader, followers } = await scene.roles()
      for (const node of [...followers, leader]) {
        await scene.fault({
          what: `SIGTERM for node ${node.id}`,
          nodes: [node],
          effectMs: 500,
          act: async () => {
            const ending = await node.terminate(20_000)
            scene.check(
              `node ${node.id} ended by itself`,
              ending?.code === 0,
              `status ${String(ending?.code)}, signal ${String(ending?.signal)}`,
              'status 0 within 20 s',
            )
          },
          recovery: `node ${node.id} started again`,
          recover: () => node.start(),
        })
        await scene.steady(500)
      }
    },
  },
  {
    name: 'snapshot-catch-up',
    needs: ['kill'],
    summary:
      'a follower is away until the log that it needs has been cut; it comes back by a snapshot',
    says: ['the log is cut to 1,000 entries, by an order inside the nodes; 50,000 are the default'],
    setup: { inside: { keepEntries: 1_000 } },
    run: async scene => {
      const { leader, followers } = await scene.roles()
      const [node] = followers
      const awayAt = (await node!.cluster())?.appliedIndex ?? 0
      const before = logged(node!, 'snapshot installed')
      await scene.fault({
        what: `SIGKILL for node ${node!.id}, a follower, until the log is cut`,
        nodes: [node!],
        effectMs: 1_000,
        act: async () => {
          await node!.kill()
          await waitFor(
            'the log grows past what is kept',
            async () => ((await leader.cluster())?.appliedIndex ?? 0) > awayAt + 6_000,
            { timeoutMs: 60_000, everyMs: 250 },
          )
        },
        recovery: `node ${node!.id} started again`,
        recover: () => node!.start(),
      })
      const installed = logged(node!, 'snapshot installed') - before
      scene.check(
        'it came back by a snapshot',
        installed > 0,
        `${installed} installed`,
        'at least 1',
      )
    },
  },
]

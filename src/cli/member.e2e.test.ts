import { readFile, rm } from 'node:fs/promises'
import t from 'tap'
import type { Health } from '../api/shapes.js'
import type { ProcessNode } from '../testing/process-node.js'
import { nothingLost, underLoad } from '../testing/under-load.js'
import { waitFor } from '../testing/wait-for.js'
import { recordingIo } from './io.js'
import { run } from './program.js'

const MESSAGES = 3000

const member = async (at: ProcessNode, ...argv: string[]) => {
  const io = recordingIo()
  const status = await run(['member', ...argv, '--http', at.httpUrl], io)
  return { status, said: io.said.join('\n'), noted: io.noted.join('\n') }
}

/** On a loaded machine a living node may be silent for a second: asked again, as an operator would. */
const accepted = async (at: ProcessNode, ...argv: string[]) => {
  const answer = await member(at, ...argv)
  return answer.status === 0 ? answer : undefined
}

void t.test('under load a node that lost its data is replaced, and nothing is lost', async t => {
  const load = await underLoad(t, { rate: 200, count: MESSAGES, settleMs: 60_000 })
  const { cluster } = load
  const [one, two, three] = [cluster.node(1), cluster.node(2), cluster.node(3)]

  await two.kill()
  await rm(cluster.dataDir(2), { recursive: true })
  await cluster.leader()
  two.start()
  await waitFor('the empty node gives up', () => !two.isRunning, { timeoutMs: 60_000 })
  t.match(two.logTail(), /data of node 2 is gone; add it under a new id/)
  await waitFor('the removal that would end it all is refused', async () => {
    const { status, noted } = await member(one, 'remove', '3')
    return status === 4 && /without node 3.*remove node 2 instead/.test(noted)
  })
  const removed = await waitFor('node 2 is removed', () => accepted(three, 'remove', '2'))
  t.notMatch(removed.said, /^2 /m)

  const four = await cluster.addNode(4)
  const again = await member(one, 'add', '--id', '2', '--address', `127.0.0.1:${four.peerPort}`)
  t.match(again, { status: 4, noted: /node 2 was a member before.*such as 4/ })
  const argv = ['add', '--id', '4', '--address', `127.0.0.1:${four.peerPort}`]
  const adding = member(three, ...argv)
  four.start()
  const added = await adding
  t.equal(added.status, 0, added.noted)
  t.match(added.said, /node 4 is a voter/)
  await four.ready()

  await nothingLost(t, load, MESSAGES)
  const views = await cluster.settled()
  t.equal(views.length, 3)
  t.equal(new Set(views.map(({ stateHash }) => stateHash)).size, 1, 'one state')
  for (const { members } of views)
    t.same(
      members.map(({ id, role, alive }) => [id, role, alive]),
      [1, 3, 4].map(id => [id, 'voter', true]),
    )

  const leader = await cluster.leader()
  const stay = cluster.running.filter(({ id }) => id !== leader.id)
  t.match(await member(leader, 'remove', String(leader.id)), {
    status: 4,
    noted: /ask another one than node/,
  })
  await waitFor('the leader is removed', () => accepted(stay[0]!, 'remove', String(leader.id)))
  await waitFor('the removed node knows', async () => {
    const answer = await fetch(`${leader.httpUrl}/readyz`)
    const { reasons } = (await answer.json()) as Health
    return answer.status === 503 && reasons.includes('this node was removed from the cluster')
  })
  t.ok(leader.isRunning)
  t.match(await readFile(leader.logFile, 'utf8'), /this node was removed from the cluster/)
  await leader.terminate()
  leader.start()
  await waitFor('it knows after a restart too', async () => {
    const answer = await fetch(`${leader.httpUrl}/readyz`).catch(() => undefined)
    const { reasons = [] } = ((await answer?.json()) ?? {}) as Partial<Health>
    return reasons.includes('this node was removed from the cluster')
  })
  await leader.kill()
  t.equal((await cluster.settled()).length, 2)
})

import t from 'tap'
import { nothingLost, underLoad } from '../testing/under-load.js'
import { waitFor } from '../testing/wait-for.js'

const MESSAGES = 3000

void t.test('nothing acknowledged is lost when the leader is killed under load', async t => {
  const load = await underLoad(t, { rate: 600, count: MESSAGES, settleMs: 40_000 })
  const { cluster } = load
  const leader = await cluster.leader()
  await leader.kill()
  const heir = await cluster.leader()
  t.not(heir.id, leader.id, 'another node leads')
  leader.start()

  const report = await nothingLost(t, load, MESSAGES)
  t.equal(report.ids.repeated, 0, 'message ids are unique')
  const unbroken = report.sessions.filter(({ breaks }) => breaks === 0)
  t.equal(unbroken.length, 4, 'sessions of surviving nodes keep their connections')

  await cluster.ready()
  const views = await cluster.settled()
  t.equal(views.length, 3)
  t.equal(new Set(views.map(({ stateHash }) => stateHash)).size, 1, 'one state')
  for (const { id, httpPort } of cluster.nodes) {
    const wanted = [1, 2, 3]
      .filter(peer => peer !== id)
      .flatMap(peer => [
        `carillon_peer_connected{peer="${peer}"} 1`,
        `carillon_clock_offset_seconds{peer="${peer}"} `,
      ])
    // a node that has just come back asks its peers for their time once a second
    await waitFor(`metrics of node ${id} about its peers`, async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text()
      return wanted.every(line => metrics.includes(line))
    })
  }
})

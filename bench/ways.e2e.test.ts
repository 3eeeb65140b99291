import t from 'tap'
import { cannotGo, Scenario } from './scenario.js'

for (const [way, nodes] of [
  ['tls', 1],
  ['haproxy', 3],
] as const)
  void t.test(`messages come in by ${way}`, { skip: cannotGo(way, nodes) ?? false }, async t => {
    const load = { durationMs: 500, warmUpMs: 0, sessions: 2, window: 20, octets: 140 }
    const scenario = await Scenario.start({ nodes, path: 'accept', way, load })
    t.teardown(() => scenario.stop())
    const measured = await scenario.measure(200)
    t.same([measured.way, measured.problems, measured.refused], [way, [], {}])
    t.ok(measured.acceptedPerSecond > 0)
  })

void t.test('HAProxy is for three nodes', async t => {
  t.type(cannotGo('haproxy', 1), 'string')
  t.equal(cannotGo('tls', 1), undefined)
})

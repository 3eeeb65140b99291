import t from 'tap'
import { withEnabled } from '../policy/settings.js'
import type { Command } from './commands.js'
import { bind, claim } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

const change = (log: TestLog, enabled: boolean): Command => ({
  kind: 'settings',
  expected: log.state.revision,
  settings: {
    ...log.state.settings,
    accounts: log.state.settings.accounts.map(account => withEnabled(account, enabled)),
  },
  author: 'test',
  atMs: log.nowMs,
})

void t.test('from its entry on, a disabled account has no bind and no submit accepted', async t => {
  const log = await TestLog.ready()
  const home = log.connector.home!.node
  log.propose(1, bind('1.1.1', 1))
  log.proposed(1, accept([{}]))
  // What is proposed in one entry with it is decided in its order.
  const { results } = log.proposed(1, accept([{}]), change(log, false), accept([{}]))
  t.match(results, [
    { accepted: { refused: [] } },
    { ok: true },
    { accepted: { refused: [[1, 'accountDisabled']] } },
  ])
  t.same(
    log.effects.filter(({ kind }) => kind === 'sessionEnded'),
    [{ kind: 'sessionEnded', node: 1, session: '1.1.1' }],
  )
  t.ok(log.state.sessions.has('1.1.1'), 'until its node has unbound it')
  t.same(log.propose(2, bind('2.1.1', 2)), { ok: false, why: 'accountDisabled' })
  t.match(log.propose(home, claim(log)), { claimed: [{}, {}] }, 'what was accepted goes out')
  log.propose(1, change(log, true))
  t.same(log.propose(2, bind('2.1.1', 2)), { ok: true })
})

void t.test('until every living node knows the rule, apply decides as it did', async t => {
  const log = await TestLog.open()
  log.register(3, 1, 4)
  for (const node of [1, 2]) log.register(node, 1)
  const ready = await TestLog.ready()
  log.propose(1, { kind: 'bootstrap', generation: 1 })
  log.propose(1, { ...change(ready, false), expected: 0 } as Command)
  t.same(log.propose(1, bind('1.1.1', 1)), { ok: true })
  log.register(3, 2)
  t.same(log.propose(1, bind('1.1.2', 1)), { ok: false, why: 'accountDisabled' })
})

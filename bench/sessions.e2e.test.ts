import t from 'tap'
import { benchSessions } from './sessions.js'

void t.test('idle sessions are bound, asked, and what they cost is told', async t => {
  const times = { enquireLinkMs: 500, measureMs: 1_000, restMs: 100 }
  const row = await benchSessions({ nodes: 1, sessions: 150, ...times })
  t.equal(row.sessions, 150)
  t.ok(row.bindsPerSecond > 0 && row.rssBeforeMiB > 0 && row.rssMiB > 0)
  t.ok(row.enquireLinksPerSecond > 20, `${row.enquireLinksPerSecond} enquire_link a second`)
  t.ok(row.cores > 0)
  t.equal(row.othersAddedMiB, 0)
})

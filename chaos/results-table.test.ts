import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import t from 'tap'
import { DRILLS } from './drills/index.js'
import { readSummaries } from './history.js'
import { trend } from './history-text.js'
import { BEGIN, END, resultsTable, withResults } from './results-table.js'
import { sampleEvidence } from './testing/sample-evidence.js'

void t.test('the table has a row for each drill and rate, over all faults of its runs', async t => {
  const one = sampleEvidence()
  const { settings } = one
  const runs = [
    sampleEvidence({ drill: 'kill-all', faults: [], duplicateBound: null }),
    one,
    sampleEvidence({ result: 'failed', machine: { ...one.machine, loadBefore: 1.04 } }),
    sampleEvidence({ settings: { ...settings, rate: 'unlimited' }, faults: [one.faults[0]!] }),
    sampleEvidence({ result: 'stopped' }),
    sampleEvidence({ result: 'not run' }),
  ]
  const table = resultsTable(runs, ['leader-kill', 'kill-all'])
  const rows = table.split('\n').map(row => row.replaceAll(/ +/g, ' '))
  t.equal(
    rows[2],
    '| leader-kill | 200 | 2 | 1 | 6 | 4,000 | 0 | 0 | 2 | 200 | 4 | 120/140/140 | 900/900/900 | 80/80/80 | 6 | 12/14/14 | 62/64/64 |',
  )
  t.match(rows[3], /\| leader-kill \| unlimited \| 1 \| 1 \| 1 \|.*\| 100 \| 900 \| 80 \|/)
  t.match(rows[4], /\| kill-all \|.*\| - \| - \| - \|/)
  t.match(
    table,
    /abcdef1 \(4\)\. 2026-11-25, 2 processors, load average before a run 0\.2 to 1\.0\./,
  )
  const settled = { parser: 'markdown', printWidth: 100 }
  t.equal(await format(table, settled), table, 'as prettier leaves it')
})

void t.test('it stands between its marks', t => {
  const page = `before\n\n${BEGIN}\nold\n${END}\nafter\n`
  t.equal(withResults(page, 'new\n'), `before\n\n${BEGIN}\n\nnew\n\n${END}\nafter\n`)
  t.throws(() => withResults('a page', 'new'), /has no/)
  t.end()
})

void t.test('the table of chaos/README.md is that of chaos/history', t => {
  const chaos = fileURLToPath(new URL('../../chaos/', import.meta.url))
  const page = readFileSync(`${chaos}README.md`, 'utf8')
  const names = DRILLS.map(({ name }) => name)
  const table = resultsTable(readSummaries(`${chaos}history`), names)
  t.equal(
    withResults(page, table),
    page,
    './carillon drill history --markdown --into chaos/README.md',
  )
  for (const name of names) t.ok(page.includes(`| ${name} `), `${name} is described`)
  t.end()
})

void t.test('a trend compares the last value with the median of those before', t => {
  t.equal(trend([]), '-')
  t.equal(trend([120.4]), '120')
  t.equal(trend([100, 200, 300, 100]), '▃▆█▃ 200 → 100 (-50 %)')
  t.equal(trend([0, 5]), '▁█ 0 → 5')
  t.end()
})

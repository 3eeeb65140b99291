import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Machine } from '../machine.js'
import { readHistory, writeEntry, type Entry } from './history.js'
import { levels, trendSvg } from './trend.js'

const entry = (commit: string, before: string, ratio: number, at: string): Entry => ({
  commit: commit.repeat(40),
  committedAt: at,
  before: before.repeat(40),
  machine: { at } as Machine,
  settings: { rounds: 1, durationMs: 1000, warmUpMs: 0, nodes: 3 },
  paths: [
    {
      path: 'accept',
      perSecond: 1000,
      cpuUs: 40,
      throughput: { median: ratio, min: ratio, max: ratio },
      cpu: { median: 1, min: 1, max: 1 },
      slower: '',
    },
  ],
})

void t.test('ratios chain from commit to commit', async t => {
  const entries = [
    entry('b', 'a', 1.2, '2026-11-01'),
    entry('c', 'b', 0.5, '2026-11-02'),
    entry('e', 'd', 3, '2026-11-03'), // with nothing that is known
    entry('f', 'b', 2, '2026-11-04'),
  ]
  t.same(
    levels(entries, 'accept').map(({ commit, level }) => [commit[0], level]),
    [
      ['a', 1],
      ['b', 1.2],
      ['c', 0.6],
      ['f', 2.4],
    ],
  )
  t.same(levels(entries, 'receipts'), [])
  const svg = trendSvg(entries)
  t.match(svg, /accept × 2\.40/)
  t.notMatch(svg, /receipts|eeeeeee/)
  t.equal(svg.match(/<circle/g)?.length, 4)
  t.notMatch(trendSvg([]), /NaN|Infinity/)
})

void t.test('the history is kept by commit, and read in the order it was measured', async t => {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-history-'))
  t.teardown(() => rm(directory, { recursive: true }))
  t.same(await readHistory(join(directory, 'none')), [])
  await writeEntry(directory, entry('a', 'b', 1, '2026-11-02'))
  await writeEntry(directory, entry('c', 'b', 1, '2026-11-01'))
  await writeEntry(directory, entry('a', 'b', 1.5, '2026-11-03'))
  await writeFile(join(directory, 'trend.svg'), '')
  const found = await readHistory(directory)
  t.same(
    found.map(({ commit, machine }) => [commit[0], machine.at]),
    [
      ['c', '2026-11-01'],
      ['a', '2026-11-03'],
    ],
  )
})

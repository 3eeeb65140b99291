import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { recordingIo } from '../src/cli/io.js'
import { campaign, estimateMs, goodRuns, plan, type CampaignOptions } from './campaign.js'
import type { Drill } from './drill.js'
import type { Evidence } from './evidence.js'
import { historyLine, readHistory, readSummaries } from './history.js'
import { main } from './main.js'
import { sampleEvidence } from './testing/sample-evidence.js'

const drill = (name: string): Drill => ({ name, summary: `${name}, say`, run: async () => {} })
const A = drill('leader-kill')
const B = drill('leader-pause')
const line = (change: Partial<Evidence> = {}) => historyLine(sampleEvidence(change), '/nowhere')

void t.test('a suite goes round by round, and leaves out what is done', t => {
  const timesOf = (name: string): number => (name === 'leader-kill' ? 20 : 1)
  const all = plan([A, B], { repeat: 2, timesOf, done: () => 0 })
  t.same(
    all.map(run => `${run.drill.name} ${run.times}`),
    ['leader-kill 20', 'leader-pause 1', 'leader-kill 20', 'leader-pause 1'],
  )
  const done = (name: string): number => (name === 'leader-kill' ? 1 : 2)
  const rest = plan([A, B], { repeat: 2, timesOf, done })
  t.same(rest, [{ drill: A, times: 20 }])
  t.end()
})

void t.test('a good run passed, with this build and rate, and faults enough', t => {
  const wanted = { drill: 'leader-kill', times: 1, build: '0123456789ab', rate: 200 }
  const history = [
    line(),
    line({ result: 'failed' }),
    line({ build: { commit: null, hash: 'another' } }),
    line({ settings: { ...sampleEvidence().settings, rate: 'unlimited' } }),
    line({ drill: 'leader-pause' }),
  ]
  t.equal(goodRuns(history, wanted), 1)
  t.equal(goodRuns(history, { ...wanted, times: 2 }), 0)
  t.equal(goodRuns(history, { ...wanted, rate: null }), 1)
  t.end()
})

void t.test('how long a run takes is guessed by earlier ones', t => {
  const history = [line({ tookMs: 40_000 }), line({ tookMs: 50_000 }), line({ tookMs: 60_000 })]
  t.equal(estimateMs({ drill: A, times: 1 }, history), 50_000)
  t.ok(estimateMs({ drill: A, times: 20 }, history) > 100_000)
  t.ok(estimateMs({ drill: B, times: 1 }, history) > 0)
  t.end()
})

void t.test(
  'a campaign keeps each run, says how far it is, and fails where a check failed',
  async t => {
    const out = mkdtempSync(join(tmpdir(), 'carillon-campaign-'))
    t.teardown(() => rmSync(out, { recursive: true, force: true }))
    const options: CampaignOptions = {
      ...{ out, record: join(out, 'kept'), rate: 200, seed: undefined, keep: false },
      output: 'table',
      signal: new AbortController().signal,
    }
    let nowMs = Date.UTC(2026, 10, 25, 16, 0, 0)
    const io = recordingIo()
    const results: Evidence['result'][] = ['passed', 'failed', 'not run']
    const effects = {
      io,
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
      drawSeed: () => 42,
      perform: (drill: Drill) => {
        nowMs += 60_000
        const evidence = sampleEvidence({
          drill: drill.name,
          result: results.shift()!,
          startedAt: new Date(nowMs).toISOString(),
        })
        return Promise.resolve({ evidence, directory: join(out, drill.name) })
      },
    }
    const runs = [A, B, drill('full-disk')].map(drill => ({ drill, times: 1 }))
    const { exitStatus } = await campaign(runs, options, [], effects)
    t.equal(exitStatus, 1, 'one failed')
    t.same(
      readHistory(out).map(({ drill, result }) => `${drill} ${result}`),
      ['leader-kill passed', 'leader-pause failed', 'full-disk not run'],
    )
    const kept = readSummaries(join(out, 'kept'))
    t.same(kept.map(({ drill }) => drill).sort(), ['leader-kill', 'leader-pause'])
    t.notOk('timeline' in kept[0]!, 'only the small part is kept')
    t.match(io.noted.join('\n'), /run 2 of 3, about .* left, until about 16:\d\d UTC/)
    t.match(io.said.join('\n'), /ok no acknowledged message is lost/)

    results.push('passed')
    t.equal((await campaign(runs.slice(0, 1), options, [], effects)).exitStatus, 0)
    results.push('not run')
    t.equal((await campaign(runs.slice(0, 1), options, [], effects)).exitStatus, 0)
    results.push('stopped')
    t.equal((await campaign(runs.slice(0, 1), options, [], effects)).exitStatus, 1)
    const stopped = { ...options, signal: AbortSignal.abort(new Error('enough')) }
    const none = await campaign(runs, stopped, [], effects)
    t.same(none, { exitStatus: 1, lines: [] }, 'what has been stopped begins no other run')
  },
)

void t.test('what is given wrongly is named, and the exit status is 2', async t => {
  const out = mkdtempSync(join(tmpdir(), 'carillon-drill-cli-'))
  t.teardown(() => rmSync(out, { recursive: true, force: true }))
  const ran: string[] = []
  const cli = async (...argv: string[]) => {
    const io = recordingIo()
    const perform = (drill: Drill) => {
      ran.push(drill.name)
      const evidence = sampleEvidence({ drill: drill.name, result: 'failed' })
      return Promise.resolve({ evidence, directory: out })
    }
    const status = await main(argv, { io, drills: [A, B], perform })
    return { status, said: io.said.join('\n'), noted: io.noted.join('\n') }
  }
  const unknown = await cli('run', 'leeder-kill')
  t.equal(unknown.status, 2)
  t.match(unknown.noted, /there is no drill leeder-kill; did you mean leader-kill\?/)
  t.match(await cli('run'), { status: 2, noted: /name a drill, or give --all/ })
  t.match(await cli('run', 'leader-kill', '--all'), { status: 2 })
  t.match(await cli('suite', 'nonsense', '--repeat', '1'), {
    status: 2,
    noted: /known: leader-kill/,
  })
  t.match(await cli('suite'), { status: 2, noted: /--repeat/ })
  t.match(await cli('suite', '--repeat', '1', '--times', 'leader-paus=3'), {
    status: 2,
    noted: /did you mean leader-pause/,
  })
  t.match(await cli('run', 'leader-kill', '--rate', 'fast'), { status: 2, noted: /rate such as/ })
  t.match(await cli('runn'), { status: 2, noted: /Did you mean run/ })
  t.match(await cli('run', 'leader-kill', '--output', 'xml'), { status: 2, noted: /table, json/ })
  t.same(ran, [], 'nothing ran so far')

  t.match(await cli('--help'), { status: 0, said: /Examples:/ })
  t.match(await cli('suite', '--help'), { status: 0, said: /--resume/ })
  t.match(await cli('list'), { status: 0, said: /leader-pause, say/ })
  t.match(await cli('run', 'leader-kill', '--out', out), { status: 1, said: /leader-kill failed/ })
  t.match(await cli('suite', '--repeat', '2', '--out', out), { status: 1 })
  t.same(ran, ['leader-kill', 'leader-kill', 'leader-pause', 'leader-kill', 'leader-pause'])
  t.ok(existsSync(join(out, 'history.jsonl')))
  t.same(readdirSync(out), ['history.jsonl'])
  t.match(await cli('history', '--out', out), { status: 0, said: /leader-pause +2 +0/ })
  t.match(await cli('history', 'leader-kill', '--out', out), {
    said: /120\/140\/140 ms of 3[\s\S]*gap of surviving sessions, p50, ms: ███ 120 → 120/,
  })
})

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { DRILLS } from './drills/index.js'
import { runDrill } from './run.js'

void t.test('leader-kill on real processes loses nothing, and leaves evidence', async t => {
  const out = mkdtempSync(join(tmpdir(), 'carillon-drill-'))
  t.teardown(() => rmSync(out, { recursive: true, force: true }))
  const drill = DRILLS.find(({ name }) => name === 'leader-kill')
  const said: string[] = []
  const say = (text: string): void => void said.push(text)
  const options = {
    out,
    rate: 30,
    seed: 1,
    times: 1,
    pauses: { beforeMs: 500, afterMs: 200 }, // nothing here is about its times
    keep: false,
    say,
    signal: new AbortController().signal,
  }
  const { evidence, directory } = await runDrill(drill!, options)
  t.same(
    evidence.checks.filter(({ kind, ok }) => kind === 'must' && !ok),
    [],
    said.join('\n'),
  )
  t.ok(evidence.books!.acknowledged > 0)
  t.equal(evidence.faults.length, 1)
  const { rebinds } = evidence.faults[0]!
  t.ok(rebinds.length >= 2, 'both residents of the leader came back')
  t.ok(rebinds.some(({ okAfterBindMs }) => okAfterBindMs !== null))
  for (const { okAfterBindMs, okAfterConnectMs } of rebinds) {
    t.ok(okAfterBindMs === null || okAfterBindMs < okAfterConnectMs!)
  }
  const html = readFileSync(join(directory, 'report.html'), 'utf8')
  t.match(html, /<svg/)
  t.notMatch(html, /secret1|https?:\/\//, 'it shows no password, and needs no network')
  t.match(JSON.parse(readFileSync(join(directory, 'report.json'), 'utf8')), { result: 'passed' })
})

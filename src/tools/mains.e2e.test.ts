import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { OwnProcess } from '../testing/own-process.js'
import { waitFor } from '../testing/wait-for.js'
import { main as esmeMain } from './esme-main.js'
import type { EsmeReport } from './esme-report.js'
import { main as smscMain } from './smsc-sim-main.js'
import type { SmscStats } from './smsc-stats.js'

function carillon(t: Test, args: string[]): { process: OwnProcess; lines: string[] } {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-mains-'))
  const lines: string[] = []
  const process = new OwnProcess({
    name: args[0]!,
    script: new URL('../main.js', import.meta.url),
    args,
    logFile: join(directory, 'log'),
    onLine: line => lines.push(line),
  })
  t.teardown(async () => {
    await process.kill()
    rmSync(directory, { recursive: true, force: true })
  })
  return { process, lines }
}

void t.test('simulator and load client as commands, from start to report', async t => {
  const smsc = carillon(t, ['smsc-sim', '--port', '0', '--admin', 'off', '--output', 'json'])
  const first = await waitFor('it listens', () => smsc.lines[0], {
    detail: () => smsc.process.logTail(),
  })
  const { port, adminPort } = JSON.parse(first) as { port: number; adminPort: null }
  t.equal(adminPort, null)

  const common = [
    'esme',
    '--connect',
    `127.0.0.1:${port}`,
    '--rate',
    'unlimited',
    '--output',
    'json',
  ]
  const esme = carillon(t, [...common, '--count', '200'])
  t.same(await esme.process.ended, { code: 0, signal: null })
  const report = JSON.parse(esme.lines.join('')) as EsmeReport
  t.match(report, { acknowledged: 200, offered: null, problems: [] })

  const endless = carillon(t, [...common, '--duration', '1h', '--window', '5'])
  await waitFor('it is bound', () => endless.process.logTail().includes('is bound'))
  endless.process.signal('SIGINT')
  t.same(await endless.process.ended, { code: 0, signal: null })
  t.equal((JSON.parse(endless.lines.join('')) as EsmeReport).receipts?.lost, 0)

  t.same(await smsc.process.terminate(), { code: 0, signal: null })
  const { stats } = JSON.parse(smsc.lines.at(-1)!) as { stats: SmscStats }
  t.match(stats.runs[0], { run: report.run, distinct: 200 })
})

void t.test('wrong arguments are status 2, and nothing is started', async t => {
  const stderr = t.capture(process.stderr, 'write', () => true)
  for (const argv of [
    ['--count', 'x'],
    ['--connect', 'nowhere'],
    ['--bogus'],
    ['--text', 'å'],
    ['--registered-delivery', '256'],
    ['--tlv', '0x1401=abc'],
    ['--mode', 'forward'],
    ['--destinations', '2'],
    ['--query', '80%', '--cancel', '30%'],
  ]) {
    t.equal(await esmeMain(argv), 2, argv.join(' '))
  }
  for (const argv of [
    ['--error-rate', '2'],
    ['--errors', 'ESME_NONE'],
    ['--errors', '0'],
    ['--errors', '0x1ffffffff'],
    ['--receipt-states', 'X'],
  ]) {
    t.equal(await smscMain(argv), 2, argv.join(' '))
  }
  t.match(stderr().length, 14)
})

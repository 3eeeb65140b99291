import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { OwnProcess } from '../../src/testing/own-process.js'
import { waitFor } from '../../src/testing/wait-for.js'
import type { PeersReport } from './peers-report.js'
import { runClient } from './programs.js'

const SYSTEMS = 'smpp,echo,disk'

/** `carillon bench --peers`, with a temporary directory of its own to look into. */
function bench(directory: string, ...args: string[]): { process: OwnProcess; said: string[] } {
  const said: string[] = []
  const process = new OwnProcess({
    name: 'bench',
    script: new URL('../../src/main.js', import.meta.url),
    args: ['bench', '--peers', SYSTEMS, '--rounds', '1', '--results', directory, ...args],
    logFile: join(directory, 'bench.log'),
    env: { TMPDIR: directory },
    onLine: line => said.push(line),
  })
  return { process, said }
}

const leftIn = (directory: string): string[] =>
  readdirSync(directory).filter(name => name.startsWith('carillon-'))

void t.test('those that need no installation are measured, and leave nothing behind', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'peers-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const { process, said } = bench(
    directory,
    ...['--duration', '1s', '--warmup', '0s', '--output', 'json'],
  )
  const { code } = await process.ended
  t.equal(code, 0, process.logTail())
  const report = JSON.parse(said.join('\n')) as PeersReport
  t.same(
    report.rows.map(({ system }) => system),
    SYSTEMS.split(','),
  )
  for (const { system, samples, skipped } of report.rows) {
    t.equal(skipped, '', system)
    t.ok(samples[0]!.perSecond > 0, system)
    t.same(samples[0]!.problems, [], system)
  }
  const written = readdirSync(directory).find(name => name.endsWith('-peers.txt'))
  t.match(readFileSync(join(directory, written!), 'utf8'), /echo +echo +[\d,]+ /)
  t.same(leftIn(directory), [])
})

void t.test('Ctrl-C ends what was started, and removes what that wrote', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'peers-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const { process } = bench(directory, '--duration', '60s')
  const children = (): number[] =>
    readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'latin1')
      .split(' ')
      .filter(Boolean)
      .map(Number)
  await waitFor('the server and its client run', () => children().length === 2, {
    timeoutMs: 120_000, // on a machine that other tests share
  })
  const started = children()
  t.equal(leftIn(directory).length, 1)
  process.signal('SIGINT')
  const { code } = await process.ended
  t.equal(code, 130)
  t.same(leftIn(directory), [])
  await waitFor('none of them runs', () => started.every(pid => !isAlive(pid)))
})

void t.test('a client ends though its peer keeps the connections for receipts', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'peers-test-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const kept = new Agent({ keepAlive: true })
  const smsbox = createServer((request, response) => {
    const { searchParams } = new URL(request.url!, 'http://localhost')
    response.writeHead(202, { 'content-length': 1 }).end('0')
    get(searchParams.get('dlr-url')!, { agent: kept }, answer => answer.resume()).on(
      'error',
      () => undefined,
    )
  })
  await new Promise<void>(resolve => smsbox.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    kept.destroy()
    smsbox.closeAllConnections()
    smsbox.close()
  })
  const { port } = smsbox.address() as AddressInfo
  const shape = { connections: 4, receipts: true, awaitedMax: 100, octets: 140 }
  const time = { warmUpMs: 0, durationMs: 1_000 }
  const report = await runClient(
    { kind: 'sendsms', port, ...shape, ...time },
    join(directory, 'client.log'),
  )
  t.ok(report.perSecond > 0)
  t.same(report.problems, [])
})

function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { parse } from 'yaml'
import { parseGatewayFile } from '../config/gateway-file.js'
import { parseNodeFile } from '../config/node-file.js'
import { OwnProcess } from './own-process.js'
import { gatewayTo, ProcessCluster } from './process-cluster.js'
import { waitFor } from './wait-for.js'

void t.test('the files it writes are valid, and nodes find each other in them', async t => {
  const cluster = await ProcessCluster.prepare({
    gateway: gatewayTo(2785, { connector: { binds: 3 } }),
    settings: { smpp: { submitTimeoutMs: 800 } },
  })
  t.teardown(() => cluster.stop())
  const configs = cluster.nodes.map(({ id }) => {
    const file = join(cluster.directory, `node-${id}.yaml`)
    const options = { file, environment: {}, exists: () => true }
    return parseNodeFile(readFileSync(file, 'utf8'), options).config
  })
  t.same(
    configs.map(config => config.node.id),
    [1, 2, 3],
  )
  t.equal(configs[1]?.smpp.submitTimeoutMs, 800)
  t.same(configs[0]?.cluster.peers, configs[2]?.cluster.peers)
  t.equal(configs[2]?.cluster.listen, configs[0]?.cluster.peers[2]?.address)
  const yaml = readFileSync(join(cluster.directory, 'gateway.yaml'), 'utf8')
  const { settings } = parseGatewayFile(yaml, { file: 'gateway.yaml', directory: null })
  t.equal(settings.connectors[0]?.binds, 3)
  t.equal((parse(yaml) as { routes: unknown[] }).routes.length, 1)
})

void t.test(
  'a process of ours ends by signal, and by itself when its parent is killed',
  async t => {
    const directory = mkdtempSync(join(tmpdir(), 'carillon-own-'))
    t.teardown(() => rmSync(directory, { recursive: true, force: true }))
    const waiting = join(directory, 'waiting.mjs')
    writeFileSync(waiting, 'console.log(process.pid); setInterval(() => undefined, 1000)')
    const parent = join(directory, 'parent.mjs')
    const library = new URL('./own-process.js', import.meta.url).href
    writeFileSync(
      parent,
      `import { OwnProcess } from ${JSON.stringify(library)}
     new OwnProcess({ name: 'child', args: [], logFile: ${JSON.stringify(join(directory, 'log'))},
       script: new URL(${JSON.stringify(pathToFileURL(waiting).href)}),
       onLine: line => console.log(line) })`,
    )
    const logFile = join(directory, 'parent.log')
    const run = (script: string, onLine: (line: string) => void): OwnProcess =>
      new OwnProcess({ name: script, script: pathToFileURL(script), args: [], logFile, onLine })

    let childPid: number | undefined
    const one = run(parent, line => (childPid = Number(line)))
    const pid = await waitFor('the child has started', () => childPid, {
      detail: () => one.logTail(),
    })
    t.same(await one.kill(), { code: null, signal: 'SIGKILL' })
    t.notOk(one.isRunning)
    await waitFor('the child of the killed process is gone', () => !exists(pid))

    let started = false
    const other = run(waiting, () => (started = true))
    await waitFor('it has started', () => started)
    t.ok(other.rssOctets > 1_000_000)
    other.signal('SIGHUP')
    other.signal('SIGSTOP')
    t.equal((await other.terminate()).signal, 'SIGTERM', 'a frozen one too; not the terminal')
  },
)

/** A zombie that nobody has reaped yet counts as gone. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    if (process.platform !== 'linux') return true
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

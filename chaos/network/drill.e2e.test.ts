import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { waitFor } from '../../src/testing/wait-for.js'
import type { Evidence } from '../evidence.js'
import { namespacesHere } from './own-namespace.js'

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url))

const { missing } = await namespacesHere()
const skip = missing !== undefined && `network namespaces cannot be used: ${missing}`

void t.test('drills in network namespaces', { skip }, async t => {
  await t.test('partition-minority loses nothing, and says how it was made', async t => {
    const interfaces = interfacesHere()
    const { child, out, said } = drill(t, 'partition-minority')
    const [code] = (await once(child, 'close')) as [number]
    t.equal(code, 0, said())
    t.match(said(), 'each node is in a network namespace of its own')
    const folder = join(
      out,
      readdirSync(out).find(name => name.endsWith('-partition-minority'))!,
    )
    const evidence = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Evidence
    t.match(evidence, { result: 'passed', settings: { network: 'namespaces' } })
    t.ok(evidence.books!.acknowledged > 0)
    t.match(readFileSync(join(folder, 'report.html'), 'utf8'), 'a network namespace for each node')
    t.same(interfacesHere(), interfaces, 'the network of the machine is as it was')
    t.same(processesOf(out), [])
  })

  await t.test('a drill that is killed leaves no process, and so no namespace', async t => {
    const { child, out, said } = drill(t, 'host-dead')
    const nodes = (): boolean => processesOf(out).length > 3
    await waitFor('nodes run', nodes, { timeoutMs: 60_000, detail: said })
    child.kill('SIGKILL')
    await once(child, 'close')
    await waitFor('they are gone', () => processesOf(out).length === 0, {
      timeoutMs: 30_000,
      detail: () => processesOf(out).join('\n'),
    })
  })
})

/** `./carillon drill run NAME`, with its evidence in a directory that only its processes name. */
function drill(t: Test, name: string): { child: ChildProcess; out: string; said: () => string } {
  const out = mkdtempSync(join(tmpdir(), 'carillon-namespaces-'))
  const args = [MAIN, 'drill', 'run', name, '--rate', '30', '--out', out]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (octets: Buffer) => (text += octets.toString()))
  }
  t.teardown(() => {
    child.kill('SIGKILL')
    rmSync(out, { recursive: true, force: true, maxRetries: 5 })
  })
  return { child, out, said: () => text }
}

/** Command lines that name the directory. */
function processesOf(out: string): string[] {
  return readdirSync('/proc').flatMap(name => {
    try {
      const words = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/cmdline`, 'utf8') : ''
      return words.includes(out) ? [words.replaceAll('\0', ' ')] : []
    } catch {
      return [] // it ended
    }
  })
}

/** Source: proc_net_dev: two lines of heads, then a line each. */
function interfacesHere(): string[] {
  const lines = readFileSync('/proc/net/dev', 'utf8').trim().split('\n').slice(2)
  return lines.map(line => line.split(':')[0]!.trim())
}

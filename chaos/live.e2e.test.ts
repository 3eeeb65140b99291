import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { recordingIo } from '../src/cli/io.js'
import { CARILLON_FLAGS, OwnProcess } from '../src/testing/own-process.js'
import { freePorts } from '../src/testing/free-ports.js'
import { gatewayTo, ProcessCluster } from '../src/testing/process-cluster.js'
import { waitFor } from '../src/testing/wait-for.js'
import { DRILLS } from './drills/index.js'
import type { Evidence } from './evidence.js'
import { main } from './main.js'
import { runDrill } from './run.js'

const MAIN = new URL('../src/main.js', import.meta.url)
const ROOMY = { maxSessions: 100, window: 1000 }

/** Three nodes and an SMSC simulator that run, as somebody else has started them, and their nodes.yaml. */
async function startCluster(t: Test): Promise<{ directory: string; file: string; up: Up }> {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-live-'))
  const [smpp = 0, admin = 0] = await freePorts(2)
  const smsc = new OwnProcess({
    name: 'smsc-sim',
    script: MAIN,
    args: ['smsc-sim', '--listen', `127.0.0.1:${smpp}`, '--admin', `127.0.0.1:${admin}`],
    logFile: join(directory, 'smsc.log'),
  })
  const gateway = gatewayTo(smpp, {
    account: ROOMY,
    connector: { binds: 2, window: 50, inDoubt: 'wait 3s' },
  }) as { accounts: object[] }
  gateway.accounts.push({ ...gateway.accounts[0], systemId: 'esme2' })
  const cluster = await ProcessCluster.prepare({ gateway, directory })
  const nodes = cluster.nodes.map(({ id, httpUrl, smppAddress }) => {
    const words = [process.execPath, ...CARILLON_FLAGS, MAIN.pathname, 'node', '--config']
    const inside = `echo $$ > ${id}.pid; exec ${words.join(' ')} node-${id}.yaml`
    // A test that is killed itself leaves no node for long.
    const start = `exec timeout 240 sh -c '${inside}' >> node-${id}.log 2>&1`
    return { id, http: httpUrl, smpp: smppAddress, pidFile: `${id}.pid`, start }
  })
  const accounts = {
    resident: { systemId: 'esme1', password: 'secret1' },
    roaming: { systemId: 'esme2', password: 'secret1' },
  }
  const file = join(directory, 'nodes.yaml')
  const content = { nodes, accounts, smsc: `http://127.0.0.1:${admin}` }
  writeFileSync(file, stringify(content))
  const pidOf = (id: number): number => Number(readFileSync(join(directory, `${id}.pid`), 'utf8'))
  const killAll = (): void => {
    for (const { id } of nodes) {
      try {
        process.kill(pidOf(id), 'SIGKILL')
      } catch {
        // it does not run
      }
    }
  }
  process.once('exit', killAll)
  t.teardown(async () => {
    killAll()
    await smsc.kill()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  })
  for (const { start } of nodes) {
    spawn('/bin/sh', ['-c', start], { cwd: directory, stdio: 'ignore' })
  }
  const isReady = async (url: string): Promise<boolean> => {
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
      await response.body?.cancel()
      return response.ok
    } catch {
      return false
    }
  }
  const up: Up = async () =>
    (await Promise.all(nodes.map(({ http }) => isReady(http)))).every(Boolean)
  await waitFor('all nodes are ready', up, { timeoutMs: 60_000, everyMs: 100 })
  return { directory, file, up }
}

type Up = () => Promise<boolean>

/** `carillon drill …` as a process of its own; `onSaid` hears each line beside its answer. */
async function drill(
  args: readonly string[],
  onSaid: (line: string, stop: () => void) => void = () => undefined,
): Promise<{ status: number | null; said: string }> {
  const child = spawn(process.execPath, [MAIN.pathname, 'drill', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const hear = (chunk: Buffer): void => {
    said += String(chunk)
    onSaid(String(chunk), () => child.kill('SIGINT'))
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  const status = await new Promise<number | null>(resolve => child.once('close', resolve))
  return { status, said }
}

function evidenceIn(out: string, name: string): Evidence {
  const run = readdirSync(out).find(entry => entry.endsWith(name))
  return JSON.parse(readFileSync(join(out, run!, 'report.json'), 'utf8')) as Evidence
}

void t.test('drills against a running cluster', { timeout: 230_000 }, async t => {
  const { directory, file, up } = await startCluster(t)
  const out = join(directory, 'evidence')
  const usual = ['--cluster', file, '--out', out, '--rate', '60']

  await t.test('nothing is broken without a terminal and without --yes', async t => {
    const io = recordingIo()
    const perform = (): never => t.fail('no drill begins') as never
    t.equal(await main(['run', 'leader-kill', ...usual], { io, drills: DRILLS, perform }), 2)
    t.match(io.noted.at(-1), /without a terminal to ask at, give --yes/)
    const no = { io, drills: DRILLS, perform, ask: () => Promise.resolve('n') }
    t.equal(await main(['run', 'leader-kill', ...usual], no), 1)
    t.match(io.noted.at(-1), /nothing was done/)
  })

  await t.test('leader-kill loses nothing, and leaves the cluster as found', async t => {
    const io = recordingIo()
    const pauses = { beforeMs: 500, afterMs: 200 } // nothing here is about its times
    const perform: typeof runDrill = (drill, options) => runDrill(drill, { ...options, pauses })
    const world = { io, drills: DRILLS, perform }
    t.equal(await main(['run', 'leader-kill', ...usual, '--yes'], world), 0, io.said.join('\n'))
    const { result, books, faults, checks } = evidenceIn(out, 'leader-kill')
    t.equal(result, 'passed')
    t.match(books, { lost: 0, receiptsMissing: 0 })
    t.ok(books!.acknowledged > 100)
    t.equal(faults.length, 1)
    const name = 'the cluster is as it was found'
    t.match(
      checks.find(check => check.name === name),
      { ok: true },
    )
    t.ok(await up(), 'all nodes are up')
  })

  await t.test('Ctrl-C in the middle of leader-pause lets the leader go on', async t => {
    const { status, said } = await drill(
      ['run', 'leader-pause', ...usual, '--yes'],
      (line, stop) => {
        if (line.includes('SIGSTOP for node')) stop()
      },
    )
    t.equal(status, 1, said)
    const { result, books } = evidenceIn(out, 'leader-pause')
    t.equal(result, 'stopped')
    t.match(books, { lost: 0 })
    t.ok(await up(), 'all nodes are up')
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import { freePorts } from '../testing/free-ports.js'
import { endLeftovers } from './children.js'
import { recordingIo } from './io.js'
import { takenPorts } from './ports.js'
import { neededPorts, type UpPorts } from './up-files.js'
import { changeLines, liveText, LiveBlock } from './up-view.js'
import { up } from './up.js'
import { sum, type Glimpse } from './watch.js'

/** Stands in for ./carillon: its nodes answer HTTP and nothing else; node 3 does not heed SIGTERM. */
const FAKE = `
const [command, , file] = process.argv.slice(2)
if (command === 'node') {
  const text = require('node:fs').readFileSync(file, 'utf8')
  const id = Number(/id: (\\d+)/.exec(text)[1])
  if (id === 3) process.on('SIGTERM', () => {})
  const cluster = { id, leader: 1, term: 2, appliedIndex: 9, queued: 0, inFlight: 0, receiptsQueued: 0 }
  require('node:http').createServer((request, response) => {
    response.setHeader('connection', 'close')
    response.end(request.url === '/api/v1/cluster' ? JSON.stringify(cluster) : '')
  }).listen(Number(/http:.*:(\\d+)/.exec(text)[1]), '127.0.0.1')
}
setInterval(() => {}, 1e6)
`

async function upPorts(): Promise<UpPorts> {
  const [first] = (await freePorts(11)) as [number] // three of each node, and two of the simulator
  return { peer: first, smpp: first + 3, http: first + 6, smsc: first + 9 }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 20))
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

void t.test('up starts all, says when it is ready and who died, and ends all', async t => {
  const data = t.testdir({ 'fake.cjs': FAKE })
  const io = recordingIo()
  let interrupt = (): void => undefined
  const interrupted = new Promise<string>(resolve => (interrupt = () => resolve('SIGINT')))
  const ended = up(
    {
      data,
      fresh: false,
      ports: await upPorts(),
      carillon: [process.execPath, join(data, 'fake.cjs')],
      environment: { PATH: process.env['PATH'], CARILLON_NODE_ID: '9' },
    },
    { io, clock: systemClock, timers: systemTimers, interrupted },
  )
  const said = (): string => io.said.join('\n')
  await until(() => said().includes('ready after'))
  t.match(said(), /leader: node 1 \(term 2\)/)
  t.match(said(), /\.\/carillon send --to/)
  const record = JSON.parse(readFileSync(join(data, 'up.json'), 'utf8')) as {
    children: { name: string; pid: number }[]
  }
  t.same(record.children.map(({ name }) => name).sort(), [
    'SMSC simulator',
    'node 1',
    'node 2',
    'node 3',
  ])
  const victim = record.children.find(({ name }) => name === 'node 2')!
  process.kill(victim.pid, 'SIGKILL')
  await until(() => said().includes('died:'))
  t.match(said(), `node 2 (pid ${victim.pid}) died: SIGKILL`)
  t.match(said(), /start it again: \.\/carillon node --config .*node-2\.yaml/)
  interrupt()
  t.equal(await ended, 0)
  t.same(
    record.children.filter(({ pid }) => isRunning(pid)),
    [],
    'node 3, which ignores SIGTERM, too',
  )
  t.notMatch(said(), /node 1 \(pid \d+\) died/, 'those it ended itself did not die')
})

void t.test('up names the port that is taken, what for, and by whom', async t => {
  const ports = await upPorts()
  const server = createServer().listen(ports.http + 1, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const taken = await takenPorts(neededPorts(ports))
  t.equal(taken.length, 1)
  t.match(taken[0], `port ${ports.http + 1} (HTTP of node 2) is taken`)
  if (process.platform === 'linux') t.match(taken[0], `by process ${process.pid} (`)
})

void t.test('what a killed up left behind is ended, and nobody else', async t => {
  const children = [0, 1].map(() => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']))
  const [ours, other] = children as [(typeof children)[0], (typeof children)[0]]
  t.teardown(() => children.forEach(child => child.kill('SIGKILL')))
  const stat = readFileSync(`/proc/${ours.pid ?? 0}/stat`, 'latin1')
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  const file = join(t.testdir(), 'up.json')
  const record = {
    pid: process.pid, // another process had this pid when it was written
    started: '1',
    children: [
      { name: 'node 1', pid: ours.pid, started },
      { name: 'node 2', pid: other.pid, started: '1' },
    ],
  }
  writeFileSync(file, JSON.stringify(record))
  const exit = once(ours, 'exit')
  t.same(endLeftovers(file), { ended: [`node 1 (pid ${ours.pid ?? 0})`] })
  t.same(await exit, [null, 'SIGKILL'])
  t.ok(isRunning(other.pid ?? 0), 'a process that only has the same pid is left alone')
  t.same(endLeftovers(file), { ended: [] })
})

const seen = (id: number, more: Partial<Glimpse> = {}): Glimpse => ({
  id,
  cluster: undefined,
  ready: false,
  accepted: 0,
  sent: 0,
  sessions: 0,
  ...more,
})

void t.test('rates come from two looks; a node that restarted counts from nothing', async t => {
  const { paint } = recordingIo()
  const before = [seen(1, { accepted: 100 }), seen(2, { accepted: 5000 })]
  const now = [seen(1, { accepted: 600 }), seen(2, { accepted: 10 })]
  t.match(liveText(now, before, 500, paint), /accepted 1000\/s · sent 0\/s/)
  t.match(liveText(now, [], 500, paint), /accepted 0\/s/)
})

void t.test('only changes are said', async t => {
  t.same(changeLines([seen(1, { ready: true }), seen(2)], []), ['node 1 is ready'])
  t.same(changeLines([seen(1)], [seen(1, { ready: true })]), ['node 1 is not ready'])
  t.same(changeLines([seen(1)], [seen(1)]), [])
})

void t.test('the live block is redrawn in place, and other lines scroll above it', async t => {
  let written = ''
  const block = new LiveBlock(text => (written += text))
  block.show('one\ntwo', 80)
  block.above('news')
  t.equal(written, 'one\ntwo\n\x1b[2A\x1b[0Jnews\none\ntwo\n')
  written = ''
  block.show(`\x1b[31m${'x'.repeat(100)}\x1b[39m`, 11)
  t.equal(written, `\x1b[2A\x1b[0J\x1b[31m${'x'.repeat(10)}\x1b[39m\n`, 'no line wraps')
})

void t.test('samples of a metric are summed by label', async t => {
  const text =
    'a_total{command_status="ESME_ROK"} 3\na_total{command_status="X"} 9\na_total_created 1\na 5\n'
  t.equal(sum(text, 'a_total', 'command_status="ESME_ROK"'), 3)
  t.equal(sum(text, 'a', ''), 5)
})

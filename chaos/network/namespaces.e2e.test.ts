import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { waitFor } from '../../src/testing/wait-for.js'
import { NamespaceNetwork } from './namespaces.js'
import { isInOwn, namespacesHere, runInOwn } from './own-namespace.js'

/** Says what it is told, to whoever tells it. Node 1 also dials node 2 and passes on what comes. */
const ECHO = `require('net').createServer(s => s.on('error', () => {}).pipe(s)).listen(7000)`
const PASS_ON = `require('net').createServer(s => {
  const to = require('net').connect(7000, '10.77.0.2')
  for (const socket of [s, to]) socket.on('error', () => {})
  s.pipe(to).pipe(s)
}).listen(7000)`

if (isInOwn()) void t.test('in a namespace of its own', inside)
else {
  const { missing } = await namespacesHere()
  const skip = missing !== undefined && `network namespaces cannot be used: ${missing}`
  void t.test('a network of namespaces', { skip }, async t => {
    await t.rejects(NamespaceNetwork.open(2), /network of the machine is not touched/)
    const stderr = 2 // its TAP is none of ours
    t.equal(await runInOwn([fileURLToPath(import.meta.url)], stderr), 0, 'see its TAP on stderr')
  })
}

async function inside(t: Test): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })
  await once(own, 'connect') // drills on loopback run here too
  own.destroy()
  server.close()

  const network = await NamespaceNetwork.open(2)
  const children = new Map<number, ChildProcess>()
  const start = async (id: number, program: string): Promise<void> => {
    const [command, ...args] = [...network.hostOf(id).within(), process.execPath, '-e', program]
    children.set(id, spawn(command, args, { stdio: 'inherit' }))
    await waitFor(`node ${id} listens`, () => answers(id), { timeoutMs: 20_000 })
  }
  t.teardown(async () => {
    for (const child of children.values()) child.kill('SIGKILL')
    await network.close()
  })
  await start(2, ECHO)
  await start(1, PASS_ON)

  await t.test('what is blocked one way does not arrive, and TCP brings it later', async t => {
    const through = await Line.to(1)
    await through.says('a')
    await through.heard('a')
    await network.block(1, 2)
    await through.says('b')
    t.equal(await answers(2), true, 'others still reach it')
    t.equal(through.text, 'a')
    await network.heal()
    await through.heard('ab')
    through.socket.destroy()
  })

  await t.test('segments are lost at random, and TCP sends them again', async t => {
    const through = await Line.to(1)
    await network.lose(0.3)
    const text = 'x'.repeat(20_000)
    await through.says(text)
    await through.heard(text)
    await network.heal()
    through.socket.destroy()
    t.ok(await retransmissions(network, 1), 'node 1 has sent some again')
  })

  await t.test('a host whose power is cut is not heard of; with power it knows nobody', async t => {
    const line = await Line.to(2)
    await line.says('a')
    await line.heard('a')
    await network.hosts.cut(2)
    const child = children.get(2)!
    child.kill('SIGKILL')
    await once(child, 'close')
    await line.says('b')
    t.equal(await answers(2), false, 'a connection is not refused, it is not answered')
    t.equal(line.ended, undefined, 'the one that stands has not ended')
    await network.hosts.restore(2)
    await start(2, ECHO)
    await line.says('c')
    await waitFor('it ends', () => line.ended !== undefined, { timeoutMs: 20_000 })
    t.equal(line.ended, 'ECONNRESET', 'by the new kernel, which does not know it')
    t.equal(line.text, 'a')
  })
}

/** A connection from the bridge, and what came over it. */
class Line {
  readonly socket: Socket
  text = ''
  ended: string | undefined

  static async to(id: number): Promise<Line> {
    const socket = connect({ host: `10.77.0.${id}`, port: 7000 })
    await once(socket, 'connect')
    return new Line(socket)
  }

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', octets => (this.text += octets.toString()))
    socket.on('error', (error: NodeJS.ErrnoException) => (this.ended = error.code))
    socket.on('close', () => (this.ended ??= 'closed'))
  }

  says(text: string): Promise<void> {
    return new Promise(resolve => this.socket.write(text, () => resolve()))
  }

  async heard(text: string): Promise<void> {
    await waitFor('all was heard', () => this.text === text, { timeoutMs: 30_000 })
  }
}

/** Whether a connection is taken within half a second. */
function answers(id: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: `10.77.0.${id}`, port: 7000 })
    const end = (found: boolean): void => {
      socket.destroy()
      resolve(found)
    }
    socket.setTimeout(500, () => end(false))
    socket.once('connect', () => end(true))
    socket.on('error', () => end(false))
  })
}

/** Segments that the kernel of a node has sent more than once. Source: proc_net_snmp, Tcp: RetransSegs */
async function retransmissions(network: NamespaceNetwork, id: number): Promise<number> {
  const [command, ...args] = [...network.hostOf(id).within(), 'cat', '/proc/self/net/snmp']
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.on('data', (octets: Buffer) => (text += octets.toString()))
  await once(child, 'close')
  const [names = [], values = []] = text
    .split('\n')
    .filter(line => line.startsWith('Tcp:'))
    .map(line => line.split(' '))
  return Number(values[names.indexOf('RetransSegs')])
}

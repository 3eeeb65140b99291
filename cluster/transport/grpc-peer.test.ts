import { EventEmitter } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'

import { silentLogger } from '../../src/base/logger.js'
import { systemRandom } from '../../src/base/random.js'
import { VirtualTime } from '../../src/testing/virtual-time.js'
import { freeMembers, until } from '../testing/e2e.js'
import { GrpcPeer } from './grpc-peer.js'
import type { Try } from './grpc-service.js'
import { GrpcTransport } from './grpc-transport.js'
import type { Stream } from './lane.js'
import { probePort, type PortState } from './port-probe.js'
import type { Identity, PeerEvent, TransportHandler } from './transport.js'

// Ports are real; time stands still but where a test moves it. The chance that spreads the tries of a lane puts
// each next one off by hours, so that a lane that comes up earlier did not wait for it.

/** From the first look at a port to the second. */
const LOOK_AGAIN_MS = 3
/** A try that has no answer is given up. */
const DIAL_TIMEOUT_MS = 3_000

const identityOf = (id: number): Identity => ({ id, clusterId: 'c', nonce: `nonce-${id}` })

interface World {
  time: VirtualTime
  peer: GrpcPeer
  events: PeerEvent[]
  /** Events that it logs. */
  said: string[]
}

/** The peer `id` at `address`, as the node `own` sees it; its pings are the only timer to begin with. */
function peerOf(
  t: { teardown(fn: () => void): unknown },
  id: number,
  address: string,
  own: number,
  probe = probePort,
): World {
  const time = new VirtualTime()
  const events: PeerEvent[] = []
  const said: string[] = []
  const peer = new GrpcPeer(id, address, {
    clock: time,
    timers: time,
    random: { ...systemRandom, unit: () => 1e6 },
    logger: { ...silentLogger, info: event => said.push(event) },
    tls: undefined,
    silenceMs: 4000,
    identity: () => identityOf(own),
    run: '0a',
    probe,
    onRecord: () => undefined,
    onPeer: (_, event) => events.push(event),
  })
  t.teardown(() => peer.stop())
  return { time, peer, events, said }
}

/** A stream that the peer dialled, and whether it was ended. */
function dialled(): { stream: Stream; ended: () => boolean; end: () => void } {
  let ended = false
  const stream = Object.assign(new EventEmitter(), { write: () => true })
  return { stream, ended: () => ended, end: () => (ended = true) }
}

void t.test(
  'a port that refuses ends the control lane, though nothing has broken it yet',
  async t => {
    const [member] = await freeMembers([1])
    const { time, peer, events } = peerOf(t, 1, member!.address, 2)
    const control = dialled()
    peer.start() // node 1 dials; all that node 2 does is to look at its port
    peer.accept('control', control.stream, control.end)
    await until(() => time.pending === 2)
    t.equal(
      peer.view.state,
      'connected',
      'the lane is as young as the look: the process may be too',
    )
    t.notOk(control.ended())

    time.advance(LOOK_AGAIN_MS)
    await until(() => peer.view.state === 'refused')
    t.ok(control.ended())
    t.equal(peer.send('control', Buffer.from('to nobody')), 'down')
    t.same(events, ['down', 'refused'])
  },
)

void t.test('a look finds a dead process though both lanes are up', async t => {
  const [member] = await freeMembers([1])
  const { time, peer, events } = peerOf(t, 1, member!.address, 2)
  const lanes = { append: dialled(), control: dialled() }
  peer.accept('append', lanes.append.stream, lanes.append.end)
  peer.accept('control', lanes.control.stream, lanes.control.end)
  await peer.look()
  t.same(events, ['appendUp'], 'the lane is as young as the look')
  time.advance(1)
  await peer.look()
  t.same(events, ['appendUp', 'down', 'refused'])
  t.ok(lanes.control.ended())
})

void t.test('a port that refuses is not dialled until a look finds somebody there', async t => {
  const members = await freeMembers([1, 2])
  const { time, peer, events, said } = peerOf(t, 2, members[1]!.address, 1)
  peer.start()
  const failed = (): number => said.filter(event => event === 'peer not connected').length
  await until(() => failed() === 2 && events.includes('refused') && time.pending === 4)
  time.advance(30_000_000) // both lanes are due for their next try
  await until(() => time.pending === 2)
  t.equal(failed(), 2)
})

void t.test('lanes that wait for their next try are dialled when the port accepts', async t => {
  const members = await freeMembers([1, 2])
  const { address } = members[1]!
  const { time, peer, events, said } = peerOf(t, 2, address, 1)
  peer.start()
  const waiting = (): number => said.filter(event => event === 'peer not connected').length
  await until(() => waiting() === 2 && events.includes('refused') && time.pending === 4)

  const still = new VirtualTime()
  const other = new GrpcTransport({
    listen: address,
    tls: undefined,
    electionTimeoutMs: 500,
    clock: still,
    timers: still,
    random: systemRandom,
    logger: silentLogger,
  })
  t.teardown(() => other.stop())
  await other.start(HANDLER)
  other.setPeers([members[0]!])
  other.identify(identityOf(2))

  await until(() => {
    time.advance(LOOK_AGAIN_MS)
    return peer.view.state === 'connected' && events.includes('appendUp')
  })
  t.ok(time.monotonicMs() < 3_600_000, 'neither lane waited for its time')
  t.same(events.toSorted(), ['accepting', 'appendUp', 'refused'])
})

void t.test('what was dialled into a broken network is dialled anew when it is whole', async t => {
  const connections: Socket[] = []
  const mute = createServer(socket => connections.push(socket))
  await new Promise<void>(resolve => mute.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of connections) socket.destroy()
    mute.close()
  })
  const { port } = mute.address() as AddressInfo
  let state: PortState = 'unknown'
  const probe = (): Promise<PortState> => Promise.resolve(state)
  const { time, peer, said } = peerOf(t, 2, `127.0.0.1:${port}`, 1, probe)
  peer.start()
  await until(() => connections.length === 2)
  time.advance(DIAL_TIMEOUT_MS)
  await until(() => said.length === 2 && time.pending === 4) // both lanes wait for their next try, and the port is looked at
  const retriedAtMs = time.monotonicMs() + 20 * (0.5 + 1e6)
  time.advance(retriedAtMs - time.monotonicMs())
  await until(() => connections.length === 4 && time.pending === 4) // tried again, and nobody answers

  state = 'accepts'
  await until(() => {
    time.advance(LOOK_AGAIN_MS)
    return connections.length === 6
  })
  t.ok(time.monotonicMs() < retriedAtMs + DIAL_TIMEOUT_MS, 'neither had been given up by its time')
})

void t.test('a try that was given up and comes through later replaces nothing', async t => {
  const [member] = await freeMembers([1])
  const { peer, said } = peerOf(t, 1, member!.address, 2)
  const streams = Array.from({ length: 5 }, () => dialled())
  const accepts = (at: number, made?: Try): boolean => {
    const taken = peer.takes('control', made)
    if (taken) peer.accept('control', streams[at]!.stream, streams[at]!.end, made)
    return taken
  }
  t.ok(accepts(0, { run: 'aa', number: 2 }))
  t.notOk(accepts(1, { run: 'aa', number: 1 }), 'dialled before it')
  t.notOk(streams[0]!.ended(), 'the later one stands')
  t.ok(accepts(2, { run: 'aa', number: 3 }))
  t.ok(streams[0]!.ended())
  t.ok(accepts(3, { run: 'bb', number: 1 }), 'a process that began since counts from one')
  t.ok(accepts(4), 'and an older build does not say')
  t.equal(said.filter(event => event === 'peer connected').length, 4)
})

const HANDLER: TransportHandler = {
  onRecord: () => undefined,
  onSnapshot: () => Promise.resolve(),
  onHello: request => request,
  accepts: () => true,
  onPeer: () => undefined,
}

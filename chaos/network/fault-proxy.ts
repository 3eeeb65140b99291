import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Random } from '../../src/base/random.js'
import type { ProcessCluster } from '../../src/testing/process-cluster.js'
import type { FaultNetwork } from './fault-network.js'

/** What happens to octets on their way in one direction. */
export interface LineFaults {
  /** Nothing passes; what is on its way waits, as TCP's retransmissions do. */
  blocked: boolean
  delayMs: number
  /** Added to the delay at random, up to so much. */
  jitterMs: number
  /** Share of segments that are lost once: what follows waits for the retransmission. */
  loss: number
}

/**
 * A TCP proxy for each directed pair of nodes, on this machine: node 1 dials node 2 through one, node
 * 2 dials node 1 through another. Faults belong to directions, whoever dialled: with `block(1, 2)`
 * nothing that node 1 says reaches node 2.
 */
export class ProxyMesh implements FaultNetwork {
  private readonly lines = new Map<string, LineFaults>()
  private readonly proxies: FaultProxy[] = []
  private readonly ids: readonly number[]

  /** Opens the proxies and writes them into the node files in place of the peers' addresses. */
  static async between(cluster: ProcessCluster, random: Random): Promise<ProxyMesh> {
    const mesh = new ProxyMesh(cluster.nodes.map(({ id }) => id))
    for (const from of cluster.nodes) {
      const file = join(cluster.directory, `node-${from.id}.yaml`)
      const content = parse(readFileSync(file, 'utf8')) as {
        cluster: { peers: { id: number; address: string }[] }
      }
      for (const peer of content.cluster.peers) {
        if (peer.id === from.id) continue
        const { peerPort } = cluster.node(peer.id)
        const there = mesh.line(from.id, peer.id)
        const back = mesh.line(peer.id, from.id)
        const proxy = new FaultProxy(peerPort, there, back, random)
        peer.address = `127.0.0.1:${await proxy.listen()}`
        mesh.proxies.push(proxy)
      }
      writeFileSync(file, stringify(content))
    }
    return mesh
  }

  private constructor(ids: readonly number[]) {
    this.ids = ids
  }

  block(from: number, to: number): Promise<void> {
    return this.change({ blocked: true }, (a, b) => a === from && b === to)
  }

  isolate(nodes: readonly number[]): Promise<void> {
    return this.change({ blocked: true }, (a, b) => nodes.includes(a) !== nodes.includes(b))
  }

  lose(share: number): Promise<void> {
    return this.change({ loss: share })
  }

  delay(delayMs: number, jitterMs: number): Promise<void> {
    return this.change({ delayMs, jitterMs })
  }

  heal(): Promise<void> {
    return this.change(HEALTHY)
  }

  async close(): Promise<void> {
    await Promise.all(this.proxies.map(proxy => proxy.close()))
  }

  private change(
    faults: Partial<LineFaults>,
    which: (from: number, to: number) => boolean = () => true,
  ): Promise<void> {
    for (const from of this.ids) {
      for (const to of this.ids) {
        if (from !== to && which(from, to)) Object.assign(this.line(from, to), faults)
      }
    }
    for (const proxy of this.proxies) proxy.changed()
    return Promise.resolve()
  }

  private line(from: number, to: number): LineFaults {
    const key = `${from}>${to}`
    let line = this.lines.get(key)
    if (line === undefined) {
      line = { ...HEALTHY }
      this.lines.set(key, line)
    }
    return line
  }
}

const HEALTHY: LineFaults = { blocked: false, delayMs: 0, jitterMs: 0, loss: 0 }

/** One listener; every connection to it goes on to `targetPort`. */
export class FaultProxy {
  private readonly targetPort: number
  private readonly there: LineFaults
  private readonly back: LineFaults
  private readonly random: Random
  private readonly server: Server
  private readonly sockets = new Set<Socket>()
  private readonly pipes = new Set<Pipe>()
  /** Connections that came while nothing could pass; they are cut when it can. */
  private readonly stuck = new Set<Socket>()

  /**
   * @param there  what happens to what the dialling side says
   * @param back   what happens to the answers
   */
  constructor(targetPort: number, there: LineFaults, back: LineFaults, random: Random) {
    this.targetPort = targetPort
    this.there = there
    this.back = back
    this.random = random
    this.server = createServer({ allowHalfOpen: true }, socket => this.accept(socket))
  }

  /** @returns the port */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen({ host: '127.0.0.1', port: 0 }, resolve)
    })
    return (this.server.address() as AddressInfo).port
  }

  /** Faults are different from now on. */
  changed(): void {
    for (const pipe of this.pipes) pipe.run()
    if (this.there.blocked || this.back.blocked) return
    for (const socket of this.stuck) socket.resetAndDestroy()
    this.stuck.clear()
  }

  async close(): Promise<void> {
    for (const pipe of this.pipes) pipe.stop()
    for (const socket of this.sockets) socket.destroy()
    await new Promise<void>(resolve => this.server.close(() => resolve()))
  }

  private accept(dialling: Socket): void {
    this.keep(dialling)
    if (this.there.blocked || this.back.blocked) {
      this.stuck.add(dialling)
      dialling.once('close', () => this.stuck.delete(dialling))
      dialling.pause()
      return
    }
    const target = connect({ host: '127.0.0.1', port: this.targetPort, allowHalfOpen: true })
    this.keep(target)
    dialling.pause()
    target.once('connect', () => {
      this.pipe(dialling, target, this.there)
      this.pipe(target, dialling, this.back)
    })
    target.once('close', () => {
      if (target.pending || !this.pipes.size) dialling.destroy()
    })
    target.once('error', () => {
      if (target.pending) dialling.resetAndDestroy()
    })
  }

  private pipe(from: Socket, to: Socket, faults: LineFaults): void {
    const pipe = new Pipe(from, to, faults, this.random)
    this.pipes.add(pipe)
    from.once('close', () => pipe.ended())
    to.once('close', () => {
      pipe.stop()
      this.pipes.delete(pipe)
    })
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined)
    socket.once('close', () => this.sockets.delete(socket))
  }
}

/** Carries octets one way. Holds at most what has come since its source was paused: some 64 KiB. */
class Pipe {
  private readonly from: Socket
  private readonly to: Socket
  private readonly faults: LineFaults
  private readonly random: Random
  private readonly queue: { dueMs: number; octets: Buffer | undefined }[] = []
  private lastDueMs = 0
  private held = 0
  private timer: NodeJS.Timeout | undefined
  private stopped = false
  private finished = false

  constructor(from: Socket, to: Socket, faults: LineFaults, random: Random) {
    this.from = from
    this.to = to
    this.faults = faults
    this.random = random
    from.on('data', octets => this.push(octets))
    from.once('end', () => this.ended())
    to.on('drain', () => this.run())
    from.resume()
  }

  /** The source says no more: so does the other side, when everything has passed. */
  ended(): void {
    if (this.finished) return
    this.finished = true
    this.push(undefined)
  }

  stop(): void {
    this.stopped = true
    clearTimeout(this.timer)
    this.queue.length = 0
    if (!this.faults.blocked) this.from.destroy()
  }

  /** Passes on what is due. */
  run(): void {
    clearTimeout(this.timer)
    this.timer = undefined
    const nowMs = performance.now()
    while (!this.stopped && !this.faults.blocked && !this.to.writableNeedDrain) {
      const first = this.queue[0]
      if (first === undefined) break
      if (first.dueMs > nowMs) {
        this.timer = setTimeout(() => this.run(), Math.max(1, first.dueMs - nowMs))
        break
      }
      this.queue.shift()
      if (first.octets === undefined) this.to.end()
      else {
        this.held -= first.octets.length
        this.to.write(first.octets)
      }
    }
    if (this.held < HELD_MAX && this.from.isPaused()) this.from.resume()
  }

  private push(octets: Buffer | undefined): void {
    if (this.stopped) return
    const { delayMs, jitterMs, loss } = this.faults
    let dueMs = performance.now() + delayMs
    if (jitterMs > 0) dueMs += this.random.unit() * jitterMs
    if (loss > 0 && octets !== undefined) {
      const segments = Math.ceil(octets.length / SEGMENT)
      for (let i = 0, rto = RTO_MS; i < segments; i++) {
        while (this.random.unit() < loss) {
          dueMs += rto
          rto *= 2
        }
      }
    }
    this.lastDueMs = Math.max(this.lastDueMs, dueMs) // TCP keeps the order
    this.queue.push({ dueMs: this.lastDueMs, octets })
    this.held += octets?.length ?? 0
    if (this.held >= HELD_MAX) this.from.pause()
    this.run()
  }
}

const HELD_MAX = 65_536
/** Octets of a segment on Ethernet, and Linux's least time until a retransmission. */
const SEGMENT = 1_448
const RTO_MS = 200

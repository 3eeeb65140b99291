import type { Random } from '../../src/base/random.js'
import type { Connection, ConnectionListener } from '../../src/link/types.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { SimProcess } from './process.js'

/** Who has one end of a connection. */
export interface Party {
  /** `node 2`, `esme1`, `smsc-a`. */
  name: string
  /** Of a node; the rest of the world never stops. */
  process: SimProcess | undefined
}

interface Listening {
  party: Party
  onConnection: (connection: SimConnection) => void
}

/**
 * TCP between nodes and the world of ESMEs and SMSCs: octets arrive in order, after a delay, until one side
 * closes or its process dies. While a party is cut off they wait, as they do in TCP.
 */
export class ConnectionNetwork {
  readonly time: VirtualTime
  readonly random: Random
  readonly delayMs = { min: 0.2, max: 3 }
  /** Called with everything that a living party writes. */
  onWritten: (from: Party, to: Party, octets: Buffer, port: number) => void = () => undefined
  /** The same of what is written to a connection that is over, which its writer may not know yet. */
  onUnsent: (from: Party, to: Party, octets: Buffer, port: number) => void = () => undefined
  /** A party is about to hear that its connection is over. */
  onOver: (of: Party, port: number) => void = () => undefined
  private readonly listening = new Map<string, Listening>()
  private readonly cut = new Set<string>()
  private readonly ends = new Set<SimConnection>()
  private ports = 40_000

  constructor(time: VirtualTime, random: Random) {
    this.time = time
    this.random = random
  }

  listen(
    place: string,
    party: Party,
    onConnection: (connection: SimConnection) => void,
  ): () => void {
    const entry: Listening = { party, onConnection }
    this.listening.set(place, entry)
    return () => {
      if (this.listening.get(place) === entry) this.listening.delete(place)
    }
  }

  /** Whether somebody listens there and can be reached: what a balancer's health check sees. */
  isListening(place: string): boolean {
    const entry = this.listening.get(place)
    return entry !== undefined && !this.isCut(entry.party)
  }

  /** Rejects with ECONNREFUSED where nobody listens, with ETIMEDOUT where nobody can be reached. */
  connect(
    place: string,
    from: Party,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<SimConnection> {
    return new Promise((resolve, reject) => {
      const fail = (code: string, afterMs: number): void => {
        this.after(from, afterMs, () => reject(Object.assign(new Error(code), { code })))
      }
      if (from.process?.mayAct() === false) return
      signal?.addEventListener('abort', () => reject(new Error('gave up connecting')), {
        once: true,
      })
      const target = this.listening.get(place)
      if (this.isCut(from) || (target !== undefined && this.isCut(target.party)))
        return fail('ETIMEDOUT', timeoutMs)
      if (target === undefined) return fail('ECONNREFUSED', this.delay())
      this.after(from, this.delay(), () => {
        if (this.listening.get(place) !== target) return fail('ECONNREFUSED', 0)
        if (signal?.aborted === true) return
        const [ours, theirs] = this.pair(from, target.party)
        this.run(target.party, () => target.onConnection(theirs))
        resolve(ours)
      })
    })
  }

  /** The process is gone: its ports refuse, its connections are reset. */
  died(process: SimProcess): void {
    for (const [place, { party }] of this.listening)
      if (party.process === process) this.listening.delete(place)
    for (const end of [...this.ends]) if (end.party.process === process) end.vanish()
  }

  /** Cuts a party off from the world, or lets it back. */
  setCut(name: string, cut: boolean): void {
    if (cut) this.cut.add(name)
    else this.cut.delete(name)
    if (!cut) for (const end of [...this.ends]) end.pump()
  }

  /** Resets the connections of a party, each with the chance `share`. */
  reset(name: string, share: number): void {
    for (const end of [...this.ends])
      if (end.party.name === name && this.random.unit() < share) end.resetBoth()
  }

  isCut(party: Party): boolean {
    return this.cut.has(party.name)
  }

  delay(): number {
    return this.delayMs.min + this.random.unit() * (this.delayMs.max - this.delayMs.min)
  }

  after(party: Party, ms: number, fn: () => void): void {
    this.time.after(ms, () => this.run(party, fn))
  }

  run(party: Party, fn: () => void): void {
    if (party.process === undefined) fn()
    else party.process.run(fn)
  }

  forget(end: SimConnection): void {
    this.ends.delete(end)
  }

  private pair(a: Party, b: Party): [SimConnection, SimConnection] {
    const port = this.ports++
    const one = new SimConnection(this, a, port)
    const other = new SimConnection(this, b, port)
    one.peer = other
    other.peer = one
    this.ends.add(one)
    this.ends.add(other)
    return [one, other]
  }
}

/** One end. */
export class SimConnection implements Connection {
  readonly remoteAddress = '192.0.2.1'
  readonly remotePort: number
  readonly party: Party
  peer!: SimConnection
  /** When the peer wrote what is being heard now. */
  heardOfMs = 0
  private readonly network: ConnectionNetwork
  private listener: ConnectionListener | undefined
  /** Written here, not yet with the peer. */
  private outgoing: { octets: Buffer; writtenAtMs: number; arrivesAtMs: number }[] = []
  private outgoingOctets = 0
  private lastArrivalMs = 0
  private reading = true
  private ending = false
  private isClosed = false
  private pumpAsked = false
  private wasFull = false

  constructor(network: ConnectionNetwork, party: Party, port: number) {
    this.network = network
    this.party = party
    this.remotePort = port
  }

  get bufferedOctets(): number {
    return this.outgoingOctets
  }

  listen(listener: ConnectionListener): void {
    this.listener = listener
    if (this.isClosed) this.tellClosed('reset')
    else this.peer.pump()
  }

  write(octets: Buffer): void {
    const { network } = this
    if (this.ending || this.isClosed) {
      network.onUnsent(this.party, this.peer.party, octets, this.remotePort)
      return
    }
    if (this.party.process?.mayAct() === false) return
    network.onWritten(this.party, this.peer.party, octets, this.remotePort)
    const now = network.time.monotonicMs()
    this.lastArrivalMs = Math.max(this.lastArrivalMs, now + network.delay())
    this.outgoing.push({
      octets: Buffer.from(octets),
      writtenAtMs: now,
      arrivesAtMs: this.lastArrivalMs,
    })
    this.outgoingOctets += octets.length
    this.wasFull = true
    this.pump()
  }

  pause(): void {
    this.reading = false
  }

  resume(): void {
    this.reading = true
    this.peer.pump()
  }

  end(): void {
    this.ending = true
    this.pump()
  }

  destroy(): void {
    if (this.party.process?.mayAct() === false) return
    this.close('destroyed')
    this.peer.resetSoon()
  }

  resetBoth(): void {
    this.close('reset')
    this.peer.close('reset')
  }

  /** Its process died: what it had written may arrive, then the peer sees the end. */
  vanish(): void {
    this.listener = undefined
    this.ending = true
    this.pump()
  }

  /** Hands the peer what has arrived. */
  pump(): void {
    if (this.pumpAsked || this.isClosed) return
    const next = this.outgoing[0]
    if (next === undefined && !this.ending) return
    this.pumpAsked = true
    const now = this.network.time.monotonicMs()
    const waitMs = next === undefined ? this.network.delay() : Math.max(0, next.arrivesAtMs - now)
    this.network.time.after(waitMs, () => {
      this.pumpAsked = false
      this.network.run(this.peer.party, () => this.deliver())
    })
  }

  private deliver(): void {
    const { network, peer } = this
    if (this.isClosed || network.isCut(this.party) || network.isCut(peer.party)) return
    if (peer.isClosed) return
    const now = network.time.monotonicMs()
    while (peer.reading && peer.listener !== undefined) {
      const next = this.outgoing[0]
      if (next === undefined || next.arrivesAtMs > now) break
      this.outgoing.shift()
      this.outgoingOctets -= next.octets.length
      peer.heardOfMs = next.writtenAtMs
      peer.listener.data(next.octets)
      if (this.isNowClosed()) return
    }
    if (this.outgoing.length > 0) {
      if (peer.reading && peer.listener !== undefined) this.pump()
      return
    }
    if (this.ending) {
      this.close('ended')
      peer.close('the peer closed the connection')
    } else if (this.wasFull) {
      this.wasFull = false
      network.after(this.party, 0, () => this.listener?.drained())
    }
  }

  private resetSoon(): void {
    const { network } = this
    network.time.after(network.delay(), () => this.close('reset by the peer'))
  }

  private close(reason: string): void {
    if (this.isClosed) return
    this.isClosed = true
    this.outgoing = []
    this.outgoingOctets = 0
    this.network.forget(this)
    this.tellClosed(reason)
  }

  private tellClosed(reason: string): void {
    this.network.after(this.party, 0.01, () => {
      const { listener } = this
      this.listener = undefined
      this.network.onOver(this.party, this.remotePort)
      listener?.closed(reason)
    })
  }

  private isNowClosed(): boolean {
    return this.isClosed || this.peer.isClosed
  }
}

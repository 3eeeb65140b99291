import type { SeededRandom } from '../../src/base/random.js'
import type { VirtualTime } from '../../src/testing/virtual-time.js'
import type { ConnectionNetwork } from './connections.js'
import { DEAFNESS } from './esme.js'
import { faultText, type Fault, type FaultKind, type FaultName } from './faults.js'
import type { Members } from './members.js'
import type { Outside } from './outside.js'
import type { Path, PeerNetwork } from './peer-network.js'
import { settingsOf, type Traits } from './settings.js'
import type { SimNode } from './sim-node.js'
import type { Trace } from './trace.js'

const LOG_ENTRY = 0x02
const FLAP_EVERY_MS = 80
const STOP_DEADLINE_MS = 1000
/** A way and a disk that are well. */
const WELL = { cut: false, drop: 0, duplicate: 0, late: 0, delayMs: { min: 0.1, max: 1.5 } }
const WRITE_MS = { min: 0.1, max: 2 }

type Of<K extends FaultName> = Extract<FaultKind, { kind: K }>
type BetweenNodes = Of<'cut' | 'isolate' | 'flap' | 'slowLink' | 'lossy' | 'lie'>
type Operation = Of<'member' | 'join' | 'transfer' | 'settings'>
type Outsiders = Of<
  'resetEsmes' | 'resetSmsc' | 'smscDown' | 'smscSilent' | 'smscBusy' | 'leave' | 'esmeDeaf'
>

export interface BreakerParts {
  time: VirtualTime
  trace: Trace
  random: SeededRandom
  peers: PeerNetwork
  connections: ConnectionNetwork
  outside: Outside
  members: Members
  traits: Traits
  nodes(): readonly SimNode[]
  /** Another node, once a world; undefined where it is there already. */
  join(): SimNode | undefined
}

/** Does what faults say, undoes it when their time is over, and heals everything at the end. */
export class Breaker {
  private readonly parts: BreakerParts
  /** Faults may still be begun, and undone. */
  private calm = false
  /** How long a node that is about to die stays away. */
  private readonly downForMs = new Map<number, number>()
  /** Of homes that are still to fall asleep. */
  private readonly sleeps: number[] = []
  private revision = 0

  constructor(parts: BreakerParts) {
    this.parts = parts
  }

  /** How long a node that has died stays away, where a fault says so. */
  takeDownForMs(id: number): number | undefined {
    const forMs = this.downForMs.get(id)
    this.downForMs.delete(id)
    return forMs
  }

  begin(planned: Fault): void {
    if (this.calm) return
    const fault = this.target(planned)
    this.parts.trace.add('FAULT', faultText(fault))
    const { time, connections } = this.parts
    const node = (id: number): SimNode => this.node(id)
    switch (fault.kind) {
      case 'crash':
        this.downForMs.set(fault.node, fault.forMs)
        return node(fault.node).process?.dieAfterOutputs(fault.outputs)
      case 'crashAll':
        for (const each of this.parts.nodes())
          this.kill(each, fault.forMs * (0.5 + this.parts.random.unit()))
        return
      case 'pause': {
        const { process } = node(fault.node)
        process?.pause()
        return this.undoIn(fault.forMs, () => process?.resume())
      }
      case 'sleepyHome':
        this.sleeps.push(fault.forMs)
        return
      case 'stop':
        node(fault.node)
          .stop(STOP_DEADLINE_MS)
          .then(
            () => time.after(fault.forMs, () => node(fault.node).start()),
            () => undefined,
          )
        return
      case 'cutWorld':
        connections.setCut(node(fault.node).name, true)
        return this.undoIn(fault.forMs, () => connections.setCut(node(fault.node).name, false))
      case 'slowDisk': {
        const { faults } = node(fault.node).disk
        faults.writeMs = { min: fault.writeMs / 4, max: fault.writeMs }
        return this.undoIn(fault.forMs, () => (faults.writeMs = WRITE_MS))
      }
      case 'failDisk':
        node(fault.node).mayFail = true
        node(fault.node).disk.faults.failing = true
        return this.undoIn(fault.forMs, () => (node(fault.node).disk.faults.failing = false))
      case 'corrupt':
        this.kill(node(fault.node), fault.forMs)
        node(fault.node).repair?.()
        node(fault.node).repair = node(fault.node).disk.corrupt('log', LOG_ENTRY)
        return
      case 'clock':
        node(fault.node).setWallOffset(fault.offsetMs)
        return this.undoIn(fault.forMs, () => node(fault.node).setWallOffset(0))
      case 'drift':
        node(fault.node).setRate(fault.rate)
        return this.undoIn(fault.forMs, () => node(fault.node).setRate(1))
      case 'member':
      case 'join':
      case 'transfer':
      case 'settings':
        return this.operate(fault)
      case 'cut':
      case 'isolate':
      case 'flap':
      case 'slowLink':
      case 'lossy':
      case 'lie':
        return this.disturb(fault)
      default:
        return this.annoy(fault)
    }
  }

  /** Pauses the claimant, where another node learns of its claim first. */
  onClaim(first: number, claimant: number): void {
    if (first === claimant || this.calm) return
    const forMs = this.sleeps.pop()
    const process = forMs === undefined ? undefined : this.node(claimant).process
    if (forMs === undefined || process === undefined) return
    this.parts.trace.add('FAULT', `node ${claimant} sleeps for ${forMs} ms, with a claim`)
    process.pause()
    this.parts.time.after(forMs, () => process.resume())
  }

  /** Everything is well from now on. */
  heal(): void {
    const { trace, connections, outside, members } = this.parts
    trace.add('world', 'all faults end')
    this.calm = true
    this.everyPath(path => Object.assign(path, WELL))
    for (const node of this.parts.nodes()) {
      node.disk.faults.writeMs = WRITE_MS
      node.disk.faults.failing = false
      node.setRate(1)
      node.setWallOffset(0)
      node.process?.dieAfterOutputs(Infinity)
      node.process?.resume()
      connections.setCut(node.name, false)
      node.start()
    }
    outside.calmDown()
    members.restoreAll()
  }

  /** Faults between nodes. */
  private disturb(fault: BetweenNodes): void {
    const { peers, time, random } = this.parts
    switch (fault.kind) {
      case 'cut':
        peers.path(fault.from, fault.to).cut = true
        return this.undoIn(fault.forMs, () => (peers.path(fault.from, fault.to).cut = false))
      case 'isolate':
        this.isolate(fault.node, true)
        return this.undoIn(fault.forMs, () => this.isolate(fault.node, false))
      case 'flap':
        for (let i = 0; i < fault.times; i++)
          time.after(i * FLAP_EVERY_MS, () => peers.breakStreams(fault.a, fault.b))
        return
      case 'slowLink': {
        const path = peers.path(fault.from, fault.to)
        path.delayMs = { min: fault.delayMs / 2, max: fault.delayMs }
        return this.undoIn(fault.forMs, () => (path.delayMs = WELL.delayMs))
      }
      case 'lossy': {
        const { drop, duplicate, late } = fault
        this.everyPath(path => Object.assign(path, { drop, duplicate, late }))
        return this.undoIn(fault.forMs, () =>
          this.everyPath(path => Object.assign(path, { drop: 0, duplicate: 0, late: 0 })),
        )
      }
      case 'lie': {
        // mostly about the leader, for other lies do nothing; to one node, or to some at once
        const about =
          random.below(4) === 0
            ? fault.about
            : (this.parts.nodes().find(each => each.leads)?.id ?? fault.about)
        for (const { id } of this.parts.nodes())
          if (id !== about && (id === fault.node || random.below(2) === 0))
            peers.lie(id, about, fault.forMs)
        return
      }
    }
  }

  /** What operators do. */
  private operate(fault: Operation): void {
    const { members } = this.parts
    switch (fault.kind) {
      case 'member':
        if (!members.wish(fault.node, fault.change === 'demote' ? 'learner' : 'gone')) return
        return this.undoIn(fault.forMs, () => members.restore(fault.node))
      case 'join': {
        const node = this.parts.join()
        if (node === undefined) return
        node.start()
        return this.undoIn(fault.voteAfterMs, () => members.restore(node.id))
      }
      case 'transfer':
        this.parts
          .nodes()
          .find(each => each.leads)
          ?.group?.transferLeadership(fault.to)
          .catch(() => undefined)
        return
      case 'settings':
        return this.changeSettings()
    }
  }

  /** What ESMEs and SMSCs do. */
  private annoy(fault: Outsiders): void {
    const { connections, outside } = this.parts
    const { esmes, smscs } = outside
    switch (fault.kind) {
      case 'resetEsmes':
        for (const esme of esmes) connections.reset(esme.options.name, fault.share)
        return
      case 'resetSmsc':
        return connections.reset(smscs[fault.smsc]!.name, fault.share)
      case 'smscDown': {
        const smsc = smscs[fault.smsc]!
        smsc.down()
        return this.undoIn(fault.forMs, () => smsc.up())
      }
      case 'smscSilent': {
        const { behaviour } = smscs[fault.smsc]!
        behaviour.silence = fault.share
        return this.undoIn(fault.forMs, () => (behaviour.silence = 0))
      }
      case 'smscBusy': {
        const { behaviour } = smscs[fault.smsc]!
        behaviour.busy = fault.share
        return this.undoIn(fault.forMs, () => (behaviour.busy = 0))
      }
      case 'leave':
        return esmes[fault.esme % esmes.length]!.leave(fault.forMs)
      case 'esmeDeaf': {
        const esme = esmes[fault.esme % esmes.length]!
        esme.deafness = fault.share
        return this.undoIn(fault.forMs, () => (esme.deafness = DEAFNESS))
      }
    }
  }

  /** The node that an aimed fault means now. */
  private target({ aim, ...fault }: Fault): Fault {
    if (aim === undefined) return fault
    const leader = this.parts.nodes().find(each => each.leads)
    const homes = [...(leader?.journal?.state.connectors.values() ?? [])].flatMap(({ home }) =>
      home === null ? [] : [home.node],
    )
    const node =
      aim === 'leader' ? leader?.id : homes[this.parts.random.below(Math.max(1, homes.length))]
    return node === undefined ? fault : Object.assign(fault, { node })
  }

  private undoIn(ms: number, undo: () => void): void {
    this.parts.time.after(ms, () => {
      if (!this.calm) undo()
    })
  }

  private node(id: number): SimNode {
    return this.parts.nodes()[id - 1]!
  }

  private kill(node: SimNode, forMs: number): void {
    node.kill()
    this.parts.time.after(forMs, () => node.start())
  }

  private isolate(id: number, cut: boolean): void {
    const { peers } = this.parts
    for (const { id: other } of this.parts.nodes()) {
      if (other === id) continue
      peers.path(id, other).cut = cut
      peers.path(other, id).cut = cut
    }
  }

  private everyPath(change: (path: Path) => unknown): void {
    const nodes = this.parts.nodes()
    for (const a of nodes)
      for (const b of nodes) if (a !== b) change(this.parts.peers.path(a.id, b.id))
  }

  private changeSettings(): void {
    const { traits, random } = this.parts
    const node = this.parts.nodes().find(each => each.isReady)
    const proposer = node?.journal?.proposer
    if (proposer === undefined) return
    this.revision++
    // some revisions turn the windows off, some on again
    const off = (traits.windows?.size ?? 0) > 0 && random.unit() < 0.3
    proposer
      .command({
        kind: 'settings',
        expected: null,
        settings: settingsOf(this.revision, off ? { ...traits, windows: undefined } : traits),
        author: 'sim',
        atMs: Math.floor(this.parts.time.nowMs()),
      })
      .catch(() => undefined)
  }
}

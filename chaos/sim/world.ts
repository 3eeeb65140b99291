import { SeededRandom } from '../../src/base/random.js'
import type { GatewaySettings } from '../../src/policy/settings.js'
import { account, connector, gateway, route } from '../../src/testing/gateway.js'
import { VirtualTime } from '../../src/testing/virtual-time.js'
import { Checker, type Message, type Violation } from './checker.js'
import { ConnectionNetwork, type SimConnection } from './connections.js'
import { DEAFNESS, SimEsme } from './esme.js'
import { faultText, type Fault } from './faults.js'
import { Members } from './members.js'
import type { Mutation } from './mutation.js'
import { PeerNetwork } from './peer-network.js'
import { SimNode } from './sim-node.js'
import { SimSmsc } from './smsc.js'
import { Trace } from './trace.js'

/** Unanswered requests per bind, and binds: what can be in doubt at once. */
const WINDOW = 20
const BINDS = 2
/** From the end of all faults to the end of all work. */
const SETTLE_MAX_MS = 120_000
/** A node that ended itself is started again by its supervisor. */
const RESTART_MS = 400

export interface WorldOptions {
  seed: number
  nodes: number
  faults: readonly Fault[]
  /** Faults end here, and submits. */
  untilMs: number
  /** Submits per second of the whole world. */
  rate: number
  /** Different numbers that messages go to: with few, several go to one at a time. Default: 10^8. */
  numbers?: number | undefined
  mutation?: Mutation | undefined
}

export interface WorldResult {
  violations: Violation[]
  trace: Trace
  /** Virtual ms that passed. */
  tookMs: number
  messages: number
  acknowledged: number
  duplicates: number
  terms: number
  entries: number
  starts: number
}

/** Nodes, ESMEs, SMSCs and a balancer in one process, on one clock, from one seed. */
export class World {
  readonly time = new VirtualTime()
  readonly trace: Trace
  readonly checker: Checker
  readonly nodes: SimNode[]
  private readonly options: WorldOptions
  private readonly peers: PeerNetwork
  private readonly connections: ConnectionNetwork
  private readonly smscs: SimSmsc[]
  private readonly esmes: SimEsme[]
  private readonly random: SeededRandom
  /** Log entries that stay for laggards: with few, snapshots are sent instead. */
  private readonly keepEntries: number
  /** Faults may still be begun, and undone. */
  private calm = false
  private readonly members: Members
  /** How long a node that is about to die stays away. */
  private readonly downForMs = new Map<number, number>()
  /** Of homes that are still to fall asleep. */
  private readonly sleeps: number[] = []
  private tags = 0
  private sessions = 0
  private tooLate = 0
  private revision = 0

  constructor(options: WorldOptions) {
    const { time } = this
    this.options = options
    this.trace = new Trace(time)
    this.checker = new Checker(
      this.trace,
      () => time.monotonicMs(),
      () => this.nodes.map(node => node.disk),
    )
    this.checker.windowsMax = WINDOW * BINDS
    this.checker.tooLate = () => this.tooLate
    this.checker.heardByMajorityMs = (id, voters) =>
      this.peers.heard.byMajority(id, voters, time.monotonicMs())
    this.checker.claimGranted = (first, claimant) => this.onClaim(first, claimant)
    this.checker.slowness = id => this.nodes[id - 1]?.slowness ?? 1
    this.checker.votersOf = id => this.nodes[id - 1]?.voters ?? []
    this.random = new SeededRandom(this.seedFor('world'))
    this.keepEntries = 20 + this.random.below(130)
    this.peers = new PeerNetwork(time, new SeededRandom(this.seedFor('peers')))
    this.connections = new ConnectionNetwork(time, new SeededRandom(this.seedFor('connections')))
    const { trace, checker, connections } = this
    this.peers.onRecord = (from, to, record) => checker.onRecord(from, to, record)
    connections.onWritten = (from, to, octets) => {
      if (from.process === undefined) return
      if (to.name.startsWith('esme')) checker.onWritten(from.name, octets)
      else checker.onWrittenUpstream(Number(from.name.slice('node '.length)), octets)
    }
    this.nodes = Array.from({ length: options.nodes }, (_, i) => this.newNode(i + 1))
    this.members = new Members({
      trace,
      after: (ms, fn) => void time.after(ms, fn),
      nodes: () => this.nodes,
    })
    this.smscs = ['smsc-a', 'smsc-b'].map(
      (name, i) =>
        new SimSmsc(i + 1, name, {
          time,
          random: new SeededRandom(this.seedFor(name)),
          checker,
          trace,
          network: connections,
        }),
    )
    this.esmes = this.makeEsmes()
  }

  async run(): Promise<WorldResult> {
    const { options, time, checker } = this
    const { untilMs, faults } = options
    const onRejection = (reason: unknown): void => {
      checker.fail(
        'no crash',
        `unhandled: ${reason instanceof Error ? reason.stack! : String(reason)}`,
      )
    }
    process.on('unhandledRejection', onRejection)
    try {
      for (const node of this.nodes) time.after(node.id, () => node.start())
      for (const fault of faults) time.after(fault.atMs, () => this.begin(fault))
      this.mobiles()
      while (time.monotonicMs() < untilMs && checker.violations.length === 0)
        await time.advanceSettled(100)
      if (checker.violations.length === 0) await this.settle()
    } finally {
      process.off('unhandledRejection', onRejection)
      for (const node of this.nodes) node.kill()
    }
    return this.result()
  }

  private newNode(id: number): SimNode {
    const { options, time, trace, checker, peers, connections } = this
    const node = new SimNode(id, {
      time,
      trace,
      checker,
      peers,
      connections,
      settings: settingsOf(0),
      nodes: options.nodes,
      keepEntries: this.keepEntries,
      seedFor: what => this.seedFor(what),
      mutation: options.mutation,
      onDied: died => {
        const afterMs = this.downForMs.get(died.id) ?? RESTART_MS
        this.downForMs.delete(died.id)
        time.after(afterMs, () => died.start())
      },
      tooLate: count => {
        this.tooLate += count
      },
    })
    options.mutation?.node?.(node)
    return node
  }

  /** Everything is well from now on: what was acknowledged must be concluded. */
  private async settle(): Promise<void> {
    const { time, trace, checker } = this
    this.heal()
    const beganAtMs = time.monotonicMs()
    for (const esme of this.esmes) esme.submitting = false
    for (;;) {
      await time.advanceSettled(500)
      if (checker.violations.length > 0) return
      const open = this.unfinished()
      if (open === '') break
      if (time.monotonicMs() - beganAtMs > SETTLE_MAX_MS) {
        checker.fail('progress', `${SETTLE_MAX_MS / 1000} s after all faults: ${open}`)
        break
      }
    }
    trace.add('world', `settled after ${time.monotonicMs() - beganAtMs} ms`)
    checker.finish()
  }

  /** What is still to be done; '' where nothing is. */
  private unfinished(): string {
    for (const node of this.nodes) if (!node.isReady) return `${node.name} is not up`
    const leader = this.nodes.find(node => node.leads)
    const state = leader?.journal?.state
    if (state === undefined) return 'there is no leader'
    const members = this.members.unfinished(leader!)
    if (members !== '') return members
    for (const node of this.nodes)
      if (node.journal!.state.appliedIndex < state.appliedIndex - 20)
        return `${node.name} is behind: ${node.journal!.state.appliedIndex} of ${state.appliedIndex}`
    for (const message of this.checker.messages.values()) {
      if (message.status !== 'ESME_ROK') continue
      if (message.reached === 0) return `${message.tag} has not reached an SMSC`
      if (message.wantsReceipt && message.receipts === 0)
        return `the receipt of ${message.tag} has not come`
    }
    if (state.queued > 0) return `${state.queued} messages are queued`
    if (state.inFlight > 0) return `${state.inFlight} messages are in flight`
    if (state.receiptsQueued > 0) return `${state.receiptsQueued} receipts are queued`
    const smsc = this.smscs.find(({ owed }) => owed > 0)
    return smsc === undefined ? '' : `${smsc.name} has ${smsc.owed} receipts left`
  }

  /** The node that an aimed fault means now. */
  private target({ aim, ...fault }: Fault): Fault {
    if (aim === undefined) return fault
    const leader = this.nodes.find(each => each.leads)
    const homes = [...(leader?.journal?.state.connectors.values() ?? [])].flatMap(({ home }) =>
      home === null ? [] : [home.node],
    )
    const node = aim === 'leader' ? leader?.id : homes[this.random.below(Math.max(1, homes.length))]
    return node === undefined ? fault : Object.assign(fault, { node })
  }

  private begin(planned: Fault): void {
    if (this.calm) return
    const fault = this.target(planned)
    this.trace.add('FAULT', faultText(fault))
    const { time } = this
    const node = (id: number): SimNode => this.nodes[id - 1]!
    const undoIn = (ms: number, undo: () => void): void => {
      time.after(ms, () => {
        if (!this.calm) undo()
      })
    }
    switch (fault.kind) {
      case 'crash':
        this.downForMs.set(fault.node, fault.forMs)
        node(fault.node).process?.dieAfterOutputs(fault.outputs)
        break
      case 'crashAll':
        for (const each of this.nodes) this.kill(each, fault.forMs * (0.5 + this.random.unit()))
        break
      case 'pause': {
        const { process } = node(fault.node)
        process?.pause()
        undoIn(fault.forMs, () => process?.resume())
        break
      }
      case 'sleepyHome':
        this.sleeps.push(fault.forMs)
        break
      case 'stop':
        node(fault.node)
          .stop(1000)
          .then(
            () => time.after(fault.forMs, () => node(fault.node).start()),
            () => undefined,
          )
        break
      case 'cut':
        this.peers.path(fault.from, fault.to).cut = true
        undoIn(fault.forMs, () => (this.peers.path(fault.from, fault.to).cut = false))
        break
      case 'isolate':
        this.isolate(fault.node, true)
        undoIn(fault.forMs, () => this.isolate(fault.node, false))
        break
      case 'cutWorld':
        this.connections.setCut(node(fault.node).name, true)
        undoIn(fault.forMs, () => this.connections.setCut(node(fault.node).name, false))
        break
      case 'flap':
        for (let i = 0; i < fault.times; i++)
          time.after(i * 80, () => this.peers.breakStreams(fault.a, fault.b))
        break
      case 'slowLink': {
        const path = this.peers.path(fault.from, fault.to)
        path.delayMs = { min: fault.delayMs / 2, max: fault.delayMs }
        undoIn(fault.forMs, () => (path.delayMs = { min: 0.1, max: 1.5 }))
        break
      }
      case 'lossy':
        this.everyPath(path =>
          Object.assign(path, { drop: fault.drop, duplicate: fault.duplicate }),
        )
        undoIn(fault.forMs, () =>
          this.everyPath(path => Object.assign(path, { drop: 0, duplicate: 0 })),
        )
        break
      case 'lie':
        this.peers.lie(fault.node, fault.about)
        break
      case 'slowDisk': {
        const { faults } = node(fault.node).disk
        faults.writeMs = { min: fault.writeMs / 4, max: fault.writeMs }
        undoIn(fault.forMs, () => (faults.writeMs = { min: 0.1, max: 2 }))
        break
      }
      case 'failDisk':
        node(fault.node).mayFail = true
        node(fault.node).disk.faults.failing = true
        undoIn(fault.forMs, () => (node(fault.node).disk.faults.failing = false))
        break
      case 'corrupt':
        this.kill(node(fault.node), fault.forMs)
        this.corrupt(node(fault.node))
        break
      case 'clock':
        node(fault.node).setWallOffset(fault.offsetMs)
        undoIn(fault.forMs, () => node(fault.node).setWallOffset(0))
        break
      case 'drift':
        node(fault.node).setRate(fault.rate)
        undoIn(fault.forMs, () => node(fault.node).setRate(1))
        break
      case 'member':
        if (!this.members.wish(fault.node, fault.change === 'demote' ? 'learner' : 'gone')) break
        undoIn(fault.forMs, () => this.members.restore(fault.node))
        break
      case 'join': {
        const id = this.options.nodes + 1
        if (this.nodes.length >= id || !this.members.wish(id, 'learner')) break
        this.nodes.push(this.newNode(id))
        node(id).start()
        undoIn(fault.voteAfterMs, () => this.members.restore(id))
        break
      }
      case 'transfer':
        this.nodes
          .find(each => each.leads)
          ?.group?.transferLeadership(fault.to)
          .catch(() => undefined)
        break
      case 'settings':
        this.changeSettings()
        break
      case 'resetEsmes':
        for (const esme of this.esmes) this.connections.reset(esme.options.name, fault.share)
        break
      case 'resetSmsc':
        this.connections.reset(this.smscs[fault.smsc]!.name, fault.share)
        break
      case 'smscDown': {
        const smsc = this.smscs[fault.smsc]!
        smsc.down()
        undoIn(fault.forMs, () => smsc.up())
        break
      }
      case 'smscSilent': {
        const { behaviour } = this.smscs[fault.smsc]!
        behaviour.silence = fault.share
        undoIn(fault.forMs, () => (behaviour.silence = 0))
        break
      }
      case 'smscBusy': {
        const { behaviour } = this.smscs[fault.smsc]!
        behaviour.busy = fault.share
        undoIn(fault.forMs, () => (behaviour.busy = 0))
        break
      }
      case 'leave':
        this.esmes[fault.esme % this.esmes.length]!.leave(fault.forMs)
        break
      case 'esmeDeaf': {
        const esme = this.esmes[fault.esme % this.esmes.length]!
        esme.deafness = fault.share
        undoIn(fault.forMs, () => (esme.deafness = DEAFNESS))
        break
      }
    }
  }

  /** Pauses the claimant, where another node learns of its claim first. */
  private onClaim(first: number, claimant: number): void {
    if (first === claimant || this.calm) return
    const forMs = this.sleeps.pop()
    const process = forMs === undefined ? undefined : this.nodes[claimant - 1]?.process
    if (forMs === undefined || process === undefined) return
    this.trace.add('FAULT', `node ${claimant} sleeps for ${forMs} ms, with a claim`)
    process.pause()
    this.time.after(forMs, () => process.resume())
  }

  private heal(): void {
    const { trace } = this
    trace.add('world', 'all faults end')
    this.calm = true
    this.everyPath(path =>
      Object.assign(path, { cut: false, drop: 0, duplicate: 0, delayMs: { min: 0.1, max: 1.5 } }),
    )
    for (const node of this.nodes) {
      node.disk.faults.writeMs = { min: 0.1, max: 2 }
      node.disk.faults.failing = false
      node.setRate(1)
      node.setWallOffset(0)
      node.process?.dieAfterOutputs(Infinity)
      node.process?.resume()
      this.connections.setCut(node.name, false)
      node.start()
    }
    for (const smsc of this.smscs) {
      smsc.behaviour.silence = 0
      smsc.behaviour.busy = 0
      smsc.down()
      smsc.up()
    }
    for (const esme of this.esmes) esme.deafness = 0
    this.members.restoreAll()
  }

  private kill(node: SimNode, forMs: number): void {
    node.kill()
    this.time.after(forMs, () => node.start())
  }

  private corrupt(node: SimNode): void {
    node.repair?.()
    node.repair = node.disk.corrupt('log', LOG_ENTRY)
  }

  private isolate(id: number, cut: boolean): void {
    for (const { id: other } of this.nodes) {
      if (other === id) continue
      this.peers.path(id, other).cut = cut
      this.peers.path(other, id).cut = cut
    }
  }

  private everyPath(change: (path: ReturnType<PeerNetwork['path']>) => unknown): void {
    for (const a of this.nodes)
      for (const b of this.nodes) if (a !== b) change(this.peers.path(a.id, b.id))
  }

  private changeSettings(): void {
    const node = this.nodes.find(each => each.isReady)
    const proposer = node?.journal?.proposer
    if (proposer === undefined) return
    this.revision++
    proposer
      .command({
        kind: 'settings',
        expected: null,
        settings: settingsOf(this.revision),
        author: 'sim',
        atMs: this.time.nowMs(),
      })
      .catch(() => undefined)
  }

  /** Mobiles write now and then. */
  private mobiles(): void {
    this.time.every(700, () => {
      if (this.calm) return
      const tag = `M=${String(++this.tags).padStart(6, '0')};`
      this.smscs[this.random.below(this.smscs.length)]!.mo(tag, '1000')
    })
  }

  private makeEsmes(): SimEsme[] {
    const { rate, numbers = 1e8 } = this.options
    const wanted = [
      { name: 'esme1', systemId: 'esme1', bind: 'bind_transceiver', rate: rate / 2 },
      { name: 'esme2-tx', systemId: 'esme2', bind: 'bind_transmitter', rate: rate / 2 },
      { name: 'esme2-rx', systemId: 'esme2', bind: 'bind_receiver', rate: 0 },
      { name: 'esme1-asks', systemId: 'esme1', bind: 'bind_transmitter', rate: 0 },
      { name: 'esme2-asks', systemId: 'esme2', bind: 'bind_transmitter', rate: 0 },
    ] as const
    return wanted.map(
      options =>
        new SimEsme(options, {
          time: this.time,
          random: new SeededRandom(this.seedFor(options.name)),
          checker: this.checker,
          trace: this.trace,
          numbers,
          connect: () => this.balanced(options.name),
          nextTag: () => `T=${String(++this.tags).padStart(6, '0')};`,
          nextSession: () => ++this.sessions,
          learned: (esme, message) => this.learned(esme, message),
        }),
    )
  }

  /** One of an account knows something of a message: another asks after it, on another node perhaps. */
  private learned(esme: SimEsme, message: Message): void {
    if (this.calm || this.random.unit() > 0.4) return
    const { systemId } = esme.options
    const others = this.esmes.filter(
      ({ options }) =>
        options.systemId === systemId &&
        options.bind !== 'bind_receiver' &&
        options !== esme.options,
    )
    others[this.random.below(Math.max(1, others.length))]?.query(message)
  }

  /** The balancer: any node that listens. */
  private balanced(name: string): Promise<SimConnection> {
    const places = this.nodes
      .map(node => `node-${node.id}:2775`)
      .filter(place => this.connections.isListening(place))
    const place = places[this.random.below(Math.max(1, places.length))] ?? 'node-1:2775'
    return this.connections.connect(place, { name, process: undefined }, 1000)
  }

  private seedFor(what: string): number {
    let hash = Math.imul(this.options.seed + 1, 0x9e3779b1)
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193)
    return (hash ^ (hash >>> 15)) >>> 0
  }

  private result(): WorldResult {
    const { checker, trace, time, nodes } = this
    const messages = [...checker.messages.values()]
    return {
      violations: checker.violations,
      trace,
      tookMs: time.monotonicMs(),
      messages: messages.length,
      acknowledged: messages.filter(({ status }) => status === 'ESME_ROK').length,
      duplicates: messages.reduce((sum, { taken }) => sum + Math.max(0, taken - 1), 0),
      terms: checker.terms,
      entries: checker.lastIndex,
      starts: nodes.reduce((sum, { starts }) => sum + starts, 0),
    }
  }
}

const LOG_ENTRY = 0x02

/** Two customers, two SMSCs; revisions differ in what a customer may do. */
function settingsOf(revision: number): GatewaySettings {
  const fields = {
    binds: BINDS,
    window: WINDOW,
    responseTimeoutMs: 2000,
    bindTimeoutMs: 2000,
    enquireLinkMs: 5000,
  }
  return gateway({
    accounts: [account('esme1', { window: 90 + revision }), account('esme2')],
    connectors: [
      connector('smsc-a', { ...fields, host: 'smsc-a', inDoubt: { kind: 'wait', ms: 3000 } }),
      connector('smsc-b', { ...fields, host: 'smsc-b', inDoubt: { kind: 'resend' } }),
    ],
    routes: [
      route('zero', ['smsc-a', 'smsc-b'], { destinationPrefix: '490' }),
      route('rest', ['smsc-b']),
    ],
  })
}

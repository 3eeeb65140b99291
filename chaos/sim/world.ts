import { SeededRandom } from '../../src/base/random.js'
import type { GatewaySettings } from '../../src/policy/settings.js'
import { VirtualTime } from '../../src/testing/virtual-time.js'
import { Breaker } from './breaker.js'
import { Checker } from './checker.js'
import { ConnectionNetwork } from './connections.js'
import type { Fault } from './faults.js'
import { Members } from './members.js'
import type { Mutation } from './mutation.js'
import { Outside } from './outside.js'
import { PeerNetwork } from './peer-network.js'
import { BINDS, settingsOf, WINDOW, type Traits } from './settings.js'
import { SimNode } from './sim-node.js'
import { Trace } from './trace.js'
import type { Violation } from './violations.js'

/** From the end of all faults to the end of all work. */
const SETTLE_MAX_MS = 120_000
/** A node that ended itself is started again by its supervisor. */
const RESTART_MS = 400
/** Transactions that wait are looked at so often. */
const LOOK_MS = 100

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
  /** ESMEs of an account that has a window submit again what they had no answer to. Default: none. */
  traits?: Traits | undefined
  mutation?: Mutation | undefined
  /** The first revision; default: `settingsOf(0, traits)`. */
  settings?: GatewaySettings | undefined
}

export interface WorldResult {
  violations: readonly Violation[]
  trace: Trace
  /** Virtual ms that passed. */
  tookMs: number
  messages: number
  acknowledged: number
  duplicates: number
  /** Submits that got the place of an earlier one. */
  matched: number
  /** Replacements that the log has taken. */
  replaced: number
  /** Messages that went out in parts, all of which were taken. */
  parted: number
  /** MO in parts that were told as one. */
  joined: number
  /** Transactions whose responses said what became of them. */
  told: { delivered: number; failed: number }
  /** Intermediate notifications that ESMEs have taken. */
  notified: number
  /** Destinations of submit_multis that were refused one by one. */
  refusals: number
  terms: number
  entries: number
  starts: number
}

/** Nodes, ESMEs, SMSCs and a balancer in one process, on one clock, from one seed. */
export class World {
  private readonly time = new VirtualTime()
  private readonly trace: Trace
  private readonly checker: Checker
  private readonly nodes: SimNode[]
  private readonly options: WorldOptions
  private readonly peers: PeerNetwork
  private readonly connections: ConnectionNetwork
  private readonly outside: Outside
  private readonly members: Members
  private readonly breaker: Breaker
  /** Log entries that stay for laggards: with few, snapshots are sent instead. */
  private readonly keepEntries: number
  private tooLate = 0

  constructor(options: WorldOptions) {
    const { time } = this
    this.options = options
    this.trace = new Trace(time)
    this.checker = new Checker(this.trace, {
      now: () => time.monotonicMs(),
      disks: () => this.nodes.map(node => node.disk),
      clocksApartMs: clocksApartMs(options),
      windowsMax: WINDOW * BINDS,
      tooLate: () => this.tooLate,
      heardByMajorityMs: (id, voters) =>
        this.peers.heard.byMajority(id, voters, time.monotonicMs()),
      claimGranted: (first, claimant) => this.breaker.onClaim(first, claimant),
      appliedIndex: name =>
        this.nodes.find(node => node.name === name)?.journal?.state.appliedIndex ?? 0,
      processOf: name => this.nodes.find(node => node.name === name)?.process,
      isThere: name => {
        const process = this.nodes.find(node => node.name === name)?.process
        return process?.isPaused === false && !this.connections.isCut({ name, process })
      },
      slowness: id => this.nodes[id - 1]?.slowness ?? 1,
      votersOf: id => this.nodes[id - 1]?.voters ?? [],
    })
    const random = new SeededRandom(this.seedFor('world'))
    this.keepEntries = 20 + random.below(130)
    this.peers = new PeerNetwork(time, new SeededRandom(this.seedFor('peers')))
    this.connections = new ConnectionNetwork(time, new SeededRandom(this.seedFor('connections')))
    const { trace, checker, connections, peers } = this
    peers.onRecord = (from, to, record) => checker.onRecord(from, to, record)
    connections.onUnsent = (from, to, octets, port) => {
      if (from.process !== undefined && to.name.startsWith('esme')) checker.onAnswers(octets, port)
    }
    connections.onOver = (of, port) => {
      if (of.process !== undefined) checker.onOver(port)
    }
    connections.onWritten = (from, to, octets, port) => {
      if (from.process === undefined) return
      if (to.name.startsWith('esme')) {
        checker.onWritten(from.name, octets)
        checker.onAnswers(octets, port)
      } else checker.onWrittenUpstream(Number(from.name.slice('node '.length)), octets)
    }
    this.nodes = Array.from({ length: options.nodes }, (_, i) => this.newNode(i + 1))
    const nodes = (): readonly SimNode[] => this.nodes
    this.members = new Members({ trace, after: (ms, fn) => void time.after(ms, fn), nodes })
    this.outside = new Outside({
      time,
      trace,
      checker,
      connections,
      random,
      rate: options.rate,
      numbers: options.numbers ?? 1e8,
      resubmits: systemId => options.traits?.windows?.has(systemId) === true,
      cuttings: options.traits?.cuttings ?? new Map(),
      seedFor: what => this.seedFor(what),
      nodes,
    })
    const { outside, members } = this
    this.breaker = new Breaker({
      time,
      trace,
      random,
      peers,
      connections,
      outside,
      members,
      nodes,
      traits: options.traits ?? {},
      join: () => this.join(),
    })
  }

  async run(): Promise<WorldResult> {
    const { options, time, checker, breaker } = this
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
      time.every(LOOK_MS, () => checker.transactions.look())
      for (const fault of faults) time.after(fault.atMs, () => breaker.begin(fault))
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
      settings: options.settings ?? settingsOf(0, options.traits),
      nodes: options.nodes,
      keepEntries: this.keepEntries,
      seedFor: what => this.seedFor(what),
      mutation: options.mutation,
      onDied: died => {
        time.after(this.breaker.takeDownForMs(died.id) ?? RESTART_MS, () => died.start())
      },
      tooLate: count => {
        this.tooLate += count
      },
    })
    options.mutation?.node?.(node)
    return node
  }

  private join(): SimNode | undefined {
    const id = this.options.nodes + 1
    if (this.nodes.length >= id || !this.members.wish(id, 'learner')) return undefined
    const node = this.newNode(id)
    this.nodes.push(node)
    return node
  }

  /** Everything is well from now on: what was acknowledged must be concluded. */
  private async settle(): Promise<void> {
    const { time, trace, checker } = this
    this.breaker.heal()
    const beganAtMs = time.monotonicMs()
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
    const { checker } = this
    for (const message of checker.books.messages.values()) {
      if (message.status !== 'ESME_ROK') continue
      if (!checker.hasCome(message)) return `${message.tag} has not reached an SMSC, not all of it`
      if (checker.owesReceipt(message)) return `the receipt of ${message.tag} has not come`
    }
    const transaction = checker.transactions.unanswered()
    if (transaction !== undefined) return `${transaction.tag} has no response`
    if (state.queued > 0) return `${state.queued} messages are queued`
    if (state.inFlight > 0) return `${state.inFlight} messages are in flight`
    if (state.receiptsQueued > 0) return `${state.receiptsQueued} receipts are queued`
    const smsc = this.outside.smscs.find(({ owed }) => owed > 0)
    return smsc === undefined ? '' : `${smsc.name} has ${smsc.owed} receipts left`
  }

  private seedFor(what: string): number {
    let hash = Math.imul(this.options.seed + 1, 0x9e3779b1)
    for (let i = 0; i < what.length; i++) hash = Math.imul(hash ^ what.charCodeAt(i), 0x01000193)
    return (hash ^ (hash >>> 15)) >>> 0
  }

  private result(): WorldResult {
    const { checker, trace, time, nodes } = this
    const messages = [...checker.books.messages.values()]
    return {
      violations: checker.violations,
      trace,
      tookMs: time.monotonicMs(),
      messages: messages.length,
      acknowledged: messages.filter(({ status }) => status === 'ESME_ROK').length,
      duplicates: messages.reduce(
        (sum, message) => sum + Math.max(0, checker.parts.timesTaken(message) - 1),
        0,
      ),
      matched: messages.filter(({ first }) => first !== undefined).length,
      replaced: checker.replaces.count,
      parted: checker.parts.count,
      joined: checker.mos.count,
      told: checker.transactions.told,
      notified: checker.notifications.count,
      refusals: checker.multis.refusals,
      terms: checker.log.terms,
      entries: checker.log.lastIndex,
      starts: nodes.reduce((sum, { starts }) => sum + starts, 0),
    }
  }
}

/** How far the faults may set the clocks of two nodes apart. */
function clocksApartMs({ faults, untilMs }: WorldOptions): number {
  let setMs = 0
  let drift = 0
  for (const fault of faults) {
    if (fault.kind === 'clock') setMs = Math.max(setMs, Math.abs(fault.offsetMs))
    if (fault.kind === 'drift') drift = Math.max(drift, Math.abs(fault.rate - 1))
  }
  return 2 * (setMs + drift * (untilMs + SETTLE_MAX_MS))
}

import type { ClusterNode, Group, GroupListener } from '../../cluster/types.js'
import type { ApiPorts } from '../api/ports.js'
import { createApi } from '../api/server.js'
import { addressText } from '../base/address.js'
import type { Cancel } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { NodeConfig } from '../config/node-file.js'
import { FrontEnd } from '../front/index.js'
import { decodeEntry, type Journal } from '../journal/index.js'
import type { GatewaySettings } from '../policy/settings.js'
import type { PrometheusMetrics } from '../telemetry/metrics.js'
import { Upstream } from '../upstream/index.js'
import { apiPorts } from './api-ports.js'
import { Boots } from './boots.js'
import { Colleagues } from './colleagues.js'
import { CurrentReads } from './current-reads.js'
import { Drain } from './drain.js'
import { Leadership } from './leadership.js'
import type { Machine, NodeFolder, OpenListener } from './machine.js'
import { frontOptions } from './front-options.js'
import { GROUP, openJournal } from './open-journal.js'
import { Participation } from './participation.js'
import { LEADERLESS_TIMEOUTS, readiness } from './readiness.js'
import type { Secrets } from './secrets.js'
import { StewardOffice } from './steward-office.js'
import { Traces } from './traces.js'
import { WatchedMachine } from './watched-machine.js'

export interface NodeOptions {
  config: NodeConfig
  machine: Machine
  logger: Logger
  metrics: PrometheusMetrics
  secrets: Secrets
  version: string
  /** This node's gateway file, read when it is needed: where the cluster has no settings yet. */
  firstSettings: (() => { settings: GatewaySettings; author: string }) | undefined
  /** Nothing can go on: the process must end, with this exit status. */
  fatal(error: Error, exitStatus: number): void
}

/** One running node: everything wired together. What it does is in the parts. */
export class CarillonNode {
  private readonly options: NodeOptions
  private readonly folder: NodeFolder
  private readonly journal: Journal
  private readonly watched: WatchedMachine
  private readonly leadership: Leadership
  private readonly startedAtMs: number
  private readonly drainer: Drain
  private readonly part: Participation
  private readonly traces: Traces
  private readonly http: OpenListener[] = []
  private cluster: ClusterNode | undefined
  private group: Group | undefined
  private front: FrontEnd | undefined
  private upstream: Upstream | undefined
  private boots: Boots | undefined
  private office: StewardOffice | undefined
  private colleagues: Colleagues | undefined
  private reads: CurrentReads | undefined
  private stopping = false
  private upstreamStarted = false
  private readyWaiters: Cancel | undefined

  /**
   * Opens the data directory, serves HTTP, joins the cluster (or waits for its first start), replays the log,
   * listens for ESMEs, and registers its boot. Resolves then; `ready` tells when it takes traffic.
   */
  static async start(options: NodeOptions): Promise<CarillonNode> {
    const folder = await options.machine.openFolder(options.config.node.dataDir)
    const self: { node?: CarillonNode } = {}
    const journal = await openJournal(options, folder, {
      send: entry => self.node?.group?.propose(entry) ?? 'noLeader',
      fatal: error => self.node?.fail(error),
    })
    const node = new CarillonNode(options, folder, journal)
    self.node = node
    await node.open()
    return node
  }

  private constructor(options: NodeOptions, folder: NodeFolder, journal: Journal) {
    const { clock, timers } = options.machine
    this.options = options
    this.folder = folder
    this.journal = journal
    this.startedAtMs = clock.nowMs()
    this.leadership = new Leadership(journal.node, clock, id => {
      const known = journal.state.nodes.get(id)
      return known?.alive === true && !known.draining
    })
    this.watched = new WatchedMachine(
      journal,
      clock,
      (index, hash) => this.colleagues?.hashes.add(index, hash),
      () => this.boots?.lookForBegin(),
      () => {
        this.boots?.look()
        this.part.look()
      },
    )
    this.traces = new Traces({ node: journal.node, clock, timers, logger: options.logger })
    this.drainer = new Drain({
      clock,
      timers,
      logger: options.logger,
      sessions: () => this.front?.counts.sessions ?? 0,
      inFlight: () =>
        (this.upstream?.status() ?? []).reduce((sum, home) => sum + home.windowUsed, 0),
      hopeless: () => this.isHopeless(),
      steps: {
        giveUpLeadership: async () => {
          if (this.group !== undefined) await this.leadership.giveUp(this.group)
        },
        drainFront: async deadlineMs => this.front?.drain(deadlineMs),
        declare: () => this.part.declare(true),
        drainUpstream: async () => this.upstream?.drain(),
      },
    })
    this.part = new Participation({
      node: journal.node,
      journal,
      timers,
      logger: options.logger,
      leadership: this.leadership,
      drainer: this.drainer,
      group: () => this.group,
      upstream: () => this.upstream,
      boot: () => this.boots?.running,
    })
  }

  /** `smpp 127.0.0.1:2775 http 127.0.0.1:8081 peers 127.0.0.1:7101` */
  get places(): string {
    const text = ({ address, port }: { address: string; port: number }): string =>
      addressText({ host: address, port })
    const smpp = this.front?.listening.map(text) ?? []
    return `smpp ${smpp.join(' ')} http ${this.http.map(text).join(' ')} peers ${this.options.config.cluster.listen}`
  }

  get smppPort(): number {
    return this.front?.listening[0]?.port ?? 0
  }

  get httpPort(): number {
    return this.http[0]?.port ?? 0
  }

  /** Resolves when /readyz says so for the first time. */
  ready(): Promise<void> {
    return new Promise(resolve => {
      this.readyWaiters = this.options.machine.timers.every(20, () => {
        if (this.health().reasons.length > 0) return
        this.readyWaiters?.()
        resolve()
      })
    })
  }

  /** Takes the node out of service and ends it; resolves when everything is on disk and closed. */
  async stop(deadlineMs: number): Promise<void> {
    if (deadlineMs > 0 && this.group !== undefined) await this.drainer.run(deadlineMs)
    this.stopping = true
    this.readyWaiters?.()
    const boot = this.boots?.running
    this.boots?.stop()
    if (deadlineMs > 0 && boot !== undefined) await this.part.leave(boot)
    this.office?.stop()
    this.colleagues?.stop()
    this.reads?.stop()
    this.traces.stop()
    this.upstream?.stop()
    await this.front?.stop()
    this.journal.proposer.stop()
    await this.group?.stop()
    await this.journal.stop()
    await this.cluster?.stop()
    for (const listener of this.http) await listener.close()
  }

  private async open(): Promise<void> {
    const { config, machine, logger, metrics } = this.options
    const { clock, timers, random } = machine
    const logWrites = metrics.histogram('log_write_seconds', {})
    const api = createApi(this.ports(), { apiKeys: config.http.apiKeys, logger })
    this.http.push(await machine.serveHttp(api, config.http.listen))
    const cluster = await machine.openCluster(
      {
        id: config.node.id,
        dataDir: config.node.dataDir,
        listen: config.cluster.listen,
        peers: config.cluster.peers,
        heartbeatMs: config.cluster.heartbeatMs,
        electionTimeoutMs: config.cluster.electionTimeoutMs,
        ...(config.cluster.tls === null ? {} : { tls: config.cluster.tls }),
      },
      { clock, timers, random, logger, onLogWrite: ms => logWrites.observe(ms / 1000) },
    )
    this.cluster = cluster
    const colleagues = this.meet(cluster)
    this.colleagues = colleagues
    const group = await cluster.openGroup(GROUP, this.watched, this.groupListener())
    this.group = group
    this.journal.attach({
      value: index => group.value(index),
      release: indexes => group.release(indexes),
      rewrite: (index, value) => group.rewrite(index, value),
      firstIndex: () => group.status().firstIndex,
    })
    colleagues.watchClocks()
    this.reads = new CurrentReads(clock, timers, () => group.readIndex())
    this.office = new StewardOffice({
      journal: this.journal,
      clock,
      timers,
      random,
      logger,
      electionTimeoutMs: config.cluster.electionTimeoutMs,
      cluster,
      members: () => new Set(colleagues.members().map(({ id }) => id)),
      clockIsTrusted: () => colleagues.clockJudgement !== 'outvoted',
      firstSettings: this.firstSettings(),
    })
    // A mistake in it is told now, and not when this node happens to lead.
    if (this.journal.state.revision === 0) this.options.firstSettings?.()
    await this.openTraffic()
    this.boots = new Boots({
      journal: this.journal,
      clock,
      timers,
      logger,
      send: entry => group.propose(entry),
      nextBoot: above => this.folder.nextBoot(above),
      began: boot => this.onBootBegan(boot),
      ended: () => this.journal.proposer.refuseAll(),
      fatal: error => this.fail(error),
    })
    this.boots.begin()
    this.office.leaderIs(this.leadership.leader)
  }

  private meet(cluster: ClusterNode): Colleagues {
    const { config, machine, logger, metrics } = this.options
    return new Colleagues({
      journal: this.journal,
      cluster,
      leadership: this.leadership,
      clock: machine.clock,
      timers: machine.timers,
      logger,
      metrics,
      electionTimeoutMs: config.cluster.electionTimeoutMs,
      group: () => this.group,
      front: () => this.front,
      http: () => this.http[0]!,
      drain: deadlineMs => this.drainer.run(deadlineMs),
      clockJudged: judgement => this.part.onClock(judgement),
      outvoted: index => this.fail(new StateDiffers(index), 3),
      removed: () => this.upstream?.stop(),
      addedAgain: () => this.fail(new AddedAgain()),
    })
  }

  private async openTraffic(): Promise<void> {
    const { config, machine, logger, metrics, secrets } = this.options
    const { clock, timers, random } = machine
    this.front = new FrontEnd(
      frontOptions({
        config,
        machine,
        logger,
        metrics,
        journal: this.journal,
        messenger: this.cluster!.messenger,
        rates: this.colleagues!.sharing.rates,
        leaderlessSinceMs: () =>
          this.colleagues?.removal.removed === true ? -Infinity : this.leadership.leaderlessSinceMs,
        currentRead: () => this.group!.readIndex(),
        leads: () => this.leadership.leader === config.node.id && this.hasQuorum(),
        openSecret: secret => secrets.open(secret),
        traces: this.traces.links,
      }),
    )
    this.upstream = new Upstream({
      journal: this.journal,
      clock,
      timers,
      random,
      logger,
      metrics,
      connect: to => machine.connect(to),
      openSecret: secret => secrets.open(secret),
      fence: () => this.hasQuorum(),
      traces: this.traces.links,
    })
    await this.front.start()
  }

  private groupListener(): GroupListener {
    const { logger, metrics } = this.options
    return {
      leaderChanged: (leader, term) => {
        if (this.leadership.changed(leader))
          metrics.counter('raft_leader_changes_total', { group: String(GROUP) }).add()
        this.journal.proposer.leaderChanged(leader)
        this.boots?.wake()
        this.reads?.look()
        // the rest takes milliseconds, for which the first entry of a new leader need not wait
        this.options.machine.timers.soon(() => this.onLeader(leader, term))
      },
      accepts: data => {
        const fine = decodeEntry(data) !== undefined
        if (!fine) logger.error('a peer forwarded an entry that cannot be decoded')
        return fine
      },
      fatal: error => this.fail(error),
    }
  }

  private onLeader(leader: number | null, term: number): void {
    if (this.stopping) return
    this.colleagues?.sharing.leads(leader, term)
    this.office?.leaderIs(leader)
    if (leader === this.journal.node) this.part.onLeading()
  }

  private onBootBegan(boot: number): void {
    this.journal.proposer.start(boot)
    this.colleagues?.sharing.begin(boot)
    this.front?.begin(boot)
    if (!this.upstreamStarted) {
      this.upstreamStarted = true
      this.upstream?.start()
    }
    // A new boot begins as one that takes part.
    if (this.drainer.begun || this.part.stoodAside) void this.part.declare(true)
  }

  /** DESIGN I5: the newest probe that a leader with a quorum has answered is young enough. */
  private hasQuorum(): boolean {
    const { config, machine } = this.options
    const sentAtMs = this.group?.quorumProbeSentAtMs() ?? -Infinity
    return machine.clock.monotonicMs() - sentAtMs <= 2 * config.cluster.electionTimeoutMs
  }

  /** Leaderless for as long as /readyz is patient. */
  private isHopeless(): boolean {
    const { config, machine } = this.options
    const sinceMs = this.leadership.leaderlessSinceMs ?? Infinity
    const patienceMs = LEADERLESS_TIMEOUTS * config.cluster.electionTimeoutMs
    return machine.clock.monotonicMs() - sinceMs >= patienceMs
  }

  private firstSettings() {
    const { firstSettings, secrets } = this.options
    if (firstSettings === undefined) return undefined
    return async () => {
      const { settings, author } = firstSettings()
      return { settings: await secrets.protect(settings, this.journal.state.settings), author }
    }
  }

  private ports(): ApiPorts {
    return apiPorts({
      ...this.options,
      journal: this.journal,
      startedAtMs: this.startedAtMs,
      leadership: this.leadership,
      watched: this.watched,
      drainer: this.drainer,
      traces: this.traces,
      cluster: () => this.cluster,
      group: () => this.group,
      members: () => this.colleagues?.memberChanges,
      sessions: () => this.colleagues?.sessions,
      rates: () => this.colleagues?.sharing.rates,
      upstream: () => this.upstream,
      health: () => this.health(),
      isUp: id => this.isUp(id),
    })
  }

  private health() {
    const { config, machine } = this.options
    return readiness({
      monotonicMs: machine.clock.monotonicMs(),
      electionTimeoutMs: config.cluster.electionTimeoutMs,
      started: this.group !== undefined,
      leaderlessSinceMs: this.leadership.everKnew ? this.leadership.leaderlessSinceMs : -Infinity,
      caughtUpAtMs: this.reads?.caughtUpAtMs ?? -Infinity,
      smppListens: (this.front?.listening.length ?? 0) > 0,
      bootRegistered: this.boots?.running !== undefined,
      revision: this.journal.state.revision,
      draining: this.drainer.begun,
      removed: this.colleagues?.removal.removed === true,
      stopping: this.stopping,
    })
  }

  private isUp(id: number): boolean {
    return id === this.journal.node || this.cluster?.peer(id).state === 'connected'
  }

  /** While stopping, stores close under what is still under way. */
  private fail(error: Error, exitStatus = 1): void {
    if (!this.stopping) this.options.fatal(error, exitStatus)
  }
}

class StateDiffers extends Error {
  override readonly name = 'StateDiffers'
  constructor(index: number) {
    super(
      `the state of this node differs from a majority's at index ${index}: its disk or memory is ` +
        'damaged. Keep its data directory; ./carillon member remove takes this node out, member add another in',
    )
  }
}

/** What a removed node gave up does not come back while it runs; only a start takes it up. */
export class AddedAgain extends Error {
  override readonly name = 'AddedAgain'
  constructor() {
    super('this node was removed, and added again: it must start anew')
  }
}

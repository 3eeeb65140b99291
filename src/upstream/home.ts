import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Gauge, Metrics } from '../base/metrics.js'
import type { Random } from '../base/random.js'
import type { ConnectorState, Journal, OutcomeItem } from '../journal/index.js'
import type { LinkTraces } from '../link/link-traces.js'
import type { Connection } from '../link/types.js'
import type { Connector, Secret } from '../policy/settings.js'
import { Binds } from './binds.js'
import type { Context, ConnectTo, HomeStatus, UpstreamOptions } from './context.js'
import { Dispatch } from './dispatch.js'
import { DueMessages } from './due.js'
import { Expiry } from './expiry.js'
import { Inbound } from './inbound.js'
import { Held } from './ledger.js'
import { PartTag } from './parts.js'
import { Requeues } from './requeues.js'

const TICK_MS = 1000
/** The number of binds is reported when it has stood still this long. */
const REPORT_MS = 200
/** A hand-over waits this long for its windows, then this long for the unbinding. */
const WINDOWS_MS = 5000
const UNBIND_MS = 2000
const AGAIN_MS = 100

/**
 * This node as the home of one connector, under one epoch: runs its binds, sends what it claims, takes
 * what the SMSC delivers, and tends what waits. Ends with the epoch.
 */
export class Home implements Context {
  readonly number: number
  readonly id: string
  readonly epoch: number
  readonly logger: Logger
  private readonly options: UpstreamOptions
  private readonly binds: Binds
  private readonly dispatch: Dispatch
  private readonly inbound: Inbound
  private readonly requeues: Requeues
  private readonly expiry: Expiry
  private readonly due: DueMessages
  private readonly bindsGauge: Gauge
  private settings: Connector
  private readonly cancelTick: Cancel
  private cancelReport: Cancel | undefined
  private reporting = false
  /** no: it runs. windows: it claims nothing more and waits. binds: it unbinds. asked: it has given up its epoch. */
  private handing: 'no' | 'windows' | 'binds' | 'asked' = 'no'
  private cancelHanding: Cancel | undefined
  private readonly wantsOut: () => boolean
  private stopped = false

  /**
   * @param connector  whose home is this node
   * @param wantsOut   true: this node drains, hand over even where no other node is wanted
   */
  constructor(
    options: UpstreamOptions,
    connector: ConnectorState,
    settings: Connector,
    wantsOut: () => boolean,
  ) {
    this.options = options
    this.number = connector.number
    this.id = connector.id
    this.epoch = connector.epoch
    this.settings = settings
    this.wantsOut = wantsOut
    this.logger = options.logger.with({ connector: this.id, epoch: this.epoch })
    this.bindsGauge = options.metrics.gauge('upstream_binds', { connector: this.id })
    this.inbound = new Inbound(this, settings, () => this.dispatch.ledger.sayOutcomes())
    this.binds = new Binds(this, {
      changed: () => this.bindsChanged(),
      request: (link, frame) => this.inbound.request(link, frame),
      response: (tag, kind, frame) => {
        if (tag instanceof Held) this.dispatch.response(tag, kind, frame)
        else if (tag instanceof PartTag) this.dispatch.partResponse(tag, kind, frame)
      },
      ready: () => this.dispatch.wake(),
    })
    this.requeues = new Requeues(this)
    this.expiry = new Expiry(this)
    this.due = new DueMessages(this)
    this.dispatch = new Dispatch(this, settings, this.binds, {
      settled: item => this.settled(item),
      refusedLate: held => this.requeues.refusedLate(held),
    })
    this.cancelTick = options.timers.every(TICK_MS, () => this.tick())
    this.logger.info('connector home begins', { queued: connector.queued })
    this.binds.apply(settings)
    this.reset()
    this.look()
  }

  /** Something of the connector was applied. */
  look(): void {
    const connector = this.view()
    if (connector === undefined || this.stopped) return
    const { settings, wanted } = connector
    if (settings !== undefined && settings !== this.settings) this.apply(settings)
    const out =
      this.wantsOut() || settings === undefined || (wanted !== null && wanted !== this.node)
    if (out && this.handing === 'no') this.beginHanding()
    else if (!out && (this.handing === 'windows' || this.handing === 'binds')) this.endHanding()
    this.dispatch.ledger.wake()
    this.advanceHanding()
  }

  /** A snapshot took the state's place. */
  reset(): void {
    this.expiry.reset()
    this.requeues.relearn()
    this.dispatch.ledger.adopt()
  }

  /** The epoch is over: nothing more is written, the binds go. Positive responses that still come count. */
  stop(): void {
    if (this.stopped) return
    this.stopped = true
    this.cancelTick()
    this.cancelReport?.()
    this.cancelHanding?.()
    this.requeues.stop()
    this.dispatch.stop()
    this.binds.stop()
    this.bindsGauge.set(0)
    this.logger.info('connector home ends')
  }

  status(): HomeStatus {
    const { binds, dispatch, settings } = this
    return {
      connector: this.id,
      epoch: this.epoch,
      bindsWanted: settings.binds,
      bindsBound: binds.up,
      receiversBound: binds.receiversUp,
      addresses: binds.addresses,
      windowUsed: binds.windowUsed,
      windowSize: binds.up * settings.window,
      waiting: dispatch.waitingCount,
      lastError: binds.lastError,
      pacePerSecond: dispatch.pace.perSecond,
      handingOver: this.handing !== 'no',
      ...dispatch.tallies,
    }
  }

  // Context: what the parts see.

  view(): ConnectorState | undefined {
    if (this.stopped) return undefined
    const connector = this.journal.state.connectors.get(this.number)
    const standing = connector?.epoch === this.epoch && connector.home?.node === this.node
    return standing ? connector : undefined
  }

  get journal(): Journal {
    return this.options.journal
  }

  get traces(): LinkTraces | undefined {
    return this.options.traces
  }

  get clock(): Clock {
    return this.options.clock
  }

  get timers(): Timers {
    return this.options.timers
  }

  get random(): Random {
    return this.options.random
  }

  get metrics(): Metrics {
    return this.options.metrics
  }

  connect(to: ConnectTo): Promise<Connection> {
    return this.options.connect(to)
  }

  openSecret(secret: Secret): string {
    return this.options.openSecret(secret)
  }

  fence(): boolean {
    return this.options.fence()
  }

  private get node(): number {
    return this.options.journal.node
  }

  private apply(settings: Connector): void {
    const policyChanged = JSON.stringify(settings.inDoubt) !== JSON.stringify(this.settings.inDoubt)
    this.settings = settings
    this.inbound.apply(settings)
    this.dispatch.apply(settings)
    if (this.handing === 'no') this.binds.apply(settings)
    if (policyChanged) this.requeues.relearn()
  }

  private settled(item: OutcomeItem): void {
    if (item.result === 'doubt') this.requeues.learnDoubt(item.ref)
    else this.requeues.learnRetry(item.ref)
  }

  private tick(): void {
    this.dispatch.tick()
    this.expiry.tick()
    this.due.tick()
    this.reportSoon()
    this.look() // not every change wakes us: who was wanted may be gone
  }

  private bindsChanged(): void {
    this.bindsGauge.set(this.binds.up)
    this.reportSoon()
    this.dispatch.wake()
    this.advanceHanding()
  }

  /** Says how many binds stand, once they have settled. */
  private reportSoon(): void {
    if (this.stopped || this.binds.up === this.view()?.binds) return
    this.cancelReport ??= this.timers.after(REPORT_MS, () => {
      this.cancelReport = undefined
      const { journal, number: connector, epoch } = this
      const view = this.view()
      const binds = this.binds.up
      if (view === undefined || view.binds === binds || this.reporting) return
      const command = { kind: 'linkState', connector, epoch, binds } as const
      this.reporting = journal.proposer.propose(command, () => {
        this.reporting = false
        this.reportSoon()
      })
    })
  }

  // Handing over: nothing is claimed any more, what is sent gets its answers, the binds go, and only then
  // the epoch: nothing is in doubt, and the SMSC has room for the next home's binds.

  private beginHanding(): void {
    this.handing = 'windows'
    this.logger.info('connector hands over', { to: this.view()?.wanted ?? null })
    this.dispatch.setClaiming(false)
    this.cancelHanding = this.timers.after(WINDOWS_MS, () => this.unbindAll())
  }

  private endHanding(): void {
    this.handing = 'no'
    this.cancelHanding?.()
    this.binds.apply(this.settings)
    this.dispatch.setClaiming(true)
  }

  private advanceHanding(): void {
    if (this.stopped) return
    if (this.handing === 'windows' && this.dispatch.ledger.idle) this.unbindAll()
    if (this.handing === 'binds' && this.binds.ended) this.release()
  }

  private unbindAll(): void {
    if (this.handing !== 'windows') return
    this.handing = 'binds'
    this.cancelHanding?.()
    this.cancelHanding = this.timers.after(UNBIND_MS, () => this.release())
    this.binds.leave()
  }

  private release(): void {
    if (this.handing !== 'binds' || this.stopped) return
    const { journal, number: connector, epoch } = this
    this.cancelHanding?.()
    const taken = journal.proposer.propose({ kind: 'releaseHome', connector, epoch })
    if (taken) this.handing = 'asked'
    else this.cancelHanding = this.timers.after(AGAIN_MS, () => this.release())
  }
}

import type { Cancel } from '../base/clock.js'
import type { Gauge } from '../base/metrics.js'
import type { AccountState, Effect } from '../journal/index.js'
import type { Connection, Frame, ResponseKind, SessionLimits } from '../link/types.js'
import { isDisabled, type Account } from '../policy/settings.js'
import { AccountRates, evenShares } from './account-rates.js'
import { Binder } from './binder.js'
import type { DeliveryTag } from './delivery-pump.js'
import { Deliveries } from './deliveries.js'
import {
  EsmeSession,
  type Bound,
  type SessionActivity,
  type SessionServices,
} from './esme-session.js'
import { PasswordCheck } from './password-check.js'
import { Leavings } from './leavings.js'
import { Outbinds } from './outbinds.js'
import type { FrontOptions, OpenListener } from './ports.js'
import { ReceiptGuard } from './receipt-guard.js'
import { Requests } from './requests.js'
import { SessionBook } from './session-book.js'
import { SessionEnds } from './session-ends.js'

const TICK_MS = 500
const EXPIRE_EVERY_MS = 10_000
const DRAIN_LOOK_MS = 5
/** A moment without a submit under way is waited for so long before a session is unbound. */
const DRAIN_QUIET_MS = 1000
/** Share of the time to drain in which unanswered deliver_sm are waited for; the rest is for unbinding. */
const DRAIN_WINDOWS = 0.6

/**
 * The node's side towards ESMEs: listeners, sessions, binds, submits, and delivery of receipts and MO.
 * It meets the rest of the gateway in the journal alone.
 *
 *     const front = new FrontEnd(options)
 *     await front.start()      // listens; binds are refused until
 *     front.begin(boot)        // this node's boot is registered and the proposer runs
 */
export class FrontEnd implements SessionServices {
  readonly requests: Requests
  private readonly options: FrontOptions
  private readonly passwords: PasswordCheck
  private readonly binder: Binder
  private readonly rates: AccountRates
  private readonly deliveries: Deliveries
  private readonly ends: SessionEnds
  private readonly leavings: Leavings
  private readonly outbinds: Outbinds | undefined
  /** Every connection. */
  private readonly connections: Set<EsmeSession> = new Set()
  private readonly bound: SessionBook
  private readonly connected: Gauge
  private listeners: OpenListener[] = []
  /** 0: none; nobody may bind. */
  private boot = 0
  private draining = false
  private isolated = false
  private ticks = 0
  private cancelTick: Cancel | undefined

  constructor(options: FrontOptions) {
    const { journal, clock, timers, random, logger, metrics } = options
    this.options = options
    this.bound = new SessionBook(metrics)
    this.connected = metrics.gauge('connections', {})
    this.ends = new SessionEnds(journal)
    this.leavings = new Leavings(clock, timers)
    this.passwords = new PasswordCheck(options.passwords, random)
    this.binder = new Binder({
      journal,
      clock,
      timers,
      metrics,
      logger,
      passwords: this.passwords,
      timeoutMs: options.submitTimeoutMs,
      ready: () => this.takesBinds,
      boot: () => this.boot,
      named: (session, name, frame) => {
        const label = { kind: 'account' as const, name, session: () => session.bound?.id ?? '' }
        options.traces?.name(session.link, label, frame)
      },
      bound: (session, bound) => this.onBound(session, bound),
      abandoned: id => this.ends.end(id),
    })
    const guard = new ReceiptGuard(journal, clock, timers, options.messenger, () =>
      this.deliveries.onReport(),
    )
    this.rates = options.rates ?? new AccountRates(evenShares, clock)
    this.requests = new Requests({
      journal,
      clock,
      timers,
      logger,
      metrics,
      submitTimeoutMs: options.submitTimeoutMs,
      rates: this.rates,
      currentRead: () => options.cluster.currentRead(),
      written: (index, account) => guard.note(index, account),
    })
    const guardMs = options.receiptGuardMs
    const sessionsOf = (account: number): Iterable<EsmeSession> => this.bound.of(account)
    this.deliveries = new Deliveries(
      { journal, clock, timers, random, logger, guard, guardMs, sessionsOf },
      metrics,
    )
    if (options.outbind !== undefined)
      this.outbinds = new Outbinds({
        journal,
        clock,
        random,
        logger,
        metrics,
        ports: options.outbind,
        connectTimeoutMs: options.limits.bindTimeoutMs,
        ready: () => this.takesBinds,
        accept: connection => this.accept(connection),
      })
    journal.listen({
      effect: effect => this.onEffect(effect),
      reset: () => this.onReset(),
    })
  }

  /** Listens. Rejects with the system's error where an address is taken. */
  async start(): Promise<void> {
    this.cancelTick = this.options.timers.every(TICK_MS, () => this.onTick())
    for (const listen of this.options.listen)
      this.listeners.push(await listen(connection => this.accept(connection)))
  }

  /** This node's boot is registered: sessions can be bound under it. */
  begin(boot: number): void {
    this.boot = boot
    this.deliveries.lookAll()
  }

  /** host and port of each listener, in the order of `options.listen`. */
  get listening(): { address: string; port: number }[] {
    return this.listeners.map(({ address, port }) => ({ address, port }))
  }

  /** Connections open, and sessions bound, on this node. */
  get counts(): { connections: number; sessions: number } {
    return { connections: this.connections.size, sessions: this.bound.size }
  }

  /** What only this node knows of a session; undefined: it is not bound here. */
  activityOf(id: string): SessionActivity | undefined {
    const link = this.bound.get(id)?.link
    if (link === undefined) return undefined
    const { clock } = this.options
    const { pdusIn, pdusOut } = link.counters
    return {
      window: link.windowIn,
      unanswered: link.unanswered,
      delivering: link.windowUsed,
      octetsWaiting: link.bufferedOctets,
      pdusIn,
      pdusOut,
      lastPduAtMs: clock.nowMs() - (clock.monotonicMs() - link.lastReceivedMs),
    }
  }

  /**
   * Unbinds a session on an operator's word; resolves with the link's reason when it has ended, which takes six
   * seconds at most. Undefined: it is not bound here.
   */
  kick(id: string): Promise<string> | undefined {
    const session = this.bound.get(id)
    if (session === undefined) return undefined
    return new Promise(resolve => this.leavings.leave(session, resolve))
  }

  /** Takes a connection as a listener's. */
  accept(connection: Connection): EsmeSession {
    const { limits, clock, timers, logger } = this.options
    const session = new EsmeSession(connection, { limits, clock, timers, logger }, this)
    this.connections.add(session)
    this.connected.set(this.connections.size)
    if (this.draining) session.link.close('draining')
    return session
  }

  /**
   * Takes no more connections, unbinds each session, and commits the sessions' ends. Submits are taken, and
   * answered, until the ESME answers the unbind; a moment without any is waited for only because some clients
   * hang up at once. What is not done after `deadlineMs` is cut off. Before the node hands over homes and
   * ownerships: an acknowledged receipt counts only while this node owns the account.
   */
  async drain(deadlineMs: number): Promise<void> {
    const { clock } = this.options
    const beganMs = clock.monotonicMs()
    const spentMs = (): number => clock.monotonicMs() - beganMs
    const left = (): boolean => spentMs() < deadlineMs
    const quietMs = Math.min(DRAIN_QUIET_MS, deadlineMs / 3)
    this.draining = true
    this.outbinds?.stop()
    this.deliveries.pause()
    for (const session of this.connections)
      if (session.bound === undefined) session.link.close('draining')
    await this.closeListeners()
    while (this.connections.size > 0 && left()) {
      const isLate = spentMs() >= quietMs
      const isLast = spentMs() >= deadlineMs * DRAIN_WINDOWS
      for (const { link } of this.connections) {
        const isQuiet = link.windowUsed === 0 && (isLate || link.unanswered === 0)
        if (isQuiet || isLast) link.unbind()
      }
      await this.pause(DRAIN_LOOK_MS)
    }
    for (const session of this.connections) session.link.close('the time to drain is over')
    while ((this.connections.size > 0 || this.ends.size > 0) && left())
      await this.pause(DRAIN_LOOK_MS)
  }

  /** Closes everything at once. */
  async stop(): Promise<void> {
    this.cancelTick?.()
    this.draining = true
    this.outbinds?.stop()
    this.deliveries.stop()
    this.ends.clear()
    await this.closeListeners()
    for (const session of this.connections) session.link.close('the node stops')
  }

  // What sessions ask for.

  bind(session: EsmeSession, frame: Frame): void {
    this.binder.bind(session, frame)
  }

  answered(tag: DeliveryTag, kind: ResponseKind, frame: Frame | undefined): void {
    this.deliveries.answered(tag, kind, frame)
  }

  ready(session: EsmeSession): void {
    if (session.bound !== undefined) this.deliveries.wake(session.bound.account)
  }

  unbinding(session: EsmeSession): void {
    this.ready(session) // what waited for it may go elsewhere
  }

  closed(session: EsmeSession, reason: string): void {
    this.connections.delete(session)
    this.requests.closed(session)
    this.options.traces?.forget(session.link)
    this.connected.set(this.connections.size)
    this.countErrors(session)
    this.outbinds?.closed(session, reason)
    const { bound } = session
    if (bound !== undefined) {
      this.forget(session, bound, reason)
      this.ends.end(bound.id)
    }
    this.leavings.closed(session, reason)
  }

  private get takesBinds(): boolean {
    if (this.boot === 0 || this.draining || this.isolated) return false
    const since = this.options.cluster.leaderlessSinceMs()
    const { clock, submitTimeoutMs } = this.options
    return since === undefined || clock.monotonicMs() - since < submitTimeoutMs
  }

  private onBound(session: EsmeSession, bound: Bound): void {
    const { journal, logger } = this.options
    const { settings } = journal.state.accounts.get(bound.account) ?? {}
    if (settings !== undefined) session.link.setLimits(limitsOf(settings))
    session.bound = bound
    if (this.bound.add(session, bound)) this.adjustRates()
    logger.info('session bound', {
      session: bound.id,
      systemId: bound.systemId,
      bindType: bound.bindType,
      remoteAddress: session.link.remoteAddress,
    })
    this.outbinds?.bound(session, bound.systemId)
    this.deliveries.wake(bound.account)
  }

  /** The session is bound no more, here; whether the cluster knows is the caller's business. */
  private forget(session: EsmeSession, bound: Bound, reason: string): void {
    session.bound = undefined
    this.bound.remove(session, bound)
    const { id, systemId } = bound
    this.options.logger.info('session ended', { session: id, systemId, reason })
  }

  private onEffect(effect: Effect): void {
    switch (effect.kind) {
      case 'account':
        this.deliveries.look(effect.account)
        return
      case 'sessionEnded':
        this.onSessionEnded(effect.session)
        return
      case 'transaction':
        this.requests.concluded(effect.ref)
        return
      case 'bootEnded':
        if (effect.boot === this.boot) this.endBoot()
        return
      case 'settings':
        this.passwords.keep(account => this.options.journal.state.accounts.has(account))
        this.adjustRates()
        return
      default:
        return
    }
  }

  /** A snapshot took the state's place: what does the new one say of us? */
  private onReset(): void {
    const { state, node } = this.options.journal
    this.requests.reset()
    const known = state.nodes.get(node)
    if (this.boot !== 0 && (known?.boot !== this.boot || !known.alive)) this.endBoot()
    for (const id of this.bound.ids()) if (!mayStay(state.sessions.get(id))) this.onSessionEnded(id)
    this.adjustRates()
    this.deliveries.lookAll()
  }

  /** The cluster ended it, or its account is disabled or gone: then its end is committed when it has left. */
  private onSessionEnded(id: string): void {
    const session = this.bound.get(id)
    if (session?.bound === undefined) return // our own word
    session.finishing = true
    if (this.options.journal.state.sessions.has(id)) return this.leavings.leave(session)
    this.forget(session, session.bound, 'the cluster ended it')
    session.link.unbind()
  }

  /** The cluster gave this node up, or it begins anew: nothing that it holds counts any more. */
  private endBoot(): void {
    this.options.logger.warn('boot ended', { boot: this.boot, sessions: this.bound.size })
    this.boot = 0
    this.ends.clear()
    this.deliveries.stop()
    for (const session of this.connections) {
      if (session.bound !== undefined) this.forget(session, session.bound, 'the boot is over')
      session.link.close('the boot is over')
    }
  }

  private onTick(): void {
    this.ticks++
    this.isolate()
    this.ends.retry()
    this.outbinds?.look()
    this.deliveries.giveUpParts()
    if (this.ticks % 2 === 0) this.adjustRates()
    if (this.ticks % (EXPIRE_EVERY_MS / TICK_MS) === 0) this.deliveries.expire()
  }

  /** Without a leader for long, ESMEs are better off elsewhere. */
  private isolate(): void {
    const { clock, cluster, isolationTimeoutMs, logger } = this.options
    const since = cluster.leaderlessSinceMs()
    const isolated = since !== undefined && clock.monotonicMs() - since >= isolationTimeoutMs
    if (isolated === this.isolated) return
    this.isolated = isolated
    logger.warn(isolated ? 'cut off: unbinding all' : 'not cut off any more', {
      sessions: this.bound.size,
    })
    if (!isolated) return
    for (const session of this.bound.all()) {
      session.finishing = true
      session.link.unbind()
    }
  }

  private adjustRates(): void {
    this.rates.adjust(this.options.journal.state, this.bound.accounts())
  }

  private async closeListeners(): Promise<void> {
    const listeners = this.listeners
    this.listeners = []
    await Promise.all(listeners.map(listener => listener.close()))
  }

  private pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.options.timers.after(ms, resolve)
    })
  }

  private countErrors(session: EsmeSession): void {
    const { counters } = session.link
    for (const kind of PROTOCOL_ERRORS)
      if (counters[kind] > 0)
        this.options.metrics.counter('protocol_errors_total', { kind }).add(counters[kind])
  }
}

const PROTOCOL_ERRORS = [
  'unmatchedResponses',
  'windowExceeded',
  'wrongState',
  'unknownCommands',
  'responseTimeouts',
  'malformed',
] as const

/** What an account's sessions have of their own, from the bind on. */
function limitsOf(settings: Account): Partial<SessionLimits> {
  const { window, enquireLinkMs, inactivityTimeoutMs, responseTimeoutMs } = settings
  return {
    windowIn: window,
    windowOut: window,
    ...(enquireLinkMs === undefined ? {} : { enquireLinkMs }),
    ...(inactivityTimeoutMs === undefined ? {} : { inactivityTimeoutMs }),
    ...(responseTimeoutMs === undefined ? {} : { responseTimeoutMs }),
  }
}

function mayStay(account: AccountState | undefined): boolean {
  return account?.settings !== undefined && !isDisabled(account.settings)
}

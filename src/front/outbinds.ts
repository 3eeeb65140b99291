import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import type { Random } from '../base/random.js'
import type { AccountState, Journal } from '../journal/index.js'
import type { Connection } from '../link/types.js'
import { isDisabled, type Outbind } from '../policy/settings.js'
import type { EsmeSession } from './esme-session.js'
import type { OutbindPorts } from './ports.js'

/** A receiver session that is only being replaced is not called for. */
const FIRST_MS = 2000
/** Then, doubled each time. */
const AGAIN_MS = 2000
const AGAIN_MS_MAX = 60_000
/** With a receiver session, or nothing that waits, for this long, earlier failures are forgotten. */
const CALM_MS = 10_000
/** Outbinds under way at once on this node. */
export const OUTBINDS_MAX = 50

export interface OutbindsOptions {
  journal: Journal
  clock: Clock
  random: Random
  logger: Logger
  metrics: Metrics
  ports: OutbindPorts
  /** From our connecting to its connection; the session has its own time for the bind. */
  connectTimeoutMs: number
  /** Whether this node takes binds now. */
  ready(): boolean
  /** Takes the connection as a listener's. */
  accept(connection: Connection): EsmeSession
}

interface Called {
  systemId: string
  failures: number
  dueAtMs: number
  /** Since when it needs no outbind. */
  calmSinceMs: number | undefined
  underWay: { session: EsmeSession | undefined; abort: AbortController } | undefined
}

/**
 * Calls ESMEs for which something waits and that have no receiver session, where their account says where
 * (SMPP 3.4 §4.1.7): we connect, say who we are, and the ESME binds on that connection, which is one like any
 * other from there on. One node calls: the leader, for an account without receiver session has no delivery owner.
 */
export class Outbinds {
  private readonly options: OutbindsOptions
  /** By account; none of them is calm for long. */
  private readonly called: Map<number, Called> = new Map()
  private readonly bySession: Map<EsmeSession, number> = new Map()

  constructor(options: OutbindsOptions) {
    this.options = options
  }

  /** Call it about twice a second. */
  look(): void {
    const { journal, clock, ports } = this.options
    if (!this.options.ready() || !ports.leads()) return this.stop()
    const now = clock.monotonicMs()
    const { accounts } = journal.state
    for (const number of this.called.keys())
      if (outbindOf(accounts.get(number)) === undefined) this.drop(number)
    for (const account of accounts.values()) {
      const outbind = outbindOf(account)
      if (outbind !== undefined) this.lookAt(account, outbind, now)
    }
  }

  /** A session was bound: is it one that we called for? */
  bound(session: EsmeSession, systemId: string): void {
    const called = this.end(session)
    if (called === undefined) return
    this.count('bound')
    this.options.logger.info('outbind answered', { called: called.systemId, systemId })
  }

  /** A connection is over, bound or not. */
  closed(session: EsmeSession, reason: string): void {
    const called = this.end(session)
    if (called !== undefined) this.say(called, 'unbound', reason)
  }

  /** Another node calls, or none. */
  stop(): void {
    for (const number of [...this.called.keys()]) this.drop(number)
  }

  private lookAt(account: AccountState, outbind: Outbind, now: number): void {
    const { number, systemId } = account
    const lacks = account.owed > 0 && !hasReceiver(account)
    const called = this.called.get(number)
    if (!lacks) {
      if (called === undefined) return
      called.calmSinceMs ??= now
      if (now - called.calmSinceMs >= CALM_MS) this.drop(number)
    } else if (called === undefined) {
      const dueAtMs = now + this.spread(FIRST_MS)
      const fresh = { systemId, failures: 0, dueAtMs, calmSinceMs: undefined, underWay: undefined }
      this.called.set(number, fresh)
    } else {
      called.calmSinceMs = undefined
      if (called.underWay !== undefined || now < called.dueAtMs) return
      if (this.underWayCount() < OUTBINDS_MAX) this.call(number, called, outbind)
    }
  }

  private call(number: number, called: Called, outbind: Outbind): void {
    const { options } = this
    const { ports, logger, connectTimeoutMs } = options
    const { host, port, systemId, tls = null } = outbind
    const abort = new AbortController()
    called.underWay = { session: undefined, abort }
    const isOver = (): boolean => called.underWay?.abort !== abort
    let password: string
    try {
      password = ports.openSecret(outbind.password)
    } catch (error) {
      return this.unreachable(called, error)
    }
    const to = { host, port, localAddress: null, tls }
    ports.connect({ ...to, timeoutMs: connectTimeoutMs, signal: abort.signal }).then(
      connection => {
        if (isOver() || !options.ready()) return connection.destroy()
        const session = options.accept(connection)
        called.underWay = { session, abort }
        this.bySession.set(session, number)
        logger.info('outbind', { systemId: called.systemId, host, port })
        session.link.outbind({ system_id: systemId, password })
      },
      (error: unknown) => {
        if (!isOver()) this.unreachable(called, error)
      },
    )
  }

  private unreachable(called: Called, error: unknown): void {
    called.underWay = undefined
    this.later(called)
    this.say(called, 'unreachable', error instanceof Error ? error.message : String(error))
  }

  private say(called: Called, result: 'unbound' | 'unreachable', reason: string): void {
    const { systemId, failures } = called
    this.count(result)
    this.options.logger.warn('outbind without a bind', { systemId, reason, failures })
  }

  /** Ends the attempt of this connection, if it was one. */
  private end(session: EsmeSession): Called | undefined {
    const number = this.bySession.get(session)
    if (number === undefined) return undefined
    this.bySession.delete(session)
    const called = this.called.get(number)
    if (called === undefined) return undefined
    called.underWay = undefined
    this.later(called) // one that binds and leaves at once is not called at once again
    return called
  }

  private later(called: Called): void {
    const waitMs = Math.min(AGAIN_MS_MAX, AGAIN_MS * 2 ** Math.min(called.failures, 10))
    called.failures++
    called.dueAtMs = this.options.clock.monotonicMs() + this.spread(waitMs)
  }

  private drop(number: number): void {
    const underWay = this.called.get(number)?.underWay
    this.called.delete(number)
    if (underWay === undefined) return
    underWay.abort.abort()
    const { session } = underWay
    if (session === undefined) return
    this.bySession.delete(session)
    if (session.bound === undefined) session.link.close('its outbind is over')
  }

  private underWayCount(): number {
    let count = 0
    for (const { underWay } of this.called.values()) if (underWay !== undefined) count++
    return count
  }

  private count(result: 'bound' | 'unbound' | 'unreachable'): void {
    this.options.metrics.counter('outbinds_total', { result }).add()
  }

  /** Half of it at least: ESMEs of one customer are not called in step. */
  private spread(ms: number): number {
    return ms * (0.5 + 0.5 * this.options.random.unit())
  }
}

const outbindOf = (account: AccountState | undefined): Outbind | undefined =>
  isDisabled(account?.settings) ? undefined : account?.settings?.outbind

const hasReceiver = ({ sessions }: AccountState): boolean =>
  [...sessions.values()].some(({ bindType }) => bindType !== 'tx')

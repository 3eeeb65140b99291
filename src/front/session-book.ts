import type { Gauge, Metrics } from '../base/metrics.js'
import type { BindType } from '../policy/settings.js'
import type { Bound, EsmeSession } from './esme-session.js'

/** The sessions that are bound on this node, by id and by account. */
export class SessionBook {
  private readonly byId: Map<string, EsmeSession> = new Map()
  private readonly byAccount: Map<number, Set<EsmeSession>> = new Map()
  private readonly boundAs: Record<BindType, number> = { trx: 0, tx: 0, rx: 0 }
  private readonly gauges: Record<BindType, Gauge>

  constructor(metrics: Metrics) {
    this.gauges = {
      trx: metrics.gauge('sessions', { bind_type: 'trx' }),
      tx: metrics.gauge('sessions', { bind_type: 'tx' }),
      rx: metrics.gauge('sessions', { bind_type: 'rx' }),
    }
  }

  get size(): number {
    return this.byId.size
  }

  /** A copy, so that sessions may go meanwhile. */
  ids(): string[] {
    return [...this.byId.keys()]
  }

  all(): Iterable<EsmeSession> {
    return this.byId.values()
  }

  get(id: string): EsmeSession | undefined {
    return this.byId.get(id)
  }

  /** Accounts that have a session here. */
  accounts(): Iterable<number> {
    return this.byAccount.keys()
  }

  of(account: number): Iterable<EsmeSession> {
    return this.byAccount.get(account) ?? []
  }

  /** Returns whether it is the first of its account. */
  add(session: EsmeSession, { id, account, bindType }: Bound): boolean {
    this.byId.set(id, session)
    this.count(bindType, 1)
    const others = this.byAccount.get(account)
    others?.add(session)
    if (others === undefined) this.byAccount.set(account, new Set([session]))
    return others === undefined
  }

  remove(session: EsmeSession, { id, account, bindType }: Bound): void {
    this.byId.delete(id)
    this.count(bindType, -1)
    const others = this.byAccount.get(account)
    others?.delete(session)
    if (others?.size === 0) this.byAccount.delete(account)
  }

  private count(type: BindType, by: number): void {
    this.boundAs[type] += by
    this.gauges[type].set(this.boundAs[type])
  }
}

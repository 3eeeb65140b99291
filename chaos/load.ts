import { EsmeClient } from '../src/tools/esme.js'
import { ESME_DEFAULTS, type EsmeOptions } from '../src/tools/esme-options.js'
import type { EsmeReport } from '../src/tools/esme-report.js'
import type { EsmeSession } from '../src/tools/esme-session.js'
import { hostPort } from '../src/tools/units.js'
import type { DrillSetup } from './drill.js'
import type { Login } from './nodes-file.js'

export interface LoadOptions {
  /** host:port of all nodes, or of what stands before them. */
  addresses: readonly string[]
  /** Receipts go to any session of their account, so each client needs one of its own. */
  accounts: { resident: Login; roaming: Login | null }
  /** Destination and source of the messages; null: those of the client. */
  messages?: { to: string | null; from: string | null }
  /** How patient its sessions are with silence: see DrillSetup. */
  esme?: DrillSetup['esme']
  /** Messages a second, all together; null: as many as come back. See AWAITED_MAX. */
  rate: number | null
  /** Journal of each client: `resident`, `roaming`. */
  journalOf: (client: string) => string
  onEvent: (event: string) => void
}

/** A client of the load, and its books. */
export interface LoadClient {
  name: string
  client: EsmeClient
  journal: string
}

/**
 * Two load clients with receipts. Residents go back to their own node after a break, so that there
 * are sessions on every node whenever a fault comes; roamers go to the next node at once, as customers
 * behind a load balancer do. Nothing is sent twice: every repetition upstream is the gateway's.
 */
export class Load {
  readonly clients: readonly LoadClient[]
  private finishing: Promise<EsmeReport[]> | undefined

  constructor({ addresses, accounts, messages, esme, rate, journalOf, onEvent }: LoadOptions) {
    const to = messages?.to ?? ESME_DEFAULTS.to
    const from = messages?.from ?? ESME_DEFAULTS.from
    const own = (name: string, share: number, of: Partial<EsmeOptions>): LoadClient => {
      const journal = journalOf(name)
      const client = new EsmeClient({
        addresses: addresses.map(address => hostPort(address)),
        to,
        from,
        ...of,
        ...esme,
        rate: rate === null ? null : rate * share,
        awaitedMax: rate === null ? Math.round(AWAITED_MAX * share) : null,
        durationMs: DURATION_MS_MAX,
        settleMs: SETTLE_MS,
        lingerMs: LINGER_MS,
        backOffMsMax: BACK_OFF_MS_MAX,
        giveUpMs: 120_000,
        journal,
        onEvent: event => onEvent(`${name}: ${event}`),
      })
      return { name, client, journal }
    }
    const sessions = sessionsOf(addresses.length)
    const { resident, roaming } = accounts
    const stay = { ...resident, sticky: true, sessions: sessions.resident }
    this.clients =
      roaming === null
        ? [own('resident', 1, stay)]
        : [
            own('resident', 2 / 3, stay),
            own('roaming', 1 / 3, { ...roaming, sessions: sessions.roaming }),
          ]
  }

  get sessions(): EsmeSession[] {
    return this.clients.flatMap(({ client }) => client.sessions)
  }

  get acknowledged(): number {
    return this.clients.reduce((sum, { client }) => sum + client.ledger.acknowledged, 0)
  }

  get allUp(): boolean {
    return this.clients.every(({ client }) => client.up === client.sessions.length)
  }

  start(): void {
    for (const { client } of this.clients) client.start()
  }

  /** Sends no more, waits for answers and receipts (a minute at most), unbinds. The journals are complete then. */
  finish(): Promise<EsmeReport[]> {
    for (const { client } of this.clients) client.stopSending()
    this.finishing ??= Promise.all(
      this.clients.map(async ({ client }) => {
        await client.reached('done')
        return client.finish()
      }),
    )
    return this.finishing
  }

  /** The same, without waiting. */
  giveUp(): Promise<EsmeReport[]> {
    for (const { client } of this.clients) client.giveUp()
    return this.finish()
  }

  /**
   * When sessions were answered positively, ms since the Unix epoch, in order.
   * @param sessions  those that count
   */
  answers(sessions: ReadonlySet<EsmeSession>, fromMs: number, toMs: number): number[] {
    const found: number[] = []
    for (const { client } of this.clients) {
      for (const session of client.sessions) {
        if (!sessions.has(session)) continue
        const start = client.startedAtMs
        let at = session.timeline.next(fromMs - start)
        while (at !== undefined && start + at < toMs) {
          found.push(start + at)
          at = session.timeline.next(at + 1)
        }
      }
    }
    return found.sort((a, b) => a - b)
  }
}

/** Of clusters that drills start themselves. */
export const ACCOUNTS = {
  resident: { systemId: 'esme1', password: 'secret1' },
  roaming: { systemId: 'esme2', password: 'secret1' },
}

/** How many sessions each client binds, by the number of addresses. */
export function sessionsOf(addresses: number): { resident: number; roaming: number } {
  const nodes = Math.max(3, addresses)
  return { resident: 2 * nodes, roaming: nodes }
}

/**
 * Without a rate the load is a closed loop over receipts: so many messages are on their way or wait for
 * their receipt. More would only lie in the gateway's queue, and have to be waited for at the end.
 */
export const AWAITED_MAX = 2_000
const DURATION_MS_MAX = 3 * 3_600_000
const SETTLE_MS = 60_000
/** A node that is back is found soon, or the gap of the affected would be a pause of the client's own. */
const BACK_OFF_MS_MAX = 500
/** Second receipts are looked out for so long. */
const LINGER_MS = 500

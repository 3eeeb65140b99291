import type { Cancel } from '../base/clock.js'
import { listenTcp, type Listener } from '../link/tcp.js'
import type { SessionLimits } from '../link/types.js'
import type { AcceptedItem } from './accepted-log.js'
import { systemEffects, type ToolEffects } from './effects.js'
import { drawRun, runText, tagText } from './message-tag.js'
import { SmscCore, type Credentials } from './smsc-core.js'
import { DEFAULT_BEHAVIOUR, SmscFaults, type SmscBehaviour } from './smsc-faults.js'
import { moBodies } from './smsc-messages.js'
import { SmscSession } from './smsc-session.js'
import type { SmscSecond, SmscStats } from './smsc-stats.js'
import type { TagCounts } from './tag-counts.js'

export interface SmscOptions extends Credentials {
  host: string
  /** 0: any free one, see `port`. */
  port: number
  behaviour: Partial<SmscBehaviour>
  limits: Partial<SessionLimits>
}

/**
 * A simulated SMSC: takes binds and messages, answers, sends receipts, and misbehaves as told. It
 * counts every message by the tag that the load client put into it (message-tag.ts).
 *
 *     const smsc = new SmscSimulator({ port: 0, behaviour: { receiptDelayMs: 20 } })
 *     await smsc.start()
 *     smsc.change({ errorRate: 0.1 })
 *     smsc.stats().distinct
 *     await smsc.stop()
 */
export class SmscSimulator {
  private readonly host: string
  private readonly wantedPort: number
  private readonly effects: ToolEffects
  private readonly core: SmscCore
  private readonly startedAtMs: number
  private readonly moRun: number
  private readonly cancels: Cancel[] = []
  /** The last hour. */
  private readonly history: SmscSecond[] = []
  private listener: Listener | undefined
  private moNumber = 0
  private moOwed = 0
  private moAtMs = 0

  constructor(options: Partial<SmscOptions> = {}, effects: ToolEffects = systemEffects) {
    const { systemId = null, password = null } = options
    this.host = options.host ?? '127.0.0.1'
    this.wantedPort = options.port ?? 2785
    this.effects = effects
    const behaviour = { ...DEFAULT_BEHAVIOUR, ...options.behaviour }
    const limits = { ...LIMITS, ...options.limits }
    this.core = new SmscCore(behaviour, limits, { systemId, password }, effects)
    this.startedAtMs = effects.clock.monotonicMs()
    this.moRun = drawRun(effects.random)
  }

  /** Listens; rejects with the system's error (EADDRINUSE, …). */
  async start(): Promise<void> {
    const { timers, clock } = this.effects
    this.listener = await listenTcp({
      host: this.host,
      port: this.wantedPort,
      onConnection: connection =>
        void this.core.sessions.add(new SmscSession(this.core, connection)),
    })
    this.moAtMs = clock.monotonicMs()
    this.cancels.push(timers.every(1_000, () => this.noteSecond()))
    this.cancels.push(timers.every(MO_TICK_MS, () => this.injectMo()))
  }

  get port(): number {
    return this.listener?.port ?? this.wantedPort
  }

  get tags(): TagCounts {
    return this.core.tags
  }

  get behaviour(): SmscBehaviour {
    return this.core.faults.behaviour
  }

  /** Behaves differently from here on; what is on its way stays as it was drawn. */
  change(to: Partial<SmscBehaviour>): void {
    this.core.faults = new SmscFaults({ ...this.behaviour, ...to }, this.effects.random)
  }

  /** Cuts the connections of a system_id, or all. @returns how many */
  cut(systemId?: string): number {
    const sessions = [...this.core.sessions]
    const cut = sessions.filter(session => systemId === undefined || session.systemId === systemId)
    for (const session of cut) session.cut()
    return cut.length
  }

  /** Tagged messages taken after `seq`; see AcceptedLog. */
  acceptedSince(seq: number, limit: number): AcceptedItem[] {
    return this.core.log.since(seq, limit)
  }

  /** The last `count` seconds, oldest first. */
  seconds(count: number): SmscSecond[] {
    return count > 0 ? this.history.slice(-count) : []
  }

  stats(): SmscStats {
    const { counters, sessions, tags, lateReceipts } = this.core
    const { binds, bindsRefused, submits, accepted, unanswered, untagged, outgoing } = counters
    const runs = tags.all()
    const distinct = runs.reduce((sum, run) => sum + run.distinct, 0)
    return {
      uptimeMs: Math.round(this.effects.clock.monotonicMs() - this.startedAtMs),
      sessions: [...sessions].flatMap(({ link, systemId, submits }) => {
        const remote = `${link.remoteAddress}:${link.remotePort}`
        return link.boundAs === undefined ? [] : [{ systemId, bind: link.boundAs, remote, submits }]
      }),
      binds,
      bindsRefused,
      submits,
      accepted,
      unanswered,
      refused: counters.refusedByName,
      untagged,
      distinct,
      duplicates: runs.reduce((sum, run) => sum + run.total, 0) - distinct,
      runs,
      requests: Object.fromEntries(counters.requests),
      notifications: outgoing.notification,
      receipts: {
        ...outgoing.receipt,
        waiting: outgoing.receipt.made - outgoing.receipt.acknowledged - outgoing.receipt.dropped,
        delayed: lateReceipts.length,
      },
      mo: {
        ...outgoing.mo,
        run: runText(this.moRun),
        waiting: outgoing.mo.made - outgoing.mo.acknowledged - outgoing.mo.dropped,
      },
    }
  }

  /** Closes everything at once. */
  async stop(): Promise<void> {
    for (const cancel of this.cancels.splice(0)) cancel()
    this.core.clear()
    this.cut()
    await this.listener?.close()
    this.core.clear() // what the cut has queued again
  }

  private noteSecond(): void {
    const { counters } = this.core
    const receipts = counters.outgoing.receipt
    this.history.push({
      atMs: this.effects.clock.nowMs(),
      submits: counters.submits,
      accepted: counters.accepted,
      receipts: receipts.acknowledged,
      waiting: receipts.made - receipts.acknowledged - receipts.dropped,
    })
    if (this.history.length > HISTORY_MAX) this.history.shift()
  }

  /** Makes the messages from mobiles that are due: for each system_id that can receive, in turn. */
  private injectMo(): void {
    const { moPerSecond, moFrom, moTo, moParts, moConcatenation } = this.behaviour
    const nowMs = this.effects.clock.monotonicMs()
    const owed = this.moOwed + ((nowMs - this.moAtMs) * moPerSecond) / 1000
    this.moAtMs = nowMs
    const outboxes = [...this.core.outboxes.values()].filter(outbox => outbox.hasReceiver)
    // What nobody can receive is not made; after a pause there is no more than a second's worth.
    this.moOwed = outboxes.length === 0 ? 0 : Math.min(owed, Math.max(1, moPerSecond))
    for (; this.moOwed >= 1; this.moOwed--) {
      const n = this.moNumber++
      const text = `${tagText(this.moRun, n)} from a mobile`
      const parts = { count: moParts, by: moConcatenation, reference: n }
      const bodies = moBodies(withDigits(moFrom, n), withDigits(moTo, n), text, parts)
      for (const body of bodies) outboxes[n % outboxes.length]!.push('mo', body)
    }
  }
}

/** Puts the digits of `n` where `#` stands, the lowest last. */
export function withDigits(pattern: string, n: number): string {
  const places = pattern.split('#').length - 1
  if (places === 0) return pattern
  const digits = String(n).padStart(places, '0').slice(-places)
  let at = 0
  return pattern.replace(/#/g, () => digits[at++]!)
}

/** Wide open: what is tested is the other side. */
const LIMITS: SessionLimits = {
  windowIn: 100_000,
  windowOut: 1_000,
  pduOctetsMax: 65_536,
  bindTimeoutMs: 30_000,
  enquireLinkMs: 30_000,
  inactivityTimeoutMs: 90_000,
  responseTimeoutMs: 10_000,
  writeQueueOctetsMax: 16 * 1024 * 1024,
}

const HISTORY_MAX = 3_600
const MO_TICK_MS = 10

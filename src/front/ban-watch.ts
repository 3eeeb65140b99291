import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Counter, Metrics } from '../base/metrics.js'
import { BAN_ADDRESS_MAX, bans, BANS_STEP, type Ban, type Journal } from '../journal/index.js'

/** Pairs of account and address that are counted; the one that began longest ago is forgotten first. */
const PAIRS_MAX = 10_000
/** What is to be banned is said together, so often at most. */
const SAY_EVERY_MS = 100

export interface BanWatchOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  logger: Logger
  metrics: Metrics
}

/**
 * Counts failed binds of this node by account and address, where the settings have `bans`, and says to the log whom to ban:
 * from then on every node refuses that address (docs/decisions/0017). Of names that are no account nothing is
 * counted: people type passwords into the wrong field.
 */
export class BanWatch {
  private readonly options: BanWatchOptions
  /** By account and address, in the order in which their counting began. */
  private readonly counts: Map<string, { failures: number; sinceMs: number }> = new Map()
  private due: Ban[] = []
  private saying = false
  private readonly banned: Counter

  constructor(options: BanWatchOptions) {
    this.options = options
    this.banned = options.metrics.counter('bans_total', {})
  }

  isBanned(account: number, address: string): boolean {
    const { state } = this.options.journal
    return state.bans.size > 0 && state.bans.get(account, address) !== undefined
  }

  /** A bind with a wrong password. */
  failed(account: number, address: string): void {
    const { journal, clock } = this.options
    const settings = journal.state.settings.bans
    if (settings === undefined || !bans(journal.state) || address.length > BAN_ADDRESS_MAX) return
    const atMs = clock.monotonicMs()
    const key = `${account} ${address}`
    let count = this.counts.get(key)
    if (count === undefined || atMs - count.sinceMs >= settings.withinMs) {
      this.counts.delete(key)
      if (this.counts.size >= PAIRS_MAX) {
        const [oldest] = this.counts.keys()
        this.counts.delete(oldest!)
      }
      this.counts.set(key, (count = { failures: 0, sinceMs: atMs }))
    }
    if (++count.failures < settings.failures || this.due.length >= BANS_STEP) return
    this.counts.delete(key)
    const { failures } = count
    const sinceMs = clock.nowMs()
    this.due.push({ account, address, sinceMs, untilMs: sinceMs + settings.forMs, failures })
    this.sayLater()
  }

  succeeded(account: number, address: string): void {
    if (this.counts.size > 0) this.counts.delete(`${account} ${address}`)
  }

  private sayLater(): void {
    if (this.saying) return
    this.saying = true
    this.options.timers.after(SAY_EVERY_MS, () => {
      this.saying = false
      this.say()
    })
  }

  /** What cannot be proposed now is dropped: whoever goes on failing is counted again. */
  private say(): void {
    const { journal, logger } = this.options
    const due = this.due
    this.due = []
    journal.proposer.propose({ kind: 'ban', bans: due }, result => {
      if (!result.ok) return
      this.banned.add(due.length)
      for (const { account, address, failures, untilMs } of due)
        logger.warn('address banned', {
          systemId: journal.state.accounts.get(account)?.systemId,
          remoteAddress: address,
          failures,
          untilMs,
        })
    })
  }
}

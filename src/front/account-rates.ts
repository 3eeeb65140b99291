import type { Clock } from '../base/clock.js'
import type { AccountState, State } from '../journal/index.js'
import { bucket, take, withRate, type Bucket } from '../policy/throttle.js'

/** How much of an account's rate this node may use, in messages a second; null: no limit. */
export interface RateShares {
  shareOf(account: AccountState, state: State): number | null
}

/**
 * The account's rate divided evenly over the nodes that hold a session of it that may submit. Sharing by
 * demand takes this one's place later.
 */
export const evenShares: RateShares = {
  shareOf({ settings, sessions }) {
    const rate = settings?.throughputPerSecond ?? null
    if (rate === null) return null
    const nodes = new Set<number>()
    for (const session of sessions.values()) if (session.bindType !== 'rx') nodes.add(session.node)
    return rate / Math.max(1, nodes.size)
  },
}

/** A token bucket for each account with sessions here. */
export class AccountRates {
  private readonly shares: RateShares
  private readonly clock: Clock
  private readonly buckets: Map<number, Bucket> = new Map()

  constructor(shares: RateShares, clock: Clock) {
    this.shares = shares
    this.clock = clock
  }

  /** Looks the shares up anew; for the accounts that have sessions here, the others are forgotten. */
  adjust(state: State, accounts: Iterable<number>): void {
    const atMs = this.clock.monotonicMs()
    const known = new Map(this.buckets)
    this.buckets.clear()
    for (const number of accounts) {
      const account = state.accounts.get(number)
      if (account === undefined) continue
      const rate = this.shares.shareOf(account, state)
      const before = known.get(number)
      if (before === undefined) this.buckets.set(number, bucket(rate, atMs))
      else if (before.ratePerSecond === bucket(rate, atMs).ratePerSecond)
        this.buckets.set(number, before)
      else this.buckets.set(number, withRate(before, rate, atMs))
    }
  }

  /** Takes a token; false: ESME_RTHROTTLED. */
  take(account: number, atMs: number): boolean {
    const from = this.buckets.get(account)
    if (from?.ratePerSecond == null) return true
    const [rest, verdict] = take(from, atMs)
    this.buckets.set(account, rest)
    return verdict === 'pass'
  }
}

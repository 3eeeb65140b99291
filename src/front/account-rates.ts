import type { Clock } from '../base/clock.js'
import type { AccountState, State } from '../journal/index.js'
import { bucket, take, withRate, type Bucket } from '../policy/throttle.js'
import { tokensOf } from '../policy/throughput.js'

/** How much of an account's rate this node may use, in messages a second. */
export interface RateShares {
  /** Above 0; null: no limit. */
  shareOf(account: AccountState, state: State): number | null
  /** Tokens of a bucket that begins, whose share may have to be granted yet; null: those of its share. */
  firstBurstOf(account: AccountState, state: State): number | null
}

/** The account's rate divided evenly over the nodes that hold a session of it that may submit. */
export const evenShares: RateShares = {
  shareOf({ settings, sessions }) {
    const rate = settings?.throughputPerSecond ?? null
    if (rate === null) return null
    const nodes = new Set<number>()
    for (const session of sessions.values()) if (session.bindType !== 'rx') nodes.add(session.node)
    return rate / Math.max(1, nodes.size)
  },
  firstBurstOf: () => null,
}

/** A bucket unused for this long is forgotten; so often can reconnecting gain a first burst. */
const IDLE_MS = 10_000

interface Metered {
  bucket: Bucket
  /** Tokens asked for since the last `demands`, given or not. */
  asked: number
  usedAtMs: number
}

/** A token bucket for each account that submits here, over SMPP or HTTP. Bound: the accounts there are. */
export class AccountRates {
  private readonly shares: RateShares
  private readonly clock: Clock
  private readonly metered: Map<number, Metered> = new Map()
  private askedSinceMs: number

  constructor(shares: RateShares, clock: Clock) {
    this.shares = shares
    this.clock = clock
    this.askedSinceMs = clock.monotonicMs()
  }

  /** Looks the shares up anew; `accounts` have sessions here and keep their buckets, others only while used. */
  adjust(state: State, accounts: Iterable<number>): void {
    const atMs = this.clock.monotonicMs()
    for (const number of accounts) {
      const metered = this.metered.get(number)
      if (metered === undefined) this.begin(state, number, atMs)
      else metered.usedAtMs = atMs
    }
    for (const [number, { usedAtMs }] of this.metered)
      if (atMs - usedAtMs > IDLE_MS) this.metered.delete(number)
      else this.changed(state, number)
  }

  /** The account's share is another. */
  changed(state: State, number: number): void {
    const metered = this.metered.get(number)
    if (metered === undefined) return
    const account = state.accounts.get(number)
    if (account === undefined) {
      this.metered.delete(number)
      return
    }
    const rate = this.shares.shareOf(account, state)
    if (metered.bucket.ratePerSecond !== rate)
      metered.bucket = withRate(metered.bucket, rate, this.clock.monotonicMs())
  }

  /**
   * Takes what a message costs; false: ESME_RTHROTTLED.
   *
   * @param body  of its submit_sm, where the account's segments may count
   */
  take(state: State, number: number, atMs: number, body?: Buffer): boolean {
    const metered = this.metered.get(number) ?? this.begin(state, number, atMs)
    if (metered?.bucket.ratePerSecond == null) return true
    const settings = state.accounts.get(number)?.settings
    const cost = body === undefined || settings === undefined ? 1 : tokensOf(body, settings)
    metered.asked += cost
    metered.usedAtMs = atMs
    const [rest, verdict] = take(metered.bucket, atMs, cost)
    metered.bucket = rest
    return verdict === 'pass'
  }

  /** Tokens a second that limited accounts asked for since the last call; accounts used within 10 s are in it. */
  demands(): Map<number, number> {
    const atMs = this.clock.monotonicMs()
    const seconds = Math.max(0.1, (atMs - this.askedSinceMs) / 1000)
    this.askedSinceMs = atMs
    const demands = new Map<number, number>()
    for (const [number, metered] of this.metered) {
      if (metered.bucket.ratePerSecond === null || atMs - metered.usedAtMs > IDLE_MS) continue
      demands.set(number, metered.asked / seconds)
      metered.asked = 0
    }
    return demands
  }

  private begin(state: State, number: number, atMs: number): Metered | undefined {
    const account = state.accounts.get(number)
    if (account === undefined) return undefined
    const rate = this.shares.shareOf(account, state)
    const burst = this.shares.firstBurstOf(account, state) ?? undefined
    const metered = { bucket: bucket(rate, atMs, burst), asked: 0, usedAtMs: atMs }
    this.metered.set(number, metered)
    return metered
  }
}

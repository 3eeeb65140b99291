import type { Messenger } from '../../cluster/types.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import { AccountRates, type RateShares } from '../front/account-rates.js'
import type { AccountState, Journal, State } from '../journal/index.js'
import { ShareAllocator } from '../policy/share-allocator.js'
import { ShareHolder, type ShareGrant, type ShareReport } from '../policy/share-holder.js'
import { WHOLE } from '../policy/shares.js'
import { MESSAGE_KIND } from './message-kinds.js'
import { decodeGrant, decodeReport, encodeGrant, encodeReport } from './share-messages.js'

const EVERY_MS = 1000
const RETRY_MS = 100
/** A share of nothing still has to be a limit: one message in 11 days. */
const NOTHING_PER_SECOND = 1e-6
/** A burst is a tenth of a second's worth, as `bucket` has it. */
const BURSTS_PER_SECOND = 10

export interface RateSharingOptions {
  journal: Pick<Journal, 'node' | 'state'>
  messenger: Messenger
  clock: Clock
  timers: Timers
  /** Resolves when all that was committed when it was called is applied here. */
  currentRead(): Promise<unknown>
}

/**
 * Shares accounts' rates between the nodes where they submit (DESIGN §3). The leader allocates: it is one
 * by term, knows which boots have ended sooner than anyone, and is where a quorum is, without
 * which no submit is accepted anyway. Each node reports what it holds and what is asked of it once a
 * second, and at once where an account begins to submit; the rules are in share-allocator.ts.
 */
export class RateSharing implements RateShares {
  readonly rates: AccountRates
  private readonly options: RateSharingOptions
  private readonly holder = new ShareHolder()
  private readonly cancel: Cancel
  private leader: number | null = null
  private term = 0
  private allocator: ShareAllocator | undefined
  /** The state has applied all from before this term. */
  private mayDecide = false
  /** Of accounts used here, smoothed, a second. */
  private demands: Map<number, number> = new Map()

  constructor(options: RateSharingOptions) {
    const { messenger, clock, timers } = options
    this.options = options
    this.rates = new AccountRates(this, clock)
    messenger.onMessage(MESSAGE_KIND.shareReport, (from, body) => {
      const report = decodeReport(body)
      if (report !== undefined) this.onReport(from, report)
    })
    messenger.onMessage(MESSAGE_KIND.shareGrant, (_, body) => {
      const grant = decodeGrant(body)
      if (grant !== undefined) this.onGrant(grant)
    })
    this.cancel = timers.every(EVERY_MS, () => this.tick())
  }

  /** This node's boot is registered. */
  begin(boot: number): void {
    this.holder.begin(boot)
    for (const account of this.holder.accounts) this.rates.changed(this.state, account)
    this.report()
  }

  /** Who leads, by what this node knows. */
  leads(leader: number | null, term: number): void {
    if (leader === this.leader && term === this.term) return
    this.leader = leader
    this.term = term
    // Never a second one for a term: its grants are told apart by their order.
    if (leader === this.options.journal.node && this.allocator?.term !== term) {
      this.allocator = new ShareAllocator(term)
      this.mayDecide = false
      this.catchUp(this.allocator)
    }
    this.report()
  }

  stop(): void {
    this.cancel()
  }

  shareOf({ number, settings }: AccountState): number | null {
    const rate = settings?.throughputPerSecond ?? null
    if (rate === null) return null
    return Math.max(NOTHING_PER_SECOND, (rate * this.holder.unitsOf(number)) / WHOLE)
  }

  /** A burst of what would be an even share: enough until the grant is here. Says that the account begins. */
  firstBurstOf({ number, settings }: AccountState, state: State): number | null {
    const rate = settings?.throughputPerSecond ?? null
    if (rate === null) return null
    // Not in this call: it would come back for a bucket that is not there yet.
    if (this.holder.uses(number, true, 0)) this.options.timers.soon(() => this.report([number]))
    const nodes = state.nodes.all().filter(({ alive }) => alive).length
    return rate / BURSTS_PER_SECOND / Math.max(1, nodes)
  }

  private get state(): State {
    return this.options.journal.state
  }

  private tick(): void {
    this.look()
    this.report()
    if (this.allocator === undefined || !this.mayDecide) return
    this.send(this.allocator.unacknowledged())
    this.decide(this.allocator, this.allocator.accounts)
  }

  /** What is asked of this node, and where it has sessions. */
  private look(): void {
    const { node } = this.options.journal
    const fresh = this.rates.demands()
    const before = this.demands
    this.demands = new Map()
    for (const [number, demand] of fresh) {
      // Falls slowly, so that a pause of a second costs little.
      const smooth = Math.max(demand, (before.get(number) ?? 0) / 2)
      this.demands.set(number, smooth)
      this.holder.uses(number, demand > 0 || smooth >= 0.5 || this.mayUse(number, node), smooth)
    }
    for (const number of this.holder.accounts)
      if (!fresh.has(number)) this.holder.uses(number, this.mayUse(number, node), 0)
  }

  /** It has a session here that may submit. */
  private mayUse(number: number, node: number): boolean {
    const account = this.state.accounts.get(number)
    if (account?.settings?.throughputPerSecond == null) return false
    for (const session of account.sessions.values())
      if (session.node === node && session.bindType !== 'rx') return true
    return false
  }

  private report(accounts?: Iterable<number>): void {
    const { leader, term } = this
    if (leader === null) return
    const report = this.holder.report(term, accounts)
    if (report === undefined) return
    const { journal, messenger } = this.options
    if (leader === journal.node) this.onReport(leader, report)
    else messenger.send(leader, MESSAGE_KIND.shareReport, encodeReport(report))
  }

  private onReport(from: number, report: ShareReport): void {
    const { allocator } = this
    if (allocator === undefined) return
    // Later full ones come each second from each node; the tick looks at all of them.
    const decides = !report.full || !allocator.knows(from, report.boot)
    const accounts = allocator.heard(from, report)
    if (decides && this.mayDecide) this.decide(allocator, accounts)
  }

  private onGrant(grant: ShareGrant): void {
    const accounts = this.holder.take(grant)
    if (accounts.length === 0) return
    for (const account of accounts) this.rates.changed(this.state, account)
    if (grant.term === this.term) this.report(accounts)
  }

  private catchUp(allocator: ShareAllocator): void {
    const { timers } = this.options
    this.options.currentRead().then(
      () => {
        if (this.allocator !== allocator) return
        this.mayDecide = true
        this.decide(allocator, allocator.accounts)
      },
      () => {
        timers.after(RETRY_MS, () => {
          if (this.allocator === allocator && this.leader === this.options.journal.node)
            this.catchUp(allocator)
        })
      },
    )
  }

  private decide(allocator: ShareAllocator, accounts: Iterable<number>): void {
    const { state } = this
    const alive = state.nodes.all().filter(node => node.alive)
    const rateOf = (account: number): number | null =>
      state.accounts.get(account)?.settings?.throughputPerSecond ?? null
    this.send(allocator.decide(alive, accounts, rateOf))
  }

  private send(grants: ReadonlyMap<number, ShareGrant>): void {
    const { journal, messenger } = this.options
    for (const [node, grant] of grants) {
      if (node === journal.node) this.onGrant(grant)
      else messenger.send(node, MESSAGE_KIND.shareGrant, encodeGrant(grant))
    }
  }
}

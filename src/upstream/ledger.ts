import type { Cancel } from '../base/clock.js'
import type { CommandResult, OutcomeItem, OutcomeResult, Ref, SentParts } from '../journal/index.js'
import { refOf } from '../journal/index.js'
import type { Context } from './context.js'
import type { Parts } from './parts.js'

/** A claimed message that this home has in hand. */
export class Held {
  readonly ref: Ref
  readonly attempt: number
  /** waiting: to be written. written: unanswered. settling: its outcome is on its way to the log. */
  status: 'waiting' | 'written' | 'settling' = 'waiting'
  /** Monotonic ms. */
  writtenAtMs = 0
  /** When its validity ends, ms since the Unix epoch; known once it is written. */
  expiresAtMs = 0
  /** Where it goes out in parts; `written` once the first of them is. */
  parts: Parts | undefined

  constructor(ref: Ref, attempt: number) {
    this.ref = ref
    this.attempt = attempt
  }
}

export interface LedgerUser {
  /** How many messages to claim now, besides those that are open or asked for. */
  wanted(): number
  /** These are claimed under our epoch: they may be written. */
  claimed(held: Held[]): void
  /** The outcome is committed. */
  settled(item: OutcomeItem): void
}

/** Proposals of this home without an answer from which on the next one gathers for a while. */
const BUSY_AT = 2
const GATHER_MS = 2
/** So many outcomes go at once. */
const OUTCOMES_AT_ONCE = 512
/** Outcomes and claims of one command. */
const ITEMS_MAX = 4096
/** Messages in parts, whose ids are many, of one command. */
const PARTED_MAX = 64
/** After a proposal that was not taken, or a claim that found nothing; the latter is doubled each time. */
const AGAIN_MS = 20
const REST_MS_MAX = 5000

/**
 * What this home has claimed, and what it says to the log: outcomes, and with them, in the same entry,
 * the next claim (DESIGN I5). Holds at most binds × window messages, for apply grants no more.
 */
export class Ledger {
  private readonly context: Context
  private readonly user: LedgerUser
  private readonly held: Map<Ref, Held> = new Map()
  private items: OutcomeItem[] = []
  private parted: SentParts['items'] = []
  /** Held and not settling: what takes up window slots. */
  private openCount = 0
  private askedCount = 0
  private proposals = 0
  private resting = false
  private restMs = AGAIN_MS
  /** How long claims take, smoothed. */
  private claimMsSmoothed = 0
  private flushSoon = false
  private cancelFlush: Cancel | undefined
  private stopped = false

  constructor(context: Context, user: LedgerUser) {
    this.context = context
    this.user = user
  }

  /** Claimed and without an outcome. */
  get open(): number {
    return this.openCount
  }

  /** Asked for in claims without an answer. */
  get asked(): number {
    return this.askedCount
  }

  /** How long a claim takes to be decided, ms, smoothed. */
  get claimMs(): number {
    return this.claimMsSmoothed
  }

  /** Nothing is claimed, nor on its way. */
  get idle(): boolean {
    const { held, items, parted } = this
    return held.size === 0 && this.askedCount === 0 && items.length + parted.length === 0
  }

  /**
   * Takes over what the state says is claimed under our epoch and we know nothing of: it was never sent
   * (DESIGN I5). Call it when no claim of ours can be decided and untold: at the start, and after `reset`.
   */
  adopt(): void {
    const claims = this.context.view()?.claims
    if (claims === undefined) return
    const adopted: Held[] = []
    for (const [ref, attempt] of claims) {
      if (this.held.get(ref)?.attempt === attempt) continue
      adopted.push(this.hold(ref, attempt))
    }
    if (adopted.length > 0) this.user.claimed(adopted)
  }

  /** Something changed: propose what there is to say, and claim what there is room for. */
  plan(): void {
    if (this.flushSoon) return
    if (this.items.length < OUTCOMES_AT_ONCE) {
      if (this.cancelFlush !== undefined) return
      if (this.proposals >= BUSY_AT) return this.flushAfter(GATHER_MS)
    }
    this.flushSoon = true
    this.context.timers.soon(() => {
      this.flushSoon = false
      this.flush()
    })
  }

  /**
   * Says what is to be said now. The SMSC's receipts are proposed after it, and find the ids that they name: of an SMSC
   * that is quick each would wait for its message's id otherwise.
   */
  sayOutcomes(): void {
    if (!this.stopped) this.flushOutcomes()
  }

  /** There may be messages again, where the last claim found none. */
  wake(): void {
    this.resting = false
    this.plan()
  }

  /** Says what became of a held message. */
  settle(held: Held, result: OutcomeResult, error = 0, smscId = '', retryAtMs = 0): void {
    held.status = 'settling'
    this.openCount--
    this.say({ ref: held.ref, attempt: held.attempt, result, error, smscId, retryAtMs })
  }

  /** The SMSC has all parts of it. */
  settleParts(held: Held, smscIds: string[]): void {
    held.status = 'settling'
    this.openCount--
    this.sentPartsLate(held, smscIds)
  }

  /** The same of what was settled before: the answer to its last part came late. */
  sentPartsLate({ ref, attempt }: Held, smscIds: string[]): void {
    this.parted.push({ ref, attempt, smscIds })
    this.plan()
  }

  /** A positive response to what was settled before: it counts whatever came between. */
  sentLate(held: Held, smscId: string): void {
    const { ref, attempt } = held
    this.say({ ref, attempt, result: 'sent', error: 0, smscId, retryAtMs: 0 })
  }

  /** Forgets a held message that somebody else concluded. */
  drop(held: Held): void {
    this.openCount--
    if (this.held.get(held.ref) === held) this.held.delete(held.ref)
    this.plan()
  }

  /** The epoch is over. Positive outcomes still count, and are said still; nothing else is. */
  stop(): void {
    this.stopped = true
    this.cancelFlush?.()
    this.cancelFlush = undefined
    this.flush()
  }

  private hold(ref: Ref, attempt: number): Held {
    const held = new Held(ref, attempt)
    this.held.set(ref, held)
    this.openCount++
    return held
  }

  private say(item: OutcomeItem): void {
    if (this.stopped && item.result !== 'sent') return
    this.items.push(item)
    this.plan()
  }

  private flushAfter(ms: number): void {
    this.cancelFlush ??= this.context.timers.after(ms, () => {
      this.cancelFlush = undefined
      this.flush()
    })
  }

  private flush(): void {
    this.cancelFlush?.()
    this.cancelFlush = undefined
    if (this.stopped) this.items = this.items.filter(({ result }) => result === 'sent')
    if (this.flushOutcomes() && !this.stopped) this.claim()
  }

  /** False where the proposer took no more. */
  private flushOutcomes(): boolean {
    while (this.items.length > 0) {
      const items = this.items.length <= ITEMS_MAX ? this.items : this.items.slice(0, ITEMS_MAX)
      if (!this.propose(items)) return false
      this.items = this.items.length <= ITEMS_MAX ? [] : this.items.slice(ITEMS_MAX)
    }
    while (this.parted.length > 0) {
      const items = this.parted.slice(0, PARTED_MAX)
      if (!this.proposeParts(items)) return false
      this.parted = this.parted.slice(PARTED_MAX)
    }
    return true
  }

  private propose(items: OutcomeItem[]): boolean {
    const { journal, number: connector, epoch } = this.context
    const taken = journal.proposer.propose({ kind: 'outcomes', connector, epoch, items }, () => {
      if (!this.stopped) for (const item of items) this.user.settled(item)
      this.committed(items)
    })
    return this.proposed(taken)
  }

  private proposeParts(items: SentParts['items']): boolean {
    const { journal, number: connector, epoch } = this.context
    const taken = journal.proposer.propose({ kind: 'sentParts', connector, epoch, items }, () =>
      this.committed(items),
    )
    return this.proposed(taken)
  }

  private proposed(taken: boolean): boolean {
    if (taken) this.proposals++
    else if (!this.stopped) this.flushAfter(AGAIN_MS)
    return taken
  }

  private claim(): void {
    const count = this.resting ? 0 : Math.min(this.user.wanted(), ITEMS_MAX)
    if (count <= 0) return
    const { journal, number: connector, epoch, clock } = this.context
    const askedAtMs = clock.monotonicMs()
    const position = this.context.view()?.queue.position ?? 0
    const taken = journal.proposer.propose({ kind: 'claim', connector, epoch, count }, result => {
      this.claimMsSmoothed += (clock.monotonicMs() - askedAtMs - this.claimMsSmoothed) / 8
      this.answered(count, position, result)
    })
    if (!taken) return this.flushAfter(AGAIN_MS)
    this.proposals++
    this.askedCount += count
  }

  private committed(items: readonly { ref: Ref; attempt: number }[]): void {
    this.proposals--
    for (const { ref, attempt } of items) {
      const held = this.held.get(ref)
      if (held?.attempt === attempt && held.status === 'settling') this.held.delete(ref)
    }
    if (!this.stopped) this.plan()
  }

  private answered(count: number, position: number, result: CommandResult): void {
    this.proposals--
    this.askedCount -= count
    const connector = this.context.view()
    if (this.stopped || connector === undefined) return
    const claimed: Held[] = []
    if (result.ok && 'claimed' in result)
      for (const { index, lo, hi } of result.claimed)
        for (let offset = lo; offset < hi; offset++) {
          const ref = refOf(index, offset)
          // What is not claimed any more was concluded in an entry that was applied with this one.
          const attempt = connector.claims.get(ref)
          if (attempt === undefined || this.held.get(ref)?.attempt === attempt) continue
          claimed.push(this.hold(ref, attempt))
        }
    if (claimed.length === 0) {
      // A long run of cancelled messages is passed over claim by claim: that is progress.
      if (connector.queue.position > position) this.restMs = AGAIN_MS
      this.rest()
    } else {
      this.restMs = AGAIN_MS
      this.user.claimed(claimed)
    }
    this.plan()
  }

  /** The claim found nothing: its queue named what is queued no more, or messages are on their way. */
  private rest(): void {
    this.resting = true
    this.context.timers.after(this.restMs, () => {
      if (!this.stopped) this.wake()
    })
    this.restMs = Math.min(2 * this.restMs, REST_MS_MAX)
  }
}

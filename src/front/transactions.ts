import type { Cancel, Timers } from '../base/clock.js'
import type { Counter, Metrics } from '../base/metrics.js'
import type { Journal, Ref, SubmitRefusal, SubmitTicket } from '../journal/index.js'
import { indexOf, MARK, MESSAGE_STATE, offsetOf, refOf } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import type { EsmeSession } from './esme-session.js'
import { refusalOf, statusOf } from './refusals.js'

/** Of one session, and of this node; one more is refused. */
export const OF_SESSION_MAX = 100
const OF_NODE_MAX = 10_000

export interface TransactionsUser {
  /** The SMSC has delivered it. */
  delivered(transaction: Transaction): void
  failed(transaction: Transaction, command_status: number): void
}

/**
 * Submits in transaction mode (SMPP 3.4 §2.10.3, docs/decisions/0023): accepted and replicated as any, and answered when
 * the log says what became of them at the SMSC, or at their time-out. What still waits then, or when its session ends, is
 * cancelled: nobody would hear of it.
 */
export class Transactions {
  private readonly journal: Journal
  private readonly timers: Timers
  private readonly user: TransactionsUser
  private readonly unknown: Counter
  private readonly bySession: Map<EsmeSession, Set<Transaction>> = new Map()
  /** Those that are accepted. */
  private readonly byRef: Map<Ref, Transaction> = new Map()
  private open = 0

  constructor(
    { journal, timers, metrics }: { journal: Journal; timers: Timers; metrics: Metrics },
    user: TransactionsUser,
  ) {
    this.journal = journal
    this.timers = timers
    this.user = user
    this.unknown = metrics.counter('transactions_unknown_total', {})
  }

  /** A ticket for one more; undefined: as many as may be are open. */
  begin(
    session: EsmeSession,
    account: number,
    frame: Pick<Frame, 'command_id' | 'sequence_number'>,
    timeoutMs: number,
  ): Transaction | undefined {
    const open = this.bySession.get(session) ?? new Set<Transaction>()
    if (open.size >= OF_SESSION_MAX || this.open >= OF_NODE_MAX) return undefined
    const transaction = new Transaction(this, session, account, frame, timeoutMs)
    this.bySession.set(session, open.add(transaction))
    this.open++
    return transaction
  }

  /** The message may be concluded. */
  look(ref: Ref): void {
    const transaction = this.byRef.get(ref)
    if (transaction === undefined) return
    const block = this.journal.state.blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    if (block !== undefined && block.mark(offset) < MARK.DONE) return
    const state = block?.state(offset) ?? MESSAGE_STATE.UNKNOWN
    if (state === MESSAGE_STATE.DELIVERED) {
      if (this.end(transaction)) this.user.delivered(transaction)
      return
    }
    const said = state === MESSAGE_STATE.REJECTED ? (block?.error(offset) ?? 0) : 0
    this.fail(transaction, said === 0 ? statusOf('notDelivered') : said)
  }

  /** Another state may have come. */
  reset(): void {
    for (const ref of [...this.byRef.keys()]) this.look(ref)
  }

  /** Nobody hears the answers any more. */
  closed(session: EsmeSession): void {
    const open = this.bySession.get(session)
    if (open === undefined) return
    const refs: Ref[] = []
    let account = 0
    for (const transaction of [...open]) {
      if (transaction.ref !== 0) refs.push(transaction.ref)
      account = transaction.account
      this.end(transaction)
    }
    this.cancel(account, refs)
  }

  onAccepted(transaction: Transaction, ref: Ref): void {
    if (transaction.over) return this.cancel(transaction.account, [ref])
    transaction.ref = ref
    this.byRef.set(ref, transaction)
    transaction.cancelTimeout = this.timers.after(transaction.timeoutMs, () => {
      this.fail(transaction, statusOf('notDelivered'))
      this.cancel(transaction.account, [ref], () => {
        if (!this.isUndelivered(ref)) this.unknown.add()
      })
    })
    this.look(ref)
  }

  fail(transaction: Transaction, command_status: number): void {
    if (this.end(transaction)) this.user.failed(transaction, command_status)
  }

  /** False: it was over before. */
  private end(transaction: Transaction): boolean {
    if (transaction.over) return false
    transaction.over = true
    transaction.cancelTimeout?.()
    this.byRef.delete(transaction.ref)
    const open = this.bySession.get(transaction.session)
    open?.delete(transaction)
    if (open?.size === 0) this.bySession.delete(transaction.session)
    this.open--
    return true
  }

  private cancel(account: number, refs: Ref[], then: () => void = () => undefined): void {
    if (refs.length > 0) this.journal.proposer.propose({ kind: 'cancel', account, refs }, then)
  }

  private isUndelivered(ref: Ref): boolean {
    const block = this.journal.state.blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    return block?.mark(offset) === MARK.DONE && block.state(offset) !== MESSAGE_STATE.DELIVERED
  }
}

/** Waits for the message's place, and then for its end. */
export class Transaction implements SubmitTicket {
  readonly session: EsmeSession
  readonly account: number
  readonly command_id: number
  readonly sequence_number: number
  readonly timeoutMs: number
  ref: Ref = 0
  over = false
  cancelTimeout: Cancel | undefined
  private readonly transactions: Transactions

  constructor(
    transactions: Transactions,
    session: EsmeSession,
    account: number,
    { command_id, sequence_number }: Pick<Frame, 'command_id' | 'sequence_number'>,
    timeoutMs: number,
  ) {
    this.transactions = transactions
    this.session = session
    this.account = account
    this.command_id = command_id
    this.sequence_number = sequence_number
    this.timeoutMs = timeoutMs
  }

  accepted(index: number, offset: number): void {
    this.transactions.onAccepted(this, refOf(index, offset))
  }

  refused(why: SubmitRefusal): void {
    this.transactions.fail(this, statusOf(refusalOf(why)))
  }
}

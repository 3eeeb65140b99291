import { MESSAGE_STATE, type State } from '../../src/journal/index.js'
import type { Message, MessageBooks } from './message-books.js'
import type { ResubmissionRules } from './resubmission-rules.js'
import type { Violations } from './violations.js'

export interface CancelRulesParts {
  books: MessageBooks
  violations: Violations
  resubmissions: ResubmissionRules
}

/** What a cancel_sm meant: one message, or all that its ESME knew of with this account and destination. */
export type Cancelling =
  { kind: 'one'; message: Message } | { kind: 'all'; messages: readonly Message[] }

/**
 * cancel_sm as docs/decisions/0013 has it. What is cancelled is told by the log; what follows from it, by answers,
 * SMSCs and receipts. A message that an ESME submitted again is looked for under its first submit.
 */
export class CancelRules {
  private readonly parts: CancelRulesParts
  private readonly cancelled = new Set<Message>()

  constructor(parts: CancelRulesParts) {
    this.parts = parts
  }

  isCancelled(message: Message): boolean {
    return this.cancelled.has(firstOf(message))
  }

  /** A `cancel` that names these was applied somewhere for the first time. */
  onCommitted(state: State, refs: readonly number[]): void {
    const { books, resubmissions } = this.parts
    for (const ref of refs) {
      const message = books.at(ref)
      const block = state.blocks.get(Math.floor(ref / 4096))
      if (message === undefined || block?.state(ref % 4096) !== MESSAGE_STATE.DELETED) continue
      if (this.cancelled.has(message)) continue
      this.cancelled.add(message)
      resubmissions.onAltered(ref)
      if (message.taken > 0) this.fail(message, 'is cancelled, and an SMSC has it')
    }
  }

  /** An ESME got its answer. */
  onAnswered(cancelling: Cancelling, status: string): void {
    if (cancelling.kind === 'all') {
      if (status !== 'ESME_ROK' && status !== 'ESME_RCANCELFAIL') return
      for (const message of cancelling.messages)
        if (!this.mayStay(message)) this.fail(message, `was left out: ${status}`)
      return
    }
    const { message } = cancelling
    if (status === 'ESME_ROK' && !this.isCancelled(message))
      this.fail(message, 'is said to be cancelled, and is not')
    if (status === 'ESME_RCANCELFAIL' && !this.mayStay(message))
      this.fail(message, 'could have been cancelled, and was not')
    if (status === 'ESME_RINVMSGID' || status === 'ESME_RINVSRCADR')
      this.fail(message, `is not found: ${status}`)
  }

  /** A submit_sm has come to an SMSC. */
  onReached(message: Message): void {
    if (this.cancelled.has(message)) this.fail(message, 'was cancelled, and reached an SMSC')
  }

  /** A receipt, or the answer to a query_sm that was asked when the message was cancelled or not, names a final state. */
  onFinal(message: Message, state: string, wasCancelled: boolean): void {
    if (wasCancelled && state !== 'DELETED') this.fail(message, `was cancelled, and is ${state}`)
    if (state === 'DELETED' && !this.isCancelled(message))
      this.fail(message, 'is said to be deleted, and nobody cancelled it')
  }

  /** A claim has taken it, at any time, or it is cancelled. */
  private mayStay(message: Message): boolean {
    return this.isCancelled(message) || firstOf(message).claims.size > 0
  }

  private fail({ tag }: Message, text: string): void {
    this.parts.violations.fail('a cancellation is true', `${tag} ${text}`, tag)
  }
}

const firstOf = (message: Message): Message => message.first ?? message

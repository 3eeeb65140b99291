import { indexOf, MARK, MESSAGE_STATE, offsetOf, type State } from '../../src/journal/index.js'
import type { Body } from '../../src/smpp/codec.js'
import { isTransaction, REGISTERED_DELIVERY } from '../../src/smpp/constants.js'
import type { Message, MessageBooks } from './message-books.js'
import type { SimProcess } from './process.js'
import { SUBMIT_TIMEOUT_MS, TRANSACTION_MS } from './settings.js'
import type { Violations } from './violations.js'

/** Turns, looks of the node's own at its open proposals, and the network: what a wait may last longer. */
const ALLOWANCE_MS = 1000
/** Clocks run twice as fast at most. */
const FASTEST = 2
const RECEIPT_BITS = REGISTERED_DELIVERY.receipt_mask | REGISTERED_DELIVERY.intermediate

export interface TransactionRulesParts {
  books: MessageBooks
  violations: Violations
  now(): number
  /** All of it was taken by an SMSC. */
  isTaken(message: Message): boolean
  /** The node's process; undefined while it is away. */
  processOf(node: string): SimProcess | undefined
  /** It runs now, and the world reaches it. */
  isThere(node: string): boolean
  /** The last index that this node has applied; 0 while it is away. */
  appliedIndex(node: string): number
}

/** Without a response, as far as its ESME knows. */
interface Open {
  process: SimProcess | undefined
  /** By the process's clock, of the last look. */
  lookedAtMs: number
  /** The process ran so long by its clock, and could be reached. */
  waitedMs: number
  /** The same since its node has applied how the message ended. */
  knownMs: number
  /** Where the log says how, and the message_state. */
  end: { index: number; state: number } | undefined
}

/**
 * Transaction mode as docs/decisions/0023 has it: ESME_ROK says that an SMSC has the message, anything else that it may or may
 * not, the response comes in time, and no receipt does. How a message ended is told by the log, what of it has come by SMSCs.
 */
export class TransactionRules {
  /** Those that were delivered, and those that were said not to be. */
  readonly told = { delivered: 0, failed: 0 }
  private readonly parts: TransactionRulesParts
  private readonly open = new Map<Message, Open>()

  constructor(parts: TransactionRulesParts) {
    this.parts = parts
  }

  /** An ESME submits it. */
  onSubmitted(message: Message): void {
    if (!message.transaction) return
    const process = this.parts.processOf(message.node)
    const lookedAtMs = process?.monotonicMs() ?? 0
    this.open.set(message, { process, lookedAtMs, waitedMs: 0, knownMs: 0, end: undefined })
  }

  /** An entry was applied somewhere for the first time, by a node that is in `state` now. */
  onCommitted(index: number, state: State): void {
    for (const [{ refs }, open] of this.open) {
      const ref = refs[0]
      if (ref === undefined || open.end !== undefined) continue
      const block = state.blocks.get(indexOf(ref))
      if (block === undefined || block.mark(offsetOf(ref)) !== MARK.DONE) continue
      open.end = { index, state: block.state(offsetOf(ref)) }
    }
  }

  /** It, or a part of it, has come to an SMSC. */
  onReached(tag: string, { esm_class, registered_delivery }: Body<'submit_sm'>): void {
    const message = this.parts.books.messages.get(tag)
    if (message === undefined) return
    if (isTransaction(esm_class) !== message.transaction)
      this.untrue(message, `came to an SMSC with the esm_class ${esm_class}`)
    if (message.transaction && (registered_delivery & RECEIPT_BITS) !== 0)
      this.untrue(message, 'asks an SMSC for a receipt')
  }

  /** Its ESME has a response, or its session is over. */
  onAnswered(message: Message): void {
    const open = this.open.get(message)
    if (open === undefined) return
    this.open.delete(message)
    const { status } = message
    if (status === 'ESME_ROK') {
      this.told.delivered++
      if (open.end?.state !== MESSAGE_STATE.DELIVERED || !this.parts.isTaken(message))
        this.untrue(message, 'is said to be delivered, and is not known to be')
      message.final = 'DELIVERED'
    } else if (status === 'ESME_RSUBMITFAIL') {
      this.told.failed++
      if (!message.refused) this.untrue(message, 'is said to be refused, and no SMSC has done so')
    } else if (status === 'ESME_RDELIVERYFAILURE') {
      this.told.failed++
      const hasEnded = open.end !== undefined && open.end.state !== MESSAGE_STATE.DELIVERED
      const waitedMs = (this.parts.now() - message.submittedAtMs) * FASTEST
      if (!hasEnded && waitedMs < timeoutOf(message))
        this.untrue(message, 'is said to have failed, and neither did nor took too long')
    }
  }

  /** A receipt of it came to an ESME. */
  onReceipt(message: Message): void {
    if (message.transaction) this.untrue(message, 'has a receipt')
  }

  /** Its response says what became of it: refused or not, it may have been sent. */
  isTold({ transaction, status }: Message): boolean {
    return transaction && (status === 'ESME_RSUBMITFAIL' || status === 'ESME_RDELIVERYFAILURE')
  }

  /** One that still has no response; undefined: all have. */
  unanswered(): Message | undefined {
    for (const message of this.open.keys()) if (message.status === undefined) return message
    return undefined
  }

  /** To be called often: which of them wait too long? */
  look(): void {
    for (const [message, open] of this.open) {
      if (message.status !== undefined) this.open.delete(message)
      else this.lookAt(message, open)
    }
  }

  private lookAt(message: Message, open: Open): void {
    const { parts } = this
    const { node } = message
    const { process, end } = open
    if (process === undefined || parts.processOf(node) !== process) return // its ESME will hear of it
    const atMs = process.monotonicMs()
    const passedMs = atMs - open.lookedAtMs
    open.lookedAtMs = atMs
    if (!parts.isThere(node)) return
    open.waitedMs += passedMs
    if (end !== undefined && parts.appliedIndex(node) >= end.index) open.knownMs += passedMs
    const boundMs = SUBMIT_TIMEOUT_MS + timeoutOf(message) + ALLOWANCE_MS
    if (open.waitedMs > boundMs) this.late(message, `has waited for ${open.waitedMs.toFixed(0)} ms`)
    else if (open.knownMs > ALLOWANCE_MS)
      this.late(message, `has ended, which ${node} knows, and its ESME does not`)
  }

  private untrue({ tag }: Message, text: string): void {
    this.parts.violations.fail('a transaction is told truly', `${tag} ${text}`, tag)
  }

  private late(message: Message, text: string): void {
    const { tag } = message
    this.open.delete(message)
    this.parts.violations.fail('a transaction is answered', `${tag} ${text}`, tag)
  }
}

const timeoutOf = ({ account }: Message): number => TRANSACTION_MS[account] ?? 0

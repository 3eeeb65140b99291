import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Counter, Histogram, Metrics } from '../base/metrics.js'
import type { Journal, Ref, SubmitRefusal, SubmitTicket } from '../journal/index.js'
import { indexOf, offsetOf, refOf, reschedules } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { isTransaction } from '../smpp/constants.js'
import { submitBodyOf } from '../smpp/data-sm.js'
import type { AccountRates } from './account-rates.js'
import { withCongestion } from './congestion.js'
import type { EsmeSession } from './esme-session.js'
import { HeldSubmits, type HeldSubmit } from './held-submits.js'
import { MessageIdBody } from './message-id-body.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'
import { ReplacingSubmits } from './replacing-submits.js'
import { SubmitPlacing } from './submit-placing.js'
import { Transaction, Transactions } from './transactions.js'

export interface SubmitsOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  logger: Logger
  metrics: Metrics
  /** A held submit is refused after this long. */
  submitTimeoutMs: number
  rates: AccountRates
  /** A submit of this account lies in this entry, wants a receipt, and has its response written. */
  written(index: number, account: number): void
  currentRead: () => Promise<unknown>
}

/**
 * Takes submit_sm and data_sm, the hot path: read in place, rate, route, and into the proposer's gather.
 * The response leaves when the entry is applied (DESIGN I1), with the place where the message lies as
 * its message_id.
 */
export class Submits {
  private readonly options: SubmitsOptions
  private readonly placing: SubmitPlacing
  private readonly ids: MessageIdBody
  private readonly answers: Map<number, Counter> = new Map()
  private readonly accepted: Counter
  private readonly matched: Counter
  private readonly held: HeldSubmits<HeldFrame>
  private readonly replacing: ReplacingSubmits
  private readonly transactions: Transactions
  private readonly debugs: boolean
  private readonly latency: Histogram
  constructor(options: SubmitsOptions) {
    this.options = options
    this.placing = new SubmitPlacing(options.journal, options.clock)
    this.ids = new MessageIdBody(options.journal)
    this.accepted = this.counter(0)
    this.matched = options.metrics.counter('resubmissions_matched_total', {})
    this.held = new HeldSubmits(
      options.clock,
      options.timers,
      options.submitTimeoutMs,
      ({ session, frame, atMs, before }) => {
        const status = this.read(frame)
        if (status === 0) return this.place(session, frame, atMs, before)
        this.answer(session, frame, status)
        return 'done'
      },
      ({ session, frame }) => this.refuse(session, frame, 'notCommitted'),
    )
    this.replacing = new ReplacingSubmits(options, {
      submitNew: (session, frame, atMs, decided) => {
        const status = this.read(frame)
        if (status === 0 && session.bound !== undefined)
          return this.accept(session, frame, atMs, decided)
        if (session.bound !== undefined) this.answer(session, frame, status)
        decided()
      },
    })
    this.transactions = new Transactions(options, {
      delivered: transaction => this.onDelivered(transaction),
      failed: (transaction, status) => this.answer(transaction.session, transaction, status),
    })
    this.debugs = options.logger.debugs === true
    this.latency = options.metrics.histogram('submit_sm_latency_seconds', {})
  }

  /** `frame` is a submit_sm or a data_sm of a bound session. */
  submit(session: EsmeSession, frame: Frame): void {
    const { journal, clock, rates } = this.options
    const { bound } = session
    if (bound === undefined || session.finishing) return this.refuse(session, frame, 'notReady')
    const atMs = clock.monotonicMs()
    const status = this.read(frame)
    if (status !== 0) return this.answer(session, frame, status)
    const { state } = journal
    if (!rates.take(state, bound.account, atMs, this.placing.reader.body))
      return this.refuse(session, frame, 'throttled')
    const { replace_if_present_flag, esm_class } = this.placing.reader
    if (replace_if_present_flag === 1 && !isTransaction(esm_class) && reschedules(state)) {
      const copy = { ...frame, body: Buffer.from(frame.body) }
      if (!this.replacing.take(session, copy, bound.account, atMs))
        this.refuse(session, frame, 'throttled')
      return
    }
    this.accept(session, frame, atMs)
  }

  /** What the reader has read; `decided` is called when it is accepted, or refused, or is held. */
  private accept(session: EsmeSession, frame: Frame, atMs: number, decided?: () => void): void {
    if (this.place(session, frame, atMs, Infinity, decided) === 'done') return
    const { state } = this.options.journal
    const before = state.accounts.get(session.bound?.account ?? 0)?.resubmissions.position ?? 0
    const copy = { ...frame, body: Buffer.from(frame.body) }
    if (!this.held.hold({ session, frame: copy, atMs, before }))
      this.refuse(session, frame, 'throttled')
    decided?.()
  }

  /** Puts what the reader has read into the proposer's gather, or refuses it. 'wait': its like is open elsewhere. */
  private place(
    session: EsmeSession,
    frame: Frame,
    atMs: number,
    before = Infinity,
    decided?: () => void,
  ): 'wait' | 'done' {
    const { bound } = session
    if (bound === undefined) return 'done'
    const { placing } = this
    const no = placing.place(session, bound, before)
    if (no === 'wait') return 'wait'
    if (no !== undefined) {
      this.refuse(session, frame, no)
      decided?.()
      return 'done'
    }
    const { receipt, short, remembered, transactionMs } = placing
    const ticket =
      transactionMs > 0
        ? this.transactions.begin(session, bound.account, frame, transactionMs)
        : new Ticket(this, session, bound.account, frame, atMs, receipt, short, remembered)
    if (ticket === undefined) this.refuse(session, frame, 'throttled')
    else {
      const late = placing.propose(decided === undefined ? ticket : telling(ticket, decided))
      if (late === undefined) return 'done'
      if (ticket instanceof Transaction) this.transactions.fail(ticket, statusOf(late))
      else this.refuse(session, frame, late)
    }
    decided?.()
    return 'done'
  }

  /** Another state may have come: what was kept of the old one is forgotten. */
  reset(): void {
    this.ids.reset()
    this.transactions.reset()
  }

  /** The log says that a message of this node, in transaction mode, is concluded. */
  concluded(ref: Ref): void {
    this.transactions.look(ref)
  }

  /** The session is over. */
  closed(session: EsmeSession): void {
    this.transactions.closed(session)
  }

  /** `again`: the place is that of the same message submitted earlier, and so is its id. */
  onAccepted(ticket: Ticket, index: number, offset: number, again: boolean): void {
    const { session, command_id, sequence_number, account } = ticket
    const short = ticket.short || again
    const id = short ? this.ids.shownOf(index, offset) : this.ids.of(index, offset)
    const body = withCongestion(session, this.options.journal, account, id)
    // A link that has ended writes nothing, a turn before the session is told.
    const written =
      ticket.remembered && session.bound !== undefined && session.link.state !== 'CLOSED'
    session.link.respond(command_id, sequence_number, 0, body)
    this.accepted.add()
    if (again) this.matched.add()
    if (written) this.options.journal.proposer.written(account, refOf(index, offset))
    if (this.debugs) this.tell(ticket, index, offset)
    this.latency.observe((this.options.clock.monotonicMs() - ticket.atMs) / 1000)
    if (ticket.receipt && !again) this.options.written(index, account)
  }

  private onDelivered(transaction: Transaction): void {
    const { session, command_id, sequence_number, account, ref } = transaction
    const id = this.ids.shownOf(indexOf(ref), offsetOf(ref))
    this.accepted.add()
    const body = withCongestion(session, this.options.journal, account, id)
    session.link.respond(command_id, sequence_number, 0, body)
  }

  onRefused(ticket: Ticket, why: SubmitRefusal): void {
    this.refuse(ticket.session, ticket, refusalOf(why))
  }

  /** Reads the body into the reader; 0, or the status to refuse with. */
  private read({ command_id, body }: Frame): number {
    if (command_id !== COMMAND_IDS.data_sm) return this.placing.read(body)
    const converted = submitBodyOf(body)
    return typeof converted === 'number' ? converted : this.placing.read(converted)
  }

  private tell({ session, account }: Ticket, index: number, offset: number): void {
    const { journal, logger } = this.options
    logger.debug('message accepted', {
      message_id: journal.idOf(refOf(index, offset)),
      account: journal.state.accounts.get(account)?.systemId,
      session: session.bound?.id,
    })
  }

  private refuse(
    session: EsmeSession,
    request: Pick<Frame, 'command_id' | 'sequence_number'>,
    code: RefusalCode,
  ): void {
    this.answer(session, request, statusOf(code))
  }

  private answer(
    session: EsmeSession,
    { command_id, sequence_number }: Pick<Frame, 'command_id' | 'sequence_number'>,
    command_status: number,
  ): void {
    this.counter(command_status).add()
    session.link.respond(command_id, sequence_number, command_status)
  }

  private counter(command_status: number): Counter {
    let counter = this.answers.get(command_status)
    if (counter === undefined) {
      const labels = { command_status: statusText(command_status) }
      counter = this.options.metrics.counter('submit_sm_total', labels)
      this.answers.set(command_status, counter)
    }
    return counter
  }
}

/** The same ticket, which says that it is decided. */
const telling = (ticket: SubmitTicket, decided: () => void): SubmitTicket => ({
  accepted: (index, offset, again) => {
    ticket.accepted(index, offset, again)
    decided()
  },
  refused: why => {
    ticket.refused(why)
    decided()
  },
})

interface HeldFrame extends HeldSubmit {
  /** A copy. */
  frame: Frame
}

/** Waits for the message's place. */
class Ticket implements SubmitTicket {
  readonly session: EsmeSession
  readonly account: number
  readonly command_id: number
  readonly sequence_number: number
  readonly atMs: number
  readonly receipt: boolean
  readonly short: boolean
  /** Its response counts as lost until it is said to be written (docs/decisions/0012). */
  readonly remembered: boolean
  private readonly submits: Submits

  constructor(
    submits: Submits,
    session: EsmeSession,
    account: number,
    frame: Frame,
    atMs: number,
    receipt: boolean,
    short: boolean,
    remembered: boolean,
  ) {
    this.submits = submits
    this.session = session
    this.account = account
    this.command_id = frame.command_id
    this.sequence_number = frame.sequence_number
    this.atMs = atMs
    this.receipt = receipt
    this.short = short
    this.remembered = remembered
  }

  accepted(index: number, offset: number, again = false): void {
    this.submits.onAccepted(this, index, offset, again)
  }

  refused(why: SubmitRefusal): void {
    this.submits.onRefused(this, why)
  }
}

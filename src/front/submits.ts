import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Counter, Histogram, Metrics } from '../base/metrics.js'
import type {
  AcceptRecord,
  AccountState,
  ConnectorState,
  Journal,
  SubmitRefusal,
  SubmitTicket,
} from '../journal/index.js'
import {
  addressHash,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_FINGERPRINT,
  FLAG_SCHEDULED,
  FLAG_SHORT_ID,
  matchesResubmissions,
  refOf,
  schedules,
  usesWindow,
} from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { chooseConnector, findRoute } from '../policy/route.js'
import { isDisabled } from '../policy/settings.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { REGISTERED_DELIVERY } from '../smpp/constants.js'
import { bodyWithout, SubmitReader } from '../smpp/submit-reader.js'
import type { AccountRates } from './account-rates.js'
import { congestionOf, withCongestion } from './congestion.js'
import { submitBodyOf } from './data-sm.js'
import type { Bound, EsmeSession } from './esme-session.js'
import { fingerprintOf } from './fingerprint.js'
import { HeldSubmits } from './held-submits.js'
import { MessageIdBody } from './message-id-body.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'
import { isScheduled, timesOf } from './submit-times.js'

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
}

/**
 * Takes submit_sm and data_sm, the hot path: read in place, rate, route, and into the proposer's gather.
 * The response leaves when the entry is applied (DESIGN I1), with the place where the message lies as
 * its message_id.
 */
export class Submits {
  private readonly options: SubmitsOptions
  private readonly reader = new SubmitReader()
  private readonly ids: MessageIdBody
  private readonly answers: Map<number, Counter> = new Map()
  private readonly accepted: Counter
  private readonly matched: Counter
  private readonly held: HeldSubmits
  private readonly debugs: boolean
  private readonly latency: Histogram
  /** One for all: the proposer copies it. */
  private readonly record: AcceptRecord = {
    account: 0,
    registered_delivery: 0,
    flags: 0,
    expiresAtMs: 0,
    session: 0,
    addressHash: 0,
    fingerprint: undefined,
    dueAtMs: 0,
    body: Buffer.alloc(0),
  }

  constructor(options: SubmitsOptions) {
    this.options = options
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
    if (!rates.take(state, bound.account, atMs)) return this.refuse(session, frame, 'throttled')
    if (this.place(session, frame, atMs) === 'done') return
    const before = state.accounts.get(bound.account)?.resubmissions.position ?? 0
    if (!this.held.hold({ session, frame, atMs, before })) this.refuse(session, frame, 'throttled')
  }

  /** Puts what the reader has read into the proposer's gather, or refuses it. 'wait': its like is open elsewhere. */
  private place(
    session: EsmeSession,
    frame: Frame,
    atMs: number,
    before = Infinity,
  ): 'wait' | 'done' {
    const { bound } = session
    if (bound === undefined) return 'done'
    const no = this.propose(session, bound, frame, atMs, before)
    if (no === 'wait') return 'wait'
    if (no !== undefined) this.refuse(session, frame, no)
    return 'done'
  }

  private propose(
    session: EsmeSession,
    bound: Bound,
    frame: Frame,
    atMs: number,
    before: number,
  ): RefusalCode | 'wait' | undefined {
    const { journal } = this.options
    const { state } = journal
    const { reader, record } = this
    const account = state.accounts.get(bound.account)
    if (account?.settings === undefined) return 'noAccount'
    if (isDisabled(account.settings)) return 'accountDisabled'
    const no = this.times(reader)
    if (no !== undefined) return no
    const connector = this.route(account)
    if (connector === undefined) return 'noRoute'
    const remembered = usesWindow(account.settings) && matchesResubmissions(state)
    const lost = remembered ? this.fingerprint(account, bound, before) : 'new'
    if (lost === 'wait') return 'wait'
    // apply is exact; this spares the journal what is sure to be refused (DESIGN I8)
    if (lost === 'new' && account.queued >= account.settings.queueLimit) return 'queueFull'

    // SMPP 3.3 knows message_ids of 8 characters.
    const short = !session.knowsTlvs || account.settings.messageIdStyle === 'short'
    if (short) record.flags |= FLAG_SHORT_ID
    record.account = bound.account
    record.registered_delivery = reader.registered_delivery
    record.session = bound.count
    record.addressHash = addressHash(
      reader.body,
      reader.destination_addr_start,
      reader.destination_addr_end,
    )
    const receipt = (reader.registered_delivery & REGISTERED_DELIVERY.receipt_mask) !== 0
    const queued = journal.proposer.submit(
      connector.number,
      Math.min(reader.priority_flag, 3),
      state.revision,
      record,
      new Ticket(this, session, bound.account, frame, atMs, receipt, short, remembered),
    )
    return queued === 'queued' ? undefined : refusalOf(queued)
  }

  /** Sets the record's fingerprint. 'lost': the same was accepted, and its response lost. 'wait': it may be. */
  private fingerprint(
    { resubmissions }: AccountState,
    { id }: Bound,
    before: number,
  ): 'new' | 'lost' | 'wait' {
    const { record } = this
    record.fingerprint = fingerprintOf(this.reader)
    record.flags |= FLAG_FINGERPRINT
    if (resubmissions.size === 0) return 'new'
    const fingerprint = record.fingerprint.toString('latin1')
    if (resubmissions.isLost(fingerprint)) return 'lost'
    return resubmissions.isOpenElsewhere(fingerprint, id, before) ? 'wait' : 'new'
  }

  /** Another state may have come: what was kept of the old one is forgotten. */
  reset(): void {
    this.ids.reset()
  }

  /** `again`: the place is that of the same message submitted earlier, and so is its id. */
  onAccepted(ticket: Ticket, index: number, offset: number, again: boolean): void {
    const { session, command_id, sequence_number, account } = ticket
    const short = ticket.short || again
    const id = short ? this.ids.shortOf(index, offset) : this.ids.of(index, offset)
    // A link that has ended writes nothing, a turn before the session is told.
    const written =
      ticket.remembered && session.bound !== undefined && session.link.state !== 'CLOSED'
    const body = session.knowsCongestion ? withCongestion(id, this.congestion(account)) : id
    session.link.respond(command_id, sequence_number, 0, body)
    this.accepted.add()
    if (again) this.matched.add()
    if (written) this.options.journal.proposer.written(account, refOf(index, offset))
    if (this.debugs) this.tell(ticket, index, offset)
    this.latency.observe((this.options.clock.monotonicMs() - ticket.atMs) / 1000)
    if (ticket.receipt && !again) this.options.written(index, account)
  }

  onRefused(ticket: Ticket, why: SubmitRefusal): void {
    this.refuse(ticket.session, ticket, refusalOf(why))
  }

  /** Reads the body into the reader; 0, or the status to refuse with. */
  private read({ command_id, body }: Frame): number {
    if (command_id !== COMMAND_IDS.data_sm) return this.reader.read(body, 'submit_sm')
    const converted = submitBodyOf(body)
    return typeof converted === 'number' ? converted : this.reader.read(converted, 'submit_sm')
  }

  /** Sets when the record's message is due, when it expires, and its body; or says why not. */
  private times(reader: SubmitReader): RefusalCode | undefined {
    const { record } = this
    const { state } = this.options.journal
    const nowMs = this.options.clock.nowMs()
    const times = timesOf(reader, nowMs, state.settings.validityMs, schedules(state))
    if (typeof times === 'string') return times
    record.flags =
      (times.expiresAtMs > 0 ? FLAG_EXPLICIT_VALIDITY : 0) |
      (times.dueAtMs > 0 ? FLAG_SCHEDULED : 0)
    record.expiresAtMs = times.expiresAtMs
    record.dueAtMs = times.dueAtMs
    record.fingerprint = undefined
    // its schedule is our business: an SMSC would schedule it again
    record.body = isScheduled(reader) ? bodyWithout(reader, 'schedule_delivery_time') : reader.body
    return undefined
  }

  private route(account: AccountState): ConnectorState | undefined {
    const { reader } = this
    const { state } = this.options.journal
    const route = findRoute(state.settings.routes, {
      account: account.systemId,
      source_addr: reader.source_addr,
      destination_addr: reader.destination_addr,
    })
    if (route === undefined) return undefined
    const id = chooseConnector(route.to, id => (state.connector(id)?.binds ?? 0) > 0)
    return id === undefined ? undefined : state.connector(id)
  }

  private congestion(account: number): number {
    const { state, proposer } = this.options.journal
    return congestionOf(state.accounts.get(account), proposer.fullness)
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

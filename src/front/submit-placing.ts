import type { Clock } from '../base/clock.js'
import type {
  AcceptRecord,
  AccountState,
  ConnectorState,
  Journal,
  SubmitTicket,
} from '../journal/index.js'
import {
  addressHash,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_FINGERPRINT,
  FLAG_MULTI,
  FLAG_SCHEDULED,
  FLAG_SHORT_ID,
  FLAG_TRANSACTION,
  matchesResubmissions,
  schedules,
  transacts,
  usesWindow,
} from '../journal/index.js'
import { chooseConnector, findRoute } from '../policy/route.js'
import { isDisabled, TRANSACTION_TIMEOUT_MS, type Account } from '../policy/settings.js'
import { isTransaction, REGISTERED_DELIVERY } from '../smpp/constants.js'
import { bodyWithout, wholeBody } from '../smpp/read-body.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import type { Bound, EsmeSession } from './esme-session.js'
import { fingerprintOf } from './fingerprint.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'
import { isScheduled, timesOf } from './submit-times.js'
import { tlvsFrom, tlvsTo } from './submit-tlvs.js'

/** What of registered_delivery makes an SMSC speak of the message. */
const RECEIPT_BITS = REGISTERED_DELIVERY.receipt_mask | REGISTERED_DELIVERY.intermediate

/**
 * What the front end decides of one submit before it is proposed: its times, its route, and whether it came before. One for
 * submit after submit, without creating an object.
 *
 *     if (placing.read(body) === 0 && placing.place(session, bound, before) === undefined)
 *       placing.propose(ticket)
 */
export class SubmitPlacing {
  readonly reader = new SubmitReader()
  /** Of what was placed last: it has an 8-digit id; it wants receipts, or notifications; it counts as lost until it is said to be answered. */
  short = false
  receipt = false
  remembered = false
  /** Of what was placed last: its response waits for its end, this long; 0: it does not. */
  transactionMs = 0
  /** The same was accepted, and its response lost (docs/decisions/0012). */
  lost = false
  private readonly journal: Journal
  private readonly clock: Clock
  private connector = 0
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
    multi: 0,
    body: Buffer.alloc(0),
  }

  constructor(journal: Journal, clock: Clock) {
    this.journal = journal
    this.clock = clock
  }

  /**
   * Reads a submit_sm body of an ESME into the reader; 0, or the status to refuse with. What was accepted once is read by
   * the reader alone: it is not refused a second time.
   */
  read(body: Buffer): number {
    const status = this.reader.read(body, 'submit_sm')
    return status === 0 && this.reader.hasTwoMessages ? statusOf('twoMessages') : status
  }

  /**
   * Makes ready what the reader has read. 'wait': its like is open elsewhere, and what becomes of that is not known yet.
   *
   * @param before  what the account had open at this position, or Infinity; see `HeldSubmit`
   * @param multi   messages of one submit_multi have the same, above 0
   * @returns       undefined: it may be proposed
   */
  place(
    session: EsmeSession,
    bound: Bound,
    before: number,
    multi = 0,
  ): RefusalCode | 'wait' | undefined {
    const { reader, record } = this
    const { state } = this.journal
    const account = state.accounts.get(bound.account)
    if (account?.settings === undefined) return 'noAccount'
    if (isDisabled(account.settings)) return 'accountDisabled'
    const mode = isTransaction(reader.esm_class) && session.knowsTlvs && transacts(state)
    this.transactionMs = mode
      ? (account.settings.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS)
      : 0
    const no = this.times() ?? this.transact() ?? this.tlvsFrom(account.settings)
    if (no !== undefined) return no
    const connector = this.route(account)
    if (connector === undefined) return 'noRoute'
    const notToIt = tlvsTo(state.settings, connector.settings, record.body)
    if (notToIt !== undefined) return notToIt
    this.remembered = !mode && usesWindow(account.settings) && matchesResubmissions(state)
    const lost = this.remembered ? this.fingerprint(account, bound, before) : 'new'
    if (lost === 'wait') return 'wait'
    this.lost = lost === 'lost'
    // apply is exact; this spares the journal what is sure to be refused (DESIGN I8)
    if (lost === 'new' && account.queued >= account.settings.queueLimit) return 'queueFull'
    if (lost === 'new' && record.dueAtMs > 0 && connector.schedules.isFull) return 'queueFull'

    // SMPP 3.3 knows message_ids of 8 characters.
    this.short = !session.knowsTlvs || account.settings.messageIdStyle === 'short'
    if (this.short) record.flags |= FLAG_SHORT_ID
    if (multi > 0) record.flags |= FLAG_MULTI
    const asked = reader.registered_delivery & (mode ? ~RECEIPT_BITS : 0xff)
    this.receipt = (asked & RECEIPT_BITS) !== 0
    this.connector = connector.number
    record.multi = multi
    record.account = bound.account
    record.registered_delivery = asked
    record.session = bound.count
    record.addressHash = addressHash(
      reader.body,
      reader.destination_addr_start,
      reader.destination_addr_end,
    )
    return undefined
  }

  /** Hands what was placed to the proposer. undefined: the ticket hears of it, and else it does not. */
  propose(ticket: SubmitTicket): RefusalCode | undefined {
    const { proposer, state } = this.journal
    const priority = Math.min(this.reader.priority_flag, 3)
    const queued = proposer.submit(this.connector, priority, state.revision, this.record, ticket)
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

  /** Sets when the record's message is due, when it expires, and its body; or says why not. */
  private times(): RefusalCode | undefined {
    const { reader, record } = this
    const { state } = this.journal
    const nowMs = this.clock.nowMs()
    const times = timesOf(reader, nowMs, state.settings.validityMs, schedules(state))
    if (typeof times === 'string') return times
    record.flags =
      (times.expiresAtMs > 0 ? FLAG_EXPLICIT_VALIDITY : 0) |
      (times.dueAtMs > 0 ? FLAG_SCHEDULED : 0)
    record.expiresAtMs = times.expiresAtMs
    record.dueAtMs = times.dueAtMs
    record.fingerprint = undefined
    // its schedule is our business: an SMSC would schedule it again
    record.body = isScheduled(reader)
      ? bodyWithout(reader, 'schedule_delivery_time')
      : wholeBody(reader)
    return undefined
  }

  /** In transaction mode there is no schedule, no receipt, and no more time than the ESME waits. */
  private transact(): RefusalCode | undefined {
    if (this.transactionMs === 0) return undefined
    const { reader, record } = this
    if (isScheduled(reader)) return 'scheduled'
    const endMs = Math.ceil(this.clock.nowMs()) + this.transactionMs
    record.flags |= FLAG_EXPLICIT_VALIDITY | FLAG_TRANSACTION
    record.expiresAtMs = record.expiresAtMs === 0 ? endMs : Math.min(record.expiresAtMs, endMs)
    if ((reader.registered_delivery & RECEIPT_BITS) !== 0) {
      record.body = Buffer.from(record.body)
      record.body[reader.registered_delivery_at]! &= ~RECEIPT_BITS
    }
    return undefined
  }

  /** Takes the TLVs from the record's body that go no further, or says what is wrong with them. */
  private tlvsFrom(account: Account): RefusalCode | undefined {
    const { record } = this
    const body = tlvsFrom(this.journal.state.settings, account, record.body)
    if (typeof body === 'string') return body
    record.body = body
    return undefined
  }

  private route(account: AccountState): ConnectorState | undefined {
    const { reader } = this
    const { state } = this.journal
    const route = findRoute(state.settings.routes, {
      account: account.systemId,
      source_addr: reader.source_addr,
      destination_addr: reader.destination_addr,
    })
    if (route === undefined) return undefined
    const id = chooseConnector(route.to, id => (state.connector(id)?.binds ?? 0) > 0)
    return id === undefined ? undefined : state.connector(id)
  }
}

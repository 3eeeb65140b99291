import type { Clock, Timers } from '../base/clock.js'
import type { CounterName, Metrics } from '../base/metrics.js'
import type { Journal, Ref, SubmitRefusal, SubmitTicket } from '../journal/index.js'
import { indexOf, refOf, takesMultis, usesWindow } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { encodeBody } from '../smpp/codec.js'
import { statusText } from '../smpp/command-status.js'
import { isTransaction } from '../smpp/constants.js'
import { readSubmitMulti, type MultiSubmit, type SmeAddress } from '../smpp/multi-submit.js'
import type { AccountRates } from './account-rates.js'
import { withCongestion } from './congestion.js'
import type { Bound, EsmeSession } from './esme-session.js'
import { HeldSubmits, type HeldSubmit } from './held-submits.js'
import { destinationsOf } from './multi-destinations.js'
import { refusalOf, statusOf } from './refusals.js'
import { SubmitPlacing } from './submit-placing.js'

/** Of one submit_multi, over all its destinations: it is one proposal. */
const OCTETS_MAX = 1024 * 1024
/** Read with what all destinations share: wrong for one, it is wrong for all. */
const ANY: SmeAddress = { dest_addr_ton: 0, dest_addr_npi: 0, destination_addr: '0' }

export interface MultisOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  metrics: Metrics
  /** A held one is refused after this long. */
  submitTimeoutMs: number
  rates: AccountRates
  /** A submit of this account lies in this entry, wants a receipt, and has its response written. */
  written(index: number, account: number): void
}

/**
 * Takes submit_multi (SMPP 3.4 §4.5, docs/decisions/0019): each destination is a message of its own, all of them in one
 * entry, and their ESME knows them by the id of the first. The response leaves when that entry is applied (DESIGN I1) and
 * names the destinations that were refused.
 */
export class Multis {
  private readonly options: MultisOptions
  private readonly placing: SubmitPlacing
  private readonly held: HeldSubmits<Multi>
  private last = 0

  constructor(options: MultisOptions) {
    const { journal, clock, timers, submitTimeoutMs } = options
    this.options = options
    this.placing = new SubmitPlacing(journal, clock)
    this.held = new HeldSubmits(
      clock,
      timers,
      submitTimeoutMs,
      multi => this.place(multi, multi.before),
      multi => multi.refuse(statusOf('notCommitted')),
    )
  }

  /** `frame` is a submit_multi of a bound session. */
  submit(session: EsmeSession, frame: Frame): void {
    const { journal, clock, rates } = this.options
    const { state } = journal
    const { bound } = session
    if (bound === undefined || session.finishing)
      return this.answer(session, frame, statusOf('notReady'))
    if (!takesMultis(state)) return this.answer(session, frame, statusOf('multiNotOffered'))
    const submit = readSubmitMulti(Buffer.from(frame.body))
    if (typeof submit === 'number') return this.answer(session, frame, submit)
    const wrong = this.placing.read(submit.bodyTo(ANY))
    if (wrong !== 0) return this.answer(session, frame, wrong)
    if (session.knowsTlvs && isTransaction(this.placing.reader.esm_class))
      return this.answer(session, frame, statusOf('transactionOfMany'))
    const lists = state.settings.distributionLists ?? []
    const to = destinationsOf(submit.dest_address, lists, bound.systemId)
    if (to === undefined || to.addresses.length * submit.octets > OCTETS_MAX)
      return this.answer(session, frame, statusOf('tooManyDestinations'))

    this.last = (this.last % 0xffffffff) + 1
    const count = to.addresses.length + to.unknown.length
    const nowMs = clock.monotonicMs()
    const multi = new Multi(this, session, bound, frame, submit, this.last, nowMs, count)
    const unknown = statusOf('unknownList')
    for (const destination_addr of to.unknown)
      multi.add({ dest_addr_ton: 0, dest_addr_npi: 0, destination_addr }).refuse(unknown)
    const throttled = statusOf('throttled')
    const once = state.accounts.get(bound.account)?.settings?.throughputCounts === 'pdus'
    let passed = true
    for (const [i, address] of to.addresses.entries()) {
      const destination = multi.add(address)
      if (!once || i === 0)
        passed = rates.take(state, bound.account, multi.atMs, this.placing.reader.body)
      if (!passed) destination.refuse(throttled)
    }
    if (this.place(multi, Infinity) === 'done') return
    multi.before = state.accounts.get(bound.account)?.resubmissions.position ?? 0
    if (!this.held.hold(multi)) multi.refuse(throttled)
  }

  /** Proposes what is not refused yet. 'wait': the like of one of them is open elsewhere, and none was proposed. */
  private place(multi: Multi, before: number): 'wait' | 'done' {
    const { journal } = this.options
    const waiting = multi.destinations.filter(({ status }) => status === PENDING)
    const known = this.lookBack(multi, waiting, before)
    if (known === 'wait') return 'wait'
    journal.proposer.together(waiting.length, () => {
      for (const destination of waiting) this.propose(multi, destination, known, before)
    })
    return 'done'
  }

  /** Whether some of them were accepted before, and their response lost. */
  private lookBack(
    { session, bound, submit }: Multi,
    waiting: readonly Destination[],
    before: number,
  ): 'new' | 'lost' | 'wait' {
    const { placing } = this
    const { state } = this.options.journal
    let known: 'new' | 'lost' = 'new'
    if (!usesWindow(state.accounts.get(bound.account)?.settings)) return known
    for (const { address } of waiting) {
      if (placing.reader.read(submit.bodyTo(address), 'submit_sm') !== 0) continue
      const no = placing.place(session, bound, before)
      if (no === 'wait') return 'wait'
      if (no === undefined && placing.lost) known = 'lost'
    }
    return known
  }

  private propose(
    { session, bound, submit, number }: Multi,
    destination: Destination,
    known: 'new' | 'lost',
    before: number,
  ): void {
    const { placing } = this
    const wrong = placing.reader.read(submit.bodyTo(destination.address), 'submit_sm')
    if (wrong !== 0) return destination.refuse(wrong)
    const no = placing.place(session, bound, before, number)
    // What comes again is answered as it was: who was refused then has another id to come, and the response names but one.
    if (no === 'wait' || (no === undefined && known === 'lost' && !placing.lost))
      return destination.refuse(statusOf('throttled'))
    if (no !== undefined) return destination.refuse(statusOf(no))
    destination.receipt = placing.receipt
    destination.remembered = placing.remembered
    const late = placing.propose(destination)
    if (late !== undefined) destination.refuse(statusOf(late))
  }

  /** All of its destinations have been decided. */
  onSettled({ session, bound, request, destinations }: Multi): void {
    const { journal } = this.options
    const refused = destinations.filter(({ status }) => status > 0)
    const accepted = destinations.filter(({ status }) => status === 0)
    for (const { status } of destinations) this.count('submit_multi_destinations_total', status)
    if (accepted.length === 0) {
      const [status = 0] = refused.map(each => each.status)
      const alike = refused.every(each => each.status === status)
      return this.answer(session, request, alike ? status : statusOf('submitFailed'))
    }
    const written = session.bound !== undefined && session.link.state !== 'CLOSED'
    const body = encodeBody('submit_multi_resp', {
      message_id: journal.shownIdOf(accepted[0]!.ref),
      unsuccess_sme: refused.map(({ address, status }) => ({
        ...address,
        error_status_code: status,
      })),
    })
    this.count('submit_multi_total', 0)
    session.link.respond(
      request.command_id,
      request.sequence_number,
      0,
      withCongestion(session, journal, bound.account, body),
    )
    for (const { ref, again, remembered, receipt } of accepted) {
      if (again) this.options.metrics.counter('resubmissions_matched_total', {}).add()
      if (written && remembered) journal.proposer.written(bound.account, ref)
      if (receipt && !again) this.options.written(indexOf(ref), bound.account)
    }
  }

  private answer(
    session: EsmeSession,
    { command_id, sequence_number }: Pick<Frame, 'command_id' | 'sequence_number'>,
    command_status: number,
  ): void {
    this.count('submit_multi_total', command_status)
    session.link.respond(command_id, sequence_number, command_status)
  }

  private count(
    name: Extract<CounterName, `submit_multi_${string}`>,
    command_status: number,
  ): void {
    this.options.metrics.counter(name, { command_status: statusText(command_status) }).add()
  }
}

/** What stands in a destination's status before it is decided. */
const PENDING = -1

/** One submit_multi on its way to its response. */
class Multi implements HeldSubmit {
  readonly session: EsmeSession
  readonly bound: Bound
  readonly request: Pick<Frame, 'command_id' | 'sequence_number'>
  readonly submit: MultiSubmit
  /** Its messages have it in common; no other one of this node has it. */
  readonly number: number
  readonly atMs: number
  before = Infinity
  readonly destinations: Destination[] = []
  private readonly multis: Multis
  private pending: number

  constructor(
    multis: Multis,
    session: EsmeSession,
    bound: Bound,
    { command_id, sequence_number }: Frame,
    submit: MultiSubmit,
    number: number,
    atMs: number,
    count: number,
  ) {
    this.multis = multis
    this.session = session
    this.bound = bound
    this.request = { command_id, sequence_number }
    this.submit = submit
    this.number = number
    this.atMs = atMs
    this.pending = count
  }

  /** One of as many as were announced. */
  add(address: SmeAddress): Destination {
    const destination = new Destination(this, address)
    this.destinations.push(destination)
    return destination
  }

  /** Refuses all that is not decided. */
  refuse(status: number): void {
    for (const destination of this.destinations)
      if (destination.status === PENDING) destination.refuse(status)
  }

  /** One more of its destinations is. */
  onDecided(): void {
    if (--this.pending === 0) this.multis.onSettled(this)
  }
}

/** Waits for the place of one of a submit_multi's messages. */
class Destination implements SubmitTicket {
  readonly address: SmeAddress
  /** 0 where it is accepted, or the error_status_code. */
  status = PENDING
  ref: Ref = 0
  again = false
  receipt = false
  remembered = false
  private readonly multi: Multi

  constructor(multi: Multi, address: SmeAddress) {
    this.multi = multi
    this.address = address
  }

  accepted(index: number, offset: number, again = false): void {
    this.ref = refOf(index, offset)
    this.again = again
    this.decide(0)
  }

  refused(why: SubmitRefusal): void {
    this.refuse(statusOf(refusalOf(why)))
  }

  refuse(status: number): void {
    this.decide(status)
  }

  private decide(status: number): void {
    this.status = status
    this.multi.onDecided()
  }
}

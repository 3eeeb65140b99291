import type { Clock, Timers } from '../base/clock.js'
import type { Metrics } from '../base/metrics.js'
import type { Journal, Ref, StoredMessage } from '../journal/index.js'
import {
  acceptRecord,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_FINGERPRINT,
  FLAG_OTHER_SCHEDULE,
  FLAG_OTHER_VALIDITY,
  FLAG_SCHEDULED,
  indexOf,
  MARK,
  offsetOf,
  replaces,
  reschedules,
} from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, findTlv, type Body } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { replacedSubmit } from '../smpp/replaced-submit.js'
import { parseTime } from '../smpp/times.js'
import type { AccountRates } from './account-rates.js'
import { matchOf } from './address-pattern.js'
import type { EsmeSession } from './esme-session.js'
import { LateAnswers, LateRequest } from './late-answers.js'
import { ownMessages } from './own-messages.js'
import { ReadTurns } from './read-turns.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'
import { dueOf } from './submit-times.js'

export interface ReplacesOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  metrics: Metrics
  currentRead: () => Promise<unknown>
  rates: AccountRates
  submitTimeoutMs: number
}

/**
 * Answers replace_sm (SMPP 3.4 §4.10, docs/decisions/0016). The new body is made here, of the one in the current
 * state; apply decides at its place in the log whether the message still waits with that one, and nothing else makes
 * ESME_ROK. It costs the account what a submit does.
 */
export class Replaces {
  private readonly options: ReplacesOptions
  private readonly turns: ReadTurns<Request>
  private readonly answers: LateAnswers

  constructor(options: ReplacesOptions) {
    const { timers, metrics, currentRead } = options
    this.options = options
    const answers = (this.answers = new LateAnswers(timers, metrics, 'replace_sm_total'))
    this.turns = new ReadTurns(
      currentRead,
      request => this.look(request),
      request => answers.answer(request, 'notCommitted'),
    )
  }

  /** `frame` is a replace_sm. */
  replace(session: EsmeSession, frame: Frame): void {
    const { answers } = this
    const { journal, clock, rates, submitTimeoutMs } = this.options
    // A copy: it waits, and a view would keep all that the socket has read at once.
    const decoded = decodeBody('replace_sm', Buffer.from(frame.body))
    if (!decoded.ok)
      return answers.respond(session, frame, COMMAND_STATUS[decoded.problem.command_status])
    const refuse = (code: RefusalCode): void => answers.respond(session, frame, statusOf(code))
    const { bound } = session
    if (bound === undefined) return refuse('notReady')
    const { state } = journal
    if (!replaces(state)) return refuse('replaceNotOffered')
    const { body } = decoded
    if (body.short_message.length > 0 && findTlv(body.tlvs, 'message_payload') !== undefined)
      return refuse('twoMessages')
    const times = timesIn(body, clock.nowMs(), reschedules(state))
    if (typeof times === 'string') return refuse(times)
    if (!rates.take(state, bound.account, clock.monotonicMs())) return refuse('throttled')
    const request = new Request(session, frame, bound.account, body, times)
    if (!answers.hasRoom(bound.account) || !this.turns.add(request)) return refuse('throttled')
    answers.await(request, submitTimeoutMs)
  }

  /** The state is as new as the request. */
  private look(request: Request): void {
    const { journal } = this.options
    if (request.answered) return
    const [ref, ...others] = ownMessages(journal, request.account, request.body.message_id)
    if (ref === undefined) return this.answers.answer(request, 'invalidMessageId')
    // replace_sm has no destination_addr: which one of a submit_multi's is meant, it cannot say.
    const no = others.length > 0 ? 'notReplaceable' : this.propose(request, ref)
    if (no !== undefined) this.answers.answer(request, no)
  }

  /** Names it to the log, or says why not. */
  private propose(request: Request, ref: Ref): RefusalCode | undefined {
    const { journal } = this.options
    const { body: by } = request
    const message = journal.message(ref)
    const known = message?.kind === 'submit' && message.body.length > 0
    if (known && matchOf({ ...ANYTHING, ...sourceOf(by) }, message.body, 'id') !== 'match')
      return 'otherSource'
    const mark = journal.state.blocks.get(indexOf(ref))?.mark(offsetOf(ref))
    if (mark === MARK.SENT || mark === MARK.DONE) return 'notReplaceable'
    const body = known ? replacedSubmit(message.body, by) : undefined
    if (!known || body === undefined) return 'notCommitted'
    const times = timesOf(message, request.times, journal.state.settings.validityMs)
    if (times === undefined) return 'validityOver'
    const { connector, priority } = message
    const schedules = journal.state.connectors.get(connector)?.schedules
    if (request.times.dueAtMs !== null && schedules?.isFull === true) return 'queueFull'
    const record = acceptRecord({
      ...message,
      ...times,
      registered_delivery: by.registered_delivery,
      fingerprint: undefined,
      body,
    })
    const base = journal.octetsOf(ref)
    const command = { kind: 'replace', ref, base, connector, priority, record } as const
    const taken = journal.proposer.propose(command, result => {
      if (result.ok) return this.answers.answer(request, undefined)
      // Another one came between: this one is made anew, of what that has left. Each time one is through.
      if (result.why === 'conflict') return this.look(request)
      this.answers.answer(
        request,
        result.why === 'notFound' ? 'notReplaceable' : refusalOf(result.why),
      )
    })
    return taken ? undefined : 'notCommitted'
  }
}

type Submit = Extract<StoredMessage, { kind: 'submit' }>

/** What a replace_sm says, ms since the Unix epoch; null: that it stays. */
interface OtherTimes {
  dueAtMs: number | null
  expiresAtMs: number | null
}

function timesIn(
  { schedule_delivery_time, validity_period }: Body<'replace_sm'>,
  nowMs: number,
  mayReschedule: boolean,
): OtherTimes | RefusalCode {
  const read = (text: string): number | undefined | null =>
    text === '' ? null : parseTime(text, nowMs)
  const atMs = read(schedule_delivery_time)
  const dueAtMs = typeof atMs === 'number' && mayReschedule ? dueOf(atMs, nowMs) : null
  if (dueAtMs === undefined || (atMs !== null && dueAtMs === null)) return 'scheduled'
  const expiresAtMs = read(validity_period)
  if (expiresAtMs === undefined || (expiresAtMs !== null && expiresAtMs <= nowMs))
    return 'validityOver'
  return { dueAtMs: dueAtMs === 0 ? Math.ceil(nowMs) : dueAtMs, expiresAtMs }
}

/** When the replaced message is due and when it expires, and the flags that say so; undefined: before it is due. */
function timesOf(
  message: Submit,
  other: OtherTimes,
  validityMs: number,
): Pick<Submit, 'flags' | 'dueAtMs' | 'expiresAtMs'> | undefined {
  const dueAtMs = other.dueAtMs ?? message.dueAtMs
  let { expiresAtMs } = other
  // The default validity of what is scheduled begins when it is due.
  if (expiresAtMs === null && other.dueAtMs !== null && !namesValidity(message))
    expiresAtMs = dueAtMs + validityMs
  let flags = message.flags & ~(FLAG_FINGERPRINT | FLAG_OTHER_VALIDITY | FLAG_OTHER_SCHEDULE)
  if (other.dueAtMs !== null) flags |= FLAG_SCHEDULED | FLAG_OTHER_SCHEDULE
  if (expiresAtMs !== null) flags |= FLAG_EXPLICIT_VALIDITY | FLAG_OTHER_VALIDITY
  expiresAtMs ??= message.expiresAtMs
  if (expiresAtMs !== 0 && expiresAtMs <= dueAtMs) return undefined
  return { flags, dueAtMs, expiresAtMs }
}

/** Whether its ESME said when it ends; what is scheduled has an end in any case. */
function namesValidity({ body }: Submit): boolean {
  const read = decodeBody('submit_sm', body)
  if (!read.ok) return false
  return (
    read.body.validity_period !== '' || findTlv(read.body.tlvs, 'qos_time_to_live') !== undefined
  )
}

function sourceOf({ source_addr, source_addr_ton, source_addr_npi }: Body<'replace_sm'>) {
  return { source_addr, source_addr_ton, source_addr_npi }
}

/** Of a cancel_sm's pattern what a replace_sm does not have. */
const ANYTHING = {
  service_type: '',
  dest_addr_ton: 0,
  dest_addr_npi: 0,
  destination_addr: '',
  tlvs: [],
}

class Request extends LateRequest {
  readonly body: Body<'replace_sm'>
  readonly times: OtherTimes

  constructor(
    session: EsmeSession,
    frame: Frame,
    account: number,
    body: Body<'replace_sm'>,
    times: OtherTimes,
  ) {
    super(session, frame, account)
    this.body = body
    this.times = times
  }
}

import type { Clock, Timers } from '../base/clock.js'
import type { Metrics } from '../base/metrics.js'
import type { Journal, Ref, StoredMessage } from '../journal/index.js'
import {
  acceptRecord,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_FINGERPRINT,
  FLAG_OTHER_VALIDITY,
  indexOf,
  MARK,
  offsetOf,
  replaces,
} from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, type Body } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { replacedSubmit } from '../smpp/replaced-submit.js'
import { parseTime } from '../smpp/times.js'
import type { AccountRates } from './account-rates.js'
import { matchOf } from './cancel-pattern.js'
import type { EsmeSession } from './esme-session.js'
import { LateAnswers, LateRequest } from './late-answers.js'
import { ownMessage } from './own-messages.js'
import { ReadTurns } from './read-turns.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'

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
    if (body.schedule_delivery_time !== '') return refuse('scheduled')
    const nowMs = clock.nowMs()
    const expiresAtMs =
      body.validity_period === '' ? null : (parseTime(body.validity_period, nowMs) ?? 0)
    if (expiresAtMs !== null && expiresAtMs <= nowMs) return refuse('validityOver')
    if (!rates.take(state, bound.account, clock.monotonicMs())) return refuse('throttled')
    const request = new Request(session, frame, bound.account, body, expiresAtMs)
    if (!answers.hasRoom(bound.account) || !this.turns.add(request)) return refuse('throttled')
    answers.await(request, submitTimeoutMs)
  }

  /** The state is as new as the request. */
  private look(request: Request): void {
    const { journal } = this.options
    if (request.answered) return
    const ref = ownMessage(journal, request.account, request.body.message_id)
    if (ref === undefined) return this.answers.answer(request, 'invalidMessageId')
    const no = this.propose(request, ref)
    if (no !== undefined) this.answers.answer(request, no)
  }

  /** Names it to the log, or says why not. */
  private propose(request: Request, ref: Ref): RefusalCode | undefined {
    const { journal } = this.options
    const { body: by } = request
    const message = journal.message(ref)
    const known = message?.kind === 'submit' && message.body.length > 0
    if (known && matchOf({ ...ANYTHING, ...sourceOf(by) }, message.body, true) !== 'match')
      return 'otherSource'
    const mark = journal.state.blocks.get(indexOf(ref))?.mark(offsetOf(ref))
    if (mark === MARK.SENT || mark === MARK.DONE) return 'notReplaceable'
    const { expiresAtMs } = request
    if (known && expiresAtMs !== null && expiresAtMs <= message.dueAtMs) return 'validityOver'
    const body = known ? replacedSubmit(message.body, by) : undefined
    if (!known || body === undefined) return 'notCommitted'
    const { connector, priority } = message
    const record = acceptRecord({
      ...message,
      ...validityOf(message, expiresAtMs),
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

/** When the message expires, and the flags that say so; null: when it would have. */
function validityOf(
  message: Submit,
  expiresAtMs: number | null,
): Pick<Submit, 'flags' | 'expiresAtMs'> {
  const flags = message.flags & ~(FLAG_FINGERPRINT | FLAG_OTHER_VALIDITY)
  return expiresAtMs === null
    ? { flags, expiresAtMs: message.expiresAtMs }
    : { flags: flags | FLAG_EXPLICIT_VALIDITY | FLAG_OTHER_VALIDITY, expiresAtMs }
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
  /** Of its validity_period; null where it has none. */
  readonly expiresAtMs: number | null

  constructor(
    session: EsmeSession,
    frame: Frame,
    account: number,
    body: Body<'replace_sm'>,
    expiresAtMs: number | null,
  ) {
    super(session, frame, account)
    this.body = body
    this.expiresAtMs = expiresAtMs
  }
}

import type { Cancel, Timers } from '../base/clock.js'
import type { Counter, Metrics } from '../base/metrics.js'
import type { Journal, Ref } from '../journal/index.js'
import { cancels, indexOf, MARK, offsetOf } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, type Body } from '../smpp/codec.js'
import { COMMAND_STATUS, statusText } from '../smpp/command-status.js'
import { matchOf } from './cancel-pattern.js'
import { CancelSearch, type Wanted } from './cancel-search.js'
import type { EsmeSession } from './esme-session.js'
import { ownMessage } from './own-messages.js'
import { ReadTurns } from './read-turns.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'

/** cancel_sm of one account without an answer, on this node. */
export const CANCELS_OPEN_MAX = 100
/** One without message_id is answered by then: millions of messages may have to be looked at. */
export const SEARCH_TIMEOUT_MS = 30_000

export interface CancelsOptions {
  journal: Journal
  timers: Timers
  metrics: Metrics
  currentRead: () => Promise<unknown>
  /** One with a message_id is refused after this long. */
  submitTimeoutMs: number
}

/**
 * Answers cancel_sm (SMPP 3.4 §4.9, docs/decisions/0013). What is named is looked up in the current state, for the
 * error that fits; whether it is cancelled, apply decides at its place in the log, and nothing else makes ESME_ROK.
 */
export class Cancels {
  private readonly options: CancelsOptions
  private readonly turns: ReadTurns<Request>
  private readonly search: CancelSearch<Request>
  /** By account. */
  private readonly open: Map<number, number> = new Map()
  private readonly answers: Map<number, Counter> = new Map()
  private readonly messages: Counter

  constructor(options: CancelsOptions) {
    const { journal, timers, metrics, currentRead } = options
    this.options = options
    this.turns = new ReadTurns(
      currentRead,
      request => this.look(request),
      request => this.answer(request, 'notCommitted'),
    )
    this.search = new CancelSearch(journal, timers, {
      cancel: (account, refs) => this.propose(account, refs),
      found: (request, error) => {
        if (error !== undefined) this.answer(request, 'notCommitted')
        else this.answer(request, request.cancelled > 0 ? undefined : 'notCancellable')
      },
    })
    this.messages = metrics.counter('messages_cancelled_total', {})
  }

  /** `frame` is a cancel_sm. */
  cancel(session: EsmeSession, frame: Frame): void {
    const { journal, timers, submitTimeoutMs } = this.options
    const decoded = decodeBody('cancel_sm', frame.body)
    if (!decoded.ok)
      return this.respond(session, frame, COMMAND_STATUS[decoded.problem.command_status])
    const refuse = (code: RefusalCode): void => this.respond(session, frame, statusOf(code))
    const { bound } = session
    if (bound === undefined) return refuse('notReady')
    if (!cancels(journal.state)) return refuse('cancelNotOffered')
    const { body } = decoded
    if (body.message_id === '' && body.destination_addr === '') return refuse('otherDestination')
    const open = this.open.get(bound.account) ?? 0
    if (open >= CANCELS_OPEN_MAX) return refuse('throttled')
    const request = new Request(session, frame, bound.account, body)
    if (!this.turns.add(request)) return refuse('throttled')
    this.open.set(bound.account, open + 1)
    const timeoutMs = body.message_id === '' ? SEARCH_TIMEOUT_MS : submitTimeoutMs
    request.cancelTimeout = timers.after(timeoutMs, () => this.answer(request, 'notCommitted'))
  }

  /** The state is as new as the request. */
  private look(request: Request): void {
    const { journal } = this.options
    if (request.answered) return
    if (request.pattern.message_id === '') {
      request.upTo = journal.state.appliedIndex
      this.search.add(request)
      return
    }
    const ref = ownMessage(journal, request.account, request.pattern.message_id)
    if (ref === undefined) return this.answer(request, 'invalidMessageId')
    const no = this.objection(request, ref)
    if (no !== undefined) return this.answer(request, no)
    this.propose(request.account, [ref]).then(
      cancelled => this.answer(request, cancelled > 0 ? undefined : 'notCancellable'),
      (error: unknown) =>
        this.answer(request, error instanceof NotApplied ? error.code : 'notCommitted'),
    )
  }

  /** What can be said without apply, for it never changes: the message's addresses, and that it is concluded. */
  private objection({ pattern }: Request, ref: Ref): RefusalCode | undefined {
    const { journal } = this.options
    const mark = journal.state.blocks.get(indexOf(ref))?.mark(offsetOf(ref))
    const message = journal.message(ref)
    if (message?.kind === 'submit' && message.body.length > 0) {
      const match = matchOf(pattern, message.body, true)
      if (match !== 'match') return match
    }
    return mark === MARK.SENT || mark === MARK.DONE ? 'notCancellable' : undefined
  }

  /** Resolves with the number of messages that apply has cancelled. */
  private propose(account: number, refs: Ref[]): Promise<number> {
    return new Promise((resolve, reject) => {
      const { proposer } = this.options.journal
      const taken = proposer.propose({ kind: 'cancel', account, refs }, result => {
        if (!result.ok) return reject(new NotApplied(refusalOf(result.why)))
        const cancelled = 'cancelled' in result ? result.cancelled : 0
        this.messages.add(cancelled)
        resolve(cancelled)
      })
      if (!taken) reject(new NotApplied('notCommitted'))
    })
  }

  /** Once; without a code it is ESME_ROK. */
  private answer(request: Request, code: RefusalCode | undefined): void {
    if (request.answered) return
    request.answered = true
    request.cancelTimeout?.()
    const left = (this.open.get(request.account) ?? 1) - 1
    if (left > 0) this.open.set(request.account, left)
    else this.open.delete(request.account)
    this.respond(request.session, request, code === undefined ? 0 : statusOf(code))
  }

  private respond(
    session: EsmeSession,
    { command_id, sequence_number }: Pick<Frame, 'command_id' | 'sequence_number'>,
    command_status: number,
  ): void {
    let counter = this.answers.get(command_status)
    if (counter === undefined) {
      const labels = { command_status: statusText(command_status) }
      counter = this.options.metrics.counter('cancel_sm_total', labels)
      this.answers.set(command_status, counter)
    }
    counter.add()
    session.link.respond(command_id, sequence_number, command_status)
  }
}

/** One cancel_sm on its way to an answer. */
class Request implements Wanted {
  readonly session: EsmeSession
  readonly command_id: number
  readonly sequence_number: number
  readonly account: number
  readonly pattern: Body<'cancel_sm'>
  upTo = 0
  cancelled = 0
  answered = false
  cancelTimeout: Cancel | undefined

  constructor(session: EsmeSession, frame: Frame, account: number, pattern: Body<'cancel_sm'>) {
    this.session = session
    this.command_id = frame.command_id
    this.sequence_number = frame.sequence_number
    this.account = account
    this.pattern = pattern
  }
}

/** The log has not taken it, or has refused it. */
class NotApplied extends Error {
  override readonly name = 'NotApplied'
  readonly code: RefusalCode

  constructor(code: RefusalCode) {
    super(code)
    this.code = code
  }
}

import type { Timers } from '../base/clock.js'
import type { Counter, Metrics } from '../base/metrics.js'
import type { Journal, Ref } from '../journal/index.js'
import { cancels, indexOf, MARK, offsetOf } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, type Body } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { destinationHash, matchOf } from './address-pattern.js'
import { PendingSearch, SEARCH_TIMEOUT_MS, type Wanted } from './pending-search.js'
import type { EsmeSession } from './esme-session.js'
import { LateAnswers, LateRequest } from './late-answers.js'
import { ownMessages } from './own-messages.js'
import { ReadTurns } from './read-turns.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'

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
  private readonly search: PendingSearch<Request>
  private readonly answers: LateAnswers
  private readonly messages: Counter

  constructor(options: CancelsOptions) {
    const { journal, timers, metrics, currentRead } = options
    this.options = options
    const answers = (this.answers = new LateAnswers(timers, metrics, 'cancel_sm_total'))
    this.turns = new ReadTurns(
      currentRead,
      request => this.look(request),
      request => answers.answer(request, 'notCommitted'),
    )
    this.search = new PendingSearch(journal, timers, {
      take: async (request, refs) => {
        request.cancelled += await this.propose(request.account, refs)
      },
      found: (request, error) => {
        if (error !== undefined) answers.answer(request, 'notCommitted')
        else answers.answer(request, request.cancelled > 0 ? undefined : 'notCancellable')
      },
    })
    this.messages = metrics.counter('messages_cancelled_total', {})
  }

  /** `frame` is a cancel_sm. */
  cancel(session: EsmeSession, frame: Frame): void {
    const { answers } = this
    const { journal, submitTimeoutMs } = this.options
    const decoded = decodeBody('cancel_sm', frame.body)
    if (!decoded.ok)
      return answers.respond(session, frame, COMMAND_STATUS[decoded.problem.command_status])
    const refuse = (code: RefusalCode): void => answers.respond(session, frame, statusOf(code))
    const { bound } = session
    if (bound === undefined) return refuse('notReady')
    if (!cancels(journal.state)) return refuse('cancelNotOffered')
    const { body } = decoded
    if (body.message_id === '' && body.destination_addr === '') return refuse('otherDestination')
    const request = new Request(session, frame, bound.account, body)
    if (!answers.hasRoom(bound.account) || !this.turns.add(request)) return refuse('throttled')
    answers.await(request, body.message_id === '' ? SEARCH_TIMEOUT_MS : submitTimeoutMs)
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
    const { account, pattern } = request
    const refs = ownMessages(journal, account, pattern.message_id)
    if (refs.length === 0) return this.answers.answer(request, 'invalidMessageId')
    const objections = refs.map(ref => this.objection(request, ref))
    // Those of a submit_multi that it does not mean, by their destination.
    const meant = refs.filter((_, i) => !isMismatch(objections[i]))
    if (meant.length === 0) return this.answers.answer(request, objections[0])
    const open = refs.filter((_, i) => objections[i] === undefined)
    if (open.length === 0) return this.answers.answer(request, 'notCancellable')
    this.propose(account, open).then(
      cancelled =>
        this.answers.answer(request, cancelled < meant.length ? 'notCancellable' : undefined),
      (error: unknown) =>
        this.answers.answer(request, error instanceof NotApplied ? error.code : 'notCommitted'),
    )
  }

  /** What can be said without apply, for it never changes: the message's addresses, and that it is concluded. */
  private objection({ pattern }: Request, ref: Ref): RefusalCode | undefined {
    const { journal } = this.options
    const block = journal.state.blocks.get(indexOf(ref))
    const mark = block?.mark(offsetOf(ref))
    const message = journal.message(ref)
    if (message?.kind === 'submit' && message.body.length > 0) {
      const match = matchOf(pattern, message.body, 'id')
      if (match !== 'match') return match
    } else if (pattern.destination_addr !== '') {
      // Its octets are needed no more: what is left of its destination is the hash.
      if (block?.addressHash(offsetOf(ref)) !== destinationHash(pattern)) return 'otherDestination'
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
}

const isMismatch = (code: RefusalCode | undefined): boolean =>
  code !== undefined && code !== 'notCancellable'

/** One cancel_sm on its way to an answer. */
class Request extends LateRequest implements Wanted {
  readonly pattern: Body<'cancel_sm'>
  readonly addressHash: number
  upTo = 0
  /** So many of the messages that were named to the log are. */
  cancelled = 0

  constructor(session: EsmeSession, frame: Frame, account: number, pattern: Body<'cancel_sm'>) {
    super(session, frame, account)
    this.pattern = pattern
    this.addressHash = destinationHash(pattern)
  }

  means(submit: Buffer): boolean {
    return matchOf(this.pattern, submit, 'addresses') === 'match'
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

import type { Clock, Timers } from '../base/clock.js'
import type { Metrics } from '../base/metrics.js'
import type { Journal, Ref } from '../journal/index.js'
import {
  acceptRecord,
  addressHash,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_OTHER_SCHEDULE,
  FLAG_OTHER_VALIDITY,
  FLAG_SCHEDULED,
  indexOf,
  offsetOf,
  schedules,
} from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { encodeBody } from '../smpp/codec.js'
import { bodyWithout, wholeBody } from '../smpp/read-body.js'
import { SubmitReader } from '../smpp/submit-reader.js'
import { matchOf, type AddressPattern } from './address-pattern.js'
import { withCongestion } from './congestion.js'
import type { EsmeSession } from './esme-session.js'
import { LateAnswers, LateRequest } from './late-answers.js'
import { PendingSearch, SEARCH_TIMEOUT_MS, type Wanted } from './pending-search.js'
import { ReadTurns } from './read-turns.js'
import { refusalOf, type RefusalCode } from './refusals.js'
import { isScheduled, timesOf } from './submit-times.js'
import { tlvsFrom, tlvsTo } from './submit-tlvs.js'

export interface ReplacingOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  metrics: Metrics
  currentRead: () => Promise<unknown>
}

export interface ReplacingUser {
  /** There is nothing to replace: it is a submit_sm like any. `decided`: it is accepted, or refused. */
  submitNew(session: EsmeSession, frame: Frame, atMs: number, decided: () => void): void
}

/** Of one account, at once, on this node: some clients always set the flag. */
const OPEN_MAX = 1000

const reader = new SubmitReader()

/**
 * Takes submit_sm with replace_if_present_flag (SMPP 3.4 §5.2.18, docs/decisions/0016): the newest message of the account
 * that waits, and has the same source, destination and service_type, gets its octets, as replace_sm would give it others. Of
 * those that mean the same message one at a time is looked at, so that each finds what the one before it has left.
 */
export class ReplacingSubmits {
  private readonly options: ReplacingOptions
  private readonly user: ReplacingUser
  private readonly turns: ReadTurns<Request>
  private readonly search: PendingSearch<Request>
  private readonly answers: LateAnswers
  /** By what they mean: those that wait for one that is open. */
  private readonly behind: Map<string, Request[]> = new Map()

  constructor(options: ReplacingOptions, user: ReplacingUser) {
    const { journal, timers, metrics, currentRead } = options
    this.options = options
    this.user = user
    this.answers = new LateAnswers(timers, metrics, 'submit_sm_total', OPEN_MAX)
    this.turns = new ReadTurns(
      currentRead,
      request => this.look(request),
      request => this.answer(request, 'notCommitted'),
    )
    this.search = new PendingSearch(journal, timers, {
      take: (request, refs) => {
        for (const ref of refs) if (this.mayReplace(ref)) request.ref = Math.max(request.ref, ref)
        return Promise.resolve()
      },
      found: (request, error) => {
        if (error !== undefined) this.answer(request, 'notCommitted')
        else if (request.answered) this.next(request)
        else this.replace(request)
      },
    })
  }

  /** `frame` is a submit_sm of a bound session that a reader has read, and a copy. False: too many are open. */
  take(session: EsmeSession, frame: Frame, account: number, atMs: number): boolean {
    if (!this.answers.hasRoom(account)) return false
    const request = new Request(session, frame, account, atMs)
    this.answers.await(request, SEARCH_TIMEOUT_MS)
    const behind = this.behind.get(request.key)
    if (behind !== undefined) behind.push(request)
    else {
      this.behind.set(request.key, [])
      this.begin(request)
    }
    return true
  }

  private begin(request: Request): void {
    if (request.answered || !this.turns.add(request)) this.answer(request, 'throttled')
  }

  /** The state is as new as the request. */
  private look(request: Request): void {
    const { state } = this.options.journal
    const queued = state.accounts.get(request.account)?.queued ?? 0
    if (request.answered) return this.next(request)
    if (queued === 0) return this.submitNew(request)
    request.upTo = state.appliedIndex
    this.search.add(request)
  }

  /** Of a submit_multi's messages none is known by an id of its own; what came over HTTP, or in transaction mode, has another answer. */
  private mayReplace(ref: Ref): boolean {
    const block = this.options.journal.state.blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    if (block === undefined || block.watched(offset) || block.transaction(offset)) return false
    return block.membersOf(offset).length === 1
  }

  private replace(request: Request): void {
    const { journal } = this.options
    const { ref } = request
    const message = ref === 0 ? undefined : journal.message(ref)
    if (message?.kind !== 'submit' || message.body.length === 0) return this.submitNew(request)
    const times = this.timesOf(request)
    if (typeof times === 'string') return this.answer(request, times)
    const body = this.bodyOf(request, message.connector)
    if (typeof body === 'string') return this.answer(request, body)
    const record = acceptRecord({
      account: request.account,
      registered_delivery: reader.registered_delivery,
      ...times,
      session: message.session,
      addressHash: request.addressHash,
      body,
    })
    const base = journal.octetsOf(ref)
    const { connector, priority } = message
    const command = { kind: 'replace', ref, base, connector, priority, record } as const
    const taken = journal.proposer.propose(command, result => {
      if (result.ok) return this.answer(request, undefined, this.idBody(request))
      if (result.why === 'conflict') return this.replace(request) // another one came between: of what that has left
      if (result.why === 'notFound') return this.submitNew(request) // it waits no more
      this.answer(request, refusalOf(result.why))
    })
    if (!taken) this.answer(request, 'throttled')
  }

  /** All that it says of times replaces what the message had, also what it does not say. Reads its body. */
  private timesOf({ frame, ref }: Request): Times | RefusalCode {
    const { journal, clock } = this.options
    const { state } = journal
    const nowMs = clock.nowMs()
    reader.read(frame.body, 'submit_sm')
    const times = timesOf(reader, nowMs, state.settings.validityMs, schedules(state))
    if (typeof times === 'string') return times
    const { expiresAtMs, dueAtMs } = times
    const block = state.blocks.get(indexOf(ref))
    const connector = state.connectors.get(block?.connector(offsetOf(ref)) ?? 0)
    if (dueAtMs > 0 && connector?.schedules.isFull === true) return 'queueFull'
    const waits = block?.isScheduled(offsetOf(ref)) === true
    const moves = dueAtMs > 0 || waits
    return {
      flags:
        FLAG_EXPLICIT_VALIDITY |
        FLAG_OTHER_VALIDITY |
        (moves ? FLAG_SCHEDULED | FLAG_OTHER_SCHEDULE : 0),
      expiresAtMs: Math.round(expiresAtMs > 0 ? expiresAtMs : nowMs + state.settings.validityMs),
      dueAtMs: !moves ? 0 : dueAtMs > 0 ? dueAtMs : Math.ceil(nowMs),
    }
  }

  /** As a new message's, where the reader has read it. */
  private bodyOf({ account }: Request, connector: number): Buffer | RefusalCode {
    const { state } = this.options.journal
    const from = state.accounts.get(account)?.settings
    if (from === undefined) return 'noAccount'
    const whole = isScheduled(reader)
      ? bodyWithout(reader, 'schedule_delivery_time')
      : wholeBody(reader)
    const body = tlvsFrom(state.settings, from, whole)
    if (typeof body === 'string') return body
    return tlvsTo(state.settings, state.connectors.get(connector)?.settings, body) ?? body
  }

  private submitNew(request: Request): void {
    const { session, frame, atMs } = request
    if (!this.answers.release(request)) return this.next(request)
    this.user.submitNew(session, frame, atMs, () => this.next(request))
  }

  private answer(request: Request, code: RefusalCode | undefined, body?: Buffer): void {
    this.answers.answer(request, code, body)
    this.next(request)
  }

  /** Its turn is over: the next one that means the same. */
  private next(request: Request): void {
    if (request.over) return
    request.over = true
    const behind = this.behind.get(request.key)
    const next = behind?.shift()
    if (next === undefined) this.behind.delete(request.key)
    else this.begin(next)
  }

  private idBody({ session, account, ref }: Request): Buffer {
    const { journal } = this.options
    const body = encodeBody('submit_sm_resp', { message_id: journal.shownIdOf(ref) })
    return withCongestion(session, journal, account, body)
  }
}

interface Times {
  flags: number
  expiresAtMs: number
  dueAtMs: number
}

/** One submit_sm on its way to an answer. */
class Request extends LateRequest implements Wanted {
  readonly frame: Frame
  /** Monotonic: when it came. */
  readonly atMs: number
  readonly pattern: AddressPattern
  readonly addressHash: number
  /** Equal for those that mean the same messages. */
  readonly key: string
  upTo = 0
  /** The newest that it means; 0: none. */
  ref: Ref = 0
  over = false

  constructor(session: EsmeSession, frame: Frame, account: number, atMs: number) {
    super(session, frame, account)
    this.frame = frame
    this.atMs = atMs
    const { body } = frame
    reader.read(body, 'submit_sm')
    const { destination_addr_start, destination_addr_end } = reader
    this.addressHash = addressHash(body, destination_addr_start, destination_addr_end)
    this.pattern = {
      service_type: reader.service_type,
      source_addr_ton: reader.source_addr_ton,
      source_addr_npi: reader.source_addr_npi,
      source_addr: reader.source_addr,
      dest_addr_ton: reader.dest_addr_ton,
      dest_addr_npi: reader.dest_addr_npi,
      destination_addr: reader.destination_addr,
      tlvs: [],
    }
    const { service_type, source_addr, destination_addr } = this.pattern
    this.key = [account, service_type, source_addr, destination_addr].join('\0')
  }

  means(submit: Buffer): boolean {
    return matchOf(this.pattern, submit, 'all') === 'match'
  }
}

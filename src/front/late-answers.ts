import type { Cancel, Timers } from '../base/clock.js'
import type { Counter, Metrics } from '../base/metrics.js'
import type { Frame } from '../link/types.js'
import { statusText } from '../smpp/command-status.js'
import type { EsmeSession } from './esme-session.js'
import { statusOf, type RefusalCode } from './refusals.js'

/** Requests of one account, of one kind, without an answer, on this node, where nothing else is said. */
export const OPEN_MAX = 100

/** What counts their answers. */
type Total = 'cancel_sm_total' | 'replace_sm_total' | 'submit_sm_total'

type Asked = Pick<Frame, 'command_id' | 'sequence_number'>

/** A request on its way to an answer that the log has to give. */
export class LateRequest {
  readonly session: EsmeSession
  readonly command_id: number
  readonly sequence_number: number
  readonly account: number
  answered = false
  cancelTimeout: Cancel | undefined

  constructor(session: EsmeSession, { command_id, sequence_number }: Asked, account: number) {
    this.session = session
    this.command_id = command_id
    this.sequence_number = sequence_number
    this.account = account
  }
}

/** Answers requests of one kind, each once; so many of an account may be open, for so long. */
export class LateAnswers {
  private readonly timers: Timers
  private readonly metrics: Metrics
  private readonly total: Total
  private readonly openMax: number
  /** By account. */
  private readonly open: Map<number, number> = new Map()
  private readonly counters: Map<number, Counter> = new Map()

  constructor(timers: Timers, metrics: Metrics, total: Total, openMax = OPEN_MAX) {
    this.timers = timers
    this.metrics = metrics
    this.total = total
    this.openMax = openMax
  }

  /** Whether the account may have one more. */
  hasRoom(account: number): boolean {
    return (this.open.get(account) ?? 0) < this.openMax
  }

  /** It is answered ESME_RSYSERR where nothing else comes within `timeoutMs`. */
  await(request: LateRequest, timeoutMs: number): void {
    const { account } = request
    this.open.set(account, (this.open.get(account) ?? 0) + 1)
    request.cancelTimeout = this.timers.after(timeoutMs, () => this.answer(request, 'notCommitted'))
  }

  /** Once, of one that is awaited; without a code it is ESME_ROK. */
  answer(request: LateRequest, code: RefusalCode | undefined, body?: Buffer): void {
    if (this.release(request))
      this.respond(request.session, request, code === undefined ? 0 : statusOf(code), body)
  }

  /** It is answered by somebody else now. False: it was answered, or released, before. */
  release(request: LateRequest): boolean {
    if (request.answered) return false
    request.answered = true
    request.cancelTimeout?.()
    const left = (this.open.get(request.account) ?? 1) - 1
    if (left > 0) this.open.set(request.account, left)
    else this.open.delete(request.account)
    return true
  }

  /** At once, of one that never was awaited. */
  respond(
    session: EsmeSession,
    { command_id, sequence_number }: Asked,
    command_status: number,
    body?: Buffer,
  ): void {
    let counter = this.counters.get(command_status)
    if (counter === undefined) {
      const labels = { command_status: statusText(command_status) }
      counter = this.metrics.counter(this.total, labels)
      this.counters.set(command_status, counter)
    }
    counter.add()
    session.link.respond(command_id, sequence_number, command_status, body)
  }
}

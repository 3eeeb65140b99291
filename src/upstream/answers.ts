import type { Fields } from '../base/logger.js'
import type { Counter, Histogram } from '../base/metrics.js'
import { marksPartly } from '../journal/index.js'
import type { Frame, ResponseKind } from '../link/types.js'
import type { Connector } from '../policy/settings.js'
import { readMessageId } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { normalizeSmscId } from '../smpp/smsc-id.js'
import type { Context, Tallies } from './context.js'
import type { Cutter } from './cutter.js'
import { isThrottling, retryDelayMs, verdictOf, type Verdict } from './errors.js'
import type { Held, Ledger } from './ledger.js'
import type { Pace } from './pace.js'
import type { Parts, PartTag } from './parts.js'

/** What has a part in it when an SMSC answers. */
export interface AnswersParts {
  context: Context
  ledger: Ledger
  pace: Pace
  cutter: Cutter
  /** The SMSC refused, after its time-out, what is in doubt: it does not have it. */
  refusedLate(held: Held): void
}

/** What an SMSC's answers mean for the messages that were written to it, and what becomes of one that gets none. */
export class Answers {
  readonly tallies: Tallies = {
    sent: 0,
    retried: 0,
    failed: 0,
    doubt: 0,
    expired: 0,
    throttled: 0,
    late: 0,
  }
  private readonly parts: AnswersParts
  private readonly latency: Histogram
  private readonly debugs: boolean
  private readonly counters: Map<number, Counter> = new Map()
  private settings: Connector
  private homeIsOver = false

  constructor(parts: AnswersParts, settings: Connector) {
    const { metrics, logger, id } = parts.context
    this.parts = parts
    this.settings = settings
    this.debugs = logger.debugs === true
    this.latency = metrics.histogram('upstream_latency_seconds', { connector: id })
  }

  apply(settings: Connector): void {
    this.settings = settings
  }

  /** What is not answered from here on is in doubt because the home is over. */
  stop(): void {
    this.homeIsOver = true
  }

  /** What became of a message that was written to a link. */
  onMessage(held: Held, kind: ResponseKind, frame: Frame | undefined): void {
    if (kind === 'late') this.answeredLate(held, frame)
    else if (kind === 'response' && frame !== undefined) this.answered(held, frame)
    else this.doubt(held, kind)
  }

  /** What became of a part that was written to a link. */
  onPart(tag: PartTag, kind: ResponseKind, frame: Frame | undefined): void {
    const { held, parts } = tag
    if (kind === 'late') return this.partAnsweredLate(tag, frame)
    if (kind === 'response' && frame !== undefined) this.partAnswered(tag, frame)
    else parts.unknown()
    this.conclude(held, parts, kind)
  }

  /** The outcome of a message in parts, once there is one. */
  conclude(held: Held, parts: Parts, kind: ResponseKind): void {
    const { ledger, cutter, context } = this.parts
    const { outcome } = parts
    if (outcome === undefined || held.status === 'settling') return
    if (outcome.result !== 'sent') cutter.remember(held.ref, parts)
    switch (outcome.result) {
      case 'sent':
        this.tallies.sent++
        return ledger.settleParts(held, outcome.smscIds)
      case 'doubt':
        return this.doubt(held, kind)
      case 'refused':
        return this.refused(held, outcome.command_status, outcome.verdict)
      case 'unfinished':
        return this.retry(held, 0, context.clock.nowMs())
    }
  }

  fail(held: Held, command_status: number): void {
    this.tallies.failed++
    this.parts.ledger.settle(held, 'failed', command_status)
  }

  expire(held: Held): void {
    this.tallies.expired++
    this.parts.ledger.settle(held, 'expired')
  }

  /** Says at debug what happened to a message, never what is in it. */
  tell(event: string, { ref, attempt }: Held, more: Fields = {}): void {
    if (!this.debugs) return
    const { journal, logger, id } = this.parts.context
    logger.debug(event, { message_id: journal.idOf(ref), connector: id, attempt, ...more })
  }

  private answered(held: Held, frame: Frame): void {
    const verdict = this.verdict(held, frame, held.writtenAtMs)
    if (verdict === 'sent') {
      this.tallies.sent++
      this.parts.ledger.settle(held, 'sent', 0, this.smscId(frame))
    } else this.refused(held, frame.command_status, verdict)
  }

  private partAnswered({ held, parts, index, writtenAtMs }: PartTag, frame: Frame): void {
    const verdict = this.verdict(held, frame, writtenAtMs)
    if (verdict === 'sent') parts.taken(index, this.smscId(frame))
    else parts.refused(frame.command_status, verdict)
  }

  /** What the SMSC's answer means, which counts for the pace, too. */
  private verdict(held: Held, frame: Frame, writtenAtMs: number): Verdict {
    const { command_status } = frame
    const { context, pace } = this.parts
    const nowMs = context.clock.monotonicMs()
    this.latency.observe((nowMs - writtenAtMs) / 1000)
    this.count(command_status)
    if (this.debugs)
      this.tell('message answered', held, { command_status: statusText(command_status) })
    if (isThrottling(command_status)) {
      this.tallies.throttled++
      pace.slow(nowMs)
    }
    return verdictOf(command_status, isNack(frame), this.settings.errors)
  }

  private refused(held: Held, command_status: number, verdict: Verdict): void {
    if (verdict === 'permanent') return this.fail(held, command_status)
    const { clock, random } = this.parts.context
    this.tallies.retried++
    const dueAtMs = clock.nowMs() + retryDelayMs(verdict, held.attempt, random.unit())
    const retryAtMs = Math.round(Math.min(dueAtMs, held.expiresAtMs))
    this.retry(held, command_status, retryAtMs)
  }

  /** It waits: with a mark where the SMSC has some of it, for it can be neither cancelled nor replaced then. */
  private retry(held: Held, command_status: number, retryAtMs: number): void {
    const { ledger, context } = this.parts
    const partly = held.parts?.isBegun === true && marksPartly(context.journal.state)
    ledger.settle(held, partly ? 'partly' : 'retry', command_status, '', retryAtMs)
  }

  private doubt(held: Held, kind: ResponseKind): void {
    const { ledger, context } = this.parts
    this.tallies.doubt++
    const cause = this.homeIsOver ? 'home' : kind
    context.metrics.counter('in_doubt_total', { connector: context.id, cause }).add()
    if (this.debugs) this.tell('message in doubt', held, { cause })
    ledger.settle(held, 'doubt')
  }

  /** Its window slot was freed at the time-out; now its fate is known all the same (PITFALLS 9). */
  private answeredLate(held: Held, frame: Frame | undefined): void {
    if (frame === undefined) return
    this.tallies.late++
    if (this.debugs)
      this.tell('message answered late', held, { command_status: statusText(frame.command_status) })
    this.count(frame.command_status)
    if (verdictOf(frame.command_status, isNack(frame), {}) !== 'sent') this.parts.refusedLate(held)
    else this.parts.ledger.sentLate(held, this.smscId(frame))
  }

  private partAnsweredLate({ held, parts, index }: PartTag, frame: Frame | undefined): void {
    if (frame === undefined) return
    this.tallies.late++
    this.count(frame.command_status)
    if (verdictOf(frame.command_status, isNack(frame), {}) !== 'sent') return
    if (parts.takenLate(index, this.smscId(frame)) && held.status === 'settling')
      this.parts.ledger.sentPartsLate(held, parts.allIds)
  }

  private smscId(frame: Frame): string {
    return normalizeSmscId(readMessageId(frame.body), this.settings.messageIdFormat.submit)
  }

  private count(command_status: number): void {
    let counter = this.counters.get(command_status)
    if (counter === undefined) {
      const { metrics, id } = this.parts.context
      counter = metrics.counter('upstream_submit_sm_total', {
        connector: id,
        command_status: statusLabel(command_status),
      })
      if (this.counters.size < 256) this.counters.set(command_status, counter)
    }
    counter.add()
  }
}

const isNack = (frame: Frame): boolean => frame.command_id === COMMAND_IDS.generic_nack

/** A label that an SMSC cannot make without end: codes without a name share one. */
function statusLabel(command_status: number): string {
  const text = statusText(command_status)
  return text.startsWith('0x') ? 'other' : text
}

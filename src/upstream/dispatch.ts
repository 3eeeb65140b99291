import type { Cancel } from '../base/clock.js'
import type { Fields } from '../base/logger.js'
import type { Counter, Histogram } from '../base/metrics.js'
import { marksPartly, type OutcomeItem } from '../journal/index.js'
import { RETRIES_MAX } from '../journal/connectors.js'
import type { Link } from '../link/link.js'
import type { Frame, ResponseKind } from '../link/types.js'
import { readMessageId } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { COMMAND_STATUS, statusText } from '../smpp/command-status.js'
import { normalizeSmscId } from '../smpp/smsc-id.js'
import type { Connector } from '../policy/settings.js'
import { tokensOf } from '../policy/throughput.js'
import type { Binds } from './binds.js'
import type { Context, Tallies } from './context.js'
import { Cutter } from './cutter.js'
import { isThrottling, retryDelayMs, verdictOf, type Verdict } from './errors.js'
import { Held, Ledger } from './ledger.js'
import { askingForReceipts, outgoingBody, PROMPT_MS, withWhatIsLeft } from './outgoing.js'
import { Pace } from './pace.js'
import { Parts, PartTag } from './parts.js'
import { Transcoder } from './transcoder.js'

/** How soon to look again where the fence is down: nothing tells when it is up again. */
const FENCE_MS = 20
/** Tokens are not waited for singly. */
const TOKEN_MS = 5
/** Without a bind this long, what is claimed and unwritten is given back. */
const GIVE_BACK_MS = 1000

/** What dispatch tells the home. */
export interface DispatchUser {
  /** A committed outcome says that the message waits for its retry, or is in doubt. */
  settled(item: OutcomeItem): void
  /** The SMSC refused, after its time-out, what is in doubt: it does not have it. */
  refusedLate(held: Held): void
}

/**
 * From the queue to the SMSC: claims as many messages as the windows have room for, writes them, and says
 * what became of them.
 */
export class Dispatch {
  readonly ledger: Ledger
  readonly tallies: Tallies = {
    sent: 0,
    retried: 0,
    failed: 0,
    doubt: 0,
    expired: 0,
    throttled: 0,
    late: 0,
  }
  readonly pace: Pace
  private readonly context: Context
  private readonly binds: Binds
  private readonly user: DispatchUser
  private readonly transcoder: Transcoder
  private readonly cutter: Cutter
  private readonly latency: Histogram
  private readonly debugs: boolean
  private settings: Connector
  private readonly answers: Map<number, Counter> = new Map()
  /** Claimed and unwritten, oldest first, from `head` on. */
  private waiting: Held[] = []
  private head = 0
  private claiming = true
  private pumpSoon = false
  private cancelPump: Cancel | undefined
  private bindlessSinceMs: number | undefined
  private hadSenders = false
  private stopped = false
  /** Tokens of the pace that this turn's messages took. */
  private spent = 0

  constructor(context: Context, settings: Connector, binds: Binds, user: DispatchUser) {
    this.context = context
    this.binds = binds
    this.user = user
    this.transcoder = new Transcoder(context.journal)
    this.cutter = new Cutter(context.journal)
    this.settings = settings
    this.debugs = context.logger.debugs === true
    this.pace = new Pace(settings.throughputPerSecond, context.clock.monotonicMs())
    this.latency = context.metrics.histogram('upstream_latency_seconds', { connector: context.id })
    this.ledger = new Ledger(context, {
      wanted: () => this.wanted(),
      claimed: held => this.claimed(held),
      settled: item => {
        const { result } = item
        if (result === 'retry' || result === 'partly' || result === 'doubt') this.user.settled(item)
      },
    })
  }

  /** Claimed and not written. */
  get waitingCount(): number {
    return this.waiting.length - this.head
  }

  apply(settings: Connector): void {
    this.settings = settings
    this.pace.setLimit(settings.throughputPerSecond, this.context.clock.monotonicMs())
    this.ledger.plan()
  }

  /** Binds came or went, or there is room again. */
  wake(): void {
    const hasSenders = this.binds.senders > 0
    if (hasSenders && !this.hadSenders) this.pace.begin(this.context.clock.monotonicMs())
    this.hadSenders = hasSenders
    this.pumpLater()
    this.ledger.plan()
  }

  /** Claims nothing more and gives back what is unwritten; or claims again. */
  setClaiming(claiming: boolean): void {
    this.claiming = claiming
    if (claiming) this.ledger.wake()
    else this.giveBack()
  }

  /** Call it about once a second. */
  tick(): void {
    const nowMs = this.context.clock.monotonicMs()
    this.pace.recover(nowMs)
    if (this.binds.senders > 0 || this.waitingCount === 0) this.bindlessSinceMs = undefined
    else this.bindlessSinceMs ??= nowMs
    if (this.bindlessSinceMs !== undefined && nowMs - this.bindlessSinceMs >= GIVE_BACK_MS)
      this.giveBack()
    this.ledger.plan()
    this.pump()
  }

  /** The epoch is over: nothing more is written. */
  stop(): void {
    this.stopped = true
    this.cancelPump?.()
    this.waiting = []
    this.head = 0
    this.ledger.stop()
  }

  /** What became of a message that was written to a link. */
  response(held: Held, kind: ResponseKind, frame: Frame | undefined): void {
    if (kind === 'late') this.answeredLate(held, frame)
    else if (kind === 'response' && frame !== undefined) this.answered(held, frame)
    else this.doubt(held, kind)
    if (this.waitingCount > 0) this.pumpLater()
  }

  /** What became of a part that was written to a link. */
  partResponse(tag: PartTag, kind: ResponseKind, frame: Frame | undefined): void {
    const { held, parts } = tag
    if (kind === 'late') this.partAnsweredLate(tag, frame)
    else {
      if (kind === 'response' && frame !== undefined) this.partAnswered(tag, frame)
      else parts.unknown()
      this.conclude(held, parts, kind)
    }
    if (this.waitingCount > 0) this.pumpLater()
  }

  /** Free window slots, as far as there are messages for them and the pace allows. */
  private wanted(): number {
    const connector = this.context.view()
    const settings = connector?.settings
    if (connector === undefined || settings === undefined || !this.claiming) return 0
    if (connector.retries.size >= RETRIES_MAX) return 0
    const { open, asked } = this.ledger
    const slots = Math.min(this.binds.senders, settings.binds) * settings.window
    const queued = connector.queued - connector.retries.size - connector.schedules.size
    const ahead = this.pace.ahead(this.ledger.claimMs) - this.waitingCount
    const count = Math.min(slots - open, queued, ahead) - asked
    if (count <= 0) return 0
    if (this.context.fence()) return count
    this.pumpAfter(FENCE_MS)
    return 0
  }

  private claimed(held: Held[]): void {
    if (!this.claiming) {
      for (const one of held) this.ledger.settle(one, 'unsent')
      return
    }
    for (const one of held) this.waiting.push(one)
    this.pump()
  }

  private pumpLater(): void {
    if (this.pumpSoon) return
    this.pumpSoon = true
    this.context.timers.soon(() => {
      this.pumpSoon = false
      this.pump()
    })
  }

  private pumpAfter(ms: number): void {
    this.cancelPump ??= this.context.timers.after(ms, () => {
      this.cancelPump = undefined
      this.pump()
      this.ledger.plan()
    })
  }

  /** Writes what waits, as far as fence, pace and windows allow. */
  private pump(): void {
    if (this.stopped || this.waitingCount === 0) return
    const connector = this.context.view()
    if (connector?.settings === undefined) return
    const nowMs = this.context.clock.monotonicMs()
    const tokens = this.pace.take(this.waitingCount, nowMs)
    let written = 0
    this.spent = 0
    while (this.spent < tokens && this.head < this.waiting.length) {
      // Asked for each: the process may have been stopped between two of them.
      if (!this.context.fence()) {
        this.pumpAfter(FENCE_MS)
        break
      }
      const held = this.waiting[this.head]!
      if (held.status === 'settling') {
        this.head++ // one of its parts failed before the last one went out
        continue
      }
      if (connector.claims.get(held.ref) !== held.attempt) {
        this.head++
        this.ledger.drop(held) // concluded by a late response or a receipt
        held.status = 'settling'
        continue
      }
      const wrote = this.write(held, connector.settings, nowMs)
      if (wrote === 'noRoom') break // a response, or the link, will call again
      if (wrote !== 'part') this.head++
      if (wrote !== 'concluded') written++
    }
    this.binds.flush()
    this.pace.giveBack(tokens - this.spent)
    this.pace.wrote(written, this.spent, nowMs)
    this.compact()
    if (written > 0) this.ledger.plan()
    if (this.waitingCount > 0 && this.spent >= tokens)
      this.pumpAfter(Math.max(TOKEN_MS, this.pace.waitMs(nowMs)))
  }

  private write(
    held: Held,
    settings: Connector,
    nowMs: number,
  ): 'written' | 'part' | 'concluded' | 'noRoom' {
    const { journal, clock } = this.context
    const link = this.binds.freest()
    if (link === undefined) return 'noRoom'
    if (held.parts !== undefined) return this.writePart(held, held.parts, link, nowMs)
    const message = journal.message(held.ref)
    if (message?.kind !== 'submit') {
      this.context.logger.error('octets of a claimed message are gone', {
        message_id: journal.idOf(held.ref),
      })
      this.fail(held, COMMAND_STATUS.ESME_RSYSERR)
      return 'concluded'
    }
    const acceptedAtMs = journal.proposedAtMs(held.ref) ?? 0
    held.expiresAtMs =
      message.expiresAtMs > 0
        ? message.expiresAtMs
        : acceptedAtMs + journal.state.settings.validityMs
    const atMs = clock.nowMs()
    if (held.expiresAtMs <= atMs) {
      this.tallies.expired++
      this.ledger.settle(held, 'expired')
      return 'concluded'
    }
    const text = this.transcoder.outgoing(message.body, message.account, settings)
    const outgoing = outgoingBody(text, settings, journal.state.settings)
    let body = askingForReceipts(outgoing, message.registered_delivery)
    if (message.expiresAtMs > 0 && atMs - acceptedAtMs > PROMPT_MS)
      body = withWhatIsLeft(body, message.expiresAtMs, atMs)
    if (settings.longMessages !== undefined) {
      const cut = this.cutter.cut(held.ref, body, settings)
      if (cut instanceof Parts) {
        held.parts = cut
        return this.writePart(held, cut, link, nowMs)
      }
      body = cut
    }
    if (typeof link.request(COMMAND_IDS.submit_sm, body, held) === 'string') return 'noRoom'
    this.spent += tokensOf(body, settings)
    held.status = 'written'
    held.writtenAtMs = nowMs
    if (this.debugs) this.tell('message sent', held)
    return 'written'
  }

  /** The next part of it, until all are written. */
  private writePart(
    held: Held,
    parts: Parts,
    link: Link,
    nowMs: number,
  ): 'written' | 'part' | 'concluded' | 'noRoom' {
    const { due } = parts
    if (due === undefined) {
      this.conclude(held, parts, 'response') // one failed, or the SMSC had all of them before
      return 'concluded'
    }
    const tag = new PartTag(held, parts, due.index, nowMs)
    if (typeof link.request(COMMAND_IDS.submit_sm, due.body, tag) === 'string') return 'noRoom'
    this.spent++
    parts.written()
    held.status = 'written'
    if (this.debugs) this.tell('message sent', held, { part: due.index + 1 })
    return parts.due === undefined ? 'written' : 'part'
  }

  private answered(held: Held, frame: Frame): void {
    const verdict = this.verdict(held, frame, held.writtenAtMs)
    if (verdict === 'sent') {
      this.tallies.sent++
      this.ledger.settle(held, 'sent', 0, this.smscId(frame))
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
    const nowMs = this.context.clock.monotonicMs()
    this.latency.observe((nowMs - writtenAtMs) / 1000)
    this.count(command_status)
    if (this.debugs)
      this.tell('message answered', held, { command_status: statusText(command_status) })
    const nack = frame.command_id === COMMAND_IDS.generic_nack
    if (isThrottling(command_status)) {
      this.tallies.throttled++
      this.pace.slow(nowMs)
    }
    return verdictOf(command_status, nack, this.settings.errors)
  }

  private refused(held: Held, command_status: number, verdict: Verdict): void {
    if (verdict === 'permanent') return this.fail(held, command_status)
    const { clock, random } = this.context
    this.tallies.retried++
    const dueAtMs = clock.nowMs() + retryDelayMs(verdict, held.attempt, random.unit())
    const retryAtMs = Math.round(Math.min(dueAtMs, held.expiresAtMs))
    this.retry(held, command_status, retryAtMs)
  }

  /** It waits: with a mark where the SMSC has some of it, for it can be neither cancelled nor replaced then. */
  private retry(held: Held, command_status: number, retryAtMs: number): void {
    const partly = held.parts?.isBegun === true && marksPartly(this.context.journal.state)
    this.ledger.settle(held, partly ? 'partly' : 'retry', command_status, '', retryAtMs)
  }

  private doubt(held: Held, kind: ResponseKind): void {
    this.tallies.doubt++
    const cause = this.stopped ? 'home' : kind
    this.context.metrics.counter('in_doubt_total', { connector: this.context.id, cause }).add()
    if (this.debugs) this.tell('message in doubt', held, { cause })
    this.ledger.settle(held, 'doubt')
  }

  /** The outcome of a message in parts, once there is one. */
  private conclude(held: Held, parts: Parts, kind: ResponseKind): void {
    const { outcome } = parts
    if (outcome === undefined || held.status === 'settling') return
    if (outcome.result !== 'sent') this.cutter.remember(held.ref, parts)
    switch (outcome.result) {
      case 'sent':
        this.tallies.sent++
        return this.ledger.settleParts(held, outcome.smscIds)
      case 'doubt':
        return this.doubt(held, kind)
      case 'refused':
        return this.refused(held, outcome.command_status, outcome.verdict)
      case 'unfinished':
        return this.retry(held, 0, this.context.clock.nowMs())
    }
  }

  /** Its window slot was freed at the time-out; now its fate is known all the same (PITFALLS 9). */
  private answeredLate(held: Held, frame: Frame | undefined): void {
    if (frame === undefined) return
    this.tallies.late++
    if (this.debugs)
      this.tell('message answered late', held, { command_status: statusText(frame.command_status) })
    this.count(frame.command_status)
    const nack = frame.command_id === COMMAND_IDS.generic_nack
    if (verdictOf(frame.command_status, nack, {}) !== 'sent') this.user.refusedLate(held)
    else this.ledger.sentLate(held, this.smscId(frame))
  }

  private partAnsweredLate({ held, parts, index }: PartTag, frame: Frame | undefined): void {
    if (frame === undefined) return
    this.tallies.late++
    this.count(frame.command_status)
    const nack = frame.command_id === COMMAND_IDS.generic_nack
    if (verdictOf(frame.command_status, nack, {}) !== 'sent') return
    if (parts.takenLate(index, this.smscId(frame)) && held.status === 'settling')
      this.ledger.sentPartsLate(held, parts.allIds)
  }

  private smscId(frame: Frame): string {
    return normalizeSmscId(readMessageId(frame.body), this.settings.messageIdFormat.submit)
  }

  private fail(held: Held, command_status: number): void {
    this.tallies.failed++
    this.ledger.settle(held, 'failed', command_status)
  }

  /** What is not written goes back into the queue, as if it had never been claimed. */
  private giveBack(): void {
    const { waiting, head } = this
    this.waiting = []
    this.head = 0
    for (let i = head; i < waiting.length; i++) {
      const held = waiting[i]!
      const { parts, status } = held
      if (status === 'waiting') {
        if (parts !== undefined) this.cutter.remember(held.ref, parts)
        this.ledger.settle(held, 'unsent')
      } else if (parts !== undefined) {
        parts.stop()
        this.conclude(held, parts, 'response')
      }
    }
  }

  private compact(): void {
    if (this.head === this.waiting.length) {
      this.waiting = []
      this.head = 0
    } else if (this.head > 1024 && 2 * this.head > this.waiting.length) {
      this.waiting = this.waiting.slice(this.head)
      this.head = 0
    }
  }

  private tell(event: string, { ref, attempt }: Held, more: Fields = {}): void {
    const { journal, logger, id } = this.context
    logger.debug(event, { message_id: journal.idOf(ref), connector: id, attempt, ...more })
  }

  private count(command_status: number): void {
    let counter = this.answers.get(command_status)
    if (counter === undefined) {
      counter = this.context.metrics.counter('upstream_submit_sm_total', {
        connector: this.context.id,
        command_status: statusLabel(command_status),
      })
      if (this.answers.size < 256) this.answers.set(command_status, counter)
    }
    counter.add()
  }
}

/** A label that an SMSC cannot make without end: codes without a name share one. */
function statusLabel(command_status: number): string {
  const text = statusText(command_status)
  return text.startsWith('0x') ? 'other' : text
}

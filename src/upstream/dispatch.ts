import type { Cancel } from '../base/clock.js'
import type { OutcomeItem } from '../journal/index.js'
import { RETRIES_MAX } from '../journal/connectors.js'
import type { Link } from '../link/link.js'
import type { Frame, ResponseKind } from '../link/types.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import type { Connector } from '../policy/settings.js'
import { tokensOf } from '../policy/throughput.js'
import { Answers } from './answers.js'
import type { Binds } from './binds.js'
import type { Context, Tallies } from './context.js'
import { Cutter } from './cutter.js'
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
  readonly pace: Pace
  private readonly answers: Answers
  private readonly context: Context
  private readonly binds: Binds
  private readonly transcoder: Transcoder
  private readonly cutter: Cutter
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
    this.transcoder = new Transcoder(context.journal)
    this.cutter = new Cutter(context.journal)
    this.pace = new Pace(settings.throughputPerSecond, context.clock.monotonicMs())
    this.ledger = new Ledger(context, {
      wanted: () => this.wanted(),
      claimed: held => this.claimed(held),
      settled: item => {
        const { result } = item
        if (result === 'retry' || result === 'partly' || result === 'doubt') user.settled(item)
      },
    })
    const { ledger, pace, cutter } = this
    const refusedLate = (held: Held): void => user.refusedLate(held)
    this.answers = new Answers({ context, ledger, pace, cutter, refusedLate }, settings)
  }

  get tallies(): Tallies {
    return this.answers.tallies
  }

  /** Claimed and not written. */
  get waitingCount(): number {
    return this.waiting.length - this.head
  }

  apply(settings: Connector): void {
    this.answers.apply(settings)
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
    this.answers.stop()
    this.ledger.stop()
  }

  /** What became of a message that was written to a link. */
  response(held: Held, kind: ResponseKind, frame: Frame | undefined): void {
    this.answers.onMessage(held, kind, frame)
    if (this.waitingCount > 0) this.pumpLater()
  }

  /** What became of a part that was written to a link. */
  partResponse(tag: PartTag, kind: ResponseKind, frame: Frame | undefined): void {
    this.answers.onPart(tag, kind, frame)
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
      this.answers.fail(held, COMMAND_STATUS.ESME_RSYSERR)
      return 'concluded'
    }
    const acceptedAtMs = journal.proposedAtMs(held.ref) ?? 0
    held.expiresAtMs =
      message.expiresAtMs > 0
        ? message.expiresAtMs
        : acceptedAtMs + journal.state.settings.validityMs
    const atMs = clock.nowMs()
    if (held.expiresAtMs <= atMs) {
      this.answers.expire(held)
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
    this.answers.tell('message sent', held)
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
      this.answers.conclude(held, parts, 'response') // one failed, or the SMSC had all of them before
      return 'concluded'
    }
    const tag = new PartTag(held, parts, due.index, nowMs)
    if (typeof link.request(COMMAND_IDS.submit_sm, due.body, tag) === 'string') return 'noRoom'
    this.spent++
    parts.written()
    held.status = 'written'
    this.answers.tell('message sent', held, { part: due.index + 1 })
    return parts.due === undefined ? 'written' : 'part'
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
        this.answers.conclude(held, parts, 'response')
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
}

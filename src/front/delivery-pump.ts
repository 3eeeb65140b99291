import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Fields, Logger } from '../base/logger.js'
import type { Random } from '../base/random.js'
import type { AccountState, Delivery, Journal, Ref } from '../journal/index.js'
import { indexOf, offsetOf } from '../journal/index.js'
import type { ResponseKind } from '../link/types.js'
import { defaultAlphabetOf } from '../policy/settings.js'
import { tlvRulesOf } from '../policy/tlv-rules.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import type { EsmeSession } from './esme-session.js'
import { expiredDeliveries, overdueParts } from './expired-deliveries.js'
import type { ReceiptGuard } from './receipt-guard.js'
import { joinedMo, ownReceipt, relayedMo, relayedReceipt } from './receipt-pdu.js'
import { SeenTail } from './seen-tail.js'

export interface PumpOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  guard: ReceiptGuard
  guardMs: number
  /** Bound sessions of an account on this node. */
  sessionsOf(account: number): Iterable<EsmeSession>
}

/** What a link gives back with the answer to a deliver_sm. */
export interface DeliveryTag {
  readonly pump: DeliveryPump
  readonly seq: number
}

/** Items that wait to be sent again; nothing new goes out beyond. */
const RETRIES_MAX = 2000
/** Places of the list that one turn looks at. */
const LOOK_MAX = 1000
const ACKS_MAX = 4096
const BACKOFF_MS = 1000
const BACKOFF_MS_MAX = 60_000
const AGAIN_MS = 100

interface Item extends DeliveryTag {
  attempts: number
  dueMs: number
  /** Of an MO that goes in parts: where this one lies, and how many of them are not acknowledged yet. */
  part?: { ref: Ref; open: { count: number } }
}

/**
 * Delivers receipts and MO to one account while this node is its owner, under one epoch: in the order
 * of the list, over any session that may receive, until each has a positive deliver_sm_resp. What an
 * ESME does not take comes again with growing pauses and holds back nothing else.
 */
export class DeliveryPump {
  readonly account: number
  readonly epoch: number
  private readonly options: PumpOptions
  /** Everything below was sent once, or is done. */
  private next: number
  private readonly flying: Set<Item> = new Set()
  private readonly retries: Set<Item> = new Set()
  /** Acknowledged, to be proposed. */
  private acked: number[] = []
  private readonly seen: SeenTail
  private turn = 0
  private running = false
  private acking = false
  private alarm: { atMs: number; cancel: Cancel } | undefined
  private paused = false
  private over = false
  private guarded = false

  constructor(account: AccountState, epoch: number, options: PumpOptions) {
    this.account = account.number
    this.epoch = epoch
    this.options = options
    this.next = account.deliveries.head
    this.seen = new SeenTail(options.guardMs, account.deliveries.head)
  }

  /** Sent and not answered. */
  get outstanding(): number {
    return this.flying.size
  }

  /** Whether its next receipt waits for the report of a submit_sm_resp. */
  get waitsForReport(): boolean {
    return this.guarded
  }

  /** Looks for something to do, at the end of this turn. */
  wake(): void {
    if (this.running || this.over) return
    this.running = true
    this.options.timers.soon(() => {
      this.running = false
      if (!this.over) this.run()
    })
  }

  /** Sends nothing more; answers still count. */
  pause(): void {
    this.paused = true
  }

  /** This node is not the owner any more, or stops. */
  stop(): void {
    this.over = true
    this.alarm?.cancel()
  }

  /** The answer to a deliver_sm, or that there is none. Late ones count when they are positive. */
  answered(tag: DeliveryTag, kind: ResponseKind, command_status: number | undefined): void {
    const item = tag as Item
    const { seq } = item
    if (this.over || !(this.flying.has(item) || this.retries.has(item))) return
    if (this.options.logger.debugs === true)
      this.tell('delivery answered', seq, { command_status: statusText(command_status ?? 0), kind })
    if (command_status === 0) {
      this.flying.delete(item)
      this.retries.delete(item)
      if (item.part === undefined || --item.part.open.count === 0) this.acknowledge(seq)
    } else if (kind !== 'late' && this.flying.delete(item)) {
      const pauseMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** (item.attempts - 1))
      // what a broken session leaves comes again together, in its order
      const spread = kind === 'closed' ? 1 : 0.5 + this.options.random.unit() / 2
      item.dueMs = this.nowMs() + pauseMs * spread
      this.retries.add(item)
    }
    this.wake()
  }

  /** Gives up what nobody fetched within the account's receiptTtl. */
  expire(): void {
    const { journal, clock } = this.options
    const account = this.accountState()
    if (this.over || account === undefined) return
    const flying = new Set([...this.flying].map(({ seq }) => seq))
    const seqs = expiredDeliveries(journal.state, account, clock.nowMs(), LOOK_MAX).filter(
      seq => !flying.has(seq),
    )
    if (seqs.length === 0) return
    const over = new Set(seqs)
    for (const item of this.retries) if (over.has(item.seq)) this.retries.delete(item)
    journal.proposer.propose({
      kind: 'delivered',
      account: this.account,
      epoch: this.epoch,
      seqs,
      expired: true,
    })
  }

  /** Gives up parts of MO that have waited long enough for others: what came is owed as it came. */
  giveUpParts(): void {
    const { journal, clock } = this.options
    const account = this.accountState()
    if (this.over || account === undefined) return
    const refs = overdueParts(account, clock.nowMs())
    if (refs.length === 0) return
    const { account: number, epoch } = this
    journal.proposer.propose({ kind: 'giveUpParts', account: number, epoch, refs })
  }

  private run(): void {
    const account = this.accountState()
    if (account === undefined || this.paused) return
    const nowMs = this.nowMs()
    const { tail } = account.deliveries
    this.seen.note(tail, nowMs)
    if (this.retries.size === 0 && this.next >= tail) {
      this.guarded = false
      return // each bind wakes us, and an account may have thousands of sessions
    }
    const sessions = [...this.options.sessionsOf(this.account)].filter(s => s.receives)
    if (sessions.length === 0) return // a session that binds wakes us
    this.sendAgain(account, sessions, nowMs)
    this.sendNew(account, sessions, nowMs)
  }

  private sendAgain(account: AccountState, sessions: EsmeSession[], nowMs: number): void {
    for (const item of this.retries) {
      if (item.dueMs > nowMs) {
        this.wakeAt(item.dueMs)
        continue
      }
      const delivery = account.delivery(item.seq)
      if (delivery === undefined)
        this.retries.delete(item) // expired
      else {
        const sent = this.send(delivery, item, sessions)
        if (sent === 'noRoom') return
        if (sent !== 'later') this.retries.delete(item)
      }
    }
  }

  private sendNew(account: AccountState, sessions: EsmeSession[], nowMs: number): void {
    const { tail } = account.deliveries
    this.next = Math.max(this.next, account.deliveries.head)
    this.guarded = false
    for (let looked = 0; this.next < tail; looked++) {
      if (looked >= LOOK_MAX) return this.wake() // others have their turn
      if (this.retries.size >= RETRIES_MAX) return
      const delivery = account.delivery(this.next)
      if (delivery !== undefined) {
        if (!this.mayLeave(delivery, nowMs)) {
          this.guarded = true
          return this.wakeAt(this.seen.ripeAtMs(this.next))
        }
        const item: Item = { pump: this, seq: this.next, attempts: 0, dueMs: 0 }
        const sent = this.send(delivery, item, sessions)
        if (sent === 'noRoom') return
        if (sent === 'inParts') {
          this.next++
          return this.wake() // its parts go before what follows it
        }
      }
      this.next++
    }
  }

  /** A receipt waits for its submit_sm_resp, but not for ever. */
  private mayLeave({ seq, kind, message }: Delivery, nowMs: number): boolean {
    return kind === 'mo' || this.seen.isRipe(seq, nowMs) || this.options.guard.isFree(message)
  }

  private send(
    delivery: Delivery,
    item: Item,
    sessions: EsmeSession[],
  ): 'sent' | 'noRoom' | 'later' | 'inParts' {
    const session = this.choose(delivery, sessions)
    if (session === undefined) {
      // Answers wake us; where none is awaited a slow reader's write queue is in the way.
      if (this.flying.size === 0) this.wakeAt(this.nowMs() + AGAIN_MS)
      return 'noRoom'
    }
    const { knowsTlvs } = session
    const whole =
      item.part === undefined
        ? this.bodyOf(delivery, knowsTlvs)
        : this.moAt(item.part.ref, knowsTlvs)
    if (whole === 'inParts') return this.takeApart(delivery)
    const body = whole === undefined ? undefined : this.withoutTlvs(whole)
    if (body === undefined) {
      this.options.logger.error('the octets of a delivery are missing', {
        account: this.account,
        seq: item.seq,
      })
      item.dueMs = this.nowMs() + BACKOFF_MS_MAX
      this.retries.add(item)
      return 'later'
    }
    item.attempts++
    const sent = session.link.request(COMMAND_IDS.deliver_sm, body, item)
    if (typeof sent !== 'number') {
      item.attempts--
      return 'noRoom' // `ready` wakes us
    }
    this.flying.add(item)
    if (this.options.logger.debugs === true)
      this.tell('delivery sent', item.seq, { session: session.bound?.id })
    return 'sent'
  }

  /** The session has no TLV for so long an MO: its parts go next, in the order in which they came. */
  private takeApart({ seq, parts = [] }: Delivery): 'inParts' {
    const open = { count: parts.length }
    for (const ref of [...parts].sort((a, b) => a - b))
      this.retries.add({ pump: this, seq, attempts: 0, dueMs: 0, part: { ref, open } })
    return 'inParts'
  }

  /**
   * The session that the message was submitted on, where it has room; else they take turns, those first that can have a
   * long MO as one message.
   */
  private choose(delivery: Delivery, sessions: EsmeSession[]): EsmeSession | undefined {
    if (sessions.length > 1 && delivery.kind === 'receipt') {
      const preferred = this.submittedOn(delivery)
      const own = sessions.find(session => session.bound?.id === preferred)
      if (own !== undefined && own.link.windowFree > 0) return own
    }
    const able = delivery.parts === undefined ? sessions : sessions.filter(s => s.knowsTlvs)
    return this.nextOf(able) ?? (able.length < sessions.length ? this.nextOf(sessions) : undefined)
  }

  private nextOf(sessions: readonly EsmeSession[]): EsmeSession | undefined {
    for (let i = 0; i < sessions.length; i++) {
      const session = sessions[this.turn++ % sessions.length]!
      if (session.link.windowFree > 0) return session
    }
    return undefined
  }

  private submittedOn({ message }: Delivery): string | undefined {
    const { journal } = this.options
    const block = journal.state.blocks.get(indexOf(message))
    if (block?.node !== journal.node) return undefined
    const submit = journal.message(message)
    if (submit?.kind !== 'submit') return undefined
    return `${block.node}.${block.boot}.${submit.session}`
  }

  private bodyOf(
    { kind, inbound, message, parts }: Delivery,
    tlvs: boolean,
  ): Buffer | 'inParts' | undefined {
    const { journal } = this.options
    if (parts !== undefined) {
      const bodies = parts.flatMap(ref => journal.message(ref)?.body ?? [])
      const ofZero = defaultAlphabetOf(this.accountState()?.settings)
      return bodies.length < parts.length ? undefined : joinedMo(bodies, ofZero, tlvs)
    }
    if (kind === 'mo') return this.moAt(inbound, tlvs)
    if (inbound !== 0) {
      const body = journal.message(inbound)?.body
      return body && relayedReceipt(body, journal.shownIdOf(message), tlvs)
    }
    const block = journal.state.blocks.get(indexOf(message))
    const submit = journal.message(message)
    if (block === undefined || submit?.kind !== 'submit') return undefined
    const offset = offsetOf(message)
    const receipt = {
      messageId: journal.shownIdOf(message),
      state: block.state(offset),
      error: block.error(offset),
      submittedAtMs: block.proposedAtMs,
      doneAtMs: block.at(offset, 'final'),
    }
    return ownReceipt(submit, receipt, tlvs)
  }

  private moAt(ref: Ref, tlvs: boolean): Buffer | undefined {
    const body = this.options.journal.message(ref)?.body
    return body && relayedMo(body, tlvs)
  }

  /** Without the TLVs that the account's rules keep from it. */
  private withoutTlvs(body: Buffer): Buffer {
    const { settings } = this.options.journal.state
    const tlvs = this.accountState()?.settings?.tlvs
    if (tlvs === undefined) return body
    return tlvRulesOf(settings, tlvs.to)?.stripped(body, 'deliver_sm') ?? body
  }

  private tell(event: string, seq: number, more: Fields): void {
    const { journal, logger } = this.options
    const account = this.accountState()
    const delivery = account?.delivery(seq)
    if (account === undefined || delivery === undefined) return
    const { kind, message } = delivery
    logger.debug(event, {
      message_id: message === 0 ? null : journal.idOf(message),
      account: account.systemId,
      delivery: kind,
      seq,
      ...more,
    })
  }

  private acknowledge(seq: number): void {
    this.acked.push(seq)
    if (this.acking) return
    this.acking = true
    this.options.timers.soon(() => this.proposeAcks())
  }

  /** A receipt leaves only so (DESIGN I3). What cannot be proposed now is proposed a little later. */
  private proposeAcks(): void {
    const { journal, timers } = this.options
    this.acking = false
    while (this.acked.length > 0 && !this.over) {
      const seqs = this.acked.slice(0, ACKS_MAX)
      const proposed = journal.proposer.propose({
        kind: 'delivered',
        account: this.account,
        epoch: this.epoch,
        seqs,
        expired: false,
      })
      if (!proposed) {
        this.acking = true
        timers.after(AGAIN_MS, () => this.proposeAcks())
        return
      }
      this.acked.splice(0, seqs.length)
    }
  }

  private accountState(): AccountState | undefined {
    const account = this.options.journal.state.accounts.get(this.account)
    return account?.owner?.epoch === this.epoch ? account : undefined
  }

  /** One alarm, the earliest. */
  private wakeAt(atMs: number): void {
    if (this.alarm !== undefined && this.alarm.atMs <= atMs) return
    this.alarm?.cancel()
    const cancel = this.options.timers.after(Math.max(1, atMs - this.nowMs()), () => {
      this.alarm = undefined
      this.wake()
    })
    this.alarm = { atMs, cancel }
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs()
  }
}

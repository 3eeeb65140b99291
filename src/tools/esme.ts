import { assert } from '../base/assert.js'
import type { Cancel } from '../base/clock.js'
import type { Frame, ResponseKind, SessionLimits } from '../link/types.js'
import type { BindName } from '../smpp/command-ids.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { readMessageId } from '../smpp/codec.js'
import { AnswerTimeline } from './answer-timeline.js'
import { DueQueue } from './due-queue.js'
import { systemEffects, type ToolEffects } from './effects.js'
import { EsmeJournal } from './esme-journal.js'
import { EsmeLedger } from './esme-ledger.js'
import { EsmeOperations, type Operation } from './esme-operations.js'
import { awaitsReceipts, ESME_DEFAULTS, type EsmeOptions } from './esme-options.js'
import { makeReport } from './esme-summary.js'
import type { EsmeReport } from './esme-report.js'
import { EsmeSession, type Bind, type EsmeSessionOwner, type Flight } from './esme-session.js'
import { Fifo } from './fifo.js'
import { drawRun, TAG_N_MAX } from './message-tag.js'
import { SubmitTemplate } from './submit-template.js'

/**
 * Where a run stands.
 *
 *     connecting ─► sending ─► answering ─► settling ─► done
 *                   submits    waits for    waits for
 *                              responses    receipts
 */
export type EsmePhase = 'connecting' | 'sending' | 'answering' | 'settling' | 'done'

/**
 * A load client that keeps books. Each message carries a tag (message-tag.ts) by which the simulated
 * SMSC counts it; every answer and receipt is matched to it.
 *
 *     const esme = new EsmeClient({ addresses, sessions: 3, count: 1_000 })
 *     const report = await esme.run()
 */
export class EsmeClient implements EsmeSessionOwner {
  readonly options: EsmeOptions
  /** Of the tags: see message-tag.ts. */
  readonly runNumber: number
  readonly sessions: EsmeSession[] = []
  readonly ledger: EsmeLedger
  readonly operations: EsmeOperations
  /** When the first message was meant to be sent, monotonic ms, and since the Unix epoch. */
  startMs = 0
  startedAtMs = 0
  private readonly effects: ToolEffects
  private readonly template: SubmitTemplate
  private readonly journal: EsmeJournal | undefined
  private readonly retries = new Fifo<number>()
  private readonly laterRetries: DueQueue<number>
  private readonly laterOperations: DueQueue<Operation>
  private readonly dueOperations = new Fifo<Operation>()
  /** Drawn, and not answered. */
  private openOperations = 0
  private readonly problems: string[] = []
  private readonly cancels: Cancel[] = []
  private readonly watchers = new Set<() => void>()
  private phase: EsmePhase = 'connecting'
  private phaseAtMs: number
  private firstBoundAtMs: number | undefined
  private lastUpAtMs: number
  private sendingMs = 0
  private next = 0
  private outstanding = 0
  private turn = 0
  /** Bound, and not picked since. */
  private readonly fresh = new Set<EsmeSession>()
  private stopAsked = false
  private pumpAsked = false
  private lastAckMs = 0
  private settledAtMs: number | undefined

  constructor(options: Partial<EsmeOptions> = {}, effects: ToolEffects = systemEffects) {
    this.options = { ...ESME_DEFAULTS, ...options }
    this.effects = effects
    const { clock, timers, random } = effects
    const { count, addresses, journal, warmUpMs } = this.options
    assert(addresses.length > 0, 'the load client needs an address')
    assert((count ?? 0) <= TAG_N_MAX, 'more messages than a tag can number')
    this.runNumber = drawRun(random)
    this.template = new SubmitTemplate({ ...this.options, run: this.runNumber })
    this.phaseAtMs = this.lastUpAtMs = clock.monotonicMs()
    this.journal = journal === null ? undefined : new EsmeJournal(journal)
    this.ledger = new EsmeLedger(warmUpMs, this.journal, this.options)
    const { queries, cancels, replaces, from } = this.options
    const shares = { query_sm: queries, cancel_sm: cancels, replace_sm: replaces }
    this.operations = new EsmeOperations(shares, from)
    this.laterOperations = new DueQueue(clock, timers, operation => {
      this.dueOperations.push(operation)
      this.pumpSoon()
    })
    this.laterRetries = new DueQueue(clock, timers, n => {
      this.retries.push(n)
      this.pumpSoon()
    })
    for (const bindAs of binds(this.options)) {
      const index = this.sessions.length
      this.sessions.push(
        new EsmeSession(
          { ...this.options, index, bindAs, limits: limits(this.options) },
          this,
          effects,
        ),
      )
    }
  }

  /** Connects, sends, waits for answers and receipts, unbinds. */
  async run(): Promise<EsmeReport> {
    this.start()
    await this.reached('done')
    return this.finish()
  }

  /** Begins to connect; sending begins when all sessions are bound, or five seconds after the first is. */
  start(): void {
    for (const session of this.sessions) session.start()
    const tickMs = this.options.rate === null ? 20 : 1
    this.cancels.push(this.effects.timers.every(tickMs, () => this.tick()))
  }

  /** Sends no more; answers and receipts are still waited for. */
  stopSending(): void {
    this.stopAsked = true
    this.tick()
  }

  /** Ends without waiting for anything. */
  giveUp(): void {
    this.enter('done')
  }

  /** Unbinds, closes everything, and draws up the report. */
  async finish(): Promise<EsmeReport> {
    this.enter('done')
    for (const cancel of this.cancels.splice(0)) cancel()
    this.laterRetries.clear()
    this.laterOperations.clear()
    await Promise.all(this.sessions.map(session => session.stop()))
    try {
      await this.journal?.close()
    } catch (error) {
      this.problems.push(`the journal could not be written: ${(error as Error).message}`)
    }
    return this.report()
  }

  /** Resolves when the phase, or a later one, is reached. */
  async reached(phase: EsmePhase): Promise<void> {
    await this.until(() => PHASES.indexOf(this.phase) >= PHASES.indexOf(phase))
  }

  /** Resolves when a condition over books or sessions holds; looked at after every change, in a tick. */
  async until(condition: () => boolean): Promise<void> {
    if (condition()) return
    await new Promise<void>(resolve => {
      const watcher = (): void => {
        if (!condition()) return
        this.watchers.delete(watcher)
        resolve()
      }
      this.watchers.add(watcher)
    })
  }

  get currentPhase(): EsmePhase {
    return this.phase
  }

  get inFlight(): number {
    return this.outstanding
  }

  /** Sessions that are bound. */
  get up(): number {
    return this.sessions.filter(session => session.isUp).length
  }

  /** The books as they are now. */
  report(): EsmeReport {
    return makeReport(this, {
      sendingMs: this.phase === 'sending' ? this.now() - this.startMs : this.sendingMs,
      lastAckMs: this.lastAckMs,
      messages: this.next,
      problems: this.problems,
    })
  }

  /**
   * When, at or after `atMs` (ms since the Unix epoch), the next submit was answered positively on one
   * of the sessions; to the millisecond. Undefined: not yet.
   */
  nextAnswerAfter(
    atMs: number,
    sessions: readonly EsmeSession[] = this.sessions,
  ): number | undefined {
    const timeline = new AnswerTimeline()
    for (const session of sessions) timeline.merge(session.timeline)
    const found = timeline.next(atMs - this.startedAtMs)
    return found === undefined ? undefined : this.startedAtMs + found
  }

  bound(session: EsmeSession): void {
    this.firstBoundAtMs ??= this.now()
    this.fresh.add(session)
    this.options.onEvent(`session ${session.index} is bound at ${session.bind?.address ?? ''}`)
    this.tick()
    this.pumpSoon()
  }

  unbound(session: EsmeSession, bind: Bind): void {
    this.fresh.delete(session)
    const served = bind.okAtMs !== undefined || !session.canSubmit
    if (!served && this.phase !== 'connecting') this.journal?.bind(session.index, bind)
  }

  broke(session: EsmeSession, reason: string): void {
    this.options.onEvent(`session ${session.index} at ${reason}`)
  }

  answered(session: EsmeSession, { n, fromMs }: Flight, kind: ResponseKind, frame?: Frame): void {
    const atMs = this.now()
    if (kind !== 'late') this.outstanding--
    if (frame === undefined) {
      this.ledger.unanswered(n, fromMs, atMs)
      if (this.options.resubmit && this.phase === 'sending') this.retries.push(n)
    } else {
      this.ledger.answered(n, frame, fromMs, atMs, kind === 'late')
      if (frame.command_status === 0) {
        session.acknowledged++
        this.noteFirst(session, atMs)
        session.timeline.note(atMs - this.startMs)
        this.lastAckMs = atMs
        if (this.operations.any) this.askAbout(readMessageId(frame.body))
      } else if (this.options.resubmit && PASSING.has(frame.command_status)) {
        this.laterRetries.add(RETRY_MS, n)
      }
    }
    this.pumpSoon()
  }

  operated(operation: Operation, frame: Frame | undefined): void {
    this.openOperations--
    this.operations.answered(operation, frame)
    this.pumpSoon()
  }

  delivered(body: Buffer): boolean {
    const wasFull = this.awaitsTooMany
    const ok = this.ledger.delivered(body, this.now())
    if (wasFull) this.pumpSoon()
    return ok
  }

  ready(): void {
    this.pumpSoon()
  }

  private noteFirst({ index, bind }: EsmeSession, atMs: number): void {
    if (bind === undefined || bind.okAtMs !== undefined) return
    bind.okAtMs = atMs
    this.journal?.bind(index, bind)
  }

  /** What is on its way counts too: all of it may be acknowledged before the next receipt comes. */
  private get awaitsTooMany(): boolean {
    const { awaitedMax } = this.options
    return awaitedMax !== null && this.ledger.awaited + this.outstanding >= awaitedMax
  }

  private now(): number {
    return this.effects.clock.monotonicMs()
  }

  private pumpSoon(): void {
    if (this.pumpAsked) return
    this.pumpAsked = true
    this.effects.timers.soon(() => {
      this.pumpAsked = false
      this.pump()
    })
  }

  private askAbout(message_id: string): void {
    const { operations, options, effects } = this
    const operation = operations.about(message_id, effects.random.unit())
    if (operation === undefined) return
    this.openOperations++
    this.laterOperations.add(options.operationDelayMs, operation)
  }

  /** What is asked about messages goes before new ones. */
  private pumpOperations(): void {
    while (this.dueOperations.length > 0 && this.phase !== 'done') {
      const session = this.pick()
      const operation = this.dueOperations.shift()!
      if (session?.operate(operation) !== true) {
        this.dueOperations.unshift(operation)
        return
      }
      session.flush()
    }
  }

  /** Sends what is due and the windows have room for. */
  private pump(): void {
    this.pumpOperations()
    if (this.phase !== 'sending') return
    const { rate, count, durationMs } = this.options
    const limit = this.stopAsked ? 0 : (count ?? TAG_N_MAX)
    const nowMs = this.now()
    const endMs = durationMs === null ? Infinity : this.startMs + durationMs
    for (;;) {
      const again = this.retries.length > 0
      const fromMs = rate === null || again ? nowMs : this.startMs + (this.next * 1000) / rate
      if (!again && (this.next >= limit || fromMs > nowMs || fromMs >= endMs)) break
      if (this.awaitsTooMany) break
      const session = this.pick()
      if (session === undefined) break
      const n = again ? this.retries.shift()! : this.next
      if (!session.submit(this.template.number(n), n, fromMs)) {
        if (again) this.retries.unshift(n)
        break
      }
      if (!again) this.next++
      this.outstanding++
      this.ledger.submitted(n, nowMs)
    }
    for (const session of this.sessions) session.flush()
  }

  /** The next session with room, in turn; one that has just bound is first, as of an ESME with messages waiting. */
  private pick(): EsmeSession | undefined {
    for (const session of this.fresh) {
      this.fresh.delete(session)
      if (session.windowFree > 0) return session
    }
    const { sessions } = this
    for (let tries = sessions.length; tries > 0; tries--) {
      this.turn = this.turn + 1 >= sessions.length ? 0 : this.turn + 1
      const session = sessions[this.turn]!
      if (session.windowFree > 0) return session
    }
    return undefined
  }

  private tick(): void {
    const nowMs = this.now()
    if (this.up > 0) this.lastUpAtMs = nowMs
    else if (nowMs - this.lastUpAtMs > this.options.giveUpMs && this.phase !== 'done') {
      this.problems.push(`no session was bound for ${this.options.giveUpMs / 1000} s`)
      this.enter('done')
    }
    switch (this.phase) {
      case 'connecting':
        if (this.mayBegin(nowMs)) this.begin(nowMs)
        break
      case 'sending':
        if (this.options.rate !== null) this.pump()
        if (this.allSent(nowMs)) {
          this.sendingMs = nowMs - this.startMs
          this.enter('answering')
        }
        break
      case 'answering':
        if (this.outstanding === 0) this.enter('settling')
        break
      case 'settling':
        if (this.isSettled(nowMs)) this.enter('done')
        break
      case 'done':
    }
    for (const watcher of this.watchers) watcher()
  }

  private enter(phase: EsmePhase): void {
    if (this.phase === phase) return
    if (this.phase === 'sending' && phase === 'done') this.sendingMs = this.now() - this.startMs
    this.phase = phase
    this.phaseAtMs = this.now()
    for (const watcher of this.watchers) watcher()
  }

  private mayBegin(nowMs: number): boolean {
    if (this.firstBoundAtMs === undefined) return false
    return this.up === this.sessions.length || nowMs - this.firstBoundAtMs > LATECOMERS_MS
  }

  private begin(nowMs: number): void {
    this.startMs = nowMs
    this.startedAtMs = this.effects.clock.nowMs()
    this.ledger.begin(nowMs)
    this.journal?.begin(nowMs)
    this.enter('sending')
    this.pump()
  }

  private allSent(nowMs: number): boolean {
    const { count, durationMs, resubmit } = this.options
    if (durationMs !== null && nowMs - this.startMs >= durationMs) return true
    if (!this.stopAsked && this.next < (count ?? TAG_N_MAX)) return false
    const again = this.retries.length + this.laterRetries.length
    return !resubmit || (again === 0 && this.outstanding === 0)
  }

  private isSettled(nowMs: number): boolean {
    const inPhaseMs = nowMs - this.phaseAtMs
    if (inPhaseMs >= this.options.settleMs) return true
    if (this.openOperations > 0) return false
    if (awaitsReceipts(this.options) && this.ledger.awaited > 0) {
      this.settledAtMs = undefined
      return false
    }
    this.settledAtMs ??= nowMs
    return nowMs - this.settledAtMs >= this.options.lingerMs
  }
}

const PHASES: readonly EsmePhase[] = ['connecting', 'sending', 'answering', 'settling', 'done']

/** Refusals that a later attempt may not meet. */
const PASSING: ReadonlySet<number> = new Set([
  COMMAND_STATUS.ESME_RTHROTTLED,
  COMMAND_STATUS.ESME_RMSGQFUL,
  COMMAND_STATUS.ESME_RSYSERR,
  COMMAND_STATUS.ESME_RX_T_APPN,
])

const RETRY_MS = 200
/** How long the first sessions wait for the others before sending begins. */
const LATECOMERS_MS = 5_000

function binds({ bind, sessions }: EsmeOptions): BindName[] {
  const each: Record<EsmeOptions['bind'], BindName[]> = {
    trx: ['bind_transceiver'],
    tx: ['bind_transmitter'],
    rx: ['bind_receiver'],
    'tx+rx': ['bind_transmitter', 'bind_receiver'],
  }
  return Array.from({ length: sessions }, () => each[bind]).flat()
}

function limits(options: EsmeOptions): SessionLimits {
  const { window, responseTimeoutMs, enquireLinkMs, inactivityTimeoutMs } = options
  return {
    windowIn: 100_000,
    windowOut: window,
    pduOctetsMax: 65_536,
    bindTimeoutMs: 10_000,
    enquireLinkMs,
    inactivityTimeoutMs,
    responseTimeoutMs,
    writeQueueOctetsMax: 16 * 1024 * 1024,
  }
}

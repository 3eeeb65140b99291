import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Counter, Metrics } from '../base/metrics.js'
import type { CommandResult, Journal, SessionRecord } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { allows } from '../policy/cidr.js'
import { isDisabled, type BindType } from '../policy/settings.js'
import { decodeBody } from '../smpp/codec.js'
import { commandName, type BindName } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { boundVersion } from '../smpp/versions.js'
import { BanWatch } from './ban-watch.js'
import type { Bound, EsmeSession } from './esme-session.js'
import { FailedBinds } from './failed-binds.js'
import type { PasswordCheck } from './password-check.js'
import { refusalOf, statusOf, type RefusalCode } from './refusals.js'

/** As we name ourselves in bind responses. */
const SYSTEM_ID = Buffer.from('carillon\0', 'latin1')

const BIND_TYPES: Record<BindName, BindType> = {
  bind_transceiver: 'trx',
  bind_transmitter: 'tx',
  bind_receiver: 'rx',
}

/** Of refused binds one line is logged in so long a time, at most. */
const SAY_EVERY_MS = 1000

export interface BinderOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  metrics: Metrics
  logger: Logger
  passwords: PasswordCheck
  timeoutMs: number
  /** False: no boot, draining, or cut off. */
  ready(): boolean
  boot(): number
  /** Who it says it is, before anybody has checked. */
  named(session: EsmeSession, systemId: string, frame: Frame): void
  /** The bind is committed; its response leaves after this. */
  bound(session: EsmeSession, bound: Bound): void
  /** A committed bind whose socket has gone, or that was answered already. */
  abandoned(sessionId: string): void
}

/**
 * Takes binds: who is it, may it, and then the journal's word. bind_resp follows the committed bind
 * (DESIGN §3). A refusal that says who may come in is held back, see FailedBinds.
 */
export class Binder {
  private readonly options: BinderOptions
  private readonly failed = new FailedBinds()
  private readonly bans: BanWatch
  private readonly answers: Map<number, Counter> = new Map()
  private count = 0
  private saidAtMs = -Infinity
  /** Refused since, and not logged. */
  private unsaid = 0

  constructor(options: BinderOptions) {
    this.options = options
    this.bans = new BanWatch(options)
  }

  bind(session: EsmeSession, frame: Frame): void {
    const { journal, clock, passwords } = this.options
    const command = commandName(frame.command_id) as BindName
    const attempt = new Attempt(session, frame, BIND_TYPES[command], clock.monotonicMs())
    const decoded = decodeBody(command, frame.body)
    // The link has read it before; `ready` again before it is proposed. Before the first settings nobody is unknown.
    const early = journal.state.revision === 0
    if (!decoded.ok || early || !this.options.ready()) return this.refuse(attempt, 'notReady')
    const { system_id, password, interface_version } = decoded.body
    const account = journal.state.account(system_id)
    const address = session.link.remoteAddress
    const settings = account?.settings
    const known = settings !== undefined && allows(settings.allowFrom, address)
    attempt.systemId = system_id
    this.options.named(session, system_id, frame)
    attempt.version = boundVersion(command, interface_version)
    attempt.account = known ? account!.number : 0
    if (known && this.bans.isBanned(attempt.account, address))
      return this.holdBack(attempt, 'banned')
    passwords.ask({
      account: attempt.account,
      secret: known ? settings.password : undefined,
      password,
      wanted: () => !session.closedAlready,
      answer: verdict => {
        if (verdict === 'right' && this.isDisabled(attempt))
          this.holdBack(attempt, 'bindOfDisabled')
        else if (verdict === 'right') this.propose(attempt)
        else if (verdict === 'busy') this.refuse(attempt, 'notReady')
        else if (verdict === 'wrong') {
          if (known) this.bans.failed(attempt.account, address)
          this.holdBack(attempt, known ? 'wrongPassword' : 'unknownSystemId')
        }
      },
    })
  }

  private propose(attempt: Attempt): void {
    const { journal, timers, clock, timeoutMs } = this.options
    const { session, systemId } = attempt
    this.failed.succeeded(session.link.remoteAddress, systemId)
    this.bans.succeeded(attempt.account, session.link.remoteAddress)
    if (session.closedAlready) return
    if (!this.options.ready()) return this.refuse(attempt, 'notReady')
    const count = ++this.count
    const id = `${journal.node}.${this.options.boot()}.${count}`
    const record: SessionRecord = {
      id,
      account: attempt.account,
      bindType: attempt.bindType,
      version: attempt.version,
      node: journal.node,
      remoteAddress: session.link.remoteAddress,
      boundAtMs: clock.nowMs(),
    }
    const proposed = journal.proposer.propose({ kind: 'bind', session: record }, result =>
      this.decided(attempt, { ...record, systemId, count }, result),
    )
    if (!proposed) return this.refuse(attempt, 'notReady')
    attempt.cancelTimeout = timers.after(timeoutMs, () => this.refuse(attempt, 'notReady'))
  }

  private decided(attempt: Attempt, bound: Bound, result: CommandResult): void {
    const { session } = attempt
    attempt.cancelTimeout?.()
    const late = attempt.answered || session.closedAlready
    if (!result.ok) {
      if (late) return
      if (result.why === 'accountDisabled') this.holdBack(attempt, 'bindOfDisabled')
      else if (result.why === 'tooManySessions') this.refuse(attempt, this.tooMany(attempt))
      else this.refuse(attempt, refusalOf(result.why))
      return
    }
    const disabled = this.isDisabled(attempt) // where not every node's apply knows that yet
    if (late || disabled || !this.options.ready()) {
      this.options.abandoned(bound.id)
      if (!late && disabled) this.holdBack(attempt, 'bindOfDisabled')
      else if (!late) this.refuse(attempt, 'notReady')
      return
    }
    this.options.bound(session, bound)
    this.answer(attempt, 0, SYSTEM_ID)
  }

  private isDisabled({ account }: Attempt): boolean {
    return isDisabled(this.options.journal.state.accounts.get(account)?.settings)
  }

  private tooMany({ account }: Attempt): RefusalCode {
    const { settings } = this.options.journal.state.accounts.get(account) ?? {}
    return settings?.tooManySessions === undefined ? 'tooManySessions' : 'tooManySessionsBindFail'
  }

  /** Answers later, and closes: whoever it was may connect again. */
  private holdBack(attempt: Attempt, code: RefusalCode): void {
    const { clock, timers } = this.options
    const { session, systemId, arrivedMs } = attempt
    const now = clock.monotonicMs()
    this.say(attempt, code, now)
    const heldMs = this.failed.failed(session.link.remoteAddress, systemId, now)
    timers.after(Math.max(0, arrivedMs + heldMs - now), () => {
      this.refuse(attempt, code)
      session.link.close('its bind was refused')
    })
  }

  /** Why a bind was refused, which the ESME is not told. No names of unknown accounts: one may be a password. */
  private say({ session, systemId, account }: Attempt, why: RefusalCode, atMs: number): void {
    if (atMs - this.saidAtMs < SAY_EVERY_MS) {
      this.unsaid++
      return
    }
    const { remoteAddress } = session.link
    const named = account === 0 ? {} : { systemId }
    this.options.logger.info('bind refused', { why, ...named, remoteAddress, unsaid: this.unsaid })
    this.saidAtMs = atMs
    this.unsaid = 0
  }

  private refuse(attempt: Attempt, code: RefusalCode): void {
    this.answer(attempt, statusOf(code), undefined)
  }

  private answer(attempt: Attempt, command_status: number, body: Buffer | undefined): void {
    if (attempt.answered) return
    attempt.answered = true
    let counter = this.answers.get(command_status)
    if (counter === undefined) {
      const labels = { command_status: statusText(command_status) }
      counter = this.options.metrics.counter('binds_total', labels)
      this.answers.set(command_status, counter)
    }
    counter.add()
    const { session, command_id, sequence_number } = attempt
    session.link.respond(command_id, sequence_number, command_status, body)
  }
}

/** One bind PDU on its way to an answer. */
class Attempt {
  readonly session: EsmeSession
  readonly command_id: number
  readonly sequence_number: number
  readonly bindType: BindType
  readonly arrivedMs: number
  systemId = ''
  version = 0
  account = 0
  answered = false
  cancelTimeout: Cancel | undefined

  constructor(session: EsmeSession, frame: Frame, bindType: BindType, arrivedMs: number) {
    this.session = session
    this.command_id = frame.command_id
    this.sequence_number = frame.sequence_number
    this.bindType = bindType
    this.arrivedMs = arrivedMs
  }
}

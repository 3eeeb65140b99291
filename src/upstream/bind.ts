import { addressText, type Address } from '../base/address.js'
import type { Cancel } from '../base/clock.js'
import type { ResponseKind, Frame, SessionLimits, Connection } from '../link/types.js'
import { Link } from '../link/link.js'
import type { BindName } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import type { BindType, Connector } from '../policy/settings.js'
import type { Context } from './context.js'

/** Who hears of a bind. */
export interface BindUser {
  /** It stands now, or does no longer, or has ended for good. */
  changed(): void
  /** Why it does not stand. */
  failed(reason: string): void
  /** A request of the SMSC; answered with `link.respond`. */
  request(link: Link, frame: Frame): void
  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void
  /** There is room for requests again. */
  ready(): void
}

/** The first try after a bind that stood; then 1 s, doubled up to 30 s. */
const FIRST_RETRY_MS = 200
const RETRY_MS = 1000
const RETRY_MS_MAX = 30_000
/** A bind that stood this long was good: the back-off begins anew. */
const STOOD_MS = 10_000
/** A bind that leaves waits this long for the responses it is owed. */
const LEAVE_MS = 5000
/** So many time-outs in a row, or a whole window, and nothing more is sent until it answers. */
const SILENT_AFTER = 10
/** Requests of the SMSC that may be unanswered; beyond, the link says ESME_RTHROTTLED. */
const WINDOW_IN_MIN = 500

const COMMANDS = {
  trx: 'bind_transceiver',
  tx: 'bind_transmitter',
  rx: 'bind_receiver',
} as const satisfies Record<BindType, BindName>

/**
 * One bind of a connector, for as long as it is wanted: connects, binds, and begins again after whatever
 * ends it. Where a host takes no bind the next one is tried at once; the back-off comes after the last, and what
 * begins anew begins with the first.
 *
 *     connecting ──► binding ──► up ──► leaving ──► ended
 *         ▲             │        │                    ▲
 *         └── waiting ◄─┴────────┘ (back-off)         └── stop(), from anywhere
 */
export class Bind {
  readonly type: BindType
  private readonly context: Context
  private readonly settings: Connector
  private readonly user: BindUser
  private readonly addresses: readonly Address[]
  /** Of `addresses`, the one that is tried, or stands. */
  private at = 0
  /** What was wrong with those before it. */
  private reasons: string[] = []
  private state: 'connecting' | 'binding' | 'up' | 'waiting' | 'leaving' | 'ended' = 'waiting'
  private link: Link | undefined
  private window: number
  private failures = 0
  private upAtMs = 0
  private attempt = 0
  /** Time-outs since the last response. */
  private timeouts = 0
  private cancelSilence: Cancel | undefined
  private abort: AbortController | undefined
  private cancelTimer: Cancel | undefined

  constructor(context: Context, settings: Connector, type: BindType, user: BindUser) {
    this.context = context
    this.settings = settings
    this.type = type
    this.user = user
    this.addresses = addressesOf(settings)
    this.window = settings.window
    this.connect()
  }

  get isUp(): boolean {
    return this.state === 'up'
  }

  /** Whom it is bound to, or tries to. */
  get address(): Address {
    return this.addresses[this.at]!
  }

  get hasEnded(): boolean {
    return this.state === 'ended'
  }

  /** Where messages may go now; undefined where none may. */
  get sendingLink(): Link | undefined {
    const sends = this.state === 'up' && this.type !== 'rx' && !this.isSilent
    return sends ? this.link : undefined
  }

  get windowUsed(): number {
    return this.link?.windowUsed ?? 0
  }

  setWindow(window: number): void {
    if (window === this.window) return
    this.window = window
    this.link?.setLimits({ windowOut: window, windowIn: Math.max(window, WINDOW_IN_MIN) })
  }

  /** Sends nothing more, waits (5 s at most) for what is unanswered, unbinds. `hasEnded` then. */
  leave(): void {
    if (this.state === 'leaving' || this.state === 'ended') return
    if (this.state !== 'up' || this.link === undefined) return this.stop()
    this.state = 'leaving'
    this.user.changed()
    if (this.link.windowUsed === 0) this.link.unbind()
    else this.cancelTimer = this.context.timers.after(LEAVE_MS, () => this.link?.unbind())
  }

  /** Ends at once: unbinds without waiting; responses that still come are told. */
  stop(): void {
    if (this.state === 'ended') return
    const bound = this.state === 'up' || this.state === 'leaving'
    this.state = 'ended'
    this.attempt++
    this.abort?.abort()
    this.cancelTimer?.()
    this.cancelSilence?.()
    if (bound) this.link?.unbind()
    else this.link?.close('not wanted any more')
    this.user.changed()
  }

  private connect(): void {
    this.state = 'connecting'
    const attempt = ++this.attempt
    const fields = this.fields()
    if (typeof fields === 'string') return this.failed(fields)
    const { localAddress, tls = null, bindTimeoutMs } = this.settings
    const { host, port } = this.address
    this.abort = new AbortController()
    const { signal } = this.abort
    const to = { host, port, localAddress, tls, timeoutMs: bindTimeoutMs, signal }
    this.context.connect(to).then(
      connection => {
        if (attempt !== this.attempt) connection.destroy()
        else this.bind(connection, fields)
      },
      (error: unknown) => {
        if (attempt === this.attempt) this.tryNext(reasonOf(error))
      },
    )
  }

  private bind(connection: Connection, fields: ReturnType<typeof bindFields>): void {
    const { clock, timers, logger, traces, id } = this.context
    this.state = 'binding'
    const link: Link = new Link({
      side: 'esme',
      connection,
      limits: limitsOf(this.settings, this.window),
      clock,
      timers,
      logger,
      handler: {
        request: frame => this.user.request(link, frame),
        response: (tag, kind, frame) => {
          this.user.response(tag, kind, frame)
          this.listenFor(link, kind)
          if (this.state === 'leaving' && link.windowUsed === 0) link.unbind()
        },
        unbinding: () => this.down(link, 'unbound by the SMSC'),
        ready: () => this.user.ready(),
        closed: reason => {
          traces?.forget(link)
          this.closed(link, reason)
        },
      },
    })
    this.link = link
    traces?.name(link, { kind: 'connector', name: id, session: () => `${id} ${this.type}` })
    try {
      link.bind(COMMANDS[this.type], fields, result => {
        if (link !== this.link || this.state !== 'binding') return
        if (result.ok) this.up()
        else if (result.command_status !== undefined) link.close(statusText(result.command_status))
      })
    } catch (error) {
      link.close((error as Error).message) // a value that does not fit its parameter
    }
  }

  /**
   * An SMSC that keeps the connection and answers nothing would draw one window after another into doubt.
   * So nothing more goes out, and if it stays silent for another time-out, the bind begins anew.
   */
  private listenFor(link: Link, kind: ResponseKind): void {
    if (link !== this.link || kind === 'closed') return
    const wasSilent = this.isSilent
    this.timeouts = kind === 'timeout' ? this.timeouts + 1 : 0
    if (wasSilent === this.isSilent || this.state !== 'up') return
    this.cancelSilence?.()
    if (this.isSilent)
      this.cancelSilence = this.context.timers.after(this.settings.responseTimeoutMs, () => {
        if (link === this.link && this.isSilent) link.close('the SMSC answers nothing')
      })
    this.user.changed()
  }

  private get isSilent(): boolean {
    return this.timeouts >= Math.min(this.window, SILENT_AFTER)
  }

  private up(): void {
    this.state = 'up'
    this.timeouts = 0
    this.upAtMs = this.context.clock.monotonicMs()
    this.user.changed()
  }

  /** It stands no longer; what is unanswered may still be answered. */
  private down(link: Link, reason: string): void {
    if (link !== this.link || this.state !== 'up') return
    this.state = 'waiting'
    const stood = this.context.clock.monotonicMs() - this.upAtMs >= STOOD_MS
    if (stood && !this.isSilent) this.failures = 0
    this.user.failed(reason)
    this.user.changed()
  }

  private closed(link: Link, reason: string): void {
    if (link !== this.link) return
    const { state } = this
    this.down(link, reason)
    this.link = undefined
    this.cancelSilence?.()
    if (state === 'ended') return this.user.changed()
    if (state === 'leaving') {
      this.state = 'ended'
      this.cancelTimer?.()
      return this.user.changed()
    }
    if (state === 'binding') this.tryNext(reason)
    else this.retry()
  }

  /** This host has not taken the bind. */
  private tryNext(reason: string): void {
    if (this.addresses.length === 1) return this.failed(reason)
    this.reasons.push(`${addressText(this.address)} ${reason}`)
    if (this.at + 1 === this.addresses.length) return this.failed(this.reasons.join('; '))
    this.at++
    this.connect()
  }

  private failed(reason: string): void {
    this.user.failed(reason)
    this.retry()
  }

  private retry(): void {
    this.state = 'waiting'
    this.at = 0
    this.reasons = []
    const backOff =
      this.failures === 0
        ? FIRST_RETRY_MS
        : Math.min(RETRY_MS * 2 ** Math.min(this.failures - 1, 10), RETRY_MS_MAX)
    this.failures++
    const { timers, random } = this.context
    this.cancelTimer = timers.after(backOff * (0.5 + 0.5 * random.unit()), () => this.connect())
  }

  /** Or why there are none. */
  private fields(): ReturnType<typeof bindFields> | string {
    try {
      return bindFields(this.settings, this.context.openSecret(this.settings.password))
    } catch (error) {
      return `the password cannot be opened: ${(error as Error).message}`
    }
  }
}

/** In the order in which they are tried. */
function addressesOf({ host, port, otherHosts = [] }: Connector): Address[] {
  return [{ host, port }, ...otherHosts]
}

function bindFields({ systemId, systemType }: Connector, password: string) {
  return {
    system_id: systemId,
    password,
    system_type: systemType,
    interface_version: 0x34,
    addr_ton: 0,
    addr_npi: 0,
    address_range: '',
  }
}

function limitsOf(settings: Connector, window: number): SessionLimits {
  return {
    windowIn: Math.max(window, WINDOW_IN_MIN),
    windowOut: window,
    pduOctetsMax: 65_536,
    bindTimeoutMs: settings.bindTimeoutMs,
    enquireLinkMs: settings.enquireLinkMs,
    inactivityTimeoutMs: 3 * settings.enquireLinkMs,
    responseTimeoutMs: settings.responseTimeoutMs,
    writeQueueOctetsMax: 4 * 1024 * 1024,
  }
}

/** The system's code where there is one, so that a reason is the same each time. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message
}

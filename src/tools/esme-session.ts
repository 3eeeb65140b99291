import { Link } from '../link/link.js'
import { connectTcp } from '../link/tcp.js'
import type { Frame, LinkHandler, ResponseKind, SessionLimits } from '../link/types.js'
import { COMMAND_IDS, type BindName } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { submitBodyOf } from '../smpp/data-sm.js'
import { AnswerTimeline } from './answer-timeline.js'
import type { ToolEffects } from './effects.js'
import type { Operation } from './esme-operations.js'
import type { EsmeOptions } from './esme-options.js'
import { addressText, type Address } from '../base/address.js'

export interface EsmeSessionOptions {
  /** Which one it is, from 0; it begins with the address at that place of the list. */
  index: number
  addresses: readonly Address[]
  /** After a break it goes back to its own address instead of on to the next. */
  sticky: boolean
  bindAs: BindName
  systemId: string
  password: string
  systemType: string
  backOffMsMax: number
  /** See EsmeOptions. */
  ca: string | null
  pdu: EsmeOptions['pdu']
  limits: SessionLimits
}

/** A message on its way. */
export interface Flight {
  n: number
  /** When it was meant to be sent: the start of its latency. */
  fromMs: number
}

/** A bind that succeeded. Times are monotonic ms. */
export interface Bind {
  address: string
  /** Its connection was begun, and its bind_resp came. */
  connectAtMs: number
  boundAtMs: number
  /** The first positive submit_sm_resp came on it; undefined: none so far. Its owner notes it. */
  okAtMs: number | undefined
}

/** Who runs the sessions. */
export interface EsmeSessionOwner {
  bound(session: EsmeSession): void
  /** A bind is over, by whomever. */
  unbound(session: EsmeSession, bind: Bind): void
  /** A connection or a bind failed, or a session ended. */
  broke(session: EsmeSession, reason: string): void
  answered(session: EsmeSession, flight: Flight, kind: ResponseKind, frame?: Frame): void
  /** `frame` undefined: nobody will answer. */
  operated(operation: Operation, frame: Frame | undefined): void
  /** The body of a deliver_sm, or of a data_sm as one; true: it is answered ESME_ROK. */
  delivered(body: Buffer): boolean
  /** There is room in the window. */
  ready(): void
}

/** One session of the load client: connects, binds, and does so again whenever it breaks. */
export class EsmeSession implements LinkHandler {
  readonly index: number
  readonly bindAs: BindName
  readonly timeline = new AnswerTimeline()
  /** Sessions that stood and broke, while we did not mean them to. */
  breaks = 0
  acknowledged = 0
  /** Those it was bound at, in order; at most a hundred. */
  readonly boundAt: string[] = []
  /** The bind that stands. */
  bind: Bind | undefined
  private readonly options: EsmeSessionOptions
  private readonly owner: EsmeSessionOwner
  private readonly effects: ToolEffects
  private link: Link | undefined
  private stopping = false
  private address: number
  /** Attempts in a row without a bind. */
  private failures = 0
  private readonly aborted = new AbortController()
  private readonly flights: Flight[] = []
  private readonly ended: Promise<void>
  private end: () => void = () => undefined

  constructor(options: EsmeSessionOptions, owner: EsmeSessionOwner, effects: ToolEffects) {
    this.options = options
    this.owner = owner
    this.effects = effects
    this.index = options.index
    this.bindAs = options.bindAs
    this.address = options.index % options.addresses.length
    this.ended = new Promise(resolve => (this.end = resolve))
  }

  get isUp(): boolean {
    return this.bind !== undefined
  }

  get canSubmit(): boolean {
    return this.bindAs !== 'bind_receiver'
  }

  /** Messages that could be sent now. */
  get windowFree(): number {
    return this.isUp && this.canSubmit ? this.link!.windowFree : 0
  }

  get windowUsed(): number {
    return this.link?.windowUsed ?? 0
  }

  /** Begins to connect, and goes on until `stop`. */
  start(): void {
    void this.connect()
  }

  /** Sends a message; false where it could not. The body is copied. */
  submit(body: Buffer, n: number, fromMs: number): boolean {
    const flight = this.flights.pop() ?? { n: 0, fromMs: 0 }
    flight.n = n
    flight.fromMs = fromMs
    const sent = this.link?.request(COMMAND_IDS[this.options.pdu], body, flight)
    if (typeof sent === 'number') return true
    this.flights.push(flight)
    return false
  }

  /** Asks about a message; false where it could not. */
  operate(operation: Operation): boolean {
    const sent = this.link?.request(COMMAND_IDS[operation.name], operation.body, operation)
    return typeof sent === 'number'
  }

  /** What was submitted leaves now. */
  flush(): void {
    this.link?.flush()
  }

  /** Unbinds; resolves when the connection is closed. */
  async stop(): Promise<void> {
    this.stopping = true
    this.aborted.abort()
    if (this.link === undefined) this.end()
    else if (this.isUp) this.link.unbind()
    else this.link.close('the load client ends')
    await this.ended
  }

  request(frame: Frame): void {
    const { command_id, sequence_number } = frame
    if (command_id === COMMAND_IDS.deliver_sm || command_id === COMMAND_IDS.data_sm) {
      const body = command_id === COMMAND_IDS.data_sm ? submitBodyOf(frame.body) : frame.body
      const taken = typeof body !== 'number' && this.owner.delivered(body)
      const status = taken ? 'ESME_ROK' : 'ESME_RX_P_APPN'
      this.link?.respond(command_id, sequence_number, status)
    } else if (command_id < 0x80000000 && command_id !== COMMAND_IDS.alert_notification) {
      this.link?.respond(command_id, sequence_number, 'ESME_RX_P_APPN')
    }
  }

  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void {
    const subject = tag as Flight | Operation
    if ('name' in subject) {
      if (kind !== 'late') this.owner.operated(subject, frame)
      return
    }
    const flight = subject
    this.owner.answered(this, flight, kind, frame)
    // A late answer may still come with the same flight after a time-out.
    if (kind === 'response' && this.flights.length < FLIGHTS_MAX) this.flights.push(flight)
  }

  ready(): void {
    this.owner.ready()
  }

  closed(reason: string): void {
    const { bind } = this
    this.bind = undefined
    this.link = undefined
    if (bind !== undefined) this.owner.unbound(this, bind)
    if (this.stopping) {
      this.end()
      return
    }
    if (bind !== undefined) this.breaks++
    this.failed(reason)
  }

  private async connect(): Promise<void> {
    const { addresses, limits, ca } = this.options
    const tls = ca === null ? undefined : { ca }
    const address = addresses[this.address]!
    const { clock, timers, logger } = this.effects
    const { signal } = this.aborted
    const connectAtMs = clock.monotonicMs()
    try {
      const connection = await connectTcp({
        ...address,
        tls,
        timeoutMs: CONNECT_TIMEOUT_MS,
        signal,
      })
      const base = { limits, clock, timers, logger }
      this.link = new Link({ ...base, side: 'esme', connection, handler: this })
    } catch (error) {
      if (this.stopping) this.end()
      else this.failed((error as Error).message)
      return
    }
    if (this.stopping) this.link.close('the load client ends')
    else this.bindOn(this.link, addressText(address), connectAtMs)
  }

  private bindOn(link: Link, address: string, connectAtMs: number): void {
    const { bindAs, systemId, password, systemType } = this.options
    const fields = { system_id: systemId, password, system_type: systemType }
    link.bind(bindAs, fields, result => {
      if (result.ok) {
        const boundAtMs = this.effects.clock.monotonicMs()
        this.bind = { address, connectAtMs, boundAtMs, okAtMs: undefined }
        this.failures = 0
        if (this.boundAt.length < 100) this.boundAt.push(address)
        this.owner.bound(this)
      } else if (result.command_status !== undefined) {
        link.close(`${bindAs} was refused: ${statusText(result.command_status)}`)
      }
    })
  }

  /** Tries the next address at once, and after a round over all of them with growing pauses. */
  private failed(reason: string): void {
    const { addresses, sticky, backOffMsMax } = this.options
    this.owner.broke(this, `${addressText(addresses[this.address]!)}: ${reason}`)
    if (!sticky) this.address = (this.address + 1) % addresses.length
    const tries = sticky ? 1 : addresses.length
    const backOff = Math.max(0, ++this.failures - tries)
    const pauseMs = Math.min(backOffMsMax, BACK_OFF_MS * 2 ** Math.min(10, backOff))
    const jittered = pauseMs * (0.5 + this.effects.random.unit() / 2)
    const delayMs = this.failures < tries ? 0 : jittered
    this.effects.timers.after(delayMs, () => {
      if (this.stopping) this.end()
      else void this.connect()
    })
  }
}

const CONNECT_TIMEOUT_MS = 5_000
const BACK_OFF_MS = 100
const FLIGHTS_MAX = 10_000

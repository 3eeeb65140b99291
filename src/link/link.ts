import { assertNever } from '../base/assert.js'
import type { Cancel } from '../base/clock.js'
import { encodeBody, writeHeader, type Body } from '../smpp/codec.js'
import { COMMAND_IDS, responseId, type BindName } from '../smpp/command-ids.js'
import { COMMAND_STATUS, type CommandStatus } from '../smpp/command-status.js'
import { Framer, type FramedPdu } from '../smpp/framing.js'
import { step } from '../smpp/session.js'
import {
  isBound,
  mayRequest,
  openSession,
  type BindResult,
  type Session,
  type SessionCounters,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
} from '../smpp/session-state.js'
import { FloodBrake } from './flood-brake.js'
import { Gatherer } from './scratch.js'
import { pduOf } from './link-traces.js'
import type { LinkHandler, LinkOptions, LinkTap, SessionLimits } from './types.js'

/** Octets and PDUs since the link began. */
export interface LinkCounters extends SessionCounters {
  pdusIn: number
  pdusOut: number
  octetsIn: number
  octetsOut: number
}

/**
 * One SMPP session over one connection. Decides nothing: the session in src/smpp does, the link
 * performs. What is written within one turn of the event loop leaves in one write.
 */
export class Link {
  /** Sees every PDU; undefined where nobody looks. */
  tap: LinkTap | undefined
  private readonly options: LinkOptions
  private readonly handler: LinkHandler
  private readonly limits: SessionLimits
  private readonly session: Session
  private readonly framer: Framer
  private readonly gatherer: Gatherer
  private readonly cancelTick: Cancel
  private cancelGrace: Cancel | undefined
  private readonly brake = new FloodBrake()
  /** Set while the peer is not read from. */
  private cancelRest: Cancel | undefined
  private unread: Buffer = NOTHING
  /** PDUs of this slice that the session answered or passed over by itself. */
  private idlePdus = 0
  private bindDone: ((result: BindResult) => void) | undefined
  private pdusIn = 0
  private pdusOut = 0
  private octetsIn = 0
  private octetsOut = 0
  /** Inside the connection's data call, at whose end everything gathered is flushed. */
  private receiving = false
  private flushAsked = false
  private wantsRoom = false
  /** Requests that will have no answer: told when the link finishes, not from within `close`. */
  private readonly closedTags: unknown[] = []
  private closeReason: string | undefined
  private finished = false

  constructor(options: LinkOptions) {
    const { side, connection, clock, timers } = options
    this.options = options
    this.handler = options.handler
    this.limits = { ...options.limits }
    this.session = openSession(side, this.limits, clock.monotonicMs())
    this.framer = new Framer(this.limits.pduOctetsMax)
    this.gatherer = new Gatherer(octets => this.write(octets))
    this.cancelTick = timers.every(tickMs(this.limits), () => {
      this.feed({ kind: 'tick', atMs: clock.monotonicMs() })
      this.offerRoom()
      this.flushSoon()
    })
    connection.listen({
      data: chunk => this.receive(chunk),
      drained: () => this.offerRoom(),
      closed: reason => {
        this.cancelGrace?.()
        this.stop(reason)
        this.finish()
      },
    })
  }

  get state(): SessionState {
    return this.session.state
  }

  /** How the session is bound; undefined before. */
  get boundAs(): BindName | undefined {
    return this.session.boundAs
  }

  /** interface_version of the bind: at 0x33 and below the peer knows no TLVs. */
  get interfaceVersion(): number {
    return this.session.interface_version
  }

  get remoteAddress(): string {
    return this.options.connection.remoteAddress
  }

  get remotePort(): number {
    return this.options.connection.remotePort
  }

  /** Our end of the connection; '' and 0 where it has no socket. */
  get localAddress(): string {
    return this.options.connection.localAddress ?? ''
  }

  get localPort(): number {
    return this.options.connection.localPort ?? 0
  }

  /** Requests that may still go out before `request` says windowFull; 0 when the peer reads too slowly. */
  get windowFree(): number {
    if (!isBound(this.session.state) || this.isClogged()) return 0
    return Math.max(0, this.limits.windowOut - this.session.outstanding.size)
  }

  /** Requests of ours without a response. */
  get windowUsed(): number {
    return this.session.outstanding.size
  }

  /** Requests of the peer handed to us and not answered. */
  get unanswered(): number {
    return this.session.pendingIn
  }

  /** Octets on their way out that the kernel has not taken. */
  get bufferedOctets(): number {
    return this.gatherer.length + this.options.connection.bufferedOctets
  }

  /** When the last PDU of the peer came, or the link began; monotonic. */
  get lastReceivedMs(): number {
    return this.session.lastReceivedMs
  }

  get windowIn(): number {
    return this.limits.windowIn
  }

  get counters(): LinkCounters {
    const { pdusIn, pdusOut, octetsIn, octetsOut } = this
    return { ...this.session.counters, pdusIn, pdusOut, octetsIn, octetsOut }
  }

  /** Changes windows and time-outs from here on: an account's, once its bind said whose link it is. */
  setLimits(limits: Partial<Omit<SessionLimits, 'pduOctetsMax'>>): void {
    Object.assign(this.limits, limits)
  }

  /**
   * Sends a request; the header is written here, the body passed through (copied, the caller keeps it).
   * What becomes of it is told to `handler.response(tag, …)`, exactly once, and once more as 'late' if
   * the response comes after the time-out.
   * @returns its sequence_number; or why it was not sent: 'windowFull' (`handler.ready` will be called),
   *          or 'closed' (not bound, unbinding, or at its end)
   */
  request(
    command_id: number,
    body: Buffer,
    tag: unknown,
    command_status = 0,
  ): number | 'windowFull' | 'closed' {
    const may = this.isClogged() ? 'windowFull' : mayRequest(this.session)
    if (may !== 'yes') {
      if (may === 'windowFull') this.wantsRoom = true
      return isBound(this.session.state) ? may : 'closed'
    }
    const atMs = this.options.clock.monotonicMs()
    const effects = step(this.session, { kind: 'request', command_id, command_status, tag, atMs })
    this.perform(effects, body)
    return this.session.lastSequence
  }

  /**
   * Answers a request that `handler.request` got; ignored when the session is over.
   * @param command_id  the request's own
   * @param body        left out: a single NUL where the response is one string (a message_id, a system_id), else nothing.
   *                    With a status other than ESME_ROK no body is sent (SMPP 3.4 §4.4.2), but in a deliver_sm_resp its NUL
   */
  respond(
    command_id: number,
    sequence_number: number,
    command_status: number | CommandStatus,
    body?: Buffer,
  ): void {
    const status =
      typeof command_status === 'number' ? command_status : COMMAND_STATUS[command_status]
    const event = { kind: 'respond', command_id, sequence_number, command_status: status } as const
    this.perform(step(this.session, event), body ?? (ONE_STRING.has(command_id) ? NUL : undefined))
  }

  /**
   * Side 'esme': sends a bind. `done` is called once, from the connection's event and before any later
   * PDU is handed over; after a refusal the link is open still, and closed by the caller.
   */
  bind(
    command: BindName,
    fields: Partial<Body<BindName>>,
    done: (result: BindResult) => void,
  ): void {
    const interface_version = fields.interface_version ?? 0x34
    const body = encodeBody(command, { ...fields, interface_version })
    const atMs = this.options.clock.monotonicMs()
    this.bindDone = done
    const effects = step(this.session, { kind: 'bind', command, interface_version, atMs })
    this.perform(effects, body)
    if (effects.length === 0) {
      this.bindDone = undefined
      done({ ok: false, command_status: COMMAND_STATUS.ESME_RALYBND })
    }
  }

  /** Side 'smsc', before a bind: asks the peer to bind on this connection. Nothing answers it but the bind. */
  outbind(fields: Partial<Body<'outbind'>>): void {
    this.perform(step(this.session, { kind: 'outbind' }), encodeBody('outbind', fields))
  }

  /**
   * Ends gracefully: sends unbind, waits for its response, and for ours to what the peer had asked before it
   * (at most five seconds), closes. Requests that cross the unbind are handed out like any other.
   */
  unbind(): void {
    this.feed({ kind: 'unbind', atMs: this.options.clock.monotonicMs() })
  }

  /**
   * Sends what is gathered, then closes. `handler.response(tag, 'closed')` for what is outstanding,
   * then `handler.closed(reason)`, follow with `timers.soon`, not from within this call.
   */
  close(reason: string): void {
    this.feed({ kind: 'close', reason })
  }

  /** Sends now what this turn has gathered, instead of at its end. */
  flush(): void {
    this.gatherer.flush()
  }

  private receive(chunk: Buffer): void {
    this.octetsIn += chunk.length
    if (!this.rests) this.read(chunk)
    else if (this.unread.length + chunk.length > UNREAD_OCTETS_MAX) this.close('cannot be paused')
    else this.unread = Buffer.concat([this.unread, chunk])
  }

  private get rests(): boolean {
    return this.cancelRest !== undefined
  }

  /**
   * A peer that begins to flood us by slices, so that it is left before it has taken the turn of all others. Others whole:
   * each slice ends within a PDU, whose octets are copied.
   */
  private read(chunk: Buffer): void {
    this.receiving = true
    const atMs = this.options.clock.monotonicMs()
    let at = 0
    while (at < chunk.length && this.session.state !== 'CLOSED') {
      const octets = this.brake.isStrained ? SLICE_OCTETS : chunk.length
      const slice = chunk.length <= octets ? chunk : chunk.subarray(at, at + octets)
      at += slice.length
      const { windowExceeded } = this.session.counters
      const error = this.framer.push(slice, frame => this.onPdu(frame, atMs))
      if (error !== undefined) this.feed({ kind: 'framingError', error })
      if (this.idlePdus > 0 && this.mustRest(windowExceeded, atMs)) {
        this.unread = Buffer.from(chunk.subarray(at)) // the chunk is ours during the call only
        break
      }
    }
    this.receiving = false
    this.offerRoom()
    this.gatherer.flush()
  }

  private mustRest(exceededBefore: number, atMs: number): boolean {
    const throttled = this.session.counters.windowExceeded - exceededBefore
    const restMs = this.brake.rest(this.idlePdus - throttled, throttled, atMs)
    this.idlePdus = 0
    if (restMs === 0 || this.closeReason !== undefined) return false
    const { connection, timers } = this.options
    connection.pause()
    this.cancelRest = timers.after(restMs, () => this.readAgain())
    return true
  }

  private readAgain(): void {
    const { unread } = this
    this.cancelRest = undefined
    this.unread = NOTHING
    this.read(unread)
    if (!this.rests) this.options.connection.resume()
  }

  /** What has not been read yet counts no more; the peer's end does. */
  private stopResting(): void {
    if (this.cancelRest === undefined) return
    this.cancelRest()
    this.cancelRest = undefined
    this.unread = NOTHING
    this.options.connection.resume()
  }

  private onPdu(frame: FramedPdu, atMs: number): boolean {
    this.pdusIn++
    if (this.tap !== undefined) this.tap('in', pduOf(frame))
    const effects = step(this.session, { kind: 'pdu', frame, atMs })
    if (effects.length === 0 || effects[0]!.kind === 'send') this.idlePdus++
    this.perform(effects, undefined)
    return this.session.state !== 'CLOSED'
  }

  private feed(event: SessionEvent): void {
    this.perform(step(this.session, event), undefined)
  }

  private perform(effects: readonly SessionEffect[], given: Buffer | undefined): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          this.send(effect, effect.given ? given : withoutBody(effect.command_id))
          break
        case 'request':
          this.handler.request(effect.frame)
          break
        case 'response':
          if (effect.how === 'closed') this.closedTags.push(effect.tag)
          else this.handler.response(effect.tag, effect.how, effect.frame)
          break
        case 'bindAnswered': {
          const done = this.bindDone
          this.bindDone = undefined
          done?.(effect.result)
          break
        }
        case 'unbinding':
          this.handler.unbinding?.()
          break
        case 'close':
          this.end(effect.reason)
          break
        default:
          assertNever(effect)
      }
    }
  }

  private send(effect: Extract<SessionEffect, { kind: 'send' }>, given: Buffer | undefined): void {
    if (this.closeReason !== undefined) return
    const { command_id, command_status, sequence_number, body } = effect
    const length = 16 + (given?.length ?? 0) + (body?.length ?? 0)
    const into = this.gatherer.room(length)
    const { at } = this.gatherer
    writeHeader(into, at, length, command_id, command_status, sequence_number)
    if (given !== undefined) into.set(given, at + 16)
    if (body !== undefined) into.set(body, at + length - body.length)
    this.pdusOut++
    if (this.tap !== undefined) this.tap('out', into.subarray(at, at + length))
    this.flushSoon()
  }

  private flushSoon(): void {
    if (this.receiving || this.flushAsked || this.gatherer.length === 0) return
    this.flushAsked = true
    this.options.timers.soon(() => {
      this.flushAsked = false
      this.gatherer.flush()
    })
  }

  private write(octets: Buffer): void {
    if (this.finished) return
    const { connection } = this.options
    this.octetsOut += octets.length
    connection.write(octets)
    if (connection.bufferedOctets > this.limits.writeQueueOctetsMax) {
      this.stop('the peer does not read')
      connection.destroy()
    }
  }

  /** Half of the write queue is full: requests wait, so that responses always have room. */
  private isClogged(): boolean {
    return this.bufferedOctets > this.limits.writeQueueOctetsMax / 2
  }

  private offerRoom(): void {
    if (!this.wantsRoom || this.windowFree === 0) return
    this.wantsRoom = false
    this.handler.ready?.()
  }

  /** The session is over: send what is owed, and give the peer a while to take it. */
  private end(reason: string): void {
    if (this.closeReason !== undefined) return
    this.gatherer.flush()
    this.closeReason ??= reason // the flush may have found that the peer does not read
    const { connection, timers } = this.options
    this.cancelTick()
    this.stopResting()
    this.cancelGrace = timers.after(CLOSE_GRACE_MS, () => connection.destroy())
    connection.end()
    timers.soon(() => this.finish())
  }

  /** The connection is over: whatever the session still thinks, it has ended. */
  private stop(reason: string): void {
    if (this.closeReason !== undefined) return
    this.closeReason = reason
    this.cancelTick()
    this.stopResting()
    this.feed({ kind: 'close', reason })
    this.options.timers.soon(() => this.finish())
  }

  private finish(): void {
    if (this.finished) return
    this.finished = true
    for (const tag of this.closedTags) this.handler.response(tag, 'closed', undefined)
    this.bindDone?.({ ok: false, command_status: undefined })
    this.handler.closed(this.closeReason ?? 'closed')
  }
}

/** How long a peer may take to read the last octets of a session that has ended. */
const CLOSE_GRACE_MS = 5_000

const NUL = Buffer.alloc(1)
const DELIVER_SM_RESP = responseId(COMMAND_IDS.deliver_sm)
/**
 * What a PDU has that is sent without a body: nothing, but for a deliver_sm_resp that says no. Peers that read its message_id whatever the
 * status (smpp.pdu of Python) run out of octets, and end the session.
 */
const withoutBody = (command_id: number): Buffer | undefined =>
  command_id === DELIVER_SM_RESP ? NUL : undefined
const NOTHING = Buffer.alloc(0)
/** What still comes from a connection that was paused: less than it reads at once. */
const UNREAD_OCTETS_MAX = 1024 * 1024
/** Five hundred PDUs without a body, fifty messages. */
const SLICE_OCTETS = 8 * 1024

/** Requests whose response is one C-octet string. Source: SMPP 3.4 §4.1, §4.4.2, §4.6.2, §4.7.2. */
const ONE_STRING: ReadonlySet<number> = new Set([
  COMMAND_IDS.bind_receiver,
  COMMAND_IDS.bind_transmitter,
  COMMAND_IDS.bind_transceiver,
  COMMAND_IDS.submit_sm,
  COMMAND_IDS.deliver_sm,
  COMMAND_IDS.data_sm,
])

/** A twentieth of the shortest time-out, at most a second. */
function tickMs(limits: SessionLimits): number {
  const { bindTimeoutMs, enquireLinkMs, inactivityTimeoutMs, responseTimeoutMs } = limits
  const times = [bindTimeoutMs, enquireLinkMs, inactivityTimeoutMs, responseTimeoutMs]
  return Math.max(10, Math.min(1_000, ...times.filter(ms => ms > 0).map(ms => ms / 20)))
}

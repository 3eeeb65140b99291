import { systemClock, systemTimers, type Clock, type Timers } from '../../base/clock.js'
import { silentLogger } from '../../base/logger.js'
import { COMMAND_IDS, commandName, isBind } from '../../smpp/command-ids.js'
import { statusText } from '../../smpp/command-status.js'
import { Link } from '../link.js'
import type { Connection, Frame, LinkHandler, ResponseKind, SessionLimits, Side } from '../types.js'

export const LIMITS: SessionLimits = {
  windowIn: 100,
  windowOut: 100,
  pduOctetsMax: 65_536,
  bindTimeoutMs: 10_000,
  enquireLinkMs: 30_000,
  inactivityTimeoutMs: 90_000,
  responseTimeoutMs: 10_000,
  writeQueueOctetsMax: 4 * 1024 * 1024,
}

/** A link whose events are written down as text, for assertions. */
export class Recorder implements LinkHandler {
  readonly events: string[] = []
  readonly link: Link
  /** Answers every request with ESME_ROK at once. */
  answering = true
  onEvent: (() => void) | undefined

  constructor(
    side: Side,
    connection: Connection,
    options: { limits?: Partial<SessionLimits>; time?: Clock & Timers } = {},
  ) {
    this.link = new Link({
      side,
      connection,
      limits: { ...LIMITS, ...options.limits },
      handler: this,
      clock: options.time ?? systemClock,
      timers: options.time ?? systemTimers,
      logger: silentLogger,
    })
  }

  request(frame: Frame): void {
    const { command_id, sequence_number } = frame
    this.note(`request ${commandName(command_id) ?? command_id}`)
    if (this.answering && command_id !== COMMAND_IDS.alert_notification) {
      const body = isBind(command_id) ? Buffer.from('carillon\0') : undefined
      this.link.respond(command_id, sequence_number, 'ESME_ROK', body)
    }
  }

  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void {
    this.note(`${kind} ${String(tag)}${frame ? ` ${statusText(frame.command_status)}` : ''}`)
  }

  unbinding(): void {
    this.note('unbinding')
  }

  ready(): void {
    this.note('ready')
  }

  closed(reason: string): void {
    this.note(`closed: ${reason}`)
  }

  get closedReason(): string | undefined {
    return this.events.find(event => event.startsWith('closed: '))?.slice(8)
  }

  private note(event: string): void {
    this.events.push(event)
    this.onEvent?.()
  }

  /** Resolves when an event that begins so has come, at once when it has. */
  async until(start: string): Promise<void> {
    while (!this.events.some(event => event.startsWith(start))) {
      await new Promise<void>(resolve => {
        this.onEvent = resolve
      })
    }
  }
}

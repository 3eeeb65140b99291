import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'

/** A byte stream with back-pressure: a TCP or TLS socket, or a simulated one. */
export interface Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  /** Our end; missing where there is no socket. */
  readonly localAddress?: string
  readonly localPort?: number
  /** Handed over in order; `octets` belongs to the connection afterwards. */
  write(octets: Buffer): void
  /** Octets written and not yet taken by the peer's kernel. */
  readonly bufferedOctets: number
  /** Sets the one listener. A chunk is the listener's only during the call. */
  listen(listener: ConnectionListener): void
  pause(): void
  resume(): void
  /** Sends what is buffered, then closes. */
  end(): void
  /** Closes at once; what is buffered is lost. */
  destroy(): void
}

export interface ConnectionListener {
  data(chunk: Buffer): void
  /** The write buffer went empty. */
  drained(): void
  /** Called once, last. */
  closed(reason: string): void
}

/** A PDU as framed: header read, body untouched. */
export interface Frame {
  command_id: number
  command_status: number
  sequence_number: number
  /** Octets after the 16 of the header. A view of the receive buffer: valid during the call only. */
  body: Buffer
}

/** As we see it. */
export type Direction = 'in' | 'out'

/** Sees a PDU, whole, in the moment in which it has come, or is written. A view: valid during the call only. */
export type LinkTap = (direction: Direction, pdu: Buffer) => void

/** What one side allows and expects. Times in milliseconds; 0 switches a timer off. */
export interface SessionLimits {
  /** Requests of the peer that may be unanswered at once; more are answered ESME_RTHROTTLED. Default 100. */
  windowIn: number
  /** Requests of ours that may be unanswered at once. Default 100. */
  windowOut: number
  /** Whole PDU, in octets. Default 65,536. */
  pduOctetsMax: number
  /** From connection to bind. Default 10,000. */
  bindTimeoutMs: number
  /** Silence after which we send enquire_link. Default 30,000. */
  enquireLinkMs: number
  /** Silence after which the session is closed (counted from the last PDU). Default 90,000. */
  inactivityTimeoutMs: number
  /** From a request of ours to its response. Default 10,000. */
  responseTimeoutMs: number
  /** Unsent octets towards the peer at which the link closes, for it does not read. Default 4 MiB. */
  writeQueueOctetsMax: number
}

/** Which end of the session we are: an SMSC (we accept binds) or an ESME (we send one). */
export type Side = 'smsc' | 'esme'

export interface LinkOptions {
  side: Side
  connection: Connection
  limits: SessionLimits
  handler: LinkHandler
  clock: Clock
  timers: Timers
  logger: Logger
}

/** What became of a request of ours. `late`: its response came after its time-out was reported. */
export type ResponseKind = 'response' | 'timeout' | 'closed' | 'late'

/**
 * The user of a link. All calls come from the connection's events or from timers, never from within a
 * call to the link.
 */
export interface LinkHandler {
  /**
   * A request that the session state allows: bind_*, submit_sm, deliver_sm, query_sm, data_sm, cancel_sm, …
   * enquire_link and unbind are answered by the link itself. The user answers with `link.respond`, now or later.
   */
  request(frame: Frame): void
  /** The response to `link.request(…, tag)`, or that none came. `frame` is there for `response` and `late`. */
  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void
  /**
   * The peer asked to unbind: no more requests come. The link answers once all requests handed out are
   * answered (at most five seconds), then closes.
   */
  unbinding?(): void
  /** There is room again: the out window or the write queue was full and has space now. */
  ready?(): void
  /** Called once, last; every outstanding request of ours has had its `response(tag, 'closed')` before. */
  closed(reason: string): void
}

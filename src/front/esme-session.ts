import type { Connection, Frame, LinkHandler, LinkOptions, ResponseKind } from '../link/types.js'
import { Link } from '../link/link.js'
import type { BindType } from '../policy/settings.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { INTERFACE_VERSION } from '../smpp/constants.js'
import type { DeliveryTag } from './delivery-pump.js'
import { failingStatus } from './failing-requests.js'
import { statusOf } from './refusals.js'

/** Who serves the requests of bound sessions. */
export interface SessionRequests {
  submit(session: EsmeSession, frame: Frame): void
  submitMulti(session: EsmeSession, frame: Frame): void
  query(session: EsmeSession, frame: Frame): void
  cancel(session: EsmeSession, frame: Frame): void
  replace(session: EsmeSession, frame: Frame): void
}

/** Who serves sessions. */
export interface SessionServices {
  readonly requests: SessionRequests
  bind(session: EsmeSession, frame: Frame): void
  /** What became of a deliver_sm. */
  answered(tag: DeliveryTag, kind: ResponseKind, frame: Frame | undefined): void
  /** Room for deliver_sm again. */
  ready(session: EsmeSession): void
  /** It takes no deliver_sm any more: the ESME unbinds. */
  unbinding(session: EsmeSession): void
  closed(session: EsmeSession, reason: string): void
}

/** What a bind that was committed says of its session. */
export interface Bound {
  /** `node.boot.count`. */
  id: string
  /** The last part of the id. */
  count: number
  account: number
  systemId: string
  bindType: BindType
}

/** What a session is doing, which only its node knows. */
export interface SessionActivity {
  /** Unanswered requests that its account may have, in each direction. */
  window: number
  /** Its requests that we have not answered. */
  unanswered: number
  /** Our deliver_sm that it has not answered. */
  delivering: number
  /** Towards it, not taken by its kernel. */
  octetsWaiting: number
  pdusIn: number
  pdusOut: number
  /** When the last PDU came from it; ms since the Unix epoch, by this node's clock. */
  lastPduAtMs: number
}

/** One connection of an ESME, and its session once it is bound. */
export class EsmeSession implements LinkHandler {
  readonly link: Link
  /** undefined before the bind is committed, and after the session's end. */
  bound: Bound | undefined
  /** New submits are refused: the ESME unbinds, or the cluster has ended its session. */
  finishing = false
  /** It is about to be unbound and gets no more deliver_sm; submits are taken until it answers. */
  leaving = false
  closedAlready = false
  private readonly services: SessionServices

  constructor(
    connection: Connection,
    options: Omit<LinkOptions, 'side' | 'connection' | 'handler'>,
    services: SessionServices,
  ) {
    this.services = services
    this.link = new Link({ ...options, side: 'smsc', connection, handler: this })
  }

  /** Whether deliver_sm may go to it. */
  get receives(): boolean {
    return (
      this.bound !== undefined && this.bound.bindType !== 'tx' && !this.finishing && !this.leaving
    )
  }

  /** congestion_state came with SMPP 5.0. */
  get knowsCongestion(): boolean {
    return this.link.interfaceVersion >= INTERFACE_VERSION.v50
  }

  /** Whether it knows optional parameters (SMPP 3.4 §3.4.3). */
  get knowsTlvs(): boolean {
    return this.link.interfaceVersion >= INTERFACE_VERSION.v34
  }

  request(frame: Frame): void {
    const { command_id } = frame
    switch (command_id) {
      case COMMAND_IDS.submit_sm:
      case COMMAND_IDS.data_sm:
        return this.services.requests.submit(this, frame)
      case COMMAND_IDS.bind_transceiver:
      case COMMAND_IDS.bind_transmitter:
      case COMMAND_IDS.bind_receiver:
        return this.services.bind(this, frame)
      case COMMAND_IDS.submit_multi:
        return this.services.requests.submitMulti(this, frame)
      case COMMAND_IDS.query_sm:
      case COMMAND_IDS.query_msg_details:
        return this.services.requests.query(this, frame)
      case COMMAND_IDS.cancel_sm:
        return this.services.requests.cancel(this, frame)
      case COMMAND_IDS.replace_sm:
        return this.services.requests.replace(this, frame)
      default:
        return this.refuse(frame, failingStatus(frame) ?? statusOf('unknownCommand'))
    }
  }

  response(tag: unknown, kind: ResponseKind, frame: Frame | undefined): void {
    this.services.answered(tag as DeliveryTag, kind, frame)
  }

  ready(): void {
    this.services.ready(this)
  }

  unbinding(): void {
    this.finishing = true
    this.services.unbinding(this)
  }

  closed(reason: string): void {
    this.closedAlready = true
    this.services.closed(this, reason)
  }

  private refuse(frame: Frame, command_status: number): void {
    this.link.respond(frame.command_id, frame.sequence_number, command_status)
  }
}

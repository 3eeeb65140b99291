import type { BindName, CommandName } from './command-ids.js'
import { INTERFACE_VERSION } from './constants.js'
import type { FramedPdu, FramingError } from './framing.js'
import { requestsFrom, type MatrixState } from './operation-matrix.js'

/**
 * One SMPP session, from the connection to its end. Source: SMPP 3.4 §2.2.
 *
 *              bind answered ESME_ROK                 unbind, by either side
 *     OPEN ───────────────────────────► BOUND_TX  ─────────────────────────► UNBINDING ──► CLOSED
 *       │                               BOUND_RX                                              ▲
 *       │                               BOUND_TRX ────────────────────────────────────────────┤
 *       └──── bind time-out, command_length that cannot be, silence, socket closed ───────────┘
 *
 * UNBINDING: we send no new requests, and answer those that we have. After our own unbind we take requests until
 * the peer's unbind_resp: they crossed it, and the peer is bound as long as it has not answered. We are the ESME, and
 * the SMSC unbinds: its responses to what we had asked are waited for before we answer, five seconds at most.
 */
export type SessionState = 'OPEN' | 'BOUND_TX' | 'BOUND_RX' | 'BOUND_TRX' | 'UNBINDING' | 'CLOSED'

/** Which end we are: 'smsc' takes a bind, 'esme' sends one. */
export type SessionSide = 'smsc' | 'esme'

/** Times in milliseconds; 0 switches that timer off. See `SessionLimits` in src/link/types.ts. */
export interface SessionTimes {
  windowIn: number
  windowOut: number
  bindTimeoutMs: number
  enquireLinkMs: number
  inactivityTimeoutMs: number
  responseTimeoutMs: number
}

export type SessionEvent =
  | { kind: 'pdu'; frame: FramedPdu; atMs: number }
  | { kind: 'framingError'; error: FramingError }
  /** We send a request, for which the caller has checked `mayRequest`. */
  | { kind: 'request'; command_id: number; command_status: number; tag: unknown; atMs: number }
  /** We answer a request that was handed out. */
  | { kind: 'respond'; command_id: number; sequence_number: number; command_status: number }
  | { kind: 'bind'; command: BindName; interface_version: number; atMs: number }
  /** We are the SMSC, and ask the ESME to bind. */
  | { kind: 'outbind' }
  | { kind: 'unbind'; atMs: number }
  | { kind: 'tick'; atMs: number }
  | { kind: 'close'; reason: string }

/** What the link is to do, in order. */
export type SessionEffect =
  | {
      kind: 'send'
      command_id: number
      command_status: number
      sequence_number: number
      /** The caller's body goes first, when there is one. */
      given: boolean
      body: Buffer | undefined
    }
  | { kind: 'request'; frame: FramedPdu }
  | { kind: 'response'; tag: unknown; how: ResponseHow; frame: FramedPdu | undefined }
  | { kind: 'bindAnswered'; result: BindResult }
  | { kind: 'unbinding' }
  | { kind: 'close'; reason: string }

export type ResponseHow = 'response' | 'timeout' | 'closed' | 'late'

/** What became of a bind of ours. */
export type BindResult =
  | {
      ok: true
      /** As the SMSC names itself. */
      system_id: string
      /** sc_interface_version, where it was given. */
      interface_version: number | undefined
    }
  /** Undefined: the link ended without an answer. */
  | { ok: false; command_status: number | undefined }

/**
 * Requests that each side takes in each state. What an ESME may ask of us, the SMSC, stands under 'smsc';
 * enquire_link, unbind and generic_nack are the session's own business.
 */
export const ALLOWED: Record<
  SessionSide,
  Readonly<Record<MatrixState, ReadonlySet<CommandName>>>
> = { smsc: requestsFrom('esme'), esme: requestsFrom('smsc') }

/**
 * A session. `step` changes it in place and nobody else does. (STYLE §4.3 draws a copy for every
 * event; with two maps and a window in it that would cost more than all the rest of a PDU.)
 */
export interface Session {
  readonly side: SessionSide
  state: SessionState
  readonly times: SessionTimes
  readonly openedAtMs: number
  lastReceivedMs: number
  lastEnquireMs: number
  /** How it is bound, once it is. */
  boundAs: BindName | undefined
  /** Of the bind: 0x33 and below are SMPP 3.3, whose peers know no TLVs. */
  interface_version: number
  /** A bind that is not answered yet. */
  binding: Binding | undefined
  /** The peer's unbind that we have not answered yet, or ours. */
  unbind: Unbind | undefined
  /** Requests of the peer that were handed out and not answered. */
  pendingIn: number
  /** Requests of ours, by sequence_number, oldest first. */
  readonly outstanding: Map<number, Outstanding>
  /** Requests of ours that timed out; at most LATE_MAX, oldest first. */
  readonly late: Map<number, Outstanding>
  lastSequence: number
  readonly counters: SessionCounters
}

export interface SessionCounters {
  /** Responses that fit no request of ours. */
  unmatchedResponses: number
  /** Requests answered ESME_RTHROTTLED, for the window in was full. */
  windowExceeded: number
  /** Requests answered ESME_RINVBNDSTS or ESME_RALYBND. */
  wrongState: number
  /** Requests answered ESME_RINVCMDID. */
  unknownCommands: number
  responseTimeouts: number
  /** command_length that cannot be, or a bind that cannot be read: each ends its link. */
  malformed: number
}

export interface Binding {
  command_id: number
  sequence_number: number
  command: BindName
  interface_version: number
}

interface Unbind {
  by: 'peer' | 'us'
  sequence_number: number
  /** When we stop waiting. */
  untilMs: number
  /** Ours: the peer has answered it, and asks nothing more. */
  answered?: boolean
}

interface Outstanding {
  command_id: number
  tag: unknown
  sentAtMs: number
}

/** Late responses that a session waits for; beyond, the oldest are forgotten. */
export const LATE_MAX = 10_000

export function openSession(side: SessionSide, times: SessionTimes, atMs: number): Session {
  return {
    side,
    state: 'OPEN',
    times,
    openedAtMs: atMs,
    lastReceivedMs: atMs,
    lastEnquireMs: atMs,
    boundAs: undefined,
    interface_version: INTERFACE_VERSION.v34,
    binding: undefined,
    unbind: undefined,
    pendingIn: 0,
    outstanding: new Map(),
    late: new Map(),
    lastSequence: 0,
    counters: {
      unmatchedResponses: 0,
      windowExceeded: 0,
      wrongState: 0,
      unknownCommands: 0,
      responseTimeouts: 0,
      malformed: 0,
    },
  }
}

/** Whether a request of ours may go out now, or why not. */
export function mayRequest(session: Session): 'yes' | 'windowFull' | 'closed' {
  if (!isBound(session.state)) return 'closed'
  return session.outstanding.size < session.times.windowOut ? 'yes' : 'windowFull'
}

export function isBound(state: SessionState): state is 'BOUND_TX' | 'BOUND_RX' | 'BOUND_TRX' {
  return state === 'BOUND_TRX' || state === 'BOUND_TX' || state === 'BOUND_RX'
}

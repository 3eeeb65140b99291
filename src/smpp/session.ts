import { assertNever } from '../base/assert.js'
import {
  COMMAND_IDS,
  commandName,
  isBind,
  isResponse,
  responseId,
  type BindName,
  type CommandName,
} from './command-ids.js'
import { COMMAND_STATUS } from './command-status.js'
import { decodeBody, findTlv, readMessageId } from './codec.js'
import { INTERFACE_VERSION } from './constants.js'
import type { FramedPdu, FramingError } from './framing.js'
import { hasResponse, OF_ONE_VERSION } from './operation-matrix.js'
import {
  ALLOWED,
  isBound,
  LATE_MAX,
  type Binding,
  type Session,
  type SessionEffect,
  type SessionEvent,
} from './session-state.js'
import { statusForVersion } from './status-translation.js'
import { TLV_TAGS } from './tlv-tags.js'
import { boundVersion, versionOf, versionsOf } from './versions.js'

/** Takes one event, changes the session, says what is to be done. `atMs` is monotonic. */
export function step(session: Session, event: SessionEvent): readonly SessionEffect[] {
  if (session.state === 'CLOSED') return NOTHING
  switch (event.kind) {
    case 'pdu':
      return onPdu(session, event.frame, event.atMs)
    case 'request': {
      const sequence_number = nextSequence(session)
      const { command_id, tag, atMs } = event
      session.outstanding.set(sequence_number, { command_id, tag, sentAtMs: atMs })
      return [send(command_id, event.command_status, sequence_number, true)]
    }
    case 'respond':
      return onRespond(session, event.command_id, event.sequence_number, event.command_status)
    case 'tick':
      return onTick(session, event.atMs)
    case 'bind':
      return onBind(session, event.command, event.interface_version)
    case 'outbind':
      return onOutbind(session)
    case 'unbind':
      return onUnbind(session, event.atMs)
    case 'framingError':
      return onFramingError(session, event.error)
    case 'close':
      return closing(session, event.reason)
    default:
      return assertNever(event)
  }
}

const NOTHING: readonly SessionEffect[] = []

function onPdu(session: Session, frame: FramedPdu, atMs: number): readonly SessionEffect[] {
  session.lastReceivedMs = atMs
  const { command_id } = frame
  if (isResponse(command_id)) return onResponse(session, frame)
  const name = commandName(command_id)
  if (name === undefined || !isKnown(session, name)) {
    session.counters.unknownCommands++
    const { ESME_RINVCMDID } = COMMAND_STATUS
    if (name === undefined) return [nack(ESME_RINVCMDID, frame.sequence_number)]
    return [answer(frame, ESME_RINVCMDID)]
  }
  if (name === 'enquire_link') return [answer(frame, COMMAND_STATUS.ESME_ROK)]
  if (name === 'unbind') return onPeerUnbind(session, frame, atMs)
  if (!allowedNow(session).has(name)) return refuseState(session, frame, name)
  if (isBind(command_id)) return onPeerBind(session, frame, name as BindName)
  if (!hasResponse(name)) return [{ kind: 'request', frame }]
  if (session.pendingIn >= session.times.windowIn) {
    session.counters.windowExceeded++
    return [answer(frame, COMMAND_STATUS.ESME_RTHROTTLED)]
  }
  session.pendingIn++
  return [{ kind: 'request', frame }]
}

/** Before its bind a peer has no version: then the state says no. */
function isKnown({ side, boundAs, interface_version }: Session, name: CommandName): boolean {
  if (!OF_ONE_VERSION.has(name)) return true
  if (side === 'esme') return false
  return boundAs === undefined || versionsOf(name).includes(versionOf(interface_version))
}

function allowedNow({ side, state, unbind, boundAs }: Session): ReadonlySet<CommandName> {
  if (state === 'CLOSED') return NO_COMMANDS
  if (state !== 'UNBINDING') return ALLOWED[side][state]
  const crossing = unbind?.by === 'us' && unbind.answered !== true && boundAs !== undefined
  return crossing ? ALLOWED[side][BOUND[boundAs]] : NO_COMMANDS
}

const NO_COMMANDS: ReadonlySet<CommandName> = new Set()

function refuseState(session: Session, frame: FramedPdu, name: CommandName) {
  session.counters.wrongState++
  if (!hasResponse(name)) return NOTHING
  const bound = isBind(frame.command_id) && isBound(session.state)
  return [answer(frame, COMMAND_STATUS[bound ? 'ESME_RALYBND' : 'ESME_RINVBNDSTS'])]
}

/** A bind towards us. One that cannot be read is refused and the link closed: who is it? */
function onPeerBind(session: Session, frame: FramedPdu, command: BindName) {
  if (session.binding !== undefined) {
    session.counters.wrongState++
    return [answer(frame, COMMAND_STATUS.ESME_RALYBND)]
  }
  const decoded = decodeBody(command, frame.body)
  if (!decoded.ok) {
    session.counters.malformed++
    const { command_status, parameter } = decoded.problem
    return [
      answer(frame, COMMAND_STATUS[command_status]),
      ...closing(session, `the bind's ${parameter} cannot be read`),
    ]
  }
  session.binding = {
    command_id: frame.command_id,
    sequence_number: frame.sequence_number,
    command,
    interface_version: boundVersion(command, decoded.body.interface_version),
  }
  return [{ kind: 'request', frame }] as const
}

function onPeerUnbind(session: Session, frame: FramedPdu, atMs: number): readonly SessionEffect[] {
  const crossed = session.unbind?.by === 'us'
  if (crossed && session.pendingIn === 0) {
    // both at once: answer; its answer to ours is on its way, or the peer closes
    return [answer(frame, COMMAND_STATUS.ESME_ROK)]
  }
  if (!isBound(session.state) && !crossed) {
    session.counters.wrongState++
    return [answer(frame, COMMAND_STATUS.ESME_RINVBNDSTS)]
  }
  session.state = 'UNBINDING'
  session.unbind = {
    by: 'peer',
    sequence_number: frame.sequence_number,
    untilMs: atMs + unbindGraceMs(session),
  }
  return [{ kind: 'unbinding' }, ...unbindWhenNothingIsOwed(session)]
}

/**
 * Answers the peer's unbind once its requests are answered: they came before it. An SMSC still answers what we had
 * asked before. Our own ends with its answer, when all that came before that is answered too.
 */
function unbindWhenNothingIsOwed(session: Session): readonly SessionEffect[] {
  const { unbind, side } = session
  if (unbind === undefined || session.pendingIn > 0) return NOTHING
  if (unbind.by === 'us')
    return unbind.answered === true ? closing(session, 'unbound by us') : NOTHING
  if (side === 'esme' && session.outstanding.size > 0) return NOTHING
  return answerUnbind(session, unbind.sequence_number)
}

function answerUnbind(session: Session, sequence_number: number): readonly SessionEffect[] {
  return [
    send(COMMAND_IDS.unbind_resp, COMMAND_STATUS.ESME_ROK, sequence_number, false),
    ...closing(session, 'unbound by the peer'),
  ]
}

function onResponse(session: Session, frame: FramedPdu): readonly SessionEffect[] {
  const { command_id, sequence_number } = frame
  const { binding, unbind, counters } = session
  const fits = (request: number): boolean =>
    command_id === responseId(request) || command_id === COMMAND_IDS.generic_nack

  const request = session.outstanding.get(sequence_number)
  if (request !== undefined && fits(request.command_id)) {
    session.outstanding.delete(sequence_number)
    const response = { kind: 'response', tag: request.tag, how: 'response', frame } as const
    if (session.state !== 'UNBINDING') return [response]
    return [response, ...unbindWhenNothingIsOwed(session)]
  }
  const late = session.late.get(sequence_number)
  if (late !== undefined && fits(late.command_id)) {
    session.late.delete(sequence_number)
    return [{ kind: 'response', tag: late.tag, how: 'late', frame }]
  }
  if (session.side === 'esme' && binding?.sequence_number === sequence_number) {
    // OsmoMSC answers a bind_receiver with bind_transmitter_resp: which bind is answered, its number says
    const ofAnother = BINDS.some(bind => command_id === responseId(bind))
    if (ofAnother || fits(binding.command_id)) return onBindAnswered(session, binding, frame)
  }
  if (unbind?.by === 'us' && unbind.sequence_number === sequence_number) {
    if (fits(COMMAND_IDS.unbind)) {
      unbind.answered = true
      return unbindWhenNothingIsOwed(session)
    }
  }
  if (unbind !== undefined && command_id === COMMAND_IDS.unbind_resp) return NOTHING // both at once
  if (command_id !== COMMAND_IDS.enquire_link_resp) counters.unmatchedResponses++
  return NOTHING
}

const BINDS = [
  COMMAND_IDS.bind_receiver,
  COMMAND_IDS.bind_transmitter,
  COMMAND_IDS.bind_transceiver,
] as const

function onBindAnswered(session: Session, binding: Binding, frame: FramedPdu): SessionEffect[] {
  session.binding = undefined
  const { command_status } = frame
  if (command_status !== 0 || frame.command_id === COMMAND_IDS.generic_nack) {
    const status = command_status === 0 ? COMMAND_STATUS.ESME_RBINDFAIL : command_status
    return [{ kind: 'bindAnswered', result: { ok: false, command_status: status } }]
  }
  become(session, binding)
  const decoded = decodeBody('bind_transceiver_resp', frame.body) // all three have the same body
  const version = decoded.ok ? findTlv(decoded.body.tlvs, 'sc_interface_version')?.[0] : undefined
  const system_id = decoded.ok ? decoded.body.system_id : readMessageId(frame.body)
  return [{ kind: 'bindAnswered', result: { ok: true, system_id, interface_version: version } }]
}

function onRespond(
  session: Session,
  command_id: number,
  sequence_number: number,
  command_status: number,
): readonly SessionEffect[] {
  const response = send(
    responseId(command_id),
    statusForVersion(command_status, versionOf(session.interface_version)),
    sequence_number,
    command_status === 0,
  )
  if (isBind(command_id)) {
    const { binding } = session
    if (binding?.sequence_number !== sequence_number) return NOTHING
    session.binding = undefined
    if (command_status !== 0) return [response]
    become(session, binding)
    response.body = interfaceVersionFor(binding.interface_version)
    return [response]
  }
  if (session.pendingIn > 0) session.pendingIn--
  if (session.state !== 'UNBINDING' || session.pendingIn > 0) return [response]
  return [response, ...unbindWhenNothingIsOwed(session)]
}

/**
 * What follows the system_id of a bind's response: sc_interface_version, which is the version that both sides know.
 * Source: SMPP 3.4 §4.1.2 and §3.4.3 (a peer of 3.3 must see no optional parameter), 5.0 §4.8.4.51
 */
function interfaceVersionFor(version: number): Buffer | undefined {
  if (version < INTERFACE_VERSION.v34) return undefined
  return version < INTERFACE_VERSION.v50 ? SC_INTERFACE_VERSION_34 : SC_INTERFACE_VERSION_50
}

const [SC_INTERFACE_VERSION_34, SC_INTERFACE_VERSION_50] = [
  INTERFACE_VERSION.v34,
  INTERFACE_VERSION.v50,
].map(version =>
  Buffer.of(
    TLV_TAGS.sc_interface_version >> 8,
    TLV_TAGS.sc_interface_version & 0xff,
    0,
    1,
    version,
  ),
) as [Buffer, Buffer]

function become(session: Session, { command, interface_version }: Binding): void {
  session.boundAs = command
  session.interface_version = interface_version
  session.state = BOUND[command]
}

const BOUND = {
  bind_transmitter: 'BOUND_TX',
  bind_receiver: 'BOUND_RX',
  bind_transceiver: 'BOUND_TRX',
} as const

function onBind(session: Session, command: BindName, interface_version: number) {
  if (session.state !== 'OPEN' || session.binding !== undefined) return NOTHING
  const sequence_number = nextSequence(session)
  const command_id = COMMAND_IDS[command]
  session.binding = { command_id, sequence_number, command, interface_version }
  return [send(command_id, 0, sequence_number, true)]
}

/** Has no response: the ESME binds, or does not (SMPP 3.4 §4.1.7). */
function onOutbind(session: Session) {
  if (session.side !== 'smsc' || session.state !== 'OPEN') return NOTHING
  if (session.binding !== undefined) return NOTHING
  return [send(COMMAND_IDS.outbind, 0, nextSequence(session), true)]
}

function onUnbind(session: Session, atMs: number): readonly SessionEffect[] {
  if (session.state === 'OPEN') return closing(session, 'closed before it was bound')
  if (session.unbind !== undefined) return NOTHING
  const sequence_number = nextSequence(session)
  session.state = 'UNBINDING'
  session.unbind = { by: 'us', sequence_number, untilMs: atMs + unbindGraceMs(session) }
  return [send(COMMAND_IDS.unbind, 0, sequence_number, false)]
}

/** How long we wait at the end: the response time-out, and never more than five seconds. */
function unbindGraceMs({ times }: Session): number {
  return times.responseTimeoutMs === 0 ? 5_000 : Math.min(5_000, times.responseTimeoutMs)
}

function onTick(session: Session, atMs: number): readonly SessionEffect[] {
  const { times, state, unbind } = session
  const silentMs = atMs - session.lastReceivedMs
  if (state === 'OPEN' && isOver(atMs - session.openedAtMs, times.bindTimeoutMs)) {
    return closing(session, 'bind timeout')
  }
  if (isOver(silentMs, times.inactivityTimeoutMs)) return closing(session, 'inactivity timeout')
  if (unbind !== undefined && atMs >= unbind.untilMs) {
    if (unbind.by === 'us')
      return closing(
        session,
        unbind.answered === true ? 'unbound by us' : 'unbind was not answered',
      )
    return answerUnbind(session, unbind.sequence_number)
  }
  const effects: SessionEffect[] = []
  expire(session, atMs, effects)
  if (
    isBound(state) &&
    isOver(silentMs, times.enquireLinkMs) &&
    atMs - session.lastEnquireMs >= times.enquireLinkMs
  ) {
    session.lastEnquireMs = atMs
    effects.push(send(COMMAND_IDS.enquire_link, 0, nextSequence(session), false))
  }
  return effects
}

/** Frees the window of requests that were not answered in time; remembers them, for late answers. */
function expire(session: Session, atMs: number, effects: SessionEffect[]): void {
  const { times, outstanding, late } = session
  if (times.responseTimeoutMs === 0) return
  for (const [sequence_number, request] of outstanding) {
    if (atMs - request.sentAtMs < times.responseTimeoutMs) return // the rest are younger
    outstanding.delete(sequence_number)
    if (late.size >= LATE_MAX) {
      for (const oldest of late.keys()) {
        late.delete(oldest)
        break
      }
    }
    late.set(sequence_number, request)
    session.counters.responseTimeouts++
    effects.push({ kind: 'response', tag: request.tag, how: 'timeout', frame: undefined })
  }
}

function isOver(ms: number, limitMs: number): boolean {
  return limitMs > 0 && ms >= limitMs
}

/** command_length cannot be right: say so, unless it was said in a response, and close. */
function onFramingError(session: Session, error: FramingError): readonly SessionEffect[] {
  session.counters.malformed++
  const close = closing(session, `command_length ${error.command_length} cannot be`)
  if (error.command_id !== undefined && isResponse(error.command_id)) return close
  // Source: SMPP 3.4 §4.3.1: sequence_number 0 where the original could not be read
  return [nack(COMMAND_STATUS.ESME_RINVCMDLEN, error.sequence_number ?? 0), ...close]
}

function closing(session: Session, reason: string): readonly SessionEffect[] {
  session.state = 'CLOSED'
  const effects: SessionEffect[] = [{ kind: 'close', reason }]
  for (const { tag } of session.outstanding.values()) {
    effects.push({ kind: 'response', tag, how: 'closed', frame: undefined })
  }
  session.outstanding.clear()
  session.late.clear()
  return effects
}

/** 1 to 0x7fffffff, unique among what is open. Source: SMPP 3.4 §5.1.4. */
function nextSequence(session: Session): number {
  let next = session.lastSequence
  do next = next >= 0x7fffffff ? 1 : next + 1
  while (session.outstanding.has(next) || session.late.has(next))
  session.lastSequence = next
  return next
}

function answer(frame: FramedPdu, command_status: number) {
  return send(responseId(frame.command_id), command_status, frame.sequence_number, false)
}

function nack(command_status: number, sequence_number: number) {
  return send(COMMAND_IDS.generic_nack, command_status, sequence_number, false)
}

function send(
  command_id: number,
  command_status: number,
  sequence_number: number,
  given: boolean,
): Extract<SessionEffect, { kind: 'send' }> {
  return { kind: 'send', command_id, command_status, sequence_number, given, body: undefined }
}

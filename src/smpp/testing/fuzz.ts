import { deepStrictEqual } from 'node:assert/strict'
import { SeededRandom, type Random } from '../../base/random.js'
import { decodeBody, encodeBody } from '../codec.js'
import { commandName, isResponse, responseId, type CommandName } from '../command-ids.js'
import { COMMAND_STATUS, statusName, type CommandStatus } from '../command-status.js'
import { Framer, type FramedPdu, type FramingError } from '../framing.js'
import { hasResponse } from '../operation-matrix.js'
import { PDU_BODIES, statusFor, type Field } from '../pdu-bodies.js'
import { tlvProblem } from '../pdu-tlvs.js'
import { step } from '../session.js'
import { openSession, type SessionEffect } from '../session-state.js'
import { SubmitReader } from '../submit-reader.js'
import { tlvText } from '../tlv-tags.js'
import { SMPP_VERSIONS } from '../versions.js'
import { generate } from './fuzz-input.js'
import { NO_TIMES } from './no-times.js'

/** The framer's limit here: inputs are shorter, so that lengths above it occur. */
const PDU_OCTETS_MAX = 4_096
/** CPU time of a thousand inputs beyond which something hangs. */
const THOUSAND_MS_MAX = 10_000

export interface FuzzReport {
  inputs: number
  pdus: number
  read: number
  /** PDUs refused, by the status that says why. */
  refused: Map<CommandStatus, number>
  unknown: number
  framingErrors: number
  /** CPU time of the slowest thousand inputs. */
  thousandMsMax: number
}

/** What must hold did not: the input, and its number to see it again. */
export class FuzzFault extends Error {
  override readonly name = 'FuzzFault'

  constructor(seed: number, index: number, input: Buffer, cause: unknown) {
    super(`--seed ${seed} --only ${index}: ${input.toString('hex')}: ${String(cause)}`, { cause })
  }
}

/**
 * Feeds `inputs` streams to framer, decoder, hot path reader and session, and checks what `examine` checks.
 *
 * @param from  the number of the first input; each depends on seed and number alone
 * @throws FuzzFault at the first input that shows something wrong
 */
export function fuzz(options: {
  inputs: number
  seed: number
  from?: number
  progress?: (report: FuzzReport) => void
}): FuzzReport {
  const { inputs, seed, from = 0 } = options
  const report: FuzzReport = {
    inputs: 0,
    pdus: 0,
    read: 0,
    refused: new Map(),
    unknown: 0,
    framingErrors: 0,
    thousandMsMax: 0,
  }
  let began = process.cpuUsage()
  for (let index = from; index < from + inputs; index++) {
    const random = new SeededRandom(Math.imul(seed, 0x9e3779b1) ^ index)
    const input = generate(random)
    try {
      examine(input, random, report)
      if (++report.inputs % 1_000 === 0) {
        const { user, system } = process.cpuUsage(began)
        report.thousandMsMax = Math.max(report.thousandMsMax, (user + system) / 1_000)
        if (report.thousandMsMax > THOUSAND_MS_MAX) throw new Error('too slow')
        options.progress?.(report)
        began = process.cpuUsage()
      }
    } catch (error) {
      throw new FuzzFault(seed, index, input, error)
    }
  }
  return report
}

/** What becomes of the first PDU of a stream, in a word or two: for the corpus. */
export function outcomeOf(stream: Buffer): string {
  const { pdus, error } = frames(stream, [stream.length])
  const [pdu] = pdus
  if (pdu === undefined) return error === undefined ? 'waits' : 'command_length'
  const name = commandName(pdu.command_id)
  if (name === undefined) return 'unknown'
  const decoded = decodeBody(name, pdu.body, pdu.command_status)
  if (decoded.ok) return 'read'
  return `${decoded.problem.command_status} ${decoded.problem.parameter}`
}

/**
 * Checks one stream: the same PDUs come out of it whole and in pieces; a command_length is refused exactly where it cannot
 * be; each PDU is read, and written again to the same octets, or refused with the status of one of its own parameters; the
 * hot path agrees with the codec; the session answers a request once and a response never.
 */
export function examine(stream: Buffer, random: Random, report: FuzzReport): void {
  const whole = frames(stream, [stream.length])
  const parts = frames(stream, cuts(stream.length, random))
  deepStrictEqual(parts.pdus, whole.pdus)
  check(parts.error?.command_length === whole.error?.command_length, 'pieces end alike')
  if (whole.error !== undefined) {
    report.framingErrors++
    const { command_length } = whole.error
    check(command_length < 16 || command_length > PDU_OCTETS_MAX, 'command_length is possible')
    const effects = step(sessionFor(random), { kind: 'framingError', error: whole.error })
    check(effects.at(-1)?.kind === 'close', 'the session ends')
  }
  for (const pdu of whole.pdus) {
    report.pdus++
    examineBody(pdu, report)
    examineHotPath(pdu.body)
    examineSession(pdu, random)
  }
}

function examineBody({ command_id, command_status, body }: FramedPdu, report: FuzzReport): void {
  const name = commandName(command_id)
  if (name === undefined) {
    report.unknown++
    return
  }
  const decoded = decodeBody(name, body, command_status)
  if (!decoded.ok) {
    const { command_status: status, parameter } = decoded.problem
    check(statusesOf(name, parameter).has(status), `${status} for ${parameter} of ${name}`)
    report.refused.set(status, (report.refused.get(status) ?? 0) + 1)
    return
  }
  report.read++
  for (const version of SMPP_VERSIONS) {
    const problem = tlvProblem(name, decoded.body.tlvs, version)
    check(problem === undefined || TLV_STATUSES.has(problem.command_status), 'a TLV’s status')
  }
  if (decoded.headerOnly) return
  const again = encodeBody(name, decoded.body)
  check(isPrefix(again, body) || isPrefix(again, withoutNul(body, again)), 'written as it was read')
  const lenient = isResponse(command_id) || name === 'deliver_sm'
  check(lenient || body.length - again.length < 4, 'nothing is left out')
}

const isPrefix = (octets: Buffer, of: Buffer): boolean =>
  octets.equals(of.subarray(0, octets.length))

/** Without the NUL at which it begins to differ from `other`: the one between message and TLVs (stray-nul.ts). */
function withoutNul(body: Buffer, other: Buffer): Buffer {
  const at = body.findIndex((octet, i) => octet !== other[i])
  if (at < 0 || body[at] !== 0) return body
  return Buffer.concat([body.subarray(0, at), body.subarray(at + 1)])
}

const TLV_STATUSES = new Set<CommandStatus>([
  'ESME_RINVPARLEN',
  'ESME_ROPTPARNOTALLWD',
  'ESME_RMISSINGOPTPARAM',
])

/** What a parameter of a PDU may be refused with; nothing where the PDU does not have it. */
function statusesOf(name: CommandName, parameter: string): ReadonlySet<CommandStatus> {
  const statuses = new Set<CommandStatus>()
  for (const field of PDU_BODIES[name] as readonly Field[]) {
    if (!partsOf(field).includes(parameter)) continue
    if (parameter === 'sm_length') statuses.add('ESME_RINVMSGLEN').add('ESME_RINVCMDLEN')
    else if (parameter === 'dest_flag') statuses.add('ESME_RINVDESTFLAG').add('ESME_RINVCMDLEN')
    else statuses.add(statusFor(parameter)).add('ESME_RINVCMDLEN')
  }
  const isTlv = /^tlv 0x[\da-f]{4}$/.test(parameter) || TLV_TEXTS.has(parameter)
  if (isTlv) statuses.add('ESME_RINVPARLEN')
  return statuses
}

const TLV_TEXTS = new Set(Array.from({ length: 0x10000 }, (_, tag) => tlvText(tag)))

function partsOf(field: Field): readonly string[] {
  switch (field.kind) {
    case 'message':
      return ['sm_length']
    case 'destinations':
      return ['dest_address', 'dest_flag', 'dl_name', ...ADDRESS]
    case 'unsuccessful':
      return ['unsuccess_sme', ...ADDRESS, 'error_status_code']
    case 'cstring':
    case 'uint8':
    case 'messageIds':
      return [field.name]
  }
}

const ADDRESS = ['dest_addr_ton', 'dest_addr_npi', 'destination_addr']

function examineHotPath(body: Buffer): void {
  const delivered = READER.read(body, 'deliver_sm')
  check((delivered === 0) === decodeBody('deliver_sm', body).ok, 'deliver_sm: reader and codec')
  const submitted = READER.read(body, 'submit_sm')
  check(submitted !== 0 || decodeBody('submit_sm', body).ok, 'submit_sm: reader and codec')
  check((submitted === 0) === (READER.parameter === ''), 'a refusal names its parameter')
  check(submitted === 0 || statusName(submitted) !== undefined, 'a status of the standard')
}

const READER = new SubmitReader()

function examineSession(frame: FramedPdu, random: Random): void {
  const { command_id, sequence_number } = frame
  const effects = step(sessionFor(random), { kind: 'pdu', frame, atMs: 0 })
  const sends = effects.filter(
    (effect): effect is Extract<SessionEffect, { kind: 'send' }> => effect.kind === 'send',
  )
  if (isResponse(command_id)) {
    check(sends.length === 0, 'a response is not answered')
    return
  }
  const name = commandName(command_id)
  const handed = effects.filter(({ kind }) => kind === 'request').length
  const silent = name !== undefined && !hasResponse(name)
  check(silent ? sends.length === 0 : sends.length + handed === 1, 'a request is answered once')
  for (const send of sends) {
    check(send.sequence_number === sequence_number, 'the sequence_number is echoed')
    const nacked =
      send.command_id === 0x80000000 && send.command_status === COMMAND_STATUS.ESME_RINVCMDID
    check(nacked ? name === undefined : send.command_id === responseId(command_id), 'its response')
    check(statusName(send.command_status) !== undefined, 'a status of the standard')
  }
}

function sessionFor(random: Random) {
  const session = openSession(random.below(2) === 0 ? 'smsc' : 'esme', NO_TIMES, 0)
  session.state = (['OPEN', 'BOUND_TX', 'BOUND_RX', 'BOUND_TRX'] as const)[random.below(4)]!
  if (session.state !== 'OPEN') session.boundAs = 'bind_transceiver'
  return session
}

function frames(stream: Buffer, ends: readonly number[]) {
  const pdus: FramedPdu[] = []
  let error: FramingError | undefined
  const framer = new Framer(PDU_OCTETS_MAX)
  let start = 0
  for (const end of ends) {
    error = framer.push(stream.subarray(start, end), pdu => pdus.push(pdu) > 0)
    check(framer.pending <= PDU_OCTETS_MAX, 'no more is held than one PDU')
    start = end
  }
  return { pdus, error }
}

function cuts(length: number, random: Random): number[] {
  const ends = Array.from({ length: random.below(6) }, () => random.below(length + 1))
  return [...ends.sort((a, b) => a - b), length]
}

function check(holds: boolean, what: string): void {
  if (!holds) throw new Error(`not so: ${what}`)
}

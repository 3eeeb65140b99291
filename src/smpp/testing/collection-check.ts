import { decodeBody, encodeBody, encodePdu, type Body, type Decoded } from '../codec.js'
import { commandName, isBind, isResponse, responseId, type CommandName } from '../command-ids.js'
import { COMMAND_STATUS, statusText } from '../command-status.js'
import { Framer, type FramedPdu, type FramingError } from '../framing.js'
import { hasResponse, OF_ONE_VERSION } from '../operation-matrix.js'
import { step } from '../session.js'
import { openSession, type Session, type SessionEffect } from '../session-state.js'
import { SubmitReader } from '../submit-reader.js'
import type { Collection, MalformedPdu, ValidPdu } from './collection.js'
import { NO_TIMES } from './no-times.js'

/** Where we and the collection part. */
export interface Difference {
  id: string
  what: string
  expected: string
  ours: string
}

export function checkCollection({ vectors, malformed }: Collection): Difference[] {
  return [...vectors.flatMap(checkValid), ...malformed.flatMap(checkMalformed)]
}

/**
 * One PDU, whole and octet by octet, through the framer; its parameters and TLVs against those given; written again to the
 * same octets; a submit_sm or deliver_sm through the hot path's reader too; and what a session makes of it.
 */
export function checkValid({ id, hex, expect }: ValidPdu): Difference[] {
  const octets = Buffer.from(hex, 'hex')
  const books = new Books(id)
  for (const chunks of [[octets], [...octets].map(octet => Buffer.of(octet))]) {
    const { pdus, error } = framed(chunks)
    books.compare(`PDUs in ${chunks.length} chunks`, 1, error === undefined ? pdus.length : error)
    const [pdu] = pdus
    if (pdu === undefined) return books.differences
    books.compare('command_id', Number(expect.command_id), pdu.command_id)
    books.compare('command', expect.command, commandName(pdu.command_id))
    books.compare('command_status', expect.command_status, pdu.command_status)
    books.compare('sequence_number', expect.sequence_number, pdu.sequence_number)
    books.compare('command_length', expect.command_length, 16 + pdu.body.length)
    checkBody(books, pdu, expect)
    checkReader(books, pdu)
    checkAnswers(books, pdu, octets)
  }
  return books.differences
}

function checkBody(books: Books, pdu: FramedPdu, expect: ValidPdu['expect']): void {
  const { command_id, command_status, sequence_number, body } = pdu
  const name = commandName(command_id)
  if (name === undefined) return
  const decoded = decodeBody(name, body, command_status)
  if (!decoded.ok) return books.compare('body', 'read', problemOf(decoded))
  const wants = Object.keys(expect.fields)
  const plain = plainOf(decoded.body)
  // a PDU without body has no parameters there; ours are empty
  if (decoded.headerOnly) books.compare('a body', wants.length > 0, false)
  else
    for (const field of Object.keys(plain)) books.compare(field, expect.fields[field], plain[field])
  for (const field of wants)
    if (!(field in plain)) books.compare(field, expect.fields[field], undefined)
  const tlvs = decoded.body.tlvs.map(({ tag, value }) => ({
    tag: `0x${tag.toString(16).padStart(4, '0')}`,
    value_hex: value.toString('hex'),
  }))
  books.compare('TLVs', expect.tlvs, tlvs)
  const again = decoded.headerOnly ? Buffer.alloc(0) : encodeBody(name, decoded.body)
  books.compare('written again', body.toString('hex'), again.toString('hex'))
  if (decoded.headerOnly || (command_status !== 0 && isResponse(command_id))) return
  const whole = encodePdu(name, { command_status, sequence_number }, decoded.body)
  books.compare('written whole', body.toString('hex'), whole.toString('hex', 16))
}

function checkReader(books: Books, { command_id, body }: FramedPdu): void {
  const name = commandName(command_id)
  if (name !== 'submit_sm' && name !== 'deliver_sm') return
  const reader = new SubmitReader()
  const decoded = decodeBody(name, body)
  books.compare('status of the hot path', 0, reader.read(body, name))
  if (!decoded.ok) return
  const { body: read } = decoded
  books.compare('source_addr of the hot path', read.source_addr, reader.source_addr)
  books.compare('destination_addr of the hot path', read.destination_addr, reader.destination_addr)
  books.compare('esm_class of the hot path', read.esm_class, reader.esm_class)
  books.compare('data_coding of the hot path', read.data_coding, reader.data_coding)
  const short = body.subarray(reader.short_message_start, reader.short_message_end)
  books.compare(
    'short_message of the hot path',
    read.short_message.toString('hex'),
    short.toString('hex'),
  )
  for (const { tag } of read.tlvs) {
    const first = read.tlvs.find(one => one.tag === tag)
    books.compare(
      'TLV of the hot path',
      first?.value.toString('hex'),
      reader.tlv(tag)?.toString('hex'),
    )
  }
}

/** A response is not answered and ends its request; a request is answered once, or has no response; its number is echoed. */
function checkAnswers(books: Books, pdu: FramedPdu, octets: Buffer): void {
  const { replies, closed, answered } = conversation(octets)
  books.compare('the link closes', false, closed)
  if (isResponse(pdu.command_id)) {
    books.compare('answers to a response', 0, replies.length)
    books.compare('the request is answered', true, answered)
    return
  }
  const name = commandName(pdu.command_id)
  const silent = name === undefined || !hasResponse(name)
  books.compare('answers', silent ? 0 : 1, replies.length)
  for (const reply of replies) {
    books.compare('answered by', responseId(pdu.command_id), reply.command_id)
    books.compare('sequence_number echoed', pdu.sequence_number, reply.sequence_number)
  }
}

/** One malformed stream: what is answered, whether the link lives, and what can be read all the same. */
export function checkMalformed({ id, hex, expect, fields }: MalformedPdu): Difference[] {
  const octets = Buffer.from(hex, 'hex')
  const books = new Books(id)
  const { replies, closed, answered, first } = conversation(octets)
  const [reply, next] = replies
  books.compare('the link closes', expect.close, closed)
  if (expect.reply === null) books.compare('answers', 0, replies.length)
  else if (reply !== undefined) {
    const { command, command_status } = expect.reply
    if (!isCommand(command, reply.command_id, first))
      books.compare('answered by', command, textOf(reply.command_id))
    const free = command_status === undefined || expect.reply_may_refuse === true
    const ours = judged(first, reply)
    if (!free && !isStatus(command_status, ours))
      books.compare('command_status', command_status, statusText(ours))
    if (first !== undefined && !closed)
      books.compare('sequence_number echoed', first.sequence_number, reply.sequence_number)
  } else if (expect.reply_optional !== true) books.compare('answers', 1, 0)
  if (expect.then !== undefined) {
    const { command, sequence_number } = expect.then
    books.compare('then', command, next && textOf(next.command_id))
    books.compare('then sequence_number', sequence_number, next?.sequence_number)
  }
  if (first !== undefined && isResponse(first.command_id) && commandName(first.command_id))
    books.compare('the request is answered', true, answered)
  if (fields !== undefined && first !== undefined) checkFields(books, first, fields)
  return books.differences
}

function checkFields(
  books: Books,
  pdu: FramedPdu,
  fields: Readonly<Record<string, unknown>>,
): void {
  const decoded = decodeBody(commandName(pdu.command_id)!, pdu.body, pdu.command_status)
  if (!decoded.ok) return books.compare('body', 'read', problemOf(decoded))
  const plain = plainOf(decoded.body)
  for (const [field, value] of Object.entries(fields)) books.compare(field, value, plain[field])
}

/** The status that counts: where the session does not offer a request, and says so, the codec's. */
function judged(first: FramedPdu | undefined, reply: Reply): number {
  const name = first && commandName(first.command_id)
  return name !== undefined && OF_ONE_VERSION.has(name)
    ? statusOf(name, first!.body)
    : reply.command_status
}

interface Reply {
  command_id: number
  command_status: number
  sequence_number: number
}

/** What a bound session of ours, at the end that gets such PDUs, answers to a stream. */
function conversation(octets: Buffer) {
  const { pdus, error } = framed([octets])
  const [first] = pdus
  const session = sessionFor(first)
  const told = { replies: [] as Reply[], closed: false, answered: false, first }
  const perform = (effects: readonly SessionEffect[]): void => {
    for (const effect of effects) {
      if (effect.kind === 'send') told.replies.push(effect)
      if (effect.kind === 'close') told.closed = true
      if (effect.kind === 'response' && effect.how === 'response') told.answered = true
      if (effect.kind === 'bindAnswered') told.answered = true
      if (effect.kind === 'request') perform(respond(session, effect.frame))
    }
  }
  for (const frame of pdus) {
    perform(step(session, { kind: 'pdu', frame, atMs: 0 }))
    // an unbind of the peer's ends the session, and its response one of ours: that is what they are for
    if (told.closed && isUnbind(frame.command_id)) {
      told.closed = false
      told.answered = true
    }
  }
  if (error !== undefined) perform(step(session, { kind: 'framingError', error }))
  return told
}

/** Answers a request that a session hands out: with what its body cannot be read for, or ESME_ROK. */
function respond(session: Session, { command_id, sequence_number, body }: FramedPdu) {
  const name = commandName(command_id)!
  if (!hasResponse(name)) return []
  return step(session, {
    kind: 'respond',
    command_id,
    sequence_number,
    command_status: statusOf(name, body),
  })
}

function statusOf(name: CommandName, body: Buffer): number {
  if (name === 'submit_sm' || name === 'deliver_sm') return new SubmitReader().read(body, name)
  const decoded = decodeBody(name, body)
  return decoded.ok ? 0 : COMMAND_STATUS[decoded.problem.command_status]
}

function sessionFor(pdu: FramedPdu | undefined): Session {
  const name = pdu && commandName(pdu.command_id)
  const toEsme = name !== undefined && (TO_ESMES.has(name) || isResponse(pdu!.command_id))
  const session = openSession(toEsme ? 'esme' : 'smsc', NO_TIMES, 0)
  if (pdu === undefined || name === undefined) {
    session.state = 'BOUND_TRX'
    return session
  }
  const { command_id, sequence_number } = pdu
  const request = command_id & 0x7fffffff
  const opens = isBind(request) || name === 'outbind'
  if (!opens) [session.state, session.boundAs] = ['BOUND_TRX', 'bind_transceiver']
  if (!isResponse(command_id)) return session
  if (isBind(request)) {
    const command = 'bind_transceiver'
    session.binding = { command_id: request, sequence_number, command, interface_version: 0x34 }
  } else if (name === 'unbind_resp') {
    session.unbind = { by: 'us', sequence_number, untilMs: 1 }
    session.state = 'UNBINDING'
  } else {
    const asked = name === 'generic_nack' ? 4 : request
    session.outstanding.set(sequence_number, { command_id: asked, tag: 0, sentAtMs: 0 })
  }
  return session
}

const TO_ESMES: ReadonlySet<CommandName> = new Set<CommandName>([
  'deliver_sm',
  'outbind',
  'alert_notification',
])
const isUnbind = (command_id: number): boolean => (command_id & 0x7fffffff) === 6
function framed(chunks: readonly Buffer[]) {
  const pdus: FramedPdu[] = []
  let error: FramingError | undefined
  const framer = new Framer(65_536)
  for (const chunk of chunks) error = framer.push(chunk, pdu => pdus.push(pdu) > 0)
  return { pdus, error }
}

/** A body in the words of the collection. */
function plainOf(body: Body<CommandName>): Record<string, unknown> {
  const plain: Record<string, unknown> = { ...body }
  delete plain['tlvs']
  const message = plain['short_message']
  if (message instanceof Buffer) {
    delete plain['short_message']
    plain['sm_length'] = message.length
    plain['short_message_hex'] = message.toString('hex')
  }
  return plain
}

function problemOf({ problem }: Extract<Decoded<CommandName>, { ok: false }>): string {
  return `${problem.command_status} ${problem.parameter}`
}

function isCommand(expected: string, command_id: number, first: FramedPdu | undefined): boolean {
  const own = first !== undefined && command_id === responseId(first.command_id)
  return expected
    .split(' or ')
    .some(one => (one === 'its own response' ? own : one === textOf(command_id)))
}

function isStatus(expected: string, command_status: number): boolean {
  if (expected === 'not 0') return command_status !== 0
  return expected.split(' or ').some(one => {
    const [from, to = from] = one.split('..').map(Number)
    return command_status >= from! && command_status <= to!
  })
}

const textOf = (command_id: number): string =>
  commandName(command_id) ?? `0x${command_id.toString(16)}`

/** Keeps each difference of a PDU once. */
class Books {
  readonly differences: Difference[] = []
  private readonly id: string

  constructor(id: string) {
    this.id = id
  }

  compare(what: string, expected: unknown, ours: unknown): void {
    const [left, right] = [text(expected), text(ours)]
    if (left === right || this.differences.some(one => one.what === what)) return
    this.differences.push({ id: this.id, what, expected: left, ours: right })
  }
}

function text(value: unknown): string {
  if (value === undefined) return 'nothing'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

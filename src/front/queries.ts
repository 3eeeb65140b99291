import type { Journal } from '../journal/index.js'
import { indexOf, MARK, MESSAGE_STATE, offsetOf, type Ref } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, encodeBody } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { formatTime } from '../smpp/times.js'
import type { EsmeSession } from './esme-session.js'
import { statusOf, type RefusalCode } from './refusals.js'

/** Queries that may wait for a current read. */
const WAITING_MAX = 1000

interface Query {
  session: EsmeSession
  command_id: number
  sequence_number: number
  message_id: string
}

/**
 * Answers query_sm from the state of this node, once that is current: all queries that come while one
 * read is under way share the next. An account sees its own messages and no others; source_addr is not
 * compared, for many clients leave it out.
 */
export class Queries {
  private readonly journal: Journal
  private readonly currentRead: () => Promise<unknown>
  private waiting: Query[] = []
  private reading = false

  constructor(journal: Journal, currentRead: () => Promise<unknown>) {
    this.journal = journal
    this.currentRead = currentRead
  }

  query(session: EsmeSession, frame: Frame): void {
    const { command_id, sequence_number } = frame
    const decoded = decodeBody('query_sm', frame.body)
    const refuse = (command_status: number): void =>
      session.link.respond(command_id, sequence_number, command_status)
    if (!decoded.ok) return refuse(COMMAND_STATUS[decoded.problem.command_status])
    if (this.waiting.length >= WAITING_MAX) return refuse(statusOf('throttled'))
    const { message_id } = decoded.body
    this.waiting.push({ session, command_id, sequence_number, message_id })
    this.read()
  }

  private read(): void {
    if (this.reading || this.waiting.length === 0) return
    const queries = this.waiting
    this.waiting = []
    this.reading = true
    void this.currentRead()
      .then(
        () => queries.forEach(query => this.answer(query)),
        () => queries.forEach(query => respond(query, 'notCommitted')),
      )
      .finally(() => {
        this.reading = false
        this.read()
      })
  }

  private answer(query: Query): void {
    const refs = this.journal.refsOf(query.message_id)
    if (refs.length === 0) return respond(query, 'invalidMessageId')
    const ref = refs.find(ref => this.isOf(query.session, ref))
    const block = ref === undefined ? undefined : this.journal.state.blocks.get(indexOf(ref))
    if (ref === undefined || block === undefined) return respond(query, 'unknownMessage')
    const offset = offsetOf(ref)
    const mark = block.mark(offset)
    const message_state = mark === MARK.DONE ? block.state(offset) : MESSAGE_STATE.ENROUTE
    const final = block.at(offset, 'final')
    const body = encodeBody('query_sm_resp', {
      message_id: query.message_id.toLowerCase(),
      final_date: final > 0 ? formatTime(final) : '',
      message_state,
      error_code: Math.min(block.error(offset), 255),
    })
    query.session.link.respond(query.command_id, query.sequence_number, 0, body)
  }

  /** A submit of the session's account lies there. */
  private isOf({ bound }: EsmeSession, ref: Ref): boolean {
    const block = this.journal.state.blocks.get(indexOf(ref))
    const offset = offsetOf(ref)
    if (block === undefined || offset >= block.count) return false
    // The other marks are refused submits, receipts and MO.
    return block.mark(offset) <= MARK.DONE && block.account(offset) === bound?.account
  }
}

function respond({ session, command_id, sequence_number }: Query, code: RefusalCode): void {
  session.link.respond(command_id, sequence_number, statusOf(code))
}

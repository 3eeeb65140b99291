import type { Block, Journal } from '../journal/index.js'
import { indexOf, MARK, offsetOf } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, encodeBody } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { INTERFACE_VERSION, MESSAGE_STATE } from '../smpp/constants.js'
import { formatTime } from '../smpp/times.js'
import type { EsmeSession } from './esme-session.js'
import { ownMessages } from './own-messages.js'
import { ReadTurns } from './read-turns.js'
import { statusOf, type RefusalCode } from './refusals.js'

interface Query {
  session: EsmeSession
  command_id: number
  sequence_number: number
  message_id: string
}

/**
 * Answers query_sm from the state of this node, once that is current. An account sees its own messages and no
 * others; source_addr is not compared, for many clients leave it out. Of a submit_multi it is told how the one is that is furthest
 * behind.
 */
export class Queries {
  private readonly journal: Journal
  private readonly turns: ReadTurns<Query>

  constructor(journal: Journal, currentRead: () => Promise<unknown>) {
    this.journal = journal
    this.turns = new ReadTurns(
      currentRead,
      query => this.answer(query),
      query => respond(query, 'notCommitted'),
    )
  }

  query(session: EsmeSession, frame: Frame): void {
    const { command_id, sequence_number } = frame
    const decoded = decodeBody('query_sm', frame.body)
    const refuse = (command_status: number): void =>
      session.link.respond(command_id, sequence_number, command_status)
    if (!decoded.ok) return refuse(COMMAND_STATUS[decoded.problem.command_status])
    const { message_id } = decoded.body
    const taken = this.turns.add({ session, command_id, sequence_number, message_id })
    if (!taken) refuse(statusOf('throttled'))
  }

  private answer(query: Query): void {
    const { journal } = this
    const { bound } = query.session
    if (journal.refsOf(query.message_id).length === 0) return respond(query, 'invalidMessageId')
    const refs = bound === undefined ? [] : ownMessages(journal, bound.account, query.message_id)
    const block = journal.state.blocks.get(indexOf(refs[0] ?? 0))
    if (block === undefined) return respond(query, 'unknownMessage')
    const offset = furthestBehind(block, refs.map(offsetOf))
    const mark = block.mark(offset)
    const { interfaceVersion } = query.session.link
    const scheduled = block.isScheduled(offset) && interfaceVersion >= INTERFACE_VERSION.v50
    const waiting = scheduled ? MESSAGE_STATE.SCHEDULED : MESSAGE_STATE.ENROUTE
    const message_state = mark === MARK.DONE ? block.state(offset) : waiting
    const final = block.at(offset, 'final')
    const body = encodeBody('query_sm_resp', {
      message_id: query.message_id.toLowerCase(),
      final_date: final > 0 ? formatTime(final) : '',
      message_state,
      error_code: Math.min(block.error(offset), 255),
    })
    query.session.link.respond(query.command_id, query.sequence_number, 0, body)
  }
}

/** One that is not concluded, else one that was not delivered, else the last. */
function furthestBehind(block: Block, offsets: readonly number[]): number {
  const open = offsets.find(offset => block.mark(offset) !== MARK.DONE)
  const failed = offsets.find(offset => block.state(offset) !== MESSAGE_STATE.DELIVERED)
  const final = (offset: number): number => block.at(offset, 'final')
  return open ?? failed ?? offsets.reduce((a, b) => (final(b) > final(a) ? b : a))
}

function respond({ session, command_id, sequence_number }: Query, code: RefusalCode): void {
  session.link.respond(command_id, sequence_number, statusOf(code))
}

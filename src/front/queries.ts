import type { Block, Journal, Ref } from '../journal/index.js'
import { indexOf, MARK, offsetOf } from '../journal/index.js'
import type { Frame } from '../link/types.js'
import { decodeBody, encodeBody, type DestAddress } from '../smpp/codec.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { INTERFACE_VERSION, MESSAGE_STATE } from '../smpp/constants.js'
import { SubmitReader } from '../smpp/submit-reader.js'
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
  /** query_msg_details: so much of the text is wanted, in octets. */
  octetsMax: number | undefined
}

const reader = new SubmitReader()

/**
 * Answers query_sm, and query_msg_details of SMPP 3.3, from the state of this node, once that is current. An account sees its own messages and no
 * others; source_addr is not compared, for many clients leave it out. Of a submit_multi it is told how the one is that is furthest
 * behind. What a message says is known as long as its octets are needed: until an SMSC has it, and what goes on in the log's own time after that.
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
    const details = command_id === COMMAND_IDS.query_msg_details
    const decoded = details
      ? decodeBody('query_msg_details', frame.body)
      : decodeBody('query_sm', frame.body)
    const refuse = (command_status: number): void =>
      session.link.respond(command_id, sequence_number, command_status)
    if (!decoded.ok) return refuse(COMMAND_STATUS[decoded.problem.command_status])
    const { message_id } = decoded.body
    const { sm_length: octetsMax } = decoded.body as { sm_length?: number }
    const taken = this.turns.add({ session, command_id, sequence_number, message_id, octetsMax })
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
    const fields = {
      message_id: query.message_id.toLowerCase(),
      final_date: final > 0 ? formatTime(final) : '',
      message_state,
      error_code: Math.min(block.error(offset), 255),
    }
    if (query.octetsMax === undefined) return succeed(query, encodeBody('query_sm_resp', fields))
    const submit = this.submitOf(refs, query.octetsMax)
    if (submit === undefined) return respond(query, 'octetsGone')
    succeed(query, encodeBody('query_msg_details_resp', { ...submit, ...fields }))
  }

  /** What was submitted, or put in its place; undefined where its octets are gone. Source: SMPP 3.3, query_msg_details_resp. */
  private submitOf(refs: readonly Ref[], octetsMax: number) {
    const dest_address: DestAddress[] = []
    for (const ref of refs) {
      const message = this.journal.message(ref)
      if (message?.kind !== 'submit' || reader.read(message.body, 'submit_sm') !== 0)
        return undefined
      const { dest_addr_ton, dest_addr_npi, destination_addr } = reader
      dest_address.push({ dest_flag: 1, dest_addr_ton, dest_addr_npi, destination_addr })
    }
    const { service_type, source_addr_ton, source_addr_npi, source_addr, protocol_id } = reader
    const { priority_flag, validity_period, registered_delivery, data_coding } = reader
    return {
      ...{ service_type, source_addr_ton, source_addr_npi, source_addr, dest_address, protocol_id },
      ...{ priority_flag, validity_period, registered_delivery, data_coding },
      short_message: reader.message.subarray(0, octetsMax),
    }
  }
}

/** One that is not concluded, else one that was not delivered, else the last. */
function furthestBehind(block: Block, offsets: readonly number[]): number {
  const open = offsets.find(offset => block.mark(offset) !== MARK.DONE)
  const failed = offsets.find(offset => block.state(offset) !== MESSAGE_STATE.DELIVERED)
  const final = (offset: number): number => block.at(offset, 'final')
  return open ?? failed ?? offsets.reduce((a, b) => (final(b) > final(a) ? b : a))
}

function succeed({ session, command_id, sequence_number }: Query, body: Buffer): void {
  session.link.respond(command_id, sequence_number, 0, body)
}

function respond({ session, command_id, sequence_number }: Query, code: RefusalCode): void {
  session.link.respond(command_id, sequence_number, statusOf(code))
}

import { fnv1a } from '../base/fnv.js'
import { decodeBody, encodeBody, type Body } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { COMMAND_STATUS, type CommandStatus } from '../smpp/command-status.js'
import { MESSAGE_STATE } from '../smpp/constants.js'
import { formatTime } from '../smpp/times.js'
import type { IdFormat } from './smsc-faults.js'
import type { KnownMessage, SmscMemory } from './smsc-memory.js'
import { idNumber } from './smsc-messages.js'

/** Who asks, when, and what ids look like. */
export interface Asker {
  systemId: string
  /** ms since the Unix epoch. */
  nowMs: number
  idFormat: IdFormat
}

/** A response; without a body where the status is not 0. */
export interface Answer {
  status: number
  body?: Buffer
}

/**
 * query_sm, cancel_sm and replace_sm by what the simulator remembers; anything else is ESME_RINVCMDID. A message is DELIVERED, or
 * whatever it comes to, when its receipt is due; until then it is ENROUTE and can be cancelled and replaced. A replaced message
 * is the same to all who ask: texts are not kept.
 *
 * Source: SMPP 3.4 §4.8 to §4.10.
 */
export function answerRequest(
  memory: SmscMemory,
  command_id: number,
  body: Buffer,
  asker: Asker,
): Answer {
  switch (command_id) {
    case COMMAND_IDS.query_sm: {
      const asked = decodeBody('query_sm', body)
      return asked.ok ? query(memory, asked.body, asker) : answerOf(asked.problem.command_status)
    }
    case COMMAND_IDS.cancel_sm: {
      const asked = decodeBody('cancel_sm', body)
      return asked.ok ? cancel(memory, asked.body, asker) : answerOf(asked.problem.command_status)
    }
    case COMMAND_IDS.replace_sm: {
      const asked = decodeBody('replace_sm', body)
      return asked.ok ? replace(memory, asked.body, asker) : answerOf(asked.problem.command_status)
    }
    default:
      return answerOf('ESME_RINVCMDID')
  }
}

function query(memory: SmscMemory, asked: Body<'query_sm'>, asker: Asker): Answer {
  const found = named(memory, asked, asker)
  if (typeof found === 'string') return answerOf(found)
  const over = found.finalAtMs <= asker.nowMs
  const body = encodeBody('query_sm_resp', {
    message_id: asked.message_id,
    final_date: over ? formatTime(found.finalAtMs) : '',
    message_state: MESSAGE_STATE[over ? found.state : 'ENROUTE'],
  })
  return { status: 0, body }
}

function cancel(memory: SmscMemory, asked: Body<'cancel_sm'>, asker: Asker): Answer {
  const { systemId, nowMs } = asker
  if (asked.message_id !== '') {
    const found = named(memory, asked, asker)
    if (typeof found === 'string') return answerOf(found)
    return answerOf(memory.cancel(found.number, nowMs) ? 'ESME_ROK' : 'ESME_RCANCELFAIL')
  }
  if (asked.destination_addr === '') return answerOf('ESME_RINVDSTADR')
  let cancelled = 0
  for (const message of memory.between(
    systemId,
    keyOf(asked.source_addr),
    keyOf(asked.destination_addr),
  ))
    if (memory.cancel(message.number, nowMs)) cancelled++
  return answerOf(cancelled > 0 ? 'ESME_ROK' : 'ESME_RCANCELFAIL')
}

function replace(memory: SmscMemory, asked: Body<'replace_sm'>, asker: Asker): Answer {
  const found = named(memory, asked, asker)
  if (typeof found === 'string') return answerOf(found)
  return answerOf(found.finalAtMs > asker.nowMs ? 'ESME_ROK' : 'ESME_RREPLACEFAIL')
}

/** The message that is meant, or why there is none. */
function named(
  memory: SmscMemory,
  asked: { message_id: string; source_addr: string },
  { systemId, idFormat }: Asker,
): KnownMessage | CommandStatus {
  const number = idNumber(asked.message_id, idFormat)
  const message = number === undefined ? undefined : memory.find(number)
  if (message === undefined || message.systemId !== systemId) return 'ESME_RINVMSGID'
  return message.source === keyOf(asked.source_addr) ? message : 'ESME_RINVSRCADR'
}

function keyOf(address: string): number {
  return fnv1a(Buffer.from(address, 'latin1'))
}

function answerOf(status: CommandStatus): Answer {
  return { status: COMMAND_STATUS[status] }
}

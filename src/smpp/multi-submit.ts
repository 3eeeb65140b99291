import { BodyReader } from './body-reader.js'
import type { DestAddress } from './codec.js'
import { COMMAND_STATUS } from './command-status.js'
import { PDU_BODIES } from './pdu-bodies.js'

/** Source: SMPP 3.4 §4.5.1: at most 254 destination addresses. */
const NUMBER_OF_DESTS_MAX = 254

/** What an SME_address names. */
export type SmeAddress = Omit<Extract<DestAddress, { dest_flag: 1 }>, 'dest_flag'>

/** A submit_multi: who it goes to, and the submit_sm that goes to each. */
export interface MultiSubmit {
  /** 1 to 254, in the order of the PDU. */
  dest_address: DestAddress[]
  /** Octets that are the same for all destinations. */
  octets: number
  /** The submit_sm body for one of them. RangeError where the address is longer than 20 octets. */
  bodyTo(address: SmeAddress): Buffer
}

/**
 * Reads a submit_multi as far as its addresses; the submit reader reads the rest, in any of its bodies: before the addresses
 * and after them a submit_multi is a submit_sm.
 *
 * @param body  kept; the bodies are copies
 * @returns     the command_status to refuse it with, where its addresses cannot be told apart
 * Source: SMPP 3.4 §4.5.1 and §4.4.1.
 */
export function readSubmitMulti(body: Buffer): MultiSubmit | number {
  const reader = new BodyReader(body)
  let head = 0
  for (const field of PDU_BODIES.submit_multi) {
    head = reader.position
    const count = body[head]
    const isList = field.kind === 'destinations'
    if (isList && (count === 0 || (count ?? 0) > NUMBER_OF_DESTS_MAX))
      return COMMAND_STATUS.ESME_RINVNUMDESTS
    const value = reader.field(field)
    if (reader.problem !== undefined) return COMMAND_STATUS[reader.problem.command_status]
    if (!isList) continue
    const before = body.subarray(0, head)
    const after = body.subarray(reader.position)
    return {
      dest_address: value as DestAddress[],
      octets: before.length + after.length,
      bodyTo: address => Buffer.concat([before, octetsOf(address), after]),
    }
  }
  return COMMAND_STATUS.ESME_RINVNUMDESTS
}

/** dest_addr_ton, dest_addr_npi, and destination_addr with its NUL. */
function octetsOf({ dest_addr_ton, dest_addr_npi, destination_addr }: SmeAddress): Buffer {
  const octets = Buffer.alloc(3 + destination_addr.length)
  octets[0] = dest_addr_ton
  octets[1] = dest_addr_npi
  octets.write(destination_addr, 2, 'latin1')
  return octets
}

import { decodeBody, encodeBody } from '../smpp/codec.js'
import type { Frame } from '../link/types.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import { messageState, NPI, TON } from '../smpp/constants.js'

/** What may be asked about a message that was acknowledged. */
export const OPERATIONS = ['query_sm', 'cancel_sm', 'replace_sm'] as const
export type OperationName = (typeof OPERATIONS)[number]

/** One that waits for room in a window, or for its answer. */
export interface Operation {
  name: OperationName
  body: Buffer
}

/** By operation: how often each answer came. */
export type OperationCounts = Partial<Record<OperationName, Record<string, number>>>

/**
 * query_sm, cancel_sm and replace_sm of shares of the messages, each once, and their answers: of query_sm by message_state, of the others
 * by command_status.
 */
export class EsmeOperations {
  readonly counts: OperationCounts = {}
  /** Anything is asked about any message. */
  readonly any: boolean
  private readonly shares: Readonly<Record<OperationName, number>>
  private readonly from: string

  /**
   * @param shares  of the messages, 0 to 1, together at most 1
   * @param from    their source_addr
   * @throws RangeError where the shares are more than all
   */
  constructor(shares: Readonly<Record<OperationName, number>>, from: string) {
    const sum = OPERATIONS.reduce((sum, name) => sum + shares[name], 0)
    if (sum > 1 + 1e-9) throw new RangeError('queries, cancels and replaces are more than all')
    this.shares = shares
    this.from = from
    this.any = sum > 0
  }

  /**
   * What is to be asked about a message, if anything.
   * @param chance  0 to 1, drawn for it
   */
  about(message_id: string, chance: number): Operation | undefined {
    if (message_id === '') return undefined
    let rest = chance
    for (const name of OPERATIONS) {
      if (rest < this.shares[name]) return { name, body: this.bodyOf(name, message_id) }
      rest -= this.shares[name]
    }
    return undefined
  }

  /** @param frame  undefined: the connection broke, or the time-out passed */
  answered({ name }: Operation, frame: Frame | undefined): void {
    const counts = (this.counts[name] ??= {})
    const what = frame === undefined ? 'unanswered' : answerOf(name, frame)
    counts[what] = (counts[what] ?? 0) + 1
  }

  private bodyOf(name: OperationName, message_id: string): Buffer {
    const { ton, npi, address } = sourceOf(this.from)
    const source = { source_addr_ton: ton, source_addr_npi: npi, source_addr: address }
    switch (name) {
      case 'query_sm':
      case 'cancel_sm':
        return encodeBody(name, { message_id, ...source })
      case 'replace_sm':
        return encodeBody(name, {
          message_id,
          ...source,
          registered_delivery: 1,
          short_message: Buffer.from('replaced', 'latin1'),
        })
    }
  }
}

/** Type, plan and octets of a source as people write it: digits with or without a plus, or a name. */
export function sourceOf(from: string): { ton: number; npi: number; address: string } {
  const numeric = /^\+?\d*$/.test(from)
  return {
    ton: numeric ? TON.international : TON.alphanumeric,
    npi: numeric ? NPI.isdn : NPI.unknown,
    address: from.replace(/^\+/, ''),
  }
}

function answerOf(name: OperationName, frame: Frame): string {
  const { command_id, command_status, body } = frame
  if (command_status !== 0 || name !== 'query_sm') return statusText(command_status)
  const answer = decodeBody('query_sm_resp', body)
  if (command_id !== COMMAND_IDS.query_sm_resp || !answer.ok) return 'unreadable'
  return messageState(answer.body.message_state) ?? String(answer.body.message_state)
}

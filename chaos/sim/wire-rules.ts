import { hardStateKey } from '../../cluster/log/keys.js'
import { decodeHardState } from '../../cluster/log/records.js'
import { decodeMessage, MessageKind, RecordKind } from '../../cluster/messages.js'
import type { Delivery, Ref, State } from '../../src/journal/index.js'
import { decodeBody, findTlv } from '../../src/smpp/codec.js'
import { COMMAND_IDS, responseId } from '../../src/smpp/command-ids.js'
import { ESM_CLASS } from '../../src/smpp/constants.js'
import { parseReceipt } from '../../src/smpp/receipt.js'
import type { SimDisk } from './disk.js'
import { nameOf, piecesIn } from './mo-rules.js'
import { wordIn } from './notification-rules.js'

const HEADER_OCTETS = 16
const SUBMIT_RESPS = new Set([COMMAND_IDS.submit_sm, COMMAND_IDS.submit_multi].map(responseId))

/**
 * A vote that leaves a node, its own candidature too, is on that node's disk: else it may vote again in
 * that term after a crash. Returns what is wrong, or ''.
 */
export function unsyncedVote(from: number, to: number, record: Buffer, disk: SimDisk): string {
  if (record[0] !== RecordKind.raft) return ''
  const { type, term, reject } = decodeMessage(record, to)
  const votes = type === MessageKind.MsgVote || (type === MessageKind.MsgVoteResp && !reject)
  if (!votes) return ''
  const candidate = type === MessageKind.MsgVote ? from : to
  const value = disk.durable('log', hardStateKey(0))
  const state = value === undefined ? undefined : decodeHardState(value).state
  const stands =
    state !== undefined && (state.term > term || (state.term === term && state.vote === candidate))
  return stands ? '' : `node ${from} votes for ${candidate} in term ${term}, not on its disk`
}

/** Tags of messages: by place, and as a receipt names them. */
export interface MessageTags {
  at(ref: Ref): string | undefined
  named(id: string, of: string): string | undefined
  /** An account is owed an MO, whose parts lie at these places; its name. */
  owed(refs: readonly Ref[]): string
  /** The word of an intermediate notification; undefined: it is none. */
  notification(delivery: Delivery): string | undefined
}

/**
 * Receipts and MO of an account leave the nodes for the first time in the order in which the account came to
 * be owed them, whichever node is the owner (DESIGN §3). Fed with what was committed and what is written.
 */
export class DeliveryOrder {
  /** Account and place in its list, by the tag of the message or the MO. */
  private readonly owed = new Map<string, { account: number; seq: number }>()
  /** Tags of MO that were owed once: an SMSC that got no answer sends its own again. */
  private readonly mos = new Set<string>()
  private readonly tails = new Map<number, number>()
  /** Per account: the greatest number written before this instant, and within it. */
  private readonly written = new Map<number, { before: number; now: number; atMs: number }>()

  /** Tags of messages whose receipt was owed, and words of notifications. */
  private readonly owedOnce = new Set<string>()
  private readonly tags: MessageTags

  constructor(tags: MessageTags) {
    this.tags = tags
  }

  /**
   * An entry was applied somewhere for the first time.
   *
   * @returns  messages whose account is owed a second receipt of them
   */
  onCommitted(state: State): string[] {
    const twice: string[] = []
    for (const account of state.accounts.values()) {
      const { tail } = account.deliveries
      const { number } = account
      for (let seq = this.tails.get(number) ?? 0; seq < tail; seq++) {
        const delivery = account.delivery(seq)
        const word = delivery?.kind === 'receipt' ? this.tags.notification(delivery) : undefined
        if (word !== undefined && !this.owedOnce.has(word)) {
          this.owedOnce.add(word)
          this.owed.set(word, { account: number, seq })
        }
        const isReceipt = delivery?.kind === 'receipt' && word === undefined
        const of = isReceipt ? this.tags.at(delivery.message) : undefined
        if (of !== undefined) {
          if (this.owedOnce.has(of)) twice.push(of)
          this.owedOnce.add(of)
          this.owed.set(of, { account: number, seq })
        }
        if (delivery?.kind !== 'mo') continue
        const tag = this.tags.owed(delivery.parts ?? [delivery.inbound])
        if (this.mos.has(tag)) continue
        this.mos.add(tag)
        this.owed.set(tag, { account: number, seq })
      }
      this.tails.set(number, tail)
    }
    return twice
  }

  /** A node writes to an ESME. Returns what is wrong, or ''. */
  onWritten(node: string, octets: Buffer, atMs: number): string {
    for (const { command_id, at, end } of pdusIn(octets)) {
      if (command_id !== COMMAND_IDS.deliver_sm) continue
      const wrong = this.onDelivery(octets.subarray(at + HEADER_OCTETS, end), atMs)
      if (wrong !== '') return `${node} ${wrong}`
    }
    return ''
  }

  private onDelivery(octets: Buffer, atMs: number): string {
    const decoded = decodeBody('deliver_sm', Buffer.from(octets))
    if (!decoded.ok) return ''
    const { body } = decoded
    const isMo = (body.esm_class & ESM_CLASS.type_mask) === 0
    const receipt = isMo ? undefined : parseReceipt(body)
    const text = (findTlv(body.tlvs, 'message_payload') ?? body.short_message).toString('latin1')
    const word = isMo ? '' : wordIn(text)
    const key = isMo
      ? nameOf(piecesIn(text))
      : word !== ''
        ? word
        : (this.tags.named(receipt?.receipted_message_id ?? receipt?.id ?? '', body.source_addr) ??
          '')
    const place = this.owed.get(key)
    if (place === undefined) return ''
    this.owed.delete(key) // what comes again is no first transmission
    const { account, seq } = place
    const written = this.written.get(account) ?? { before: -1, now: -1, atMs }
    this.written.set(account, written)
    if (written.atMs !== atMs) Object.assign(written, { before: written.now, atMs })
    written.now = Math.max(written.now, seq)
    if (seq > written.before) return ''
    return `wrote ${key}, number ${seq} of account ${account}, after ${written.before}`
  }
}

/** The sequence_numbers of submits that these octets answer with ESME_ROK. */
export function positiveAnswers(octets: Buffer): number[] {
  return pdusIn(octets)
    .filter(
      ({ command_id, at }) => SUBMIT_RESPS.has(command_id) && octets.readUInt32BE(at + 8) === 0,
    )
    .map(({ at }) => octets.readUInt32BE(at + 12))
}

/** Whole PDUs, from `at` to `end`. */
function pdusIn(octets: Buffer): { command_id: number; at: number; end: number }[] {
  const pdus = []
  for (let at = 0; at + HEADER_OCTETS <= octets.length;) {
    const end = at + octets.readUInt32BE(at)
    if (end < at + HEADER_OCTETS || end > octets.length) break
    pdus.push({ command_id: octets.readUInt32BE(at + 4), at, end })
    at = end
  }
  return pdus
}

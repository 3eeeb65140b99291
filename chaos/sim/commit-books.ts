import type {
  AcceptedMessages,
  Command,
  CommandResult,
  Outcome,
  Replace,
} from '../../src/journal/commands.js'
import { readAcceptRecord, skipAcceptRecord } from '../../src/journal/accept-record.js'
import { messagesIn } from '../../src/journal/command-codec.js'
import type { Entry } from '../../src/journal/entry.js'
import { indexOf, offsetOf, refOf } from '../../src/journal/ids.js'
import {
  decodeEntry,
  FLAG_FINGERPRINT,
  MESSAGE_STATE,
  type Ref,
  type State,
} from '../../src/journal/index.js'
import { decodeBody } from '../../src/smpp/codec.js'
import type { CancelRules } from './cancel-rules.js'
import { tagOf, type MessageBooks } from './message-books.js'
import { piecesIn, type MoRules } from './mo-rules.js'
import type { MultiRules } from './multi-rules.js'
import { wordIn, type NotificationRules } from './notification-rules.js'
import type { PartRules } from './part-rules.js'
import type { ReplaceRules } from './replace-rules.js'
import type { ResubmissionRules } from './resubmission-rules.js'
import type { TransactionRules } from './transaction-rules.js'
import type { DeliveryOrder } from './wire-rules.js'
import type { Violations } from './violations.js'

type Result = Outcome['results'][number]

export interface CommitBooksParts {
  books: MessageBooks
  cancels: CancelRules
  replaces: ReplaceRules
  parts: PartRules
  multis: MultiRules
  mos: MoRules
  transactions: TransactionRules
  notifications: NotificationRules
  order: DeliveryOrder
  resubmissions: ResubmissionRules
  violations: Violations
  now(): number
  /** A claim of `claimant` was granted; `node` is the first to apply it. */
  claimGranted(node: number, claimant: number): void
}

/** Keeps the books of messages by what was committed, once for each entry. */
export class CommitBooks {
  private readonly parts: CommitBooksParts
  /** Where the first accepted message of each submit_multi lies. */
  private readonly heads = new Map<number, Ref>()

  constructor(parts: CommitBooksParts) {
    this.parts = parts
  }

  /** An entry was applied somewhere for the first time, by `applier`, which is in `state` now. */
  onCommitted(index: number, data: Buffer, state: State, applier: number): void {
    const { books, order } = this.parts
    if (data.length === 0) return void order.onCommitted(state)
    if (books.generation < 0) books.generation = state.generation
    this.heads.clear()
    const entry = decodeEntry(data)
    if (entry?.number === 0) this.onBoot(entry, state)
    const outcome =
      entry === undefined ? undefined : state.nodes.outcomeOf(entry.node, entry.number)
    // else refused as a whole, or a repetition
    let offset = 0
    if (entry !== undefined && outcome?.index === index)
      entry.commands.forEach((command, at) => {
        const result = outcome.results[at]
        this.onCommand(refOf(index, offset), entry, command, result, applier, state)
        offset += messagesIn(command)
        if (command.kind === 'cancel') this.parts.cancels.onCommitted(state, command.refs)
        if (command.kind === 'replace' && outcome.results[at]?.ok === true)
          this.parts.replaces.onCommitted(command.ref, textOf(command))
      })
    this.parts.transactions.onCommitted(index, state)
    for (const tag of order.onCommitted(state))
      this.parts.violations.fail('one receipt', `${tag} is owed two`, tag)
    this.parts.notifications.onApplied(state)
  }

  /** Boots are registered outside of any numbering, so no outcome is kept. Said again it changes nothing. */
  private onBoot({ node, boot }: Entry, state: State): void {
    if (state.nodes.get(node)?.boot === boot) this.parts.resubmissions.onBootEnded(node, boot - 1)
  }

  /** `first`: the place of the first message that the command carries, if any. */
  private onCommand(
    first: Ref,
    entry: Entry,
    command: Command,
    result: Result | undefined,
    applier: number,
    state: State,
  ): void {
    if (result?.ok !== true) return
    const { books, parts } = this.parts
    const index = indexOf(first)
    const offset = offsetOf(first)
    this.onSession(index, entry, command)
    if (command.kind === 'accept' && 'accepted' in result)
      this.onAccepted(index, entry, command.records, result.accepted)
    else if (command.kind === 'claim' && 'claimed' in result)
      this.onClaimed(entry.node, `${entry.node} ${command.epoch}`, result, applier)
    else if (command.kind === 'sentParts')
      for (const { ref, smscIds } of command.items) {
        const message = books.at(ref)
        if (message !== undefined) parts.onSent(message, smscIds)
      }
    else if (command.kind === 'outcomes')
      for (const item of command.items) {
        const message = books.at(item.ref)
        if (message === undefined) continue
        if (['retry', 'partly', 'unsent'].includes(item.result)) message.given = item.result
        else if (item.result === 'sent') parts.onSent(message, [item.smscId])
        const block = state.blocks.get(indexOf(item.ref))
        if (block?.state(offsetOf(item.ref)) === MESSAGE_STATE.REJECTED) message.rejected = true
      }
    else if (command.kind === 'inbound' && 'inbound' in result)
      command.items.forEach((item, i) => {
        const verdict = result.inbound[i]
        if (verdict === 'queueFull' || verdict === 'noAccount') return
        if (item.kind === 'receipt' && item.intermediate === true) {
          const word = wordIn(item.body.toString('latin1'))
          books.inbound.add(word)
          return this.parts.notifications.onCommitted(refOf(index, offset + i), word)
        }
        if (item.kind === 'receipt') {
          books.inbound.add(item.smscId)
          return
        }
        const [piece = ''] = piecesIn(item.body.toString('latin1'))
        books.inbound.add(piece)
        this.parts.mos.onCommitted(refOf(index, offset + i), piece, verdict!, this.parts.now())
      })
  }

  /** What decides which submits may be submitted again. */
  private onSession(index: number, { node, boot }: Entry, command: Command): void {
    const { resubmissions } = this.parts
    switch (command.kind) {
      case 'settings':
        this.parts.multis.onSettings(index, command.settings)
        this.parts.parts.onSettings()
        return resubmissions.onSettings(index, command.settings)
      case 'endSession':
        return resubmissions.onSessionEnded(command.session)
      case 'nodeDown':
        return resubmissions.onBootEnded(command.node, command.boot)
      case 'written':
        return resubmissions.onMarks(`${node}.${boot}.`, command.refs)
      case 'forgetLost':
        return resubmissions.onForgotten(command.refs)
      case 'void':
        return resubmissions.onVoid(`${node}.${boot}.${command.number}`)
      default:
        return
    }
  }

  private onAccepted(
    index: number,
    { node, boot, number }: Entry,
    records: Buffer,
    accepted: AcceptedMessages,
  ): void {
    const { parts } = this
    const { books, violations, resubmissions } = parts
    const refusedOnes = new Set(accepted.refused.map(([offset]) => offset))
    const matched = new Map(accepted.matched)
    const proposal = `${node}.${boot}.${number}`
    let offset = accepted.first - 1
    for (let at = 0; at < records.length; at = skipAcceptRecord(records, at)) {
      offset++
      if (refusedOnes.has(offset)) continue
      const { body, session, flags, multi = 0 } = readAcceptRecord(records, at)
      const message = books.messages.get(tagOf(body))
      if (message === undefined) continue
      const earlier = matched.get(offset)
      const ref = earlier ?? refOf(index, offset)
      if (message.refs.length > 0 || message.first !== undefined) {
        const { tag, first, refs } = message
        const places = [...(first ?? message).refs, ref].join(' and ')
        violations.fail('one submit one message', `${tag} is at ${places}`, tag)
        if (refs.length === 0) continue
      }
      const id = `${node}.${boot}.${session}`
      if (earlier !== undefined) {
        message.first = books.at(earlier)
        resubmissions.onMatched(index, proposal, message, ref, id)
        continue
      }
      if (multi > 0 && !this.heads.has(multi)) this.heads.set(multi, ref)
      books.placed(message, ref, this.heads.get(multi) ?? ref, parts.now())
      const fingerprint = (flags & FLAG_FINGERPRINT) !== 0
      resubmissions.onAccepted(index, proposal, message, ref, id, fingerprint)
    }
  }

  /** `by`: whose claim it is, and of which epoch. */
  private onClaimed(node: number, by: string, result: CommandResult, applier: number): void {
    if (!result.ok || !('claimed' in result)) return
    if (result.claimed.length > 0) this.parts.claimGranted(applier, node)
    for (const { index, lo, hi } of result.claimed)
      for (let offset = lo; offset < hi; offset++) {
        const message = this.parts.books.at(refOf(index, offset))
        if (message === undefined) continue
        if (message.claims.size > 0 && message.given === '') message.timesInDoubt++
        else if (message.claims.size > 0 && message.claimedBy !== by) message.timesForgotten++
        message.given = ''
        message.claimedBy = by
        this.parts.parts.onClaimed(message)
        message.claims.set(node, (message.claims.get(node) ?? 0) + 1)
      }
  }
}

function textOf({ record }: Replace): string {
  const decoded = decodeBody('submit_sm', readAcceptRecord(record, 0).body)
  return decoded.ok ? decoded.body.short_message.toString('latin1') : ''
}

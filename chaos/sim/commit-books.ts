import type {
  AcceptedMessages,
  Command,
  CommandResult,
  Outcome,
} from '../../src/journal/commands.js'
import { refOf } from '../../src/journal/ids.js'
import { decodeEntry, type State } from '../../src/journal/index.js'
import { tagIn, TAGS, type MessageBooks } from './message-books.js'
import type { DeliveryOrder, OwedMo } from './wire-rules.js'
import type { Violations } from './violations.js'

type Result = Outcome['results'][number]

export interface CommitBooksParts {
  books: MessageBooks
  order: DeliveryOrder
  violations: Violations
  now(): number
  /** A claim of `claimant` was granted; `node` is the first to apply it. */
  claimGranted(node: number, claimant: number): void
}

/** Keeps the books of messages by what was committed, once for each entry. */
export class CommitBooks {
  private readonly parts: CommitBooksParts
  /** Of the entry at hand. */
  private mos: OwedMo[] = []

  constructor(parts: CommitBooksParts) {
    this.parts = parts
  }

  /** An entry was applied somewhere for the first time, by `applier`, which is in `state` now. */
  onCommitted(index: number, data: Buffer, state: State, applier: number): void {
    const { books, order } = this.parts
    if (data.length === 0) return order.onCommitted(state, [])
    if (books.generation < 0) books.generation = state.generation
    this.mos = []
    const entry = decodeEntry(data)
    const outcome =
      entry === undefined ? undefined : state.nodes.outcomeOf(entry.node, entry.number)
    // else refused as a whole, or a repetition
    if (entry !== undefined && outcome?.index === index)
      entry.commands.forEach((command, at) => {
        this.onCommand(index, entry.node, command, outcome.results[at], applier)
      })
    order.onCommitted(state, this.mos)
  }

  private onCommand(
    index: number,
    node: number,
    command: Command,
    result: Result | undefined,
    applier: number,
  ): void {
    if (result?.ok !== true) return
    const { books } = this.parts
    if (command.kind === 'accept' && 'accepted' in result)
      this.onAccepted(index, command.records, result.accepted)
    else if (command.kind === 'claim' && 'claimed' in result) this.onClaimed(node, result, applier)
    else if (command.kind === 'outcomes')
      for (const item of command.items) {
        const message = books.at(item.ref)
        const refused = item.result === 'retry' || item.result === 'unsent'
        if (message !== undefined && refused) message.given = item.result
      }
    else if (command.kind === 'inbound' && 'inbound' in result)
      command.items.forEach((item, i) => {
        const verdict = result.inbound[i]
        if (verdict === 'queueFull' || verdict === 'noAccount') return
        if (item.kind === 'receipt') {
          books.inbound.add(item.smscId)
          return
        }
        const tag = tagIn(item.body.toString('latin1'))
        books.inbound.add(tag)
        if (verdict !== 'queued') return
        books.owedMo.add(tag)
        this.mos.push({ account: item.account, tag })
      })
  }

  private onAccepted(index: number, records: Buffer, accepted: AcceptedMessages): void {
    const { parts } = this
    const { books, violations } = parts
    const tags = records.toString('latin1').match(TAGS) ?? []
    const refusedOnes = new Set(accepted.refused.map(([offset]) => offset))
    const matched = new Map(accepted.matched)
    tags.forEach((tag, i) => {
      const offset = accepted.first + i
      if (refusedOnes.has(offset)) return
      const message = books.messages.get(tag)
      if (message === undefined) return
      const earlier = matched.get(offset)
      if (earlier !== undefined) {
        if (books.at(earlier) !== message)
          violations.fail('one submit one message', `${tag} got the place of another`, tag)
        return
      }
      books.placed(message, refOf(index, offset), parts.now())
      if (message.refs.length > 1)
        violations.fail('one submit one message', `${tag} is at ${message.refs.join(' and ')}`, tag)
    })
  }

  private onClaimed(node: number, result: CommandResult, applier: number): void {
    if (!result.ok || !('claimed' in result)) return
    if (result.claimed.length > 0) this.parts.claimGranted(applier, node)
    for (const { index, lo, hi } of result.claimed)
      for (let offset = lo; offset < hi; offset++) {
        const message = this.parts.books.at(refOf(index, offset))
        if (message === undefined) continue
        if (message.claims.size > 0 && message.given === '') message.timesInDoubt++
        message.given = ''
        message.claims.set(node, (message.claims.get(node) ?? 0) + 1)
      }
  }
}

import type { CancelRules } from './cancel-rules.js'
import type { Message, MessageBooks } from './message-books.js'
import { brief } from './pieces.js'
import type { ResubmissionRules } from './resubmission-rules.js'
import type { Violations } from './violations.js'

export interface ReplaceRulesParts {
  books: MessageBooks
  violations: Violations
  resubmissions: ResubmissionRules
  cancels: CancelRules
  /** A replacement of it was taken. */
  replaced(message: Message): void
}

/**
 * replace_sm as docs/decisions/0016 has it: what comes to an SMSC is what the last replacement in the log says, and an
 * answer is positive only for what is there. A message that an ESME submitted again is looked for under its first submit.
 */
export class ReplaceRules {
  private readonly parts: ReplaceRulesParts
  /** What each message has said since it was replaced, the last text last. */
  private readonly texts = new Map<Message, string[]>()
  /** When replacements want their messages sent, by text. */
  private readonly untilMs = new Map<string, number>()

  constructor(parts: ReplaceRulesParts) {
    this.parts = parts
  }

  /** Replacements that the log has taken. */
  get count(): number {
    let count = 0
    for (const texts of this.texts.values()) count += texts.length
    return count
  }

  /** An ESME sends a replacement that puts its message off. */
  onPutOff(text: string, untilMs: number): void {
    this.untilMs.set(text, untilMs)
  }

  /** A `replace` of this message, with this text, was taken somewhere for the first time. */
  onCommitted(ref: number, text: string): void {
    const { books, resubmissions } = this.parts
    const message = books.at(ref)
    if (message === undefined) return
    this.texts.set(message, [...(this.texts.get(message) ?? []), text])
    resubmissions.onAltered(ref)
    message.putOffUntilMs = this.untilMs.get(text) ?? message.putOffUntilMs
    if (message.taken > 0) this.fail(message, `is replaced by ${brief(text)}, and an SMSC has it`)
    this.parts.replaced(message)
  }

  /** An ESME got its answer. */
  onAnswered(message: Message, text: string, status: string): void {
    const first = message.first ?? message
    const { cancels } = this.parts
    if (status === 'ESME_ROK' && this.texts.get(first)?.includes(text) !== true)
      this.fail(message, `is said to be replaced by ${brief(text)}, and is not`)
    const alone = this.parts.books.sharing(first).length === 1 // of several none can be named
    const waits = first.claims.size === 0 && !cancels.isCancelled(first)
    if (status === 'ESME_RREPLACEFAIL' && alone && waits)
      this.fail(message, 'could have been replaced, and was not')
    if (status === 'ESME_RINVMSGID' || status === 'ESME_RINVSRCADR')
      this.fail(message, `is not found: ${status}`)
  }

  /** What the message says now. */
  saidBy(message: Message): string {
    const { content } = message
    return this.texts.get(message)?.at(-1) ?? content.slice(0, content.lastIndexOf(' to '))
  }

  /** A submit_sm with this text, the whole of it, has come to an SMSC. */
  onReached(message: Message, text: string): void {
    const expected = this.saidBy(message)
    if (text !== expected)
      this.fail(message, `says ${brief(text)} to an SMSC, not ${brief(expected)}`)
  }

  private fail({ tag }: Message, text: string): void {
    this.parts.violations.fail('a replacement is true', `${tag} ${text}`, tag)
  }
}

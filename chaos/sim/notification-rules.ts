import {
  indexOf,
  MARK,
  offsetOf,
  type Delivery,
  type Ref,
  type State,
} from '../../src/journal/index.js'
import type { Message, MessageBooks } from './message-books.js'
import type { Violations } from './violations.js'

export interface NotificationRulesParts {
  books: MessageBooks
  violations: Violations
  /** A positive outcome with this SMSC id is in the log. */
  isNamed(message: Message, smscId: string): boolean
}

/** An intermediate notification, as its SMSC has said it once. */
interface Said {
  message: Message
  smscId: string
  /** Of a whole message, of which no other copy is known. */
  isPlain: boolean
}

/**
 * Intermediate notifications as docs/decisions/0021 has them: they go to who asked and to nobody else, not twice in a row,
 * before the receipt or not at all; what an account is owed of them comes. That they conclude nothing is seen by the receipt that comes
 * after all. Each carries a word that no other one has.
 */
export class NotificationRules {
  private readonly parts: NotificationRulesParts
  private readonly said = new Map<string, Said>()
  /** Where they lie in the log. */
  private readonly places = new Map<Ref, string>()
  private readonly owed = new Set<string>()
  /** Of each message, what was owed last. */
  private readonly last = new Map<Message, string>()
  private readonly taken = new Set<string>()
  /** Of the entry at hand: those that have to be owed after it. */
  private due: string[] = []
  /** Messages whose receipt is owed. */
  private readonly received = new Set<Message>()

  constructor(parts: NotificationRulesParts) {
    this.parts = parts
  }

  /** Those that ESMEs have taken. */
  get count(): number {
    return this.taken.size
  }

  /** An SMSC that has given the message, or a part of it, this id has something to say. */
  onSaid(word: string, tag: string, smscId: string, isWhole: boolean): void {
    const message = this.parts.books.messages.get(tag)
    if (message === undefined) return
    this.said.set(word, { message, smscId, isPlain: isWhole && message.taken === 1 })
  }

  /** It stands in the log, as a notification. */
  onCommitted(ref: Ref, word: string): void {
    this.places.set(ref, word)
    this.due.push(word)
  }

  /** An account came to be owed this. The word of a notification; undefined: it is none. */
  onOwed({ inbound, message: ref }: Delivery): string | undefined {
    const word = this.places.get(inbound)
    const message = this.parts.books.at(ref)
    if (message === undefined) return word
    if (word === undefined) {
      this.received.add(message)
      return undefined
    }
    const said = this.said.get(word)
    if (said?.message !== message) this.untrue(message, `is owed ${word}, which says nothing of it`)
    this.meant(message, word)
    // A home that was cut off proposes late what has come to its successor too, and others after it.
    if (this.last.get(message) === word && message.taken === 1)
      this.untrue(message, `is owed ${word} a second time`)
    this.last.set(message, word)
    if (this.received.has(message)) this.untrue(message, `is owed ${word} after its receipt`)
    this.owed.add(word)
    return word
  }

  /** An entry was applied somewhere for the first time, by a node that is in `state` now. */
  onApplied(state: State): void {
    for (const word of this.due.splice(0)) {
      const { message, smscId, isPlain } = this.said.get(word) ?? {}
      const ref = message?.refs[0]
      if (message === undefined || ref === undefined || isPlain !== true || message.taken > 1)
        continue
      const isOpen = state.blocks.get(indexOf(ref))?.mark(offsetOf(ref)) === MARK.SENT
      if (!message.wantsNotifications || !isOpen || !this.parts.isNamed(message, smscId!)) continue
      if (!this.owed.has(word))
        this.untrue(message, `was not told ${word}, which its ESME asked for`)
    }
  }

  /** It came to an ESME of this account; `message` is the one that it names. */
  onCame(word: string, message: Message | undefined, account: string): void {
    if (message === undefined)
      return this.parts.violations.fail('a notification is true', `${word} names nothing`, word)
    this.meant(message, word)
    if (message.account !== account) this.untrue(message, `${word} came to ${account}`)
    if (this.said.get(word)?.message !== message)
      this.untrue(message, `is said to have ${word}, which says nothing of it`)
  }

  /** And the ESME has answered it. */
  onTaken(word: string): void {
    this.taken.add(word)
  }

  /** At the end, after everything has settled. */
  finish(): void {
    for (const word of this.owed)
      if (!this.taken.has(word)) {
        const message = this.said.get(word)?.message
        if (message !== undefined) this.untrue(message, `is owed ${word}, which never came`)
      }
  }

  private meant(message: Message, word: string): void {
    if (!message.wantsNotifications) this.untrue(message, `has ${word}, and asked for none`)
  }

  private untrue({ tag }: Message, text: string): void {
    this.parts.violations.fail('a notification is true', `${tag} ${text}`, tag)
  }
}

/** The word of a notification in its text, or ''. */
export const wordIn = (text: string): string => /N=\d{7};/.exec(text)?.[0] ?? ''

import type { Message, MessageBooks } from './message-books.js'
import { brief, type Piece } from './pieces.js'
import type { Violations } from './violations.js'

export interface PartRulesParts {
  books: MessageBooks
  violations: Violations
  /** What the message says now, as Latin-1. */
  saidBy(message: Message): string
}

/** What an SMSC has taken, and says of it in a receipt. */
export interface Copy {
  id: string
  piece: Piece
  state: 'DELIVERED' | 'UNDELIVERABLE'
  /** Its SMSC sends one receipt for all parts. */
  oneReceipt: boolean
}

/** One way in which a message was cut: what its parts said, and how often each was taken. */
interface Cut {
  reference: number
  texts: (string | undefined)[]
  taken: number[]
}

/**
 * Messages in parts as docs/decisions/0018 has it: the parts make the message, each reaches an SMSC, none is sent again that
 * its home knew to be taken; there is one receipt, which says what became of all. Whole messages are their only part.
 */
export class PartRules {
  private readonly parts: PartRulesParts
  private readonly cuts = new Map<Message, Map<string, Cut>>()
  /** By SMSC id, those of each message, and those whose ids a positive outcome has named. */
  private readonly copies = new Map<Message, Copy[]>()
  private readonly named = new Map<Message, Set<string>>()
  /** Revisions of the settings, and how many there were when each message was claimed first. */
  private revisions = 0
  private readonly revisionsThen = new Map<Message, number>()
  /** Of messages that are sent in parts: how many receipts are awaited. */
  private readonly awaited = new Map<Message, number>()

  constructor(parts: PartRulesParts) {
    this.parts = parts
  }

  /** Messages that all parts of were taken, says the log. */
  get count(): number {
    return this.awaited.size
  }

  onSettings(): void {
    this.revisions++
  }

  /** A claim of it was granted. */
  onClaimed(message: Message): void {
    if (!this.revisionsThen.has(message)) this.revisionsThen.set(message, this.revisions)
  }

  /** A part has come to an SMSC, taken or not. */
  onReached(message: Message, { cut, part, of, reference, text }: Piece): void {
    if (cut === '') return
    const said = this.parts.saidBy(message)
    const known = this.cutOf(message, cut, of, reference)
    known.texts[part] = text
    if (known.reference !== reference)
      this.fail(message, `has parts with the references ${known.reference} and ${reference}`)
    if (part < 0 || part >= of) this.fail(message, `has a part ${part + 1} of ${of}`)
    const all = Array.from(known.texts).every(one => one !== undefined)
    const right = all ? known.texts.join('') === said : said.includes(text)
    if (!right) this.fail(message, `says ${brief(text)} in part ${part + 1}, ${cut}`)
  }

  /** The SMSC says ESME_ROK to a part, or to the whole. */
  onTaken(message: Message, copy: Copy): void {
    const { cut, part, of, reference } = copy.piece
    const { taken } = this.cutOf(message, cut, of, reference)
    taken[part]!++
    this.copies.set(message, [...this.copiesOf(message), copy])
    const { tag, timesInDoubt, timesForgotten } = message
    // A new home, or one with other settings, does not know which parts were taken.
    const revisions = this.revisions - (this.revisionsThen.get(message) ?? 0)
    const excused = timesInDoubt + (cut === '' ? 0 : timesForgotten + revisions)
    if (taken[part]! - 1 > excused)
      this.parts.violations.fail(
        'duplicates were in doubt',
        `${tag}${cut === '' ? '' : `, part ${part + 1}, ${cut},`} was sent ${taken[part]} times, in doubt ${excused} times`,
        tag,
      )
  }

  /** How often the SMSC took what it took most often. */
  timesTaken(message: Message): number {
    const all = [...(this.cuts.get(message)?.values() ?? [])].flatMap(({ taken }) => taken)
    return Math.max(0, ...all)
  }

  /** It was replaced: nothing of it may have been taken before. */
  onReplaced(message: Message): void {
    this.cuts.delete(message)
  }

  /** A positive outcome with the ids of all parts, or of the whole, is in the log. */
  onSent(message: Message, ids: readonly string[]): void {
    const named = this.named.get(message)
    if (named === undefined && ids.length > 1) this.awaited.set(message, ids.length)
    this.named.set(message, new Set([...(named ?? []), ...ids]))
  }

  isNamed(message: Message, id: string): boolean {
    return this.named.get(message)?.has(id) === true
  }

  /** All parts of it were taken, or one was refused for good. */
  hasCome(message: Message): boolean {
    return message.refused || this.isTaken(message)
  }

  /** All parts of it were taken. */
  isTaken(message: Message): boolean {
    const cuts = [...(this.cuts.get(message)?.values() ?? [])]
    return cuts.some(({ taken }) => taken.every(times => times > 0))
  }

  /** What became of it is known to the gateway, as far as receipts tell: its ESME is owed one. */
  isDue(message: Message): boolean {
    if (!this.awaited.has(message) || message.rejected) return true
    return (
      this.isDelivered(message) || this.told(message).some(({ state }) => state !== 'DELIVERED')
    )
  }

  /** A receipt that names this final state came to an ESME. */
  onFinal(message: Message, state: string): void {
    const { tag, final } = message
    if (final !== '' && final !== state)
      this.untrue(message, `${tag} was said to be ${final}, and is said to be ${state}`)
    if (state === 'DELIVERED' && !this.isDelivered(message))
      this.untrue(message, `${tag} is said to be delivered, and is not known to be`)
    if (
      state === 'UNDELIVERABLE' &&
      !this.told(message).some(copy => copy.state === 'UNDELIVERABLE')
    )
      this.untrue(message, `${tag} is said to be undeliverable, no SMSC has said so`)
    if (state === 'REJECTED' && !message.refused)
      this.untrue(message, `${tag} is said to be rejected, no SMSC has refused it`)
  }

  /** Every part that matters is said to be. */
  private isDelivered(message: Message): boolean {
    const delivered = this.told(message).filter(({ state }) => state === 'DELIVERED')
    if (delivered.some(({ piece, oneReceipt }) => piece.cut === '' || oneReceipt)) return true
    const awaited = this.awaited.get(message)
    const parts = new Set(delivered.map(({ piece }) => piece.part))
    return awaited !== undefined && parts.size >= awaited
  }

  /** Copies whose receipts are in the log, and of parts those whose ids are, too. */
  private told(message: Message): Copy[] {
    const { inbound } = this.parts.books
    const named = this.named.get(message)
    return this.copiesOf(message).filter(
      ({ id, piece }) => inbound.has(id) && (piece.cut === '' || named?.has(id) === true),
    )
  }

  private copiesOf(message: Message): Copy[] {
    return this.copies.get(message) ?? []
  }

  private cutOf(message: Message, cut: string, of: number, reference: number): Cut {
    const cuts = this.cuts.get(message) ?? new Map<string, Cut>()
    this.cuts.set(message, cuts)
    const known = cuts.get(cut) ?? {
      reference,
      texts: new Array<string | undefined>(of).fill(undefined),
      taken: new Array<number>(of).fill(0),
    }
    cuts.set(cut, known)
    return known
  }

  private fail({ tag }: Message, text: string): void {
    this.parts.violations.fail('parts make the message', `${tag} ${text}`, tag)
  }

  private untrue({ tag }: Message, text: string): void {
    this.parts.violations.fail('a receipt is true', text, tag)
  }
}

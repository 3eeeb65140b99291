import type { InboundResult } from '../../src/journal/commands.js'
import type { Ref } from '../../src/journal/index.js'
import type { Violations } from './violations.js'

/** longMoTimeout of the account that MO go to, ms. */
export const LONG_MO_MS = 6000
/** A message that was committed within this time, first part to last, is told whole, however wrong clocks are. */
const SOON_MS = 1500

/** One part of an MO, or all of it: the tag and, of a part, `2/3;`. */
export type MoPiece = string

/** `M=000042;` begins what a mobile says, `M=000042;2/3;` its second part of three. */
const PIECE = /M=\d{6};(?:\d\/\d;)?/g

/** The pieces in a text, in its order. */
export const piecesIn = (text: string): MoPiece[] => text.match(PIECE) ?? []

/** What the pieces of one deliver_sm are called together: by their message, or the only one by itself. */
export const nameOf = (pieces: readonly MoPiece[]): string =>
  pieces.length > 1 ? tagOf(pieces[0]!) : (pieces[0] ?? '')

const tagOf = (piece: MoPiece): string => piece.slice(0, 'M=000000;'.length)

/** What a mobile said. */
interface LongMo {
  total: number
  /** Another message has its reference. */
  isShared: boolean
  /** When the first copy of each part was committed, ms. */
  committedAtMs: Map<MoPiece, number>
  /** It was owed as one. */
  isWhole: boolean
}

/**
 * MO in parts as docs/decisions/0024 has it: what is told as one is all of one message, in order (of two with one reference
 * nobody can know); each part that an SMSC has
 * an answer to is told, no more often than it has sent it; and as one, where all came in time.
 */
export class MoRules {
  private readonly violations: Violations
  private readonly messages = new Map<string, LongMo>()
  /** By its place in the log. */
  private readonly places = new Map<Ref, MoPiece>()
  /** How often each is in the log, is owed, and whether an ESME has taken it. */
  private readonly copies = new Map<MoPiece, number>()
  private readonly owed = new Map<MoPiece, number>()
  private readonly taken = new Set<MoPiece>()

  constructor(violations: Violations) {
    this.violations = violations
  }

  /** Messages that were owed as one. */
  get count(): number {
    return [...this.messages.values()].filter(({ isWhole }) => isWhole).length
  }

  /** A mobile writes something in so many parts; those of `sharers` have its reference, too. */
  onWritten(tag: string, total: number, sharers: readonly string[]): void {
    const isShared = sharers.length > 0
    this.messages.set(tag, { total, isShared, committedAtMs: new Map(), isWhole: false })
    for (const other of sharers) {
      const message = this.messages.get(other)
      if (message !== undefined) message.isShared = true
    }
  }

  /** An SMSC's copy is in the log, and was answered ESME_ROK. */
  onCommitted(ref: Ref, piece: MoPiece, verdict: InboundResult, atMs: number): void {
    if (verdict !== 'repeated') this.places.set(ref, piece)
    this.copies.set(piece, (this.copies.get(piece) ?? 0) + 1)
    const committedAtMs = this.messages.get(tagOf(piece))?.committedAtMs
    if (committedAtMs?.has(piece) === false) committedAtMs.set(piece, atMs)
  }

  /** An account is owed what lies at these places, as one. Returns its name. */
  onOwed(refs: readonly Ref[]): string {
    const pieces = refs.map(ref => this.places.get(ref) ?? '?')
    const [first = '?'] = pieces
    const tag = tagOf(first)
    for (const piece of pieces) {
      const times = (this.owed.get(piece) ?? 0) + 1
      this.owed.set(piece, times)
      if (times > (this.copies.get(piece) ?? 0)) this.fail(tag, `${piece} is owed ${times} times`)
    }
    if (refs.length > 1) this.checkWhole(tag, pieces)
    return nameOf(pieces)
  }

  /** An ESME has taken a deliver_sm with these pieces. */
  onTaken(pieces: readonly MoPiece[]): void {
    for (const piece of pieces) this.taken.add(piece)
    if (pieces.length > 1) this.checkWhole(tagOf(pieces[0]!), pieces)
  }

  /** At the end, after everything has settled. */
  finish(): void {
    for (const piece of this.copies.keys())
      if (!this.taken.has(piece)) this.fail(tagOf(piece), `${piece} was never told`)
    for (const [tag, { total, isShared, committedAtMs, isWhole }] of this.messages) {
      const times = [...committedAtMs.values()]
      const inTime = times.length === total && Math.max(...times) - Math.min(...times) < SOON_MS
      if (inTime && !isShared && !isWhole)
        this.fail(tag, `all parts of ${tag} came in time, it was not told as one`)
    }
  }

  private checkWhole(tag: string, pieces: readonly MoPiece[]): void {
    const message = this.messages.get(tag)
    const right =
      message?.total === pieces.length &&
      pieces.every((piece, i) => piece === `${tag}${i + 1}/${pieces.length};`)
    if (right) message.isWhole = true
    else if (!pieces.every(piece => this.messages.get(tagOf(piece))?.isShared === true))
      this.fail(tag, `${pieces.join(' ')} is told as one`)
  }

  private fail(tag: string, text: string): void {
    this.violations.fail('an MO is whole and told once', text, tag)
  }
}

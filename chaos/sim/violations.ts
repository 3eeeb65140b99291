import type { Trace } from './trace.js'

/** Stable: what shrinking and mutations compare. */
export type Rule =
  | 'one leader per term'
  | 'vote is durable'
  | 'log matching'
  | 'order of apply'
  | 'state hash'
  | 'commit is durable'
  | 'ack is committed'
  | 'one submit one message'
  | 'message_id is unique'
  | 'submitted again is one message'
  | 'a match is right'
  | 'a mark is true'
  | 'no message is swallowed'
  | 'a cancellation is true'
  | 'a replacement is true'
  | 'claim before send'
  | 'claims within windows'
  | 'a schedule is kept'
  | 'a home ends with its epoch'
  | 'fence'
  | 'duplicates were in doubt'
  | 'refused is not sent'
  | 'a submit_multi is told truly'
  | 'a transaction is told truly'
  | 'a transaction is answered'
  | 'parts make the message'
  | 'an MO is whole and told once'
  | 'receipt is committed'
  | 'receipt after response'
  | 'a receipt is true'
  | 'a notification is true'
  | 'receipts in order'
  | 'query tells the truth'
  | 'nothing is lost'
  | 'one receipt'
  | 'receipts are complete'
  | 'progress'
  | 'no crash'

/** A rule that did not hold. */
export interface Violation {
  rule: Rule
  text: string
  atMs: number
  /** What of the timeline belongs to it: tags, ids. */
  words: string[]
}

const KEPT = 20

/** What broke in one world. */
export class Violations {
  readonly list: Violation[] = []
  private readonly trace: Trace
  private readonly now: () => number

  constructor(trace: Trace, now: () => number) {
    this.trace = trace
    this.now = now
  }

  fail(rule: Rule, text: string, ...words: string[]): void {
    this.trace.add('CHECK', `${rule}: ${text}`)
    if (this.list.length < KEPT) this.list.push({ rule, text, atMs: this.now(), words })
  }
}

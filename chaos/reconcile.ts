/** What one client wrote down, read back from its journal (src/tools/esme-journal.ts). */
export interface ClientBook {
  /** By message number. */
  acknowledged: Map<number, Answer>
  /** command_status by message number. */
  refused: Map<number, string>
  /** Sent, and never answered. */
  inDoubt: Set<number>
  /** Final receipts by message_id: how many. */
  receipts: Map<string, number>
  /** Acknowledgements that gave an id a second time. */
  repeatedIds: number
  /** In the order in which they were first served, or ended. */
  binds: JournalBind[]
}

/** A bind of a session of the load. Times are ms since the start of the run. */
export interface JournalBind {
  session: number
  address: string
  /** Its connection was begun, and its bind_resp came. */
  connectMs: number
  boundMs: number
  /** Its first positive submit_sm_resp; null: none came. */
  okMs: number | null
}

export interface Answer {
  id: string
  /** When it was meant to be sent, and answered: ms since the start of the run. */
  sentMs: number
  answeredMs: number
}

/** @throws Error at a line that is none of the journal's */
export function readJournal(text: string): ClientBook {
  const book: ClientBook = {
    acknowledged: new Map(),
    refused: new Map(),
    inDoubt: new Set(),
    receipts: new Map(),
    repeatedIds: 0,
    binds: [],
  }
  const ids = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [kind, ...fields] = line.split('\t')
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = fields
    switch (kind) {
      case 'A':
        if (ids.has(second)) book.repeatedIds++
        ids.add(second)
        book.acknowledged.set(Number(first), {
          id: second,
          sentMs: Number(third),
          answeredMs: Number(fourth),
        })
        break
      case 'X':
        book.refused.set(Number(first), second)
        break
      case 'D':
        book.inDoubt.add(Number(first))
        break
      case 'R':
        // What is not final says ENROUTE, or nothing.
        if (second !== 'ENROUTE' && second !== '')
          book.receipts.set(first, (book.receipts.get(first) ?? 0) + 1)
        break
      case 'B':
        book.binds.push({
          session: Number(first),
          address: second,
          connectMs: Number(third),
          boundMs: Number(fourth),
          okMs: fifth === '-' ? null : Number(fifth),
        })
        break
      default:
        throw new Error(`not a line of a journal: ${line.slice(0, 80)}`)
    }
  }
  // A late answer settles what was in doubt.
  for (const n of book.acknowledged.keys()) book.inDoubt.delete(n)
  for (const n of book.refused.keys()) book.inDoubt.delete(n)
  return book
}

/** How a run's messages fared, message by message. */
export interface Reconciliation {
  acknowledged: number
  refused: Record<string, number>
  /** Sent by an ESME and never answered; the gateway may have taken them or not. */
  unanswered: number
  /** The SMSC tells nothing: by receipts, a message with one has reached it, and the rest is not known. */
  byReceipts?: true
  /** Different messages that the SMSC took. */
  reachedSmsc: number
  /** Acknowledged, and never seen by the SMSC. */
  lost: number
  /** Their numbers, as `client:n`; the first hundred. */
  lostMessages: string[]
  /** Acknowledged, and without a final receipt. */
  receiptsMissing: number
  missingReceipts: string[]
  /** Times the SMSC took a message beyond the first. */
  duplicatedUpstream: number
  /** Final receipts beyond the first of a message. */
  duplicatedReceipts: number
  /** Refused or unanswered, and sent upstream nevertheless. */
  refusedButSent: number
  unansweredButSent: number
  /** Different messages with one message_id. */
  repeatedIds: number
}

/**
 * Compares the books of clients with what the SMSC counted.
 *
 * @param books     by name of the client
 * @param seenBySmsc  how often the SMSC took message n of a client; undefined: it does not tell
 */
export function reconcile(
  books: ReadonlyMap<string, ClientBook>,
  seenBySmsc: ((client: string, n: number) => number) | undefined,
): Reconciliation {
  const result: Reconciliation = {
    ...(seenBySmsc === undefined ? { byReceipts: true } : {}),
    acknowledged: 0,
    refused: {},
    unanswered: 0,
    reachedSmsc: 0,
    lost: 0,
    lostMessages: [],
    receiptsMissing: 0,
    missingReceipts: [],
    duplicatedUpstream: 0,
    duplicatedReceipts: 0,
    refusedButSent: 0,
    unansweredButSent: 0,
    repeatedIds: 0,
  }
  const noteSeen = (seen: number): void => {
    if (seen > 0) result.reachedSmsc++
    result.duplicatedUpstream += Math.max(0, seen - 1)
  }
  for (const [name, book] of books) {
    result.repeatedIds += book.repeatedIds
    result.acknowledged += book.acknowledged.size
    for (const [n, { id }] of book.acknowledged) {
      const receipts = book.receipts.get(id) ?? 0
      const seen = seenBySmsc?.(name, n) ?? Math.min(receipts, 1)
      noteSeen(seen)
      if (seen === 0) {
        result.lost++
        if (result.lostMessages.length < LISTED) result.lostMessages.push(`${name}:${n} ${id}`)
      }
      if (receipts === 0) {
        result.receiptsMissing++
        if (result.missingReceipts.length < LISTED)
          result.missingReceipts.push(`${name}:${n} ${id}`)
      }
    }
    for (const count of book.receipts.values()) result.duplicatedReceipts += count - 1
    for (const [n, status] of book.refused) {
      result.refused[status] = (result.refused[status] ?? 0) + 1
      const seen = seenBySmsc?.(name, n) ?? 0
      noteSeen(seen)
      if (seen > 0) result.refusedButSent++
    }
    result.unanswered += book.inDoubt.size
    for (const n of book.inDoubt) {
      const seen = seenBySmsc?.(name, n) ?? 0
      noteSeen(seen)
      if (seen > 0) result.unansweredButSent++
    }
  }
  return result
}

const LISTED = 100

import type { Timers } from '../base/clock.js'
import type { Journal, Ref, State } from '../journal/index.js'
import { indexOf, LEVELS, MARK, offsetOf, refOf } from '../journal/index.js'

/** What one turn looks at: messages, entries that they lie in, and those whose octets are compared. */
const MESSAGES_MAX = 4096
const ENTRIES_MAX = 32
const MATCHES_MAX = 512
/** Between two turns, ms: half of the time is for everybody else. */
const PAUSE_MS = 1
/** Messages of one command. */
const BATCH = 1000

/** What has to be searched for is answered by then: millions of messages may have to be looked at. */
export const SEARCH_TIMEOUT_MS = 30_000

/** A cancel_sm without message_id, or a submit_sm that replaces. */
export interface Wanted {
  account: number
  /** Of the destination. */
  addressHash: number
  /** Messages of later entries are not meant. */
  upTo: number
  /** Answered already: nothing more is done for it. */
  readonly answered: boolean
  /** Whether it means the message of this submit_sm. */
  means(submit: Buffer): boolean
}

export interface PendingSearchUser<T> {
  /** These are meant; rejects where nobody knows what became of them. */
  take(wanted: T, refs: Ref[]): Promise<void>
  /** All of its messages were looked at, or `error`: the search ended before. */
  found(wanted: T, error?: unknown): void
}

/**
 * Finds the messages that wait and that somebody means who has no message_id. No index leads to them: queues are
 * read from front to end, marks first (account and a hash of the destination), in turns of bounded work, and what is
 * found is told turn by turn. One search at a time, for all that wait for one together: so
 * what they cost does not grow with their number, and no account waits for more than two.
 */
export class PendingSearch<T extends Wanted> {
  private readonly journal: Journal
  private readonly timers: Timers
  private readonly user: PendingSearchUser<T>
  private waiting: T[] = []
  private running = false

  constructor(journal: Journal, timers: Timers, user: PendingSearchUser<T>) {
    this.journal = journal
    this.timers = timers
    this.user = user
  }

  /** How many may wait is the caller's business. */
  add(wanted: T): void {
    this.waiting.push(wanted)
    this.start()
  }

  private start(): void {
    if (this.running || this.waiting.length === 0) return
    const all = this.waiting
    this.waiting = []
    this.running = true
    void this.run(all)
      .then(
        () => all.forEach(wanted => this.user.found(wanted)),
        (error: unknown) => all.forEach(wanted => this.user.found(wanted, error)),
      )
      .finally(() => {
        this.running = false
        this.start()
      })
  }

  private async run(all: readonly T[]): Promise<void> {
    const index = indexed(all)
    let { state } = this.journal
    let walk = unclaimed(state)
    while (all.some(({ answered }) => !answered)) {
      if (state !== this.journal.state) {
        state = this.journal.state // a snapshot took its place: from the beginning
        walk = unclaimed(state)
      }
      const { found, over } = this.turn(state, walk, index)
      await Promise.all([...found].map(([wanted, refs]) => this.take(wanted, refs)))
      if (over && state === this.journal.state) return
      await new Promise<void>(resolve => {
        this.timers.after(PAUSE_MS, resolve)
      })
    }
  }

  private async take(wanted: T, refs: Ref[]): Promise<void> {
    for (let at = 0; at < refs.length && !wanted.answered; at += BATCH)
      await this.user.take(wanted, refs.slice(at, at + BATCH))
  }

  private turn(
    state: State,
    walk: Iterator<Ref | Range, void>,
    index: Index<T>,
  ): { found: Map<T, Ref[]>; over: boolean } {
    const found = new Map<T, Ref[]>()
    let messages = 0
    let entries = 0
    let matches = 0
    let lastEntry = 0
    while (messages < MESSAGES_MAX && entries < ENTRIES_MAX && matches < MATCHES_MAX) {
      const next = walk.next()
      if (next.done === true) return { found, over: true }
      const { index: at, lo, hi } = rangeOf(next.value)
      if (at !== lastEntry) entries++
      lastEntry = at
      messages += hi - lo
      const block = state.blocks.get(at)
      if (block === undefined) continue
      for (let offset = lo; offset < hi; offset++) {
        const mark = block.mark(offset)
        if (mark !== MARK.QUEUED && mark !== MARK.RETRY) continue
        const candidates = index.get(block.account(offset))?.get(block.addressHash(offset))
        if (candidates === undefined) continue
        matches++
        const ref = refOf(at, offset)
        const wanted = this.whose(ref, candidates)
        if (wanted === undefined) continue
        const refs = found.get(wanted)
        if (refs === undefined) found.set(wanted, [ref])
        else refs.push(ref)
      }
    }
    return { found, over: false }
  }

  /** Where several mean it, it is the first one's. */
  private whose(ref: Ref, candidates: readonly T[]): T | undefined {
    const message = this.journal.message(ref)
    if (message?.kind !== 'submit') return undefined
    return candidates.find(
      wanted => !wanted.answered && indexOf(ref) <= wanted.upTo && wanted.means(message.body),
    )
  }
}

interface Range {
  index: number
  lo: number
  hi: number
}

/** By account and destination. */
type Index<T> = Map<number, Map<number, T[]>>

function indexed<T extends Wanted>(all: readonly T[]): Index<T> {
  const index: Index<T> = new Map()
  for (const wanted of all) {
    const byHash = index.get(wanted.account) ?? new Map<number, T[]>()
    index.set(wanted.account, byHash)
    const { addressHash } = wanted
    byHash.set(addressHash, [...(byHash.get(addressHash) ?? []), wanted])
  }
  return index
}

/**
 * Where unclaimed messages lie, to be read on turn by turn. Retries and schedules first: what becomes due meanwhile goes
 * into a queue, which is read later. What is claimed meanwhile may be left out.
 */
function* unclaimed(state: State): Generator<Ref | Range, void> {
  for (const { retries, schedules, queue } of state.connectors.values()) {
    // Those that come meanwhile were claimed meanwhile, and stand behind those that are there now.
    let left = retries.size
    for (const ref of retries.keys()) {
      if (left-- <= 0) break
      yield ref
    }
    yield* schedules.ranges()
    for (let level = LEVELS - 1; level >= 0; level--) yield* queue.ranges(level)
  }
}

function rangeOf(place: Ref | Range): Range {
  if (typeof place !== 'number') return place
  const lo = offsetOf(place)
  return { index: indexOf(place), lo, hi: lo + 1 }
}

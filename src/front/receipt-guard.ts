import type { Clock, Timers } from '../base/clock.js'
import type { Journal } from '../journal/index.js'
import { indexOf, type Ref } from '../journal/index.js'
import type { MessengerPort } from './ports.js'

/** Reported entries that are remembered, and for how long: older messages need no report. */
const WRITTEN_MAX = 50_000
const OLD_MS = 5000
const VERSION = 1
/** Indexes in one report; more go in further ones. */
const REPORT_MAX = 4096

/**
 * Keeps a receipt from overtaking its submit_sm_resp (PITFALLS 3, DESIGN §3). All submits of one entry
 * are answered in one turn, so a report names entries: this node's own are noted directly, and told to
 * the node that delivers to the account.
 */
export class ReceiptGuard {
  private readonly journal: Journal
  private readonly clock: Clock
  private readonly timers: Timers
  private readonly messenger: MessengerPort
  private readonly onWritten: () => void
  /** Entry → monotonic ms of its report; oldest first. */
  private readonly written: Map<number, number> = new Map()
  /** Node → entries to report to it at the end of this turn. */
  private readonly reports: Map<number, Set<number>> = new Map()
  private flushing = false
  private lastIndex = 0
  private lastAccount = 0

  constructor(
    journal: Journal,
    clock: Clock,
    timers: Timers,
    messenger: MessengerPort,
    onWritten: () => void,
  ) {
    this.journal = journal
    this.clock = clock
    this.timers = timers
    this.messenger = messenger
    this.onWritten = onWritten
    messenger.onMessage((_, body) => this.take(body))
  }

  /** Submits of the account in this entry have their responses in the sessions' write queues. */
  note(index: number, account: number): void {
    if (index === this.lastIndex && account === this.lastAccount) return
    this.lastIndex = index
    this.lastAccount = account
    const owner = this.journal.state.accounts.get(account)?.owner?.node
    if (owner === undefined || owner === this.journal.node) return
    let report = this.reports.get(owner)
    if (report === undefined) {
      report = new Set()
      this.reports.set(owner, report)
    }
    report.add(index)
    if (this.flushing) return
    this.flushing = true
    this.timers.soon(() => this.flush())
  }

  /**
   * Whether a receipt about this message may go out now: its submit was answered on this node, or that
   * was reported, or its node's boot (and so its session) is over, or it is old. Else its time has to run.
   */
  isFree(message: Ref): boolean {
    const { state, node } = this.journal
    const block = state.blocks.get(indexOf(message))
    // Of an entry of our own all tickets are answered in the turn that applies it.
    if (block === undefined || block.node === node || this.written.has(block.index)) return true
    if (this.clock.nowMs() - block.proposedAtMs > OLD_MS) return true
    const from = state.nodes.get(block.node)
    return from?.alive !== true || from.boot !== block.boot
  }

  private flush(): void {
    this.flushing = false
    for (const [node, indexes] of this.reports) {
      const all = [...indexes]
      for (let at = 0; at < all.length; at += REPORT_MAX)
        this.messenger.send(node, encode(all.slice(at, at + REPORT_MAX)))
    }
    this.reports.clear()
  }

  private take(body: Buffer): void {
    const atMs = this.clock.monotonicMs()
    for (const index of decode(body)) this.written.set(index, atMs)
    for (const [index, since] of this.written) {
      if (this.written.size <= WRITTEN_MAX && atMs - since < 2 * OLD_MS) break
      this.written.delete(index)
    }
    this.onWritten()
  }
}

/** version u8 | indexes u48 each */
function encode(indexes: readonly number[]): Buffer {
  const body = Buffer.alloc(1 + 6 * indexes.length)
  body[0] = VERSION
  indexes.forEach((index, i) => body.writeUIntBE(index, 1 + 6 * i, 6))
  return body
}

function decode(body: Buffer): number[] {
  const indexes: number[] = []
  if (body[0] !== VERSION) return indexes
  for (let at = 1; at + 6 <= body.length; at += 6) indexes.push(body.readUIntBE(at, 6))
  return indexes
}

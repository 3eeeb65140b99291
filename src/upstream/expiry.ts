import type { ConnectorState, Ref, StoredMessage } from '../journal/index.js'
import { indexOf, MARK, rangesIn, refOf } from '../journal/index.js'
import type { Context } from './context.js'

/** Messages looked at in one step, and ranges at the head of each queue level. */
const EXAMINE_MAX = 4096
/** Messages whose octets are read in one step. */
const READ_MAX = 256
const HEADS = 256
/** Seconds that one step goes through, and messages of one command. */
const SECONDS_MAX = 60
const BATCH = 1000
/** All buckets are looked through this often, for those whose second had passed when they were made. */
const SWEEP_MS = 60_000
const ORPHAN_MS = 3_600_000
const ORPHANS_STEP = 1000

/**
 * Ends what nobody sends any more: messages whose validity is over while they wait (DESIGN I7: the home
 * names them), and receipts that fit no message after an hour. Works in bounded steps, once a second.
 */
export class Expiry {
  private readonly context: Context
  /** Buckets of seconds up to here were looked at. */
  private upTo: number
  private sweep: Iterator<number> | undefined
  private sweptAtMs = -Infinity
  private proposed: Set<number> = new Set()
  private pending = 0
  private forgetting = false
  private passOver = 0

  constructor(context: Context) {
    this.context = context
    this.upTo = Math.floor(context.clock.nowMs() / 1000)
  }

  /** The state is another: look through all of it. */
  reset(): void {
    this.sweptAtMs = -Infinity
    this.sweep = undefined
    this.proposed.clear()
  }

  /** Call it once a second. */
  tick(): void {
    const connector = this.context.view()
    if (connector === undefined || this.pending > 4) return
    const { clock } = this.context
    const second = Math.floor(clock.nowMs() / 1000)
    const from = Math.max(this.upTo + 1, second - 3600)
    const end = Math.min(second, from + SECONDS_MAX)
    for (let s = from; s <= end; s++) this.expireBucket(connector, s)
    this.upTo = Math.max(this.upTo, end)
    this.sweepStep(connector, second)
    this.expireHeads(connector)
    this.forgetOrphans(connector)
  }

  private sweepStep(connector: ConnectorState, second: number): void {
    const nowMs = this.context.clock.monotonicMs()
    if (this.sweep === undefined) {
      if (nowMs - this.sweptAtMs < SWEEP_MS) return
      this.sweptAtMs = nowMs
      this.sweep = connector.expiries.keys()
    }
    for (let left = EXAMINE_MAX, found = 0; left > 0 && found < SECONDS_MAX; left--) {
      const next = this.sweep.next()
      if (next.done === true) {
        this.sweep = undefined
        return
      }
      if (next.value > second) continue
      found++
      this.expireBucket(connector, next.value)
    }
  }

  /** All messages of a bucket end in the same second. What is claimed now is looked at before it is sent. */
  private expireBucket(connector: ConnectorState, second: number): void {
    const bucket = connector.expiries.get(second)
    if (bucket === undefined || this.proposed.has(second)) return
    const refs: Ref[] = []
    for (const { index, lo, hi } of rangesIn(bucket))
      for (let offset = lo; offset < hi; offset++)
        if (this.isUnclaimed(index, offset) && !this.isPutOff(index, offset))
          refs.push(refOf(index, offset))
    this.proposed.add(second)
    let at = 0
    for (; refs.length - at > BATCH; at += BATCH) this.expire(refs.slice(at, at + BATCH), [])
    this.expire(refs.slice(at), [second])
  }

  /**
   * Without validity_period what waits longest is at the heads. What has one and was tried before is looked at
   * too: its bucket may have come while it was claimed.
   */
  private expireHeads(connector: ConnectorState): void {
    const { journal, clock } = this.context
    const nowMs = clock.nowMs()
    const { validityMs } = journal.state.settings
    const refs: Ref[] = []
    let examine = EXAMINE_MAX
    let read = 0
    let passed = 0
    for (const { index, lo, hi } of connector.queue.heads(HEADS)) {
      const block = journal.state.blocks.get(index)
      if (block === undefined) continue
      const old = block.proposedAtMs + validityMs <= nowMs
      for (let offset = lo; offset < hi && examine-- > 0 && refs.length < BATCH; offset++) {
        const explicit = block.explicitValidity(offset)
        if (explicit ? block.attempts(offset) === 0 : !old) continue // explicit: its bucket sees to it
        if (!this.isUnclaimed(index, offset)) continue
        const ref = refOf(index, offset)
        if (!explicit) refs.push(ref)
        else if (read < READ_MAX && passed++ >= this.passOver) {
          read++
          if (endOf(journal.message(ref)) <= nowMs) refs.push(ref)
        }
      }
    }
    // Those that have not expired are passed over next time, so that all get their turn.
    this.passOver = read < READ_MAX ? 0 : this.passOver + read
    if (refs.length > 0) this.expire(refs, [])
  }

  private expire(refs: Ref[], buckets: number[]): void {
    const { journal, number: connector, epoch } = this.context
    const { appliedIndex: seen } = journal.state
    this.pending++
    const taken = journal.proposer.propose(
      { kind: 'expire', connector, epoch, refs, buckets, seen },
      () => {
        this.pending--
        for (const second of buckets) this.proposed.delete(second)
      },
    )
    if (taken) return
    this.pending--
    for (const second of buckets) this.proposed.delete(second) // the next sweep finds it
  }

  private forgetOrphans(connector: ConnectorState): void {
    const { journal, number, epoch, clock } = this.context
    if (this.forgetting) return // `count` is from the oldest on: not twice
    const before = clock.nowMs() - ORPHAN_MS
    let count = 0
    for (const { ref } of connector.orphans.values()) {
      const keptAtMs = journal.state.blocks.get(indexOf(ref))?.proposedAtMs ?? 0
      if (count >= ORPHANS_STEP || keptAtMs > before) break
      count++
    }
    if (count === 0) return
    const command = { kind: 'forgetOrphans', connector: number, epoch, count } as const
    this.forgetting = journal.proposer.propose(command, () => {
      this.forgetting = false
    })
  }

  private isPutOff(index: number, offset: number): boolean {
    const { journal, clock } = this.context
    return journal.state.blocks.get(index)?.outlives(offset, clock.nowMs()) === true
  }

  private isUnclaimed(index: number, offset: number): boolean {
    const mark = this.context.journal.state.blocks.get(index)?.mark(offset)
    return mark === MARK.QUEUED || mark === MARK.RETRY
  }
}

function endOf(message: StoredMessage | undefined): number {
  return message?.kind === 'submit' ? message.expiresAtMs : Infinity
}

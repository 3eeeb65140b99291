import type { Cancel } from '../base/clock.js'
import { Heap } from '../base/heap.js'
import type { ConnectorState, Ref } from '../journal/index.js'
import { indexOf, offsetOf } from '../journal/index.js'
import type { Context } from './context.js'
import type { Held } from './ledger.js'

/** Messages of one requeue command. */
const BATCH = 1000
/** Entries of the state's tables that are read in one turn. */
const READ_STEP = 2000
/** Between two batches, and before a proposal that was not taken is tried again. */
const NEXT_MS = 10
const AGAIN_MS = 1000

/** Something to be done at a time, monotonic ms. */
interface Due {
  atMs: number
  ref: Ref
  kind: 'retry' | 'doubt'
  /** What the state said of it when it was noted: if it says otherwise now, this is stale. */
  stamp: number
}

const soonestFirst = (): Heap<Due> => new Heap((a, b) => a.atMs < b.atMs)

/**
 * Puts back into the queue what waits: retries when they are due, and what is in doubt when the
 * connector's policy has waited long enough (DESIGN I6). Delays are monotonic and count from when this
 * home learned of them.
 */
export class Requeues {
  private readonly context: Context
  private heap = soonestFirst()
  private cancelTimer: Cancel | undefined
  private timerAtMs = Infinity
  /** Counts the readings: an older one stops. */
  private reading = 0
  private stopped = false

  constructor(context: Context) {
    this.context = context
  }

  /** Messages that are waited for. */
  get size(): number {
    return this.heap.size
  }

  /** Reads what the state says anew: at the start, after `reset`, and when the policy changed. */
  relearn(): void {
    this.heap = soonestFirst()
    this.cancelTimer?.()
    this.cancelTimer = undefined
    this.timerAtMs = Infinity
    const connector = this.context.view()
    if (connector === undefined) return
    const reading = ++this.reading
    this.read(reading, connector.retries.keys(), ref => this.learnRetry(ref))
    this.read(reading, connector.doubts.keys(), ref => this.learnDoubt(ref))
  }

  /** A message waits for its retry, says the state. */
  learnRetry(ref: Ref): void {
    const stamp = this.context.view()?.retries.get(ref)
    if (stamp === undefined) return
    const { clock } = this.context
    const delayMs = Math.max(0, stamp - clock.nowMs())
    this.add({ atMs: clock.monotonicMs() + delayMs, ref, kind: 'retry', stamp })
  }

  /** A message is in doubt, says the state. */
  learnDoubt(ref: Ref): void {
    const connector = this.context.view()
    const doubt = connector?.doubts.get(ref)
    const waitMs = waitOf(connector)
    if (doubt === undefined || waitMs === undefined) return
    const atMs = this.context.clock.monotonicMs() + waitMs
    this.add({ atMs, ref, kind: 'doubt', stamp: doubt.sinceMs })
  }

  /** The SMSC has refused this attempt after its time-out: if that is what is in doubt, it is no longer. */
  refusedLate({ ref, attempt }: Held): void {
    const doubt = this.context.view()?.doubts.get(ref)
    const block = this.context.journal.state.blocks.get(indexOf(ref))
    if (doubt === undefined || block?.attempts(offsetOf(ref)) !== attempt) return
    this.propose([
      { atMs: this.context.clock.monotonicMs(), ref, kind: 'doubt', stamp: doubt.sinceMs },
    ])
  }

  stop(): void {
    this.stopped = true
    this.reading++
    this.cancelTimer?.()
  }

  private add(due: Due): void {
    this.heap.push(due)
    if (due.atMs < this.timerAtMs) this.arm(due.atMs)
  }

  private arm(atMs: number): void {
    this.cancelTimer?.()
    this.timerAtMs = atMs
    const delayMs = Math.max(0, atMs - this.context.clock.monotonicMs())
    this.cancelTimer = this.context.timers.after(delayMs, () => {
      this.cancelTimer = undefined
      this.timerAtMs = Infinity
      this.run()
    })
  }

  private run(): void {
    const connector = this.context.view()
    if (connector === undefined || this.stopped) return
    const nowMs = this.context.clock.monotonicMs()
    const due: Due[] = []
    let examine = READ_STEP
    for (
      let next = this.heap.peek();
      next !== undefined && next.atMs <= nowMs && due.length < BATCH && examine-- > 0;
      next = this.heap.peek()
    ) {
      this.heap.pop()
      if (stands(connector, next)) due.push(next)
    }
    this.propose(due)
    const next = this.heap.peek()
    if (next !== undefined) this.arm(Math.max(next.atMs, nowMs + NEXT_MS))
  }

  private propose(due: Due[]): void {
    if (due.length === 0) return
    const { journal, number: connector, epoch, clock } = this.context
    const refs = due.map(({ ref }) => ref)
    if (journal.proposer.propose({ kind: 'requeue', connector, epoch, refs })) return
    for (const one of due) this.add({ ...one, atMs: clock.monotonicMs() + AGAIN_MS })
  }

  /** Goes through a table of the state in steps. Maps may change under their iterators. */
  private read(reading: number, refs: Iterator<Ref>, learn: (ref: Ref) => void): void {
    for (let left = READ_STEP; left > 0; left--) {
      const next = refs.next()
      if (next.done === true) return
      learn(next.value)
    }
    this.context.timers.soon(() => {
      if (reading === this.reading) this.read(reading, refs, learn)
    })
  }
}

/** How long what is in doubt waits; undefined: an operator decides. */
function waitOf(connector: ConnectorState | undefined): number | undefined {
  const policy = connector?.settings?.inDoubt
  switch (policy?.kind) {
    case 'wait':
      return policy.ms
    case 'resend':
      return 0 // apply resends what comes into doubt from now on; this was there before the policy
    default:
      return undefined
  }
}

function stands(connector: ConnectorState, due: Due): boolean {
  return due.kind === 'retry'
    ? connector.retries.get(due.ref) === due.stamp
    : connector.doubts.get(due.ref)?.sinceMs === due.stamp
}

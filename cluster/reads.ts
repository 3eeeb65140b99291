import type { Clock } from '../src/base/clock.js'

/** Read requests without an answer yet. */
const IN_FLIGHT_MAX = 16

export interface ReadsContext {
  clock: Clock
  /** Starts contexts that no other node, and no earlier run of this one, can use: stale reads else. */
  prefix: string
  heartbeatMs: number
  electionTimeoutMs: number
  /** Hands a read to the engine. */
  ask(context: string): void
  appliedIndex(): number
}

interface Waiter {
  expiresAtMs: number
  resolve(index: number): void
  reject(error: Error): void
}

interface Asked {
  context: string
  sentAtMs: number
  waiters: Waiter[]
}

/**
 * ReadIndex. Callers who wait are gathered into one request; a request begins after its callers
 * called. Every answer also shows that a leader with a quorum stood when the request was sent,
 * which is what `quorumProbeSentAtMs` reports; without callers, probes are sent for that alone, two in an election timeout.
 */
export class Reads {
  /** When the newest answered request was sent. */
  probeSentAtMs = -Infinity
  private readonly context: ReadsContext
  private number = 0
  private asked: Asked[] = []
  private waiting: Waiter[] = []
  /** Answered, and waiting until this index is applied. */
  private answered: { index: number; waiters: Waiter[] }[] = []
  private askedAtMs = -Infinity

  constructor(context: ReadsContext) {
    this.context = context
  }

  read(): Promise<number> {
    const { clock, electionTimeoutMs } = this.context
    const expiresAtMs = clock.monotonicMs() + 2 * electionTimeoutMs
    return new Promise((resolve, reject) => {
      this.waiting.push({ expiresAtMs, resolve, reject })
      if (this.asked.length < 2) this.ask()
    })
  }

  /** Called every heartbeat. */
  tick(): void {
    const now = this.context.clock.monotonicMs()
    const { heartbeatMs, electionTimeoutMs } = this.context
    this.asked = this.asked.filter(({ sentAtMs, waiters }) => {
      const keep = now - sentAtMs < 2 * electionTimeoutMs
      // an unanswered request may be lost: its callers join the next one
      if (now - sentAtMs >= 2 * heartbeatMs || !keep) this.waiting.push(...waiters.splice(0))
      return keep
    })
    this.waiting = this.expire(this.waiting, now)
    for (const group of this.answered) group.waiters = this.expire(group.waiters, now)
    this.answered = this.answered.filter(group => group.waiters.length > 0)
    if (this.waiting.length > 0 || now - this.askedAtMs >= electionTimeoutMs / 2) this.ask()
  }

  /** The engine's answer to a request. */
  onAnswer(index: number, context: string): void {
    const at = this.asked.findIndex(request => request.context === context)
    if (at < 0) return
    const answered = this.asked.splice(0, at + 1) // the earlier ones are answered by it as well
    this.probeSentAtMs = Math.max(this.probeSentAtMs, answered.at(-1)!.sentAtMs)
    const waiters = answered.flatMap(request => request.waiters)
    if (waiters.length > 0) this.answered.push({ index, waiters })
    this.onApplied()
    if (this.waiting.length > 0) this.ask()
  }

  onApplied(): void {
    if (this.answered.length === 0) return
    const applied = this.context.appliedIndex()
    for (const group of this.answered) {
      if (group.index > applied) continue
      for (const waiter of group.waiters.splice(0)) waiter.resolve(applied)
    }
    this.answered = this.answered.filter(group => group.waiters.length > 0)
  }

  stop(error: Error): void {
    const all = [...this.asked, ...this.answered].flatMap(({ waiters }) => waiters.splice(0))
    for (const waiter of [...all, ...this.waiting.splice(0)]) waiter.reject(error)
  }

  private ask(): void {
    const { clock, prefix } = this.context
    const context = `${prefix}.${this.number++}`
    this.askedAtMs = clock.monotonicMs()
    if (this.asked.length >= IN_FLIGHT_MAX) {
      this.waiting.push(...this.asked.shift()!.waiters)
    }
    const waiters = this.waiting
    this.waiting = []
    this.asked.push({ context, sentAtMs: this.askedAtMs, waiters })
    this.context.ask(context)
  }

  private expire(waiters: Waiter[], now: number): Waiter[] {
    return waiters.filter(waiter => {
      if (now < waiter.expiresAtMs) return true
      waiter.reject(new Error('no quorum answered a read in time'))
      return false
    })
  }
}

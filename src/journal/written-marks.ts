import type { Written } from './commands.js'
import type { Ref } from './ids.js'

/** Marks in one proposal; more go with the next. */
const RIDERS_MAX = 4096
/** Marks that wait; one more is left out, and its submit stays one whose response may be lost. */
export const WAITING_MAX = 100_000
const NONE: readonly Written[] = []

/** Submits whose responses are written, on their way into the next proposal. */
export class WrittenMarks {
  private waiting: Map<number, Ref[]> = new Map()
  private count = 0

  get size(): number {
    return this.count
  }

  add(account: number, ref: Ref): void {
    if (this.count >= WAITING_MAX) return
    const refs = this.waiting.get(account)
    if (refs === undefined) this.waiting.set(account, [ref])
    else refs.push(ref)
    this.count++
  }

  /** A command for each account; none where nothing waits. */
  take(): readonly Written[] {
    if (this.count === 0) return NONE
    const taken: Written[] = []
    let room = RIDERS_MAX
    for (const [account, waiting] of this.waiting) {
      if (room === 0) break
      const refs = waiting.splice(0, room)
      if (waiting.length === 0) this.waiting.delete(account)
      room -= refs.length
      this.count -= refs.length
      taken.push({ kind: 'written', account, refs })
    }
    return taken
  }

  /** The proposal that carried them may never be applied. Those that were say it twice, which does no harm. */
  giveBack(commands: readonly Written[]): void {
    for (const { account, refs } of commands) for (const ref of refs) this.add(account, ref)
  }

  clear(): void {
    this.waiting.clear()
    this.count = 0
  }
}

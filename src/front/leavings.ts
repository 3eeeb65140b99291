import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { EsmeSession } from './esme-session.js'

/** deliver_sm without an answer are waited for this long before the unbind: their receipts would come twice. */
const QUIET_MS = 1000
const LOOK_MS = 20

/** How a session ended that was asked to leave. `reason`: the link's. */
export type Left = (reason: string) => void

/**
 * Sessions that are unbound one by one: an operator wants it, or their account is disabled or gone. They get no more
 * deliver_sm; the unbind leaves when none is unanswered, and the link ends them in good order (docs/decisions/0009).
 */
export class Leavings {
  private readonly clock: Clock
  private readonly timers: Timers
  /** Until when their unbind waits; monotonic. */
  private readonly waiting: Map<EsmeSession, number> = new Map()
  private readonly told: Map<EsmeSession, Left[]> = new Map()
  private cancelLook: Cancel | undefined

  constructor(clock: Clock, timers: Timers) {
    this.clock = clock
    this.timers = timers
  }

  /** Asked again, it goes on. @param left  called once, when the session has ended */
  leave(session: EsmeSession, left?: Left): void {
    if (left !== undefined) this.told.set(session, [...(this.told.get(session) ?? []), left])
    if (session.leaving) return
    session.leaving = true
    this.waiting.set(session, this.clock.monotonicMs() + QUIET_MS)
    this.look()
  }

  closed(session: EsmeSession, reason: string): void {
    this.waiting.delete(session)
    const told = this.told.get(session) ?? []
    this.told.delete(session)
    for (const left of told) left(reason)
  }

  private look(): void {
    const nowMs = this.clock.monotonicMs()
    for (const [session, untilMs] of this.waiting)
      if (session.link.windowUsed === 0 || nowMs >= untilMs) {
        this.waiting.delete(session)
        session.link.unbind()
      }
    if (this.waiting.size > 0) this.cancelLook ??= this.timers.every(LOOK_MS, () => this.look())
    else {
      this.cancelLook?.()
      this.cancelLook = undefined
    }
  }
}

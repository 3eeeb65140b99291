import type { Context } from './context.js'

/** Messages of one command. */
const BATCH = 4096

/**
 * Says when messages that wait for their schedule_delivery_time are due: by the wall clock of the home, to a second or
 * two (DESIGN I7: apply compares no times).
 */
export class DueMessages {
  private readonly context: Context
  private proposing = false

  constructor(context: Context) {
    this.context = context
  }

  /** Call it about once a second. */
  tick(): void {
    const connector = this.context.view()
    if (connector === undefined || this.proposing) return
    const { journal, clock, number, epoch } = this.context
    const upTo = Math.floor(clock.nowMs() / 1000)
    if ((connector.schedules.earliest ?? Infinity) > upTo) return
    const command = { kind: 'due', connector: number, epoch, upTo, count: BATCH } as const
    this.proposing = journal.proposer.propose(command, () => {
      this.proposing = false
      this.tick() // there may be more
    })
  }
}

import type { StateMachine } from '../../cluster/types.js'
import type { Clock } from '../base/clock.js'
import { assert } from '../base/assert.js'
import type { Journal } from '../journal/index.js'

/** The journal as the cluster's state machine, with an eye on its state hash. */
export class WatchedMachine implements StateMachine {
  private readonly journal: Journal
  private readonly clock: Clock
  private readonly comparable: (index: number, hash: string) => void
  private readonly beforeEffects: () => void
  private readonly whenApplied: () => void
  private appliedAtMs: number
  private seen = 0

  /**
   * @param comparable     called at each index where nodes compare hashes
   * @param beforeEffects  called after each run of entries, before the node's parts hear of it
   * @param whenApplied    the same, after them
   */
  constructor(
    journal: Journal,
    clock: Clock,
    comparable: (index: number, hash: string) => void,
    beforeEffects: () => void,
    whenApplied: () => void,
  ) {
    this.journal = journal
    this.clock = clock
    this.comparable = comparable
    this.beforeEffects = beforeEffects
    this.whenApplied = whenApplied
    this.appliedAtMs = clock.monotonicMs()
  }

  /** DESIGN §5: of the largest comparable index applied, or of the applied one after a second unchanged. */
  stateHash(): { index: number; hash: string } {
    const { state } = this.journal
    const idle = this.clock.monotonicMs() - this.appliedAtMs >= 1000
    return idle ? { index: state.appliedIndex, hash: state.hash.value } : state.comparable
  }

  get durableIndex(): number {
    return this.journal.durableIndex
  }

  apply(index: number, term: number, data: Buffer): void {
    assert(
      index === this.journal.state.appliedIndex + 1,
      `entry ${index} after ${this.journal.state.appliedIndex}`,
    )
    this.journal.apply(index, term, data)
    const { comparable } = this.journal.state
    if (comparable.index === this.seen) return
    this.seen = comparable.index
    this.comparable(comparable.index, comparable.hash)
  }

  applied(): void | Promise<void> {
    this.appliedAtMs = this.clock.monotonicMs()
    this.beforeEffects()
    const brake = this.journal.applied()
    this.whenApplied()
    return brake
  }

  keeps(index: number): boolean {
    return this.journal.keeps(index)
  }

  snapshot() {
    return this.journal.snapshot()
  }

  stage() {
    return this.journal.stage()
  }

  async install(index: number): Promise<void> {
    await this.journal.install(index)
    this.appliedAtMs = this.clock.monotonicMs()
    this.whenApplied()
  }

  staged(index: number): Promise<boolean> {
    return this.journal.staged(index)
  }
}

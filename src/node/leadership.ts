import type { Group } from '../../cluster/types.js'
import type { LeaderView } from '../api/shapes.js'
import type { Clock } from '../base/clock.js'

/** Who leads, since when not, and handing it on. */
export class Leadership {
  leader: number | null = null
  private readonly clock: Clock
  private readonly node: number
  private readonly takesPart: (id: number) => boolean
  private missedSinceMs: number
  private everKnown = false

  /** @param takesPart  false for nodes that drain: leadership is not handed to them */
  constructor(node: number, clock: Clock, takesPart: (id: number) => boolean) {
    this.takesPart = takesPart
    this.node = node
    this.clock = clock
    this.missedSinceMs = clock.monotonicMs()
  }

  /** True where another node leads than before. */
  changed(leader: number | null): boolean {
    const was = this.leader
    this.leader = leader
    if (leader !== null) this.everKnown = true
    else if (was !== null) this.missedSinceMs = this.clock.monotonicMs()
    return leader !== was && leader !== null
  }

  /** Monotonic ms; undefined while a leader is known. */
  get leaderlessSinceMs(): number | undefined {
    return this.leader === null ? this.missedSinceMs : undefined
  }

  get everKnew(): boolean {
    return this.everKnown
  }

  /**
   * To `to`, or to the voter that has most of the log; where that one turns out to be too far behind, to the next.
   * @throws Error where it did not happen in time
   */
  async transfer(group: Group, to: number | null): Promise<LeaderView> {
    const before = group.status()
    const targets = to === null ? this.heirs(group) : [to]
    let failure: unknown = new Error('no other voter is there that could lead')
    for (const target of targets) {
      try {
        if (before.leader !== target) await group.transferLeadership(target)
        const { leader, term } = group.status()
        return { leader: leader ?? target, term }
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  /** Does nothing where this node does not lead, or is alone. */
  async giveUp(group: Group): Promise<void> {
    if (this.leader !== this.node || this.heirs(group).length === 0) return
    await this.transfer(group, null)
  }

  /** Who could lead instead of the present leader, the best first. How far others are only a leader knows. */
  private heirs(group: Group): number[] {
    const { members, leader } = group.status()
    const heirs = members.filter(
      ({ id, role, alive }) => role === 'voter' && alive && id !== leader && this.takesPart(id),
    )
    heirs.sort((a, b) => (b.matchIndex ?? 0) - (a.matchIndex ?? 0) || a.id - b.id)
    return heirs.map(({ id }) => id)
  }
}

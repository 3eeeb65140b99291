import type { MemberChange } from '../../cluster/types.js'
import type { SimNode } from './sim-node.js'
import type { Trace } from './trace.js'

/** A change that did not come through is asked for again. */
const AGAIN_MS = 300

export interface MembersParts {
  trace: Trace
  after(ms: number, fn: () => void): void
  nodes(): readonly SimNode[]
}

/**
 * What an operator does to the membership: asks whoever leads, looks at what came of it, asks again. One
 * node at a time is less than a voter.
 */
export class Members {
  private readonly parts: MembersParts
  /** Roles that are wished for; who is not named should vote. */
  private readonly wishes = new Map<number, 'learner' | 'gone'>()
  private looking = false

  constructor(parts: MembersParts) {
    this.parts = parts
  }

  /** False where another node is less than a voter already. */
  wish(id: number, role: 'learner' | 'gone'): boolean {
    if (this.wishes.size > 0 && !this.wishes.has(id)) return false
    this.wishes.set(id, role)
    this.look()
    return true
  }

  /** The node shall vote again. */
  restore(id: number): void {
    if (this.wishes.delete(id)) this.look()
  }

  /** All shall vote. */
  restoreAll(): void {
    this.wishes.clear()
    this.look()
  }

  /** What is not yet as it should be; '' where all is. */
  unfinished(leader: SimNode): string {
    const change = this.changeAt(leader)
    return change === undefined ? '' : `members are to be changed: ${JSON.stringify(change)}`
  }

  private look(): void {
    if (this.looking) return
    this.looking = true
    // a process that dies never answers: look, rather than wait
    this.parts.after(AGAIN_MS, () => {
      this.looking = false
      this.look()
    })
    const leader = this.parts.nodes().find(node => node.leads && !node.process!.isPaused)
    const change = leader === undefined ? undefined : this.changeAt(leader)
    if (leader === undefined || change === undefined) return
    this.parts.trace.add('members', `${leader.name} is asked for ${JSON.stringify(change)}`)
    leader.group?.changeMembers([change]).catch(() => undefined)
  }

  private changeAt(leader: SimNode): MemberChange | undefined {
    const members = leader.group?.status().members ?? []
    for (const { id } of this.parts.nodes()) {
      const role = members.find(member => member.id === id)?.role ?? 'gone'
      const wanted = this.wishes.get(id) ?? 'voter'
      if (role === wanted) continue
      if (wanted === 'gone') return { kind: 'remove', id }
      const member = { id, address: `node-${id}:7101` }
      // who was gone, or is new, learns first
      const learns = wanted === 'learner' || role === 'gone'
      return { kind: learns ? 'addLearner' : 'addVoter', member }
    }
    return undefined
  }
}

import type { Journal } from '../journal/index.js'

/**
 * Session ends that are to be committed: proposed until apply has them, or the boot is over (its
 * sessions end with it). As many as sessions that were bound; none can be bound without a leader.
 */
export class SessionEnds {
  private readonly journal: Journal
  private readonly open: Set<string> = new Set()
  private readonly unsent: Set<string> = new Set()

  constructor(journal: Journal) {
    this.journal = journal
  }

  end(session: string): void {
    this.open.add(session)
    this.propose(session)
  }

  /** Proposes again what could not be proposed; call now and then. */
  retry(): void {
    for (const session of [...this.unsent]) this.propose(session)
  }

  /** The boot is over, and every session with it. */
  clear(): void {
    this.open.clear()
    this.unsent.clear()
  }

  /** Ends that are not committed yet. */
  get size(): number {
    return this.open.size
  }

  private propose(session: string): void {
    const proposed = this.journal.proposer.propose({ kind: 'endSession', session }, () => {
      this.open.delete(session) // applied, or the cluster had ended it before
    })
    if (proposed) this.unsent.delete(session)
    else this.unsent.add(session)
  }
}

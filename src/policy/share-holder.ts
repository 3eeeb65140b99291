/** What one node holds of each account's rate; plain steps, messages are the caller's. */
export interface ShareReport {
  /** The allocator's term: it is the leader of it. From here on the node takes no grants of lower ones. */
  term: number
  /** Of the node that reports: what an earlier boot held is gone. */
  boot: number
  /** Rises with each report of this boot. */
  number: number
  /** All that this node holds or wants is in it. */
  full: boolean
  items: ReportItem[]
}

export interface ReportItem {
  account: number
  /** Millionths of the account's rate. */
  units: number
  /** Of the grant of this term that it follows; 0: of none, it is from before. */
  seq: number
  active: boolean
  /** Submits asked for a second. */
  demand: number
}

export interface ShareGrant {
  term: number
  /** Of the node that it is for. */
  boot: number
  items: GrantItem[]
}

export interface GrantItem {
  account: number
  units: number
  /** Rises with each grant of the term. */
  seq: number
}

interface Held {
  units: number
  seq: number
  active: boolean
  demand: number
}

/**
 * A node's side of sharing: it keeps what it was granted last, however long it hears nothing, and lets a
 * newer grant of its own boot and of the newest term replace it. Bound: the accounts there are.
 */
export class ShareHolder {
  private boot = 0
  private term = 0
  private number = 0
  private readonly held: Map<number, Held> = new Map()

  /** A boot is registered: nothing is held under it. */
  begin(boot: number): void {
    this.boot = boot
    this.number = 0
    for (const held of this.held.values()) {
      held.units = 0
      held.seq = 0
    }
  }

  unitsOf(account: number): number {
    return this.held.get(account)?.units ?? 0
  }

  /** What is known of an account's use here. Returns whether it became active by that. */
  uses(account: number, active: boolean, demand: number): boolean {
    const held = this.held.get(account)
    if (held === undefined) {
      if (active) this.held.set(account, { units: 0, seq: 0, active, demand })
      return active
    }
    const begins = active && !held.active
    held.active = active
    held.demand = demand
    return begins
  }

  /** Accounts that there is something to say of. */
  get accounts(): Iterable<number> {
    return this.held.keys()
  }

  /**
   * What to tell the leader of `term`; of all accounts, or of those named. Undefined before a boot, and for a term
   * that is over.
   */
  report(term: number, accounts?: Iterable<number>): ShareReport | undefined {
    if (this.boot === 0 || term < this.term) return undefined
    this.enter(term)
    const items: ReportItem[] = []
    for (const account of accounts ?? this.held.keys()) {
      const held = this.held.get(account)
      if (held !== undefined) items.push({ account, ...held })
    }
    const full = accounts === undefined
    return { term, boot: this.boot, number: ++this.number, full, items }
  }

  /** Takes what counts. Returns the accounts to acknowledge: those named, where the grant was for us. */
  take(grant: ShareGrant): number[] {
    if (this.boot === 0 || grant.boot !== this.boot || grant.term < this.term) return []
    this.enter(grant.term)
    for (const { account, units, seq } of grant.items) {
      const held = this.held.get(account)
      if (held === undefined) this.held.set(account, { units, seq, active: false, demand: 0 })
      else if (seq > held.seq) {
        held.units = units
        held.seq = seq
      }
    }
    return grant.items.map(({ account }) => account)
  }

  /** Grants of a term are told apart by seq, so within it no account is forgotten. */
  private enter(term: number): void {
    if (term === this.term) return
    this.term = term
    for (const [account, held] of this.held) {
      held.seq = 0
      if (held.units === 0 && !held.active) this.held.delete(account)
    }
  }
}

import type { GrantItem, ShareGrant, ShareReport } from './share-holder.js'
import { rebalance, type Part } from './shares.js'

/** A node whose boot the state says goes on. */
export interface AliveNode {
  node: number
  boot: number
}

interface KnownPart {
  held: number
  granted: number
  /** Of the last grant. */
  seq: number
  active: boolean
  demand: number
}

interface KnownNode {
  boot: number
  number: number
  parts: Map<number, KnownPart>
}

/**
 * The leader's side of sharing, for one term: it begins with what nodes report that they hold, and raises nobody
 * until every alive node has reported. So that no loss, delay or reordering lets the sum rise above the whole:
 *
 * - a node that has reported under this term takes no grants of earlier leaders any more;
 * - what a node may hold is the greater of what it said and what it was granted since;
 * - a part is free only when its node said that it holds less, or when the node's boot is over.
 */
export class ShareAllocator {
  readonly term: number
  private readonly nodes: Map<number, KnownNode> = new Map()
  private seq = 0

  constructor(term: number) {
    this.term = term
  }

  /** It has reported under this boot. */
  knows(node: number, boot: number): boolean {
    return this.nodes.get(node)?.boot === boot
  }

  /** Returns the accounts that there may be something to do about; none where the report does not count. */
  heard(node: number, report: ShareReport): number[] {
    if (report.term !== this.term) return []
    let known = this.nodes.get(node)
    if (known === undefined || report.boot > known.boot) {
      if (!report.full) return []
      known = { boot: report.boot, number: 0, parts: new Map() }
      this.nodes.set(node, known)
    }
    if (report.boot !== known.boot || report.number <= known.number) return []
    known.number = report.number
    for (const { account, units, seq, active, demand } of report.items) {
      const part = known.parts.get(account)
      if (part === undefined)
        known.parts.set(account, { held: units, granted: units, seq: 0, active, demand })
      else {
        if (seq === part.seq) part.held = part.granted = units
        part.active = active
        part.demand = demand
      }
    }
    return report.items.map(({ account }) => account)
  }

  /** All accounts that some node holds or wants something of. */
  get accounts(): Set<number> {
    const accounts = new Set<number>()
    for (const { parts } of this.nodes.values())
      for (const account of parts.keys()) accounts.add(account)
    return accounts
  }

  /**
   * What to grant now, by node.
   *
   * @param alive   according to the state, which has applied all that was committed before this term
   * @param rateOf  messages a second; null: no limit, or no such account
   */
  decide(
    alive: readonly AliveNode[],
    accounts: Iterable<number>,
    rateOf: (account: number) => number | null,
  ): Map<number, ShareGrant> {
    const grants = new Map<number, ShareGrant>()
    const known = this.known(alive)
    for (const account of accounts) {
      const rate = rateOf(account)
      if (rate === null) continue
      const parts: Part[] = []
      for (const [node, { parts: of }] of known) {
        const part = of.get(account)
        if (part !== undefined) parts.push({ node, ...part })
      }
      for (const { node, units } of rebalance(rate, parts, known.length === alive.length)) {
        const part = this.nodes.get(node)!.parts.get(account)!
        part.granted = units
        part.seq = ++this.seq
        this.add(grants, node, { account, units, seq: part.seq })
      }
    }
    return grants
  }

  /** Grants that were not acknowledged, to be sent again. */
  unacknowledged(): Map<number, ShareGrant> {
    const grants = new Map<number, ShareGrant>()
    for (const [node, { parts }] of this.nodes)
      for (const [account, { held, granted, seq }] of parts)
        if (held !== granted) this.add(grants, node, { account, units: granted, seq })
    return grants
  }

  /** Alive nodes that have reported under their present boot; those whose boot is over are forgotten. */
  private known(alive: readonly AliveNode[]): [number, KnownNode][] {
    const boots = new Map(alive.map(({ node, boot }) => [node, boot]))
    for (const [node, { boot }] of this.nodes)
      if (boot < (boots.get(node) ?? Infinity)) this.nodes.delete(node)
    return [...this.nodes].filter(([node, { boot }]) => boot === boots.get(node))
  }

  private add(grants: Map<number, ShareGrant>, node: number, item: GrantItem): void {
    const grant = grants.get(node)
    if (grant !== undefined) grant.items.push(item)
    else grants.set(node, { term: this.term, boot: this.nodes.get(node)!.boot, items: [item] })
  }
}

/** What one node knows when it hands a record over: times of the world, by node. */
export interface Knowledge {
  /** Of each node the latest record that this one has heard of, directly or through others. */
  heard: Map<number, number>
  /** The same of others, as far as this one knows. */
  others: Map<number, Map<number, number>>
}

/**
 * Who has heard of whom, kept along the records between nodes (a matrix clock): tells when a node sent the
 * latest record of which it can know that a majority has heard. No probe can be younger (DESIGN I5).
 */
export class Heard {
  private readonly nodes = new Map<number, Knowledge>()

  /** A process begins, and knows nothing. */
  forget(node: number): void {
    this.nodes.set(node, { heard: new Map(), others: new Map() })
  }

  /** A node hands a record over; what it knows goes with it. */
  sent(node: number, atMs: number): Knowledge {
    const own = this.of(node)
    own.heard.set(node, atMs)
    const others = new Map([...own.others].map(([id, times]) => [id, new Map(times)]))
    return { heard: new Map(own.heard), others }
  }

  /** The record has come to `node`. */
  came(node: number, from: number, { heard, others }: Knowledge): void {
    const own = this.of(node)
    later(own.heard, heard)
    for (const [id, times] of others) if (id !== node) later(this.row(own, id), times)
    later(this.row(own, from), heard)
  }

  /** When the node sent the latest record that a majority of `voters` has heard of, to its knowledge. */
  byMajority(node: number, voters: readonly number[], nowMs: number): number {
    const own = this.of(node)
    const times = voters.map(id =>
      id === node ? nowMs : (own.others.get(id)?.get(node) ?? -Infinity),
    )
    return times.sort((a, b) => b - a)[Math.floor(voters.length / 2)] ?? -Infinity
  }

  private of(node: number): Knowledge {
    const known = this.nodes.get(node)
    if (known !== undefined) return known
    this.forget(node)
    return this.nodes.get(node)!
  }

  private row({ others }: Knowledge, id: number): Map<number, number> {
    const known = others.get(id)
    if (known !== undefined) return known
    const row = new Map<number, number>()
    others.set(id, row)
    return row
  }
}

function later(into: Map<number, number>, from: ReadonlyMap<number, number>): void {
  for (const [id, atMs] of from) if (atMs > (into.get(id) ?? -Infinity)) into.set(id, atMs)
}

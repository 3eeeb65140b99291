/** Numbers of nodes go up to this; one that joins is the eighth of seven. */
const NODES_MAX = 8
const SIZE = NODES_MAX + 1

/**
 * What one node knows when it hands a record over: at `a * SIZE + b` the time of the world when `b` sent the
 * latest record of which, as far as this node knows, `a` has heard, directly or through others.
 */
export type Knowledge = Float64Array

/**
 * Who has heard of whom, kept along the records between nodes (a matrix clock): tells when a node sent the
 * latest record of which it can know that a majority has heard. No probe can be younger (DESIGN I5).
 */
export class Heard {
  /** By node. */
  private readonly nodes: Knowledge[] = Array.from({ length: SIZE }, nothing)

  /** A process begins, and knows nothing. */
  forget(node: number): void {
    this.nodes[node] = nothing()
  }

  /** A node hands a record over; what it knows goes with it. */
  sent(node: number, atMs: number): Knowledge {
    const own = this.nodes[node]!
    own[node * SIZE + node] = atMs
    return own.slice()
  }

  /** The record has come to `node`. */
  came(node: number, from: number, knowledge: Knowledge): void {
    const own = this.nodes[node]!
    for (let at = 0, row = 0; at < own.length; at += SIZE, row++)
      for (let i = 0; i < SIZE; i++) {
        // what the sender has heard, this node has heard of now; what the sender says of this one is old
        const atMs = knowledge[row === node ? from * SIZE + i : at + i]!
        if (atMs > own[at + i]!) own[at + i] = atMs
      }
  }

  /** When the node sent the latest record that a majority of `voters` has heard of, to its knowledge. */
  byMajority(node: number, voters: readonly number[], nowMs: number): number {
    const own = this.nodes[node]!
    const times = voters.map(id => (id === node ? nowMs : own[id * SIZE + node]!))
    return times.sort((a, b) => b - a)[Math.floor(voters.length / 2)] ?? -Infinity
  }
}

function nothing(): Knowledge {
  return new Float64Array(SIZE * SIZE).fill(-Infinity)
}

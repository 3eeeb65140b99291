/** What is between the nodes, and can be broken. A change is in force when its promise resolves. */
export interface FaultNetwork {
  /** Nothing that one says reaches the other. */
  block(from: number, to: number): Promise<void>
  /** Cuts nodes off from all others, both ways; ESMEs and SMSC still reach them. */
  isolate(nodes: readonly number[]): Promise<void>
  /** This share of the segments between nodes is lost. */
  lose(share: number): Promise<void>
  /** What nodes say to each other takes so long, and up to `jitterMs` more at random. */
  delay(delayMs: number, jitterMs: number): Promise<void>
  /** As if nothing had been. */
  heal(): Promise<void>
  /** Takes the place of a machine whose power is cut. Only where each node has a network of its own. */
  readonly hosts?: HostPower
}

/** Power of the nodes' machines. */
export interface HostPower {
  /** From now on nothing reaches this node, and nothing that it says reaches anybody. */
  cut(id: number): Promise<void>
  /** It has a network again, which remembers no connection; its process has ended before. */
  restore(id: number): Promise<void>
}

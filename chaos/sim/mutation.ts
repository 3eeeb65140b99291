import type { StateMachine } from '../../cluster/types.js'
import type { Machine } from '../../src/node/machine.js'
import type { FaultName } from './faults.js'
import type { SimNode } from './sim-node.js'

/** A deliberate bug, put in from outside: by wrapping what a node is given, or by patching a prototype. */
export interface Mutation {
  name: string
  /** Looked for under these faults alone: a rare bug would else want thousands of seeds. */
  under?: readonly FaultName[]
  /** Different numbers that messages go to, by each route, where few make the difference. */
  numbers?: number
  /** Wraps a node's outside. */
  machine?(machine: Machine, node: SimNode): Machine
  /** Wraps what the cluster applies to. */
  stateMachine?(machine: StateMachine, node: SimNode): StateMachine
  /** Changes a node's disk, once. */
  node?(node: SimNode): void
  /** Patches production code; returns the way back. */
  patch?(): () => void
}

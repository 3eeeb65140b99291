import type { StateMachine } from '../../cluster/types.js'
import { RareMarks } from '../../src/journal/rare-marks.js'
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
  /** Both accounts have a resubmission window. */
  windows?: true
  /** Both connectors cut long messages, or neither does. */
  cuts?: boolean
  /** Wraps a node's outside. */
  machine?(machine: Machine, node: SimNode): Machine
  /** Wraps what the cluster applies to. */
  stateMachine?(machine: StateMachine, node: SimNode): StateMachine
  /** Changes a node's disk, once. */
  node?(node: SimNode): void
  /** Patches production code; returns the way back. */
  patch?(): () => void
}

/** A deliberate bug, and how many seeds it may live. */
export interface ProvenMutation extends Mutation {
  within: number
}

export type Method = (...args: unknown[]) => unknown

/** Replaces a method of a class, private ones too; returns the way back. */
export function patch(
  of: { prototype: object },
  name: string,
  make: (original: Method) => (this: never, ...args: unknown[]) => unknown,
): () => void {
  const prototype = of.prototype as Record<string, unknown>
  const original = prototype[name]
  if (typeof original !== 'function') throw new Error(`there is no method ${name} to change`)
  prototype[name] = make(original as Method)
  return () => {
    prototype[name] = original
  }
}

/** What few messages have besides their marks does not come back from the disk. */
export function forgottenOnDisk(
  table: 'replacements' | 'heads' | 'parts' | 'notifications',
): () => void {
  return patch({ prototype: RareMarks }, 'decode', original => (...args) => {
    const rare = original(...args) as RareMarks | undefined
    rare?.[table].clear()
    return rare
  })
}

/** The same machine, method by method; spreading it would freeze `durableIndex`. */
export function changed(machine: StateMachine, changes: Partial<StateMachine>): StateMachine {
  return {
    get durableIndex() {
      return machine.durableIndex
    },
    apply: (index, term, data) => machine.apply(index, term, data),
    applied: () => machine.applied(),
    keeps: index => machine.keeps?.(index) ?? true,
    snapshot: () => machine.snapshot(),
    stage: () => machine.stage(),
    install: index => machine.install(index),
    staged: index => machine.staged(index),
    ...changes,
  }
}

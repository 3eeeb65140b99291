import type { Outcome } from './commands.js'
import { nodeKey, numberIn, outcomeKey } from './keys.js'
import { pack, unpack } from './pack.js'
import type { Persistent, StateStore } from './state-store.js'

/** Proposals that one node may have open (DESIGN I4). */
export const OPEN_PROPOSALS_MAX = 1024

/** What is replicated of one node. */
export interface NodeState {
  node: number
  boot: number
  /** False once the boot has ended: nothing of it is applied any more. */
  alive: boolean
  /** Takes no homes and ownerships. */
  draining: boolean
  /** Numbers below were answered and are refused. */
  lowest: number
  /** Rules of apply that its program knows (rules.ts); absent: 0. */
  rules?: number
}

/** Nodes, and the outcomes of their proposals, kept so that a repeated one gets its first answer. */
export class Nodes implements Persistent {
  private readonly nodes: Map<number, NodeState> = new Map()
  private readonly outcomes: Map<number, Map<number, Outcome>> = new Map()
  private readonly changedNodes: Set<number> = new Set()
  /** To be written, after `gone`: an outcome of a new boot may have the key of an old one. */
  private readonly changedOutcomes: Map<string, Outcome> = new Map()
  /** Keys to be deleted, where they may be on disk. */
  private readonly gone: Set<string> = new Set()

  constructor(store: StateStore) {
    store.add(this)
  }

  get(node: number): NodeState | undefined {
    return this.nodes.get(node)
  }

  all(): NodeState[] {
    return [...this.nodes.values()].sort((a, b) => a.node - b.node)
  }

  /** Begins a boot; outcomes of earlier ones go. */
  register(node: number, boot: number, rules: number): void {
    for (const number of this.outcomes.get(node)?.keys() ?? []) this.drop(outcomeKey(node, number))
    this.outcomes.set(node, new Map())
    this.set({ node, boot, alive: true, draining: false, lowest: 1, rules })
  }

  set(state: NodeState): void {
    this.nodes.set(state.node, state)
    this.changedNodes.add(state.node)
  }

  outcomeOf(node: number, number: number): Outcome | undefined {
    return this.outcomes.get(node)?.get(number)
  }

  keep(node: number, number: number, outcome: Outcome): void {
    this.outcomes.get(node)?.set(number, outcome)
    this.changedOutcomes.set(outcomeKey(node, number), outcome)
  }

  /** Forgets outcomes below `lowest`, which their node has read. The step is bounded by the window. */
  forgetBelow(node: number, lowest: number): void {
    const state = this.nodes.get(node)
    if (state === undefined || lowest <= state.lowest) return
    const outcomes = this.outcomes.get(state.node)
    for (let number = state.lowest; number < lowest; number++) {
      if (outcomes?.delete(number) === true) this.drop(outcomeKey(state.node, number))
    }
    this.set({ ...state, lowest })
  }

  async load(store: StateStore): Promise<void> {
    await store.load('n', (key, value) => {
      const state = unpack(value) as NodeState
      this.nodes.set(state.node, state)
      this.outcomes.set(state.node, new Map())
    })
    await store.load('p', (key, value) => {
      const outcome = unpack(value) as Outcome
      this.outcomes.get(numberIn(key, 1, 2))?.set(numberIn(key, 3, 6), outcome)
    })
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const node of this.changedNodes) put(nodeKey(node), pack(this.nodes.get(node)))
    this.changedNodes.clear()
    for (const key of this.gone) del(key)
    this.gone.clear()
    for (const [key, outcome] of this.changedOutcomes) put(key, pack(outcome))
    this.changedOutcomes.clear()
  }

  /** An outcome is written once: one that was not collected yet was never on disk. */
  private drop(key: string): void {
    if (!this.changedOutcomes.delete(key)) this.gone.add(key)
  }
}

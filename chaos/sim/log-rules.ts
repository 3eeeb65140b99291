import { entryKey } from '../../cluster/log/keys.js'
import { decodeEntry as decodeLogRecord } from '../../cluster/log/records.js'
import type { State } from '../../src/journal/index.js'
import type { SimDisk } from './disk.js'
import type { Violations } from './violations.js'

export interface LogRulesParts {
  violations: Violations
  now(): number
  disks(): readonly SimDisk[]
  /** Numbers of nodes that vote, as far as the node knows. */
  votersOf(node: number): readonly number[]
  /** Claims that a connector may have open. */
  windowsMax: number
  /** An entry was applied for the first time anywhere; it may have no data. */
  committed(index: number, data: Buffer, state: State, node: number): void
}

interface Applied {
  term: number
  data: Buffer
  /** State hash after it. */
  hash: string
}

/** Raft's own rules, and what holds of states at each index. */
export class LogRules {
  lastIndex = 0
  private readonly parts: LogRulesParts
  /** By index. */
  private readonly history: (Applied | undefined)[] = []
  private readonly leaders = new Map<number, number>()
  /** By `node smsc`: whether that node's own state calls it the home, and since when. */
  private readonly homes = new Map<string, { is: boolean; sinceMs: number }>()
  private voters: (readonly number[])[] = []

  constructor(parts: LogRulesParts) {
    this.parts = parts
  }

  get terms(): number {
    return this.leaders.size
  }

  /** The newest set of voters that anybody applied with; empty before the first entry. */
  get latestVoters(): readonly number[] {
    return this.voters.at(-1) ?? []
  }

  onLeader(leader: number, term: number): void {
    const known = this.leaders.get(term)
    this.leaders.set(term, leader)
    if (known !== undefined && known !== leader)
      this.parts.violations.fail(
        'one leader per term',
        `term ${term}: nodes ${known} and ${leader}`,
      )
  }

  /** Node `node` has applied an entry and is in `state` now. */
  onApply(node: number, index: number, term: number, data: Buffer, state: State): void {
    const { violations } = this.parts
    const known = this.history[index]
    const hash = state.hash.value
    this.lookAtHomes(node, state)
    if (known === undefined) {
      if (index > 1 && this.history[index - 1] === undefined && this.lastIndex > 0)
        violations.fail('order of apply', `node ${node} applied ${index} after ${this.lastIndex}`)
      this.history[index] = { term, data: Buffer.from(data), hash }
      this.lastIndex = Math.max(this.lastIndex, index)
      if (index > 1) this.checkDurable(node, index, term) // 1 is the first membership, alike everywhere
      this.parts.committed(index, data, state, node)
      this.checkWindows(index, state)
      return
    }
    if (known.term !== term || !known.data.equals(data))
      violations.fail('log matching', `node ${node} applied another entry at ${index}`)
    else if (known.hash !== hash)
      violations.fail('state hash', `node ${node} has ${hash} at ${index}, another ${known.hash}`)
  }

  /** A snapshot, or the state on disk, was taken over. */
  onState(node: number, state: State): void {
    this.lookAtHomes(node, state)
    const known = this.history[state.appliedIndex]
    if (known !== undefined && known.hash !== state.hash.value)
      this.parts.violations.fail(
        'state hash',
        `node ${node} took over ${state.hash.value} at ${state.appliedIndex}, not ${known.hash}`,
      )
  }

  /** Since when the node knows that it is not the home of the SMSC; undefined where it is, or knows nothing. */
  noHomeSinceMs(node: number, smsc: string): number | undefined {
    const home = this.homes.get(`${node} ${smsc}`)
    return home?.is === false ? home.sinceMs : undefined
  }

  /** First seen anywhere: a majority of the disks has it. */
  private checkDurable(node: number, index: number, term: number): void {
    const disks = this.parts.disks()
    const holds = (id: number): boolean => {
      const value = disks[id - 1]?.durable('log', entryKey(0, index))
      return value !== undefined && decodeLogRecord(index, value)?.term === term
    }
    const voters = this.parts.votersOf(node)
    if (voters.join() !== this.latestVoters.join()) this.voters = [...this.voters.slice(-2), voters]
    // Around a change of members one of the sets has to do: who counted with which is the leader's own affair.
    const majority = this.voters.some(set => set.filter(holds).length > set.length / 2)
    if (!majority)
      this.parts.violations.fail(
        'commit is durable',
        `node ${node} applied ${index}, which ${voters.filter(holds).length} of ${voters.length} disks hold`,
      )
  }

  private lookAtHomes(node: number, state: State): void {
    for (const { id, home } of state.connectors.values()) {
      const key = `${node} ${id}`
      const is = home?.node === node
      if (this.homes.get(key)?.is !== is) this.homes.set(key, { is, sinceMs: this.parts.now() })
    }
  }

  private checkWindows(index: number, state: State): void {
    for (const connector of state.connectors.values())
      if (connector.claims.size > this.parts.windowsMax)
        this.parts.violations.fail(
          'claims within windows',
          `${connector.id} has ${connector.claims.size} open claims at ${index}`,
        )
  }
}

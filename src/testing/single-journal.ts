import { assert } from '../base/assert.js'
import type { Clock, Timers } from '../base/clock.js'
import { silentLogger } from '../base/logger.js'
import type { Command, CommandResult, Outcome } from '../journal/commands.js'
import { encodeCommand } from '../journal/command-codec.js'
import { joinEntry } from '../journal/entry.js'
import { Journal } from '../journal/journal.js'
import { Proposer } from '../journal/proposer.js'
import { RULES } from '../journal/rules.js'
import type { State } from '../journal/state.js'
import type { GatewaySettings } from '../policy/settings.js'
import { gateway } from './gateway.js'
import { MemoryFolder } from './memory-store.js'

export interface SingleJournalOptions {
  /** A VirtualTime, or the system's clock and timers. */
  time: Clock & Timers
  /** Default 1. */
  node?: number
  /** Default `gateway()`; 'none' until `apply`. */
  settings?: GatewaySettings | 'none'
  submitTimeoutMs?: number
  disk?: MemoryFolder
}

/**
 * A journal without Raft: what is proposed is applied in order, `delayMs` later (0: within the same
 * `turn` of the virtual time). It has bootstrapped, its first boot is registered and the settings are
 * applied. Its switches are what a cluster does to a proposal; `other` is another node of that cluster.
 *
 *     const cluster = await SingleJournal.open({ time })
 *     cluster.leader = 'lost'       // proposals get lost on the way
 */
export class SingleJournal {
  readonly journal: Journal
  readonly proposer: Proposer
  /**
   * here: proposals are applied. none: there is no leader. full: its queue is full. lost: proposals go
   * out and never arrive. held: they wait until it is `here` again.
   */
  leader: 'here' | 'none' | 'full' | 'lost' | 'held' = 'here'
  /** From proposal to apply. */
  delayMs = 0
  /** Each proposal arrives this many times. */
  copies = 1
  /** Submits that were refused and had been claimed already. */
  tooLate = 0
  /** Entries that were proposed, whatever became of them. */
  proposed = 0
  boot = 1
  private readonly node: number
  private readonly time: Clock & Timers
  private readonly values: Map<number, Buffer> = new Map()
  private readonly others: Map<number, OtherNode> = new Map()
  private waiting: Buffer[] = []
  private index = 0

  private constructor(options: SingleJournalOptions, journal: Journal, proposer: Proposer) {
    this.node = options.node ?? 1
    this.time = options.time
    this.journal = journal
    this.proposer = proposer
    this.index = journal.state.appliedIndex
    journal.attach({
      value: index => this.values.get(index),
      release: indexes => {
        for (const index of indexes) this.values.delete(index)
        return Promise.resolve()
      },
      rewrite: (index, value) => {
        this.values.set(index, value)
        return Promise.resolve()
      },
      firstIndex: () => this.index + 1,
    })
  }

  static async open(options: SingleJournalOptions): Promise<SingleJournal> {
    const { time, node = 1, submitTimeoutMs = 5000, disk = new MemoryFolder() } = options
    const self: { journal?: SingleJournal } = {}
    const proposer = new Proposer({
      node,
      send: entry => self.journal?.send(entry) ?? 'noLeader',
      clock: time,
      timers: time,
      submitTimeoutMs,
      tooLate: count => {
        if (self.journal !== undefined) self.journal.tooLate += count
      },
    })
    const fatal = (error: Error): never => {
      throw error
    }
    const journal = await Journal.open(
      { node, group: 0, folder: disk, clock: time, timers: time, logger: silentLogger, fatal },
      proposer,
    )
    const single = (self.journal = new SingleJournal(options, journal, proposer))
    single.begin(1)
    single.decide({ kind: 'bootstrap', generation: 0xabcd })
    if (options.settings !== 'none') single.apply(options.settings ?? gateway())
    return single
  }

  get state(): State {
    return this.journal.state
  }

  /** Entries whose octets are still kept. */
  get valuesKept(): number {
    return this.values.size
  }

  /** Makes a new revision of the settings, at once. */
  apply(settings: GatewaySettings): void {
    const result = this.decide({
      kind: 'settings',
      expected: null,
      settings,
      author: 'test',
      atMs: this.time.nowMs(),
    })
    assert(result.ok, `settings are refused: ${JSON.stringify(result)}`)
  }

  /** Applies a command at once, as a proposal of a node of its own (99). */
  decide(command: Command): CommandResult {
    return this.other(99).decide(command)
  }

  /** Another node, registered when first asked for. */
  other(node: number): OtherNode {
    let other = this.others.get(node)
    if (other === undefined) {
      other = new OtherNode(node, this.time, octets => this.append(octets), this.journal)
      this.others.set(node, other)
      other.begin(1)
      // The node that commands come from must not be given homes.
      if (node === 99) other.decide({ kind: 'draining', node, boot: 1, draining: true })
    }
    return other
  }

  /** Switches the leader on or off, and tells the proposer. */
  setLeader(leader: SingleJournal['leader']): void {
    this.leader = leader
    this.proposer.leaderChanged(leader === 'none' ? null : 1)
    if (leader === 'here') this.arrive()
  }

  /** The cluster gives this node up: its boot ends. `begin` starts another. */
  endBoot(): void {
    this.decide({ kind: 'nodeDown', node: this.node, boot: this.boot })
  }

  /** Registers a boot and starts the proposer; what an earlier one had open is refused. */
  begin(boot: number): void {
    this.proposer.refuseAll()
    this.boot = boot
    this.append(bootEntry(this.node, boot, this.time.nowMs()))
    this.proposer.start(boot)
    this.proposer.leaderChanged(1)
  }

  async stop(): Promise<void> {
    this.proposer.stop()
    await this.journal.stop()
  }

  private send(entry: Buffer): 'sent' | 'noLeader' | 'full' {
    if (this.leader === 'none') return 'noLeader'
    if (this.leader === 'full') return 'full'
    this.proposed++
    if (this.leader === 'lost') return 'sent'
    for (let i = 0; i < this.copies; i++) this.waiting.push(entry)
    if (this.leader === 'held') return 'sent'
    if (this.delayMs > 0) this.time.after(this.delayMs, () => this.arrive())
    else this.time.soon(() => this.arrive())
    return 'sent'
  }

  private arrive(): void {
    if (this.leader === 'held') return
    const entries = this.waiting
    this.waiting = []
    if (entries.length === 0) return
    for (const entry of entries) this.append(entry, false)
    void this.journal.applied()
  }

  private append(octets: Buffer, told = true): number {
    const index = ++this.index
    this.values.set(index, octets)
    this.journal.apply(index, 1, octets)
    if (told) void this.journal.applied()
    return index
  }
}

/** A node of the cluster that does what a test says. */
export class OtherNode {
  readonly node: number
  boot = 0
  private readonly clock: Clock
  private readonly append: (octets: Buffer) => number
  private readonly journal: Journal
  private next = 1

  constructor(node: number, clock: Clock, append: (octets: Buffer) => number, journal: Journal) {
    this.node = node
    this.clock = clock
    this.append = append
    this.journal = journal
  }

  begin(boot: number): void {
    this.boot = boot
    this.next = 1
    this.append(bootEntry(this.node, boot, this.clock.nowMs()))
  }

  /** Applies a command of this node at once. */
  decide(command: Command): CommandResult {
    return this.outcome(command).results[0]!
  }

  /** The same, with the place of its entry. */
  outcome(...commands: Command[]): Outcome {
    const number = this.next++
    const header = {
      lane: 'other' as const,
      node: this.node,
      boot: this.boot,
      number,
      lowestUnanswered: number,
      proposedAtMs: this.clock.nowMs(),
    }
    this.append(joinEntry(header, commands.map(encodeCommand)))
    const outcome = this.journal.state.nodes.outcomeOf(this.node, number)
    assert(outcome !== undefined, `a proposal of node ${this.node} was not applied`)
    return outcome
  }
}

function bootEntry(node: number, boot: number, proposedAtMs: number): Buffer {
  return joinEntry({ lane: 'other', node, boot, number: 0, lowestUnanswered: 0, proposedAtMs }, [
    encodeCommand({ kind: 'registerBoot', node, boot, rules: RULES }),
  ])
}

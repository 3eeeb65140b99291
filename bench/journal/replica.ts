import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '../../cluster/index.js'
import { DEFAULT_GROUP_SETTINGS } from '../../cluster/group-context.js'
import { LogStore } from '../../cluster/log/log-store.js'
import { systemClock, type Timers } from '../../src/base/clock.js'
import { silentLogger } from '../../src/base/logger.js'
import type { KeyValueStore } from '../../src/base/store.js'
import { Journal, Proposer } from '../../src/journal/index.js'
import { openDataFolder } from '../../src/node/data-folder.js'

/** A node's log and state on this machine's disk, without the Raft between them. */
export class Replica {
  readonly journal: Journal
  private readonly log: LogStore
  private readonly store: KeyValueStore
  private readonly directory: string
  private releasing: Promise<void> = Promise.resolve()

  static async open(): Promise<Replica> {
    const directory = await mkdtemp(join(tmpdir(), 'carillon-replica-'))
    const store = await openLevelStore(join(directory, 'log'))
    const log = await openLog(store)
    const proposer = new Proposer({
      ...{ node: NODE, clock: systemClock, timers: NO_TIMERS, submitTimeoutMs: 5_000 },
      send: () => 'noLeader',
      tooLate: () => undefined,
    })
    const journal = await Journal.open(
      {
        ...{ node: NODE, group: 0, clock: systemClock, timers: NO_TIMERS, logger: silentLogger },
        folder: (await openDataFolder(directory)).stores,
        fatal: error => {
          throw error
        },
      },
      proposer,
    )
    return new Replica(directory, store, log, journal)
  }

  private constructor(directory: string, store: KeyValueStore, log: LogStore, journal: Journal) {
    this.directory = directory
    this.store = store
    this.log = log
    this.journal = journal
    journal.attach({
      value: index => log.value(index),
      release: indexes => (this.releasing = log.release(indexes)),
      rewrite: (index, value) => log.rewrite(index, value),
      firstIndex: () => log.firstIndex,
    })
    journal.apply(1, 1, Buffer.alloc(0)) // where the log begins, as after its bootstrap
  }

  /** One synced write of the log, as for one Ready. */
  async append(entries: readonly Buffer[]): Promise<void> {
    const first = this.log.lastIndex + 1
    const last = first + entries.length - 1
    await this.log.write(
      entries.map((data, i) => ({ index: first + i, term: 1, type: 0, data })),
      { term: 1, vote: 1, commit: last },
    )
  }

  /** Applies entries that were appended; `first` is the index of the first. */
  apply(first: number, entries: readonly Buffer[]): void {
    let index = first
    for (const entry of entries) this.journal.apply(index++, 1, entry)
    void this.journal.applied()
  }

  get lastIndex(): number {
    return this.log.lastIndex
  }

  /** What the log does after a flush of the state: deletes the values that were given up, and its own beginning. */
  async forget(): Promise<void> {
    await Promise.resolve() // the journal asks for it in the turn after its flush
    await this.releasing
    const cutAt = this.log.cutFor(this.journal.durableIndex, DEFAULT_GROUP_SETTINGS, 0.1)
    if (cutAt !== undefined) await this.log.cut(cutAt, index => this.journal.keeps(index))
  }

  async close(): Promise<void> {
    await this.journal.stop()
    await this.releasing
    await this.store.close()
    await rm(this.directory, { recursive: true, force: true })
  }
}

/** One that follows: node 1 proposes. */
const NODE = 2

/** The state is written when the bench says so. */
const NO_TIMERS: Timers = {
  after: () => () => undefined,
  every: () => () => undefined,
  soon: fn => void setImmediate(fn),
}

/** The log of the only member of a group. */
export async function openLog(store: KeyValueStore): Promise<LogStore> {
  const log = await LogStore.open(store, 0, silentLogger)
  await log.bootstrap({
    members: [{ id: 1, address: '127.0.0.1:1' }],
    configuration: {
      voters: [1],
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    },
  })
  return log
}

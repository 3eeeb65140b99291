import { assert } from '../src/base/assert.js'
import { membersAfter, successor } from './membership.js'
import type { Engine } from './engine.js'
import type { Ready } from './engine-types.js'
import type { GroupContext } from './group-context.js'
import type { LogStore } from './log/log-store.js'
import type { HardState, LogEntry, SnapshotMetadata } from './log/records.js'
import { MessageKind, type RaftMessage } from './messages.js'
import type { Outbox } from './outbox.js'
import type { Snapshots } from './snapshots.js'

const EMPTY = Buffer.alloc(0)
/** The log is cut when it exceeds its bounds by this share, so that cuts are rare. */
const CUT_SLACK = 0.1
const CUT_CHECK_ENTRIES = 256
/** A receiver of a snapshot that takes longer than so many times the log's bound needs another one. */
const FLOOR_LOGS = 20

export interface ReadyLoopEvents {
  /** Before the engine is asked what is to be done: the moment to tell of its leader, and to propose. */
  beforeReady(): void
  onRead(index: number, context: string): void
  /** After a run of applied entries. */
  onApplied(): void
  onFatal(error: unknown): void
}

/**
 * Does what the engine asks, one Ready at a time and in ENGINE.md's order:
 *
 *     ready ► the leader's own appends ► one synced batch ► all other messages ► apply ► reads ► advance
 *              (commit clamped)          (heartbeats, clamped, do not wait for it)
 */
export class ReadyLoop {
  appliedIndex: number
  private readonly context: GroupContext
  private readonly log: LogStore
  private readonly engine: Engine
  private readonly outbox: Outbox
  private readonly snapshots: Snapshots
  private readonly events: ReadyLoopEvents
  /** The engine's latest; what of it is on disk, the log knows. A new commit alone rides with the next write. */
  private hardState: HardState
  private kicked = false
  private running = false
  private lastRun: Promise<void> = Promise.resolve()
  /** Between `ready` and `advance`. */
  private inReady = false
  private stopped = false
  private cutCheckedAt = 0
  private waiters: { index: number; resolve: () => void }[] = []

  constructor(
    context: GroupContext,
    log: LogStore,
    engine: Engine,
    applied: number,
    outbox: Outbox,
    snapshots: Snapshots,
    events: ReadyLoopEvents,
  ) {
    this.context = context
    this.log = log
    this.engine = engine
    this.outbox = outbox
    this.snapshots = snapshots
    this.events = events
    this.hardState = log.hardState
    this.appliedIndex = applied
  }

  /** Looks, after the I/O at hand, whether there is something to do. */
  kick(): void {
    if (this.kicked || this.stopped) return
    this.kicked = true
    this.context.timers.soon(() => {
      this.kicked = false
      if (this.stopped || this.running) return
      this.running = true
      this.lastRun = this.run()
    })
  }

  /** After every change of the engine: while a Ready is being written, some messages leave at once. */
  afterStep(): void {
    if (this.inReady) this.sendClamped(this.engine.takeEarly(this.log.hardState.term))
    else this.kick()
  }

  /** Resolves when `index` is applied here (or the loop has stopped). */
  untilApplied(index: number): Promise<void> {
    if (this.appliedIndex >= index || this.stopped) return Promise.resolve()
    return new Promise(resolve => this.waiters.push({ index, resolve }))
  }

  /** Resolves when nothing is under way any more; for a stopped loop. */
  async idle(): Promise<void> {
    await this.lastRun
  }

  stop(): void {
    this.stopped = true
    for (const waiter of this.waiters.splice(0)) waiter.resolve()
  }

  private async run(): Promise<void> {
    try {
      while (!this.isStopped()) {
        this.events.beforeReady()
        if (!this.engine.hasReady()) break
        const wrote = await this.handle()
        if (this.isStopped()) break
        await this.cutLog()
        // a Ready that wrote nothing gave nobody else a turn
        if (!wrote) await new Promise<void>(resolve => this.context.timers.soon(resolve))
      }
    } catch (error) {
      this.events.onFatal(error)
    } finally {
      this.running = false
    }
  }

  private async handle(): Promise<boolean> {
    const { engine, log } = this
    const ready = engine.ready()
    this.inReady = true
    this.hardState = ready.hardState ?? this.hardState
    const [early, rest] = engine.split(ready.messages, log.hardState.term)
    this.sendClamped(early)
    const later = rest.filter(message => !this.isStale(message))
    const wrote = await this.write(ready)
    if (this.isStopped()) return wrote
    this.outbox.send(later)
    if (ready.snapshot !== undefined) await this.install(ready.snapshot)
    if (ready.committed.length > 0) await this.apply(ready.committed)
    for (const { index, context } of ready.reads) this.events.onRead(index, context)
    engine.advance()
    this.inReady = false
    return wrote
  }

  /** What a leader of an earlier term meant to send counted copies that may be gone since. */
  private isStale({ type, term }: RaftMessage): boolean {
    const leaders = type === MessageKind.MsgApp || type === MessageKind.MsgHeartbeat
    return leaders && (!this.engine.isLeader || term !== this.engine.term)
  }

  private sendClamped(messages: RaftMessage[]): void {
    for (const message of messages) this.engine.clamp(message)
    this.outbox.send(messages)
  }

  private async write(ready: Ready): Promise<boolean> {
    const { log } = this
    if (ready.snapshot === undefined && !ready.mustSync) return false
    const unwatch = this.watchDisk()
    try {
      if (ready.snapshot !== undefined) await this.record(ready.snapshot)
      // of its own also when a snapshot came along: entries behind it have just arrived
      if (ready.entries.length > 0 || ready.snapshot === undefined) {
        await log.write(ready.entries, this.hardState)
      }
    } finally {
      unwatch()
    }
    return true
  }

  private async record(snapshot: SnapshotMetadata): Promise<void> {
    const { incoming } = this.snapshots
    assert(incoming?.index === snapshot.index, `no staged snapshot for index ${snapshot.index}`)
    await this.log.installSnapshot(incoming, this.hardState)
  }

  private async install({ index }: SnapshotMetadata): Promise<void> {
    const { machine, logger } = this.context
    await machine.install(index)
    await this.log.endInstall()
    this.appliedIndex = index
    logger.info('snapshot installed', { index })
    this.context.onMembership()
    this.snapshots.onInstalled()
    this.afterApplied()
  }

  private async apply(entries: readonly LogEntry[]): Promise<void> {
    const { machine } = this.context
    for (const { index, term, type, data } of entries) {
      assert(index === this.appliedIndex + 1, `entry ${index} applied after ${this.appliedIndex}`)
      if (type === 0) {
        machine.apply(index, term, data ?? EMPTY)
      } else {
        await this.applyChange(index, data)
        machine.apply(index, term, EMPTY)
      }
      this.appliedIndex = index
    }
    const brake = machine.applied()
    if (brake !== undefined) await brake
    this.afterApplied()
  }

  private async applyChange(index: number, data: Buffer | null): Promise<void> {
    const applied = this.engine.applyChange(data)
    if (applied === undefined) {
      this.context.logger.warn('membership change does not fit, and is left out', { index })
      return
    }
    const { change, configuration } = applied
    const before = this.log.membershipAt(index)?.members ?? []
    const members = membersAfter(before, change, configuration)
    // on disk before the state machine can say that it has applied it
    await this.log.recordMembership(index, { configuration, members })
    this.context.logger.info('membership changed', { index, ...configuration })
    this.context.onMembership()
  }

  private afterApplied(): void {
    this.events.onApplied()
    const due = this.waiters.filter(waiter => waiter.index <= this.appliedIndex)
    this.waiters = this.waiters.filter(waiter => waiter.index > this.appliedIndex)
    for (const waiter of due) waiter.resolve()
  }

  /** Cuts the log where it is longer than laggards may ask for, never above what the state has on disk. */
  private async cutLog(): Promise<void> {
    const { machine, settings, logger } = this.context
    const every = Math.min(CUT_CHECK_ENTRIES, Math.ceil(settings.keepEntries * CUT_SLACK))
    if (this.appliedIndex - this.cutCheckedAt < every) return
    this.cutCheckedAt = this.appliedIndex
    const floorMin = this.appliedIndex - FLOOR_LOGS * settings.keepEntries
    const floor = Math.max(this.snapshots.floor, floorMin)
    const durable = Math.min(machine.durableIndex, floor, this.log.lastIndex)
    const cutAt = this.log.cutFor(durable, settings, CUT_SLACK)
    if (cutAt === undefined) return
    await this.log.cut(cutAt, index => machine.keeps?.(index) ?? true)
    logger.debug('log cut', { index: cutAt })
  }

  /** A disk that holds a write up for an election timeout is no disk to lead from. */
  private watchDisk(): () => void {
    const { timers, electionTimeoutMs, logger, id } = this.context
    return timers.after(electionTimeoutMs, () => {
      logger.warn('slow disk: a write takes longer than an election timeout')
      if (!this.engine.isLeader || this.stopped) return
      const to = successor(this.engine, id)
      if (to === undefined) return
      this.engine.transferLeader(to)
      this.afterStep()
    })
  }

  private isStopped(): boolean {
    return this.stopped
  }
}

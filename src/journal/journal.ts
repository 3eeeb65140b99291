import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { StoreFolder } from '../base/store.js'
import { aliasText, parseAlias } from './aliases.js'
import { applyEntry } from './apply.js'
import type { Effect } from './effects.js'
import { Effects } from './effects.js'
import type { StoredMessage } from './entry.js'
import { EntryMessages, shrinkEntry } from './entry.js'
import type { Ref } from './ids.js'
import { indexOf, messageId, offsetOf, parseMessageId, refOf } from './ids.js'
import { SnapshotStage, openSnapshot } from './journal-snapshot.js'
import type { SnapshotView } from './journal-snapshot.js'
import type { Proposer } from './proposer.js'
import { besides, openState, type StatePlace } from './state-place.js'
import { State } from './state.js'

/** Changes gather this long before they are written (DESIGN §4). */
const FLUSH_EVERY_MS = 50
/** Entries applied since the last flush at which the next one does not wait: about 4 MB of changes. */
const FLUSH_OCTETS = 4 * 1024 * 1024
/** No more is applied beyond this until a flush has ended. */
const UNFLUSHED_OCTETS_MAX = 4 * FLUSH_OCTETS
/** Decoded entries kept for dispatch: their messages are read one after the other. */
const ENTRIES_CACHED = 64

/** The log's half that the journal needs: values by index, and giving them up. See `Group` in cluster/types.ts. */
export interface Values {
  value(index: number): Buffer | undefined
  release(indexes: readonly number[]): Promise<void>
  /** Puts a shorter form of a value below `firstIndex`. */
  rewrite(index: number, value: Buffer): Promise<void>
  /** The log was cut past everything below. */
  firstIndex(): number
}

export interface JournalOptions {
  node: number
  group: number
  folder: StoreFolder
  clock: Clock
  timers: Timers
  logger: Logger
  /** A write failed: the node must stop. */
  fatal(error: Error): void
}

/** What a part of the node wants to hear of; called after a run of entries was applied. */
export interface JournalListener {
  effect(effect: Effect): void
  /** A snapshot took the state's place: look at everything again. */
  reset(): void
}

/**
 * The journal on one node: the applied state, the messages' octets, and the proposals of this node. Front
 * ends and connectors meet here and nowhere else. To the cluster library it is a state machine
 * (`StateMachine` in cluster/types.ts).
 */
export class Journal {
  readonly node: number
  readonly group: number
  proposer: Proposer
  private readonly options: JournalOptions
  private readonly effects = new Effects()
  private readonly listeners: JournalListener[] = []
  private readonly entries: Map<number, EntryMessages> = new Map()
  private place: StatePlace
  private current: State
  private values: Values | undefined
  private unflushedOctets = 0
  private flushing: Promise<void> | undefined
  private cancelFlush: (() => void) | undefined
  /** Lingering blocks whose value was rewritten; bounded by the lingering ones. */
  private readonly shrunk: Set<number> = new Set()
  private releasing = false
  private stopped = false

  private constructor(
    options: JournalOptions,
    place: StatePlace,
    state: State,
    proposer: Proposer,
  ) {
    this.options = options
    this.node = options.node
    this.group = options.group
    this.place = place
    this.current = state
    this.proposer = proposer
  }

  static async open(options: JournalOptions, proposer: Proposer): Promise<Journal> {
    const place = await openState(options.folder)
    return new Journal(options, place, await State.load(place.store), proposer)
  }

  /** Tells where values lie; before the first `message`. */
  attach(values: Values): void {
    this.values = values
  }

  /** As of the last applied entry. Read it, never keep parts of it: a snapshot replaces it. */
  get state(): State {
    return this.current
  }

  listen(listener: JournalListener): void {
    this.listeners.push(listener)
  }

  /** The octets of a message, as they are to be sent; undefined where they were given up. Views of the entry. */
  message(ref: Ref): StoredMessage | undefined {
    const place = this.octetsOf(ref)
    return this.entry(indexOf(place))?.read(offsetOf(place))
  }

  /** The place of a message's octets: its own, or that of its last replacement. */
  octetsOf(ref: Ref): Ref {
    const block = this.current.blocks.get(indexOf(ref))
    return block?.replacement(offsetOf(ref))?.ref ?? ref
  }

  /** When the entry was proposed, ms since the Unix epoch; undefined where it was given up. */
  proposedAtMs(ref: Ref): number | undefined {
    return this.entry(indexOf(ref))?.proposedAtMs
  }

  /** The message_id of a place. */
  idOf(ref: Ref): string {
    return messageId(this.current.generation, this.group, ref)
  }

  /**
   * The id that its ESME knows the message by: its message_id, or the 8 digits where it has them; of those that a submit_multi
   * made, that of the first of them.
   */
  shownIdOf(ref: Ref): string {
    const block = this.current.blocks.get(indexOf(ref))
    if (block === undefined) return this.idOf(ref)
    const head = block.headOf(offsetOf(ref))
    return block.isShort(head)
      ? aliasText(block.aliasBase + head)
      : this.idOf(refOf(block.index, head))
  }

  /**
   * The places that an id may mean: of a message_id one, of 8 digits the newest first (10^8 messages later they
   * come again). Whether a message lies there, and whose, the state says.
   */
  refsOf(id: string): Ref[] {
    const alias = parseAlias(id)
    if (alias !== undefined) return this.current.aliases.refs(alias)
    const place = parseMessageId(id)
    return place?.generation === this.current.generation && place.group === this.group
      ? [place.ref]
      : []
  }

  /**
   * Rewrites values of which less than a quarter is still needed, but for those the log still holds:
   * messages that wait for a phone to come back keep their marks, not their neighbours' octets. Looks at
   * up to `most` old blocks; resolves with the number of values rewritten.
   */
  async shrinkValues(most: number): Promise<number> {
    const { values } = this
    if (values === undefined) return 0
    let rewritten = 0
    for (const index of this.worthShrinking(values.firstIndex(), most)) {
      const octets = values.value(index)
      const block = this.current.blocks.get(index)
      if (octets === undefined || block === undefined) continue
      // The marks on disk may be older, and need more: what they need was concluded since, and is replayed.
      await this.flush()
      await values.rewrite(
        index,
        shrinkEntry(octets, offset => block.needsOctets(offset)),
      )
      this.entries.delete(index)
      rewritten++
    }
    return rewritten
  }

  // The state machine's side: called by the cluster library.

  get durableIndex(): number {
    return this.current.durableIndex
  }

  apply(index: number, _term: number, data: Buffer): void {
    applyEntry(this.current, this.effects, index, data)
    this.unflushedOctets += 64 + data.length
  }

  /** Waits for the disk where 16 MB of changes are unwritten: the overlay is bounded (DESIGN §4, I8). */
  applied(): void | Promise<void> {
    for (const effect of this.effects.take()) {
      if (effect.node !== 'all' && effect.node !== this.node) continue
      if (effect.kind === 'decided')
        this.proposer.decided(effect.boot, effect.number, effect.outcome)
      for (const listener of this.listeners) listener.effect(effect)
    }
    this.scheduleFlush()
    if (this.unflushedOctets >= UNFLUSHED_OCTETS_MAX) return this.flushing
    return undefined
  }

  /** Claims, outcomes and commands are needed no more; messages are, as long as their block stands. */
  keeps(index: number): boolean {
    return this.current.blocks.get(index) !== undefined
  }

  async snapshot(): Promise<SnapshotView> {
    await this.flush()
    return openSnapshot(this.place.store)
  }

  async stage(): Promise<SnapshotStage> {
    return SnapshotStage.begin(this.options.folder, besides(this.place.name))
  }

  async staged(index: number): Promise<boolean> {
    return SnapshotStage.isFinished(this.options.folder, besides(this.place.name), index)
  }

  /** The old state serves until the new one is read: both take memory for that time. */
  async install(index: number): Promise<void> {
    if (this.current.durableIndex >= index && !(await this.staged(index))) return // a crash came after it
    while (this.flushing !== undefined) await this.flushing
    const old = this.place
    const replaced = this.replaceState().finally(() => {
      this.flushing = undefined
    })
    this.flushing = replaced // what was applied to the old state is not worth a write
    await replaced
    await old.store.close()
    await this.options.folder.destroy(old.name)
  }

  /** Writes what was applied; resolves when it is on disk. Several may wait for the same write. */
  async flush(): Promise<void> {
    // waiting in a method of its own would let go of the turn once more, and two of them begin to write
    while (this.flushing !== undefined) await this.flushing
    if (this.current.durableIndex < this.current.appliedIndex) await this.write()
  }

  async stop(): Promise<void> {
    if (this.stopped) return
    await this.flush()
    this.stopped = true
    this.cancelFlush?.()
    while (this.flushing !== undefined) await this.flushing
    await this.place.store.close()
  }

  /** From one state to the other in one turn: nobody ever reads of none, or of one whose store is closed. */
  private async replaceState(): Promise<void> {
    const { folder } = this.options
    const name = besides(this.place.name)
    const store = await folder.open(name)
    const state = await State.load(store)
    await SnapshotStage.clearMark(store)
    this.place = { name, store }
    this.current = state
    this.entries.clear()
    this.effects.take()
    this.unflushedOctets = 0
    this.proposer.ask(number => state.nodes.outcomeOf(this.node, number))
    for (const listener of this.listeners) listener.reset()
  }

  private worthShrinking(firstIndex: number, most: number): number[] {
    const found: number[] = []
    let left = most
    for (const index of this.current.lingering) {
      if (index >= firstIndex || left <= 0) break
      if (this.shrunk.has(index)) continue
      left--
      const block = this.current.blocks.get(index)
      if (block === undefined) continue
      let needed = 0
      for (let offset = 0; offset < block.count; offset++) if (block.needsOctets(offset)) needed++
      if (needed * 4 >= block.count) continue
      this.shrunk.add(index)
      found.push(index)
    }
    for (const index of this.shrunk)
      if (!this.current.lingering.has(index)) this.shrunk.delete(index)
    return found
  }

  private entry(index: number): EntryMessages | undefined {
    const known = this.entries.get(index)
    if (known !== undefined) return known
    const octets = this.values?.value(index)
    if (octets === undefined) return undefined
    const entry = new EntryMessages(octets)
    if (this.entries.size >= ENTRIES_CACHED)
      for (const oldest of this.entries.keys()) {
        this.entries.delete(oldest)
        break
      }
    this.entries.set(index, entry)
    return entry
  }

  private scheduleFlush(): void {
    if (this.flushing !== undefined || this.stopped) return
    if (this.unflushedOctets >= FLUSH_OCTETS) {
      this.cancelFlush?.()
      this.cancelFlush = undefined
      void this.write()
      return
    }
    this.cancelFlush ??= this.options.timers.after(FLUSH_EVERY_MS, () => {
      this.cancelFlush = undefined
      if (this.flushing === undefined && !this.stopped) void this.write()
    })
  }

  private write(): Promise<void> {
    this.unflushedOctets = 0
    const state = this.current
    const unreferenced = [...state.releases]
    const writing = state
      .flush()
      .catch((error: unknown) => this.options.fatal(error as Error))
      .then(() => {
        this.flushing = undefined
        if (this.unflushedOctets > 0) this.scheduleFlush()
        void this.release(state, unreferenced)
      })
    this.flushing = writing
    return writing
  }

  /** Deletes values to which the state on disk refers no more, then the notes of them. */
  private async release(state: State, indexes: number[]): Promise<void> {
    if (this.releasing || this.values === undefined || indexes.length === 0) return
    this.releasing = true
    try {
      await this.values.release(indexes)
      if (state === this.current) state.dropReleases(indexes)
    } catch (error) {
      this.options.fatal(error as Error)
    } finally {
      this.releasing = false
    }
  }
}

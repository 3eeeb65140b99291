import { assert } from '../../src/base/assert.js'
import type { Clock } from '../../src/base/clock.js'
import type { Logger } from '../../src/base/logger.js'
import type { KeyValueStore, ReadView } from '../../src/base/store.js'
import { EntryTail } from './entry-tail.js'
import {
  confKey,
  cutKey,
  entryKey,
  hardStateKey,
  installKey,
  releasedKey,
  stagedRange,
} from './keys.js'
import {
  clearOld,
  resumeInstall,
  stageValues,
  type PendingInstall,
  type ValueStage,
} from './install.js'
import { loadLog, type LoadedLog } from './load.js'
import {
  type Membership,
  type HardState,
  type LogEntry,
  type SnapshotMetadata,
  LogDamaged,
  decodeEntry,
  dataOf,
  encodeEntries,
  encodeEntry,
  encodeHardState,
  encodeIndexes,
  encodeRecord,
} from './records.js'

/**
 * The durable log of one group: entries, hard state, membership history, and the values that
 * outlive the log's cut. Several groups share one `KeyValueStore`. Reads are synchronous; every
 * promise of a write resolves when the write is on disk. A rejected write is fatal for the node.
 */
export class LogStore {
  readonly group: number
  private readonly store: KeyValueStore
  private readonly options: LogStoreOptions
  private readonly log: LoadedLog
  /** The newest entries; older ones are read from the store. */
  private readonly tail: EntryTail
  private releasedNumber = 0
  /** While a snapshot is being opened, nothing is released, rewritten or cut. */
  private pins = 0
  private unpinned: (() => void)[] = []

  private constructor(
    group: number,
    store: KeyValueStore,
    log: LoadedLog,
    options: LogStoreOptions,
  ) {
    this.group = group
    this.store = store
    this.options = options
    this.log = log
    this.tail = new EntryTail(log.lastIndex + 1, options.tailBytesMax)
    for (const number of log.releasedRecords.keys()) {
      this.releasedNumber = Math.max(this.releasedNumber, number + 1)
    }
  }

  /**
   * Reads and checks the log. Entries that no completed write vouches for are a torn tail and are
   * cut off. Rejects with `LogDamaged` where an entry is missing or fails its checksum.
   */
  static async open(
    store: KeyValueStore,
    group: number,
    logger: Logger,
    options: LogStoreOptions = {},
  ): Promise<LogStore> {
    return new LogStore(group, store, await loadLog(store, group, logger), options)
  }

  /** Index of the first entry of the log: one behind where it was cut. */
  get firstIndex(): number {
    return this.log.cut.index + 1
  }

  /** Index of the last entry on disk. */
  get lastIndex(): number {
    return this.log.lastIndex
  }

  get hardState(): HardState {
    return this.log.hardState
  }

  /** A snapshot whose installation began and did not end; undefined for none. */
  get pendingInstall(): PendingInstall | undefined {
    return this.log.pending
  }

  /**
   * Where to cut so that at most `keepEntries` entries and `keepBytes` octets lie below `durable`;
   * undefined while neither bound is exceeded by more than the share `slack`.
   */
  cutFor(
    durable: number,
    { keepEntries, keepBytes }: { keepEntries: number; keepBytes: number },
    slack: number,
  ): number | undefined {
    const { cut, sizes } = this.log
    let bytes = 0
    let cutAt: number | undefined
    for (let index = durable; index > cut.index; index--) {
      bytes += sizes.get(index) ?? 0
      const entries = durable - index + 1
      if (entries > keepEntries || bytes > keepBytes) cutAt ??= index
      if (entries > keepEntries * (1 + slack) || bytes > keepBytes * (1 + slack)) return cutAt
    }
    return undefined
  }

  /** Octets of one entry of the log. */
  sizeOf(index: number): number {
    return this.log.sizes.get(index) ?? 0
  }

  /** Term of an entry, also of the one just before the first; undefined outside of the log. */
  term(index: number): number | undefined {
    if (index < this.log.cut.index || index > this.log.lastIndex) return undefined
    const { runs } = this.log
    for (let at = runs.length - 1; at >= 0; at--) {
      const run = runs[at]!
      if (run.from <= index) return run.term
    }
    return undefined
  }

  /** Entries [lo, hi), which must be in the log; fewer, but at least one, where `bytesMax` ends them. */
  entries(lo: number, hi: number, bytesMax: number): LogEntry[] {
    assert(lo >= this.firstIndex && hi <= this.lastIndex + 1, `entries ${lo}–${hi} not in the log`)
    if (lo >= this.tail.first && bytesMax === Infinity) return this.tail.slice(lo, hi)
    const found: LogEntry[] = []
    let bytes = 0
    for (let index = lo; index < hi; index++) {
      bytes += this.sizeOf(index)
      if (found.length > 0 && bytes > bytesMax) break
      const entry = this.tail.get(index) ?? this.read(index)
      assert(entry !== undefined, `entry ${index} of group ${this.group} is gone`)
      found.push(entry)
    }
    return found
  }

  /** The membership as of `index`. */
  membershipAt(index: number): Membership | undefined {
    const { memberships } = this.log
    for (let at = memberships.length - 1; at >= 0; at--) {
      const record = memberships[at]!
      if (record.index <= index) return record.membership
    }
    return undefined
  }

  /** The newest membership there is. */
  get membership(): Membership | undefined {
    return this.log.memberships.at(-1)?.membership
  }

  /** Where it was made; 0 where there is none. */
  get membershipIndex(): number {
    return this.log.memberships.at(-1)?.index ?? 0
  }

  /** Makes the log of a first member: as after a snapshot at index 1, term 1, with these members. */
  async bootstrap(membership: Membership): Promise<void> {
    assert(this.lastIndex === 0 && this.hardState.term === 0, 'only an empty log is bootstrapped')
    this.reset({ index: 1, term: 1, membership }, { term: 1, vote: 0, commit: 1 })
    await this.store
      .batch()
      .put(cutKey(this.group), encodeRecord(this.log.cut))
      .put(confKey(this.group, 1), encodeRecord(membership))
      .put(hardStateKey(this.group), encodeHardState(this.log.hardState, 1))
      .write({ sync: true })
  }

  /** One batch: entries (replacing what was there from the first of them on) and hard state. */
  async write(entries: readonly LogEntry[], hardState: HardState): Promise<void> {
    const batch = this.store.batch()
    const first = entries[0]?.index
    const before = this.lastIndex
    const last = first === undefined ? before : first + entries.length - 1
    const values = encodeEntries(entries)
    entries.forEach((entry, i) => {
      assert(entry.index > this.log.cut.index, `entry ${entry.index} was cut already`)
      batch.put(entryKey(this.group, entry.index), values[i]!)
    })
    for (let index = last + 1; index <= before && first !== undefined; index++) {
      batch.del(entryKey(this.group, index))
    }
    batch.put(hardStateKey(this.group), encodeHardState(hardState, last))
    const { clock, onWrite } = this.options
    const fromMs = clock?.monotonicMs() ?? 0
    await batch.write({ sync: true })
    if (clock !== undefined) onWrite?.(clock.monotonicMs() - fromMs)
    this.log.hardState = hardState
    // what was proposed or came from a peer is let go: the tail keeps the octets that were written
    entries.forEach((entry, i) => (entry.data = dataOf(values[i]!)))
    if (first !== undefined) this.append(first, entries)
  }

  /** Keeps the membership as of `index`, before anyone may act on it. */
  async recordMembership(index: number, membership: Membership): Promise<void> {
    const batch = this.store.batch()
    await batch.put(confKey(this.group, index), encodeRecord(membership)).write({ sync: true })
    const { memberships } = this.log
    while (memberships.length > 0 && memberships.at(-1)!.index >= index) memberships.pop()
    memberships.push({ index, membership })
  }

  /** See `Group.value`. */
  value(index: number): Buffer | undefined {
    const kept = this.tail.get(index)
    if (this.log.released.has(index)) return undefined
    return (kept ?? this.read(index))?.data ?? undefined
  }

  /** See `Group.release`. */
  async release(indexes: readonly number[]): Promise<void> {
    if (indexes.length === 0) return
    await this.whenUnpinned()
    const batch = this.store.batch()
    const later: number[] = []
    for (const index of indexes) {
      if (index >= this.firstIndex) later.push(index)
      else batch.del(entryKey(this.group, index))
    }
    const number = this.releasedNumber
    if (later.length > 0) {
      this.releasedNumber++
      batch.put(releasedKey(this.group, number), encodeIndexes(later))
      this.log.releasedRecords.set(number, later)
      for (const index of later) this.log.released.add(index)
    }
    await batch.write({ sync: true })
  }

  /** See `Group.rewrite`. */
  async rewrite(index: number, value: Buffer): Promise<void> {
    await this.whenUnpinned()
    assert(index < this.firstIndex, `value ${index} is still part of the log`)
    const batch = this.store.batch()
    await batch
      .put(entryKey(this.group, index), encodeEntry({ index, term: 0, type: 0, data: value }))
      .write({ sync: true })
  }

  /** Moves the first index behind `index`; deletes there what was released, or is of no one's concern. */
  async cut(index: number, keeps: (index: number) => boolean = () => true): Promise<void> {
    if (index <= this.log.cut.index) return
    await this.whenUnpinned()
    const term = this.term(index)
    assert(term !== undefined, `cannot cut at ${index}, which is not in the log`)
    const { log, group } = this
    const batch = this.store.batch().put(cutKey(group), encodeRecord({ index, term }))
    for (const released of log.released) {
      if (released > index) continue
      batch.del(entryKey(group, released))
      log.released.delete(released)
    }
    for (const empty of log.empties) {
      if (empty <= index) batch.del(entryKey(group, empty))
    }
    log.empties = log.empties.filter(empty => empty > index)
    for (let at = log.cut.index + 1; at <= index; at++)
      if (!keeps(at)) batch.del(entryKey(group, at))
    for (const [number, indexes] of log.releasedRecords) {
      if (!indexes.every(released => released <= index)) continue
      batch.del(releasedKey(group, number))
      log.releasedRecords.delete(number)
    }
    while (log.memberships.length > 1 && log.memberships[1]!.index <= index) {
      batch.del(confKey(group, log.memberships.shift()!.index))
    }
    log.cut = { index, term }
    while (log.runs.length > 1 && log.runs[1]!.from <= index) log.runs.shift()
    log.sizes.dropBelow(index + 1)
    this.tail.dropBelow(index + 1)
    await batch.write({ sync: true })
  }

  /**
   * Runs `open` (which opens the application's snapshot) while no value can go, and returns a view
   * of all values as of then. The caller closes both.
   */
  async pinned<T>(open: () => Promise<T>): Promise<{ opened: T; view: ReadView }> {
    this.pins++
    try {
      const opened = await open()
      return { opened, view: this.store.snapshot() }
    } finally {
      this.pins--
      if (this.pins === 0) for (const resume of this.unpinned.splice(0)) resume()
    }
  }

  /** The stored octets of a value, out of `view`: what `stageValues` takes. */
  rawValue(view: ReadView, index: number): Buffer | undefined {
    return view.get(entryKey(this.group, index))
  }

  /** A place for values that come with a snapshot. What an earlier attempt left is deleted first. */
  stageValues(): Promise<ValueStage> {
    return stageValues(this.store, this.group)
  }

  /** Deletes staged values, unless an installation has begun that needs them. */
  async discardStaged(): Promise<void> {
    if (this.log.pending === undefined) await this.store.clear(stagedRange(this.group))
  }

  /**
   * Records a snapshot in place of the whole log, in one batch: from here on its installation goes
   * on after a crash. Then puts it in place: deletes the old entries behind it, and moves the staged values
   * under their keys. What the application's old state refers to stays until `endInstall`.
   */
  async installSnapshot(snapshot: SnapshotMetadata, hardState: HardState): Promise<void> {
    const { group, log } = this
    const batch = this.store.batch()
    for (const record of log.memberships) batch.del(confKey(group, record.index))
    for (const number of log.releasedRecords.keys()) batch.del(releasedKey(group, number))
    const { index, term, membership } = snapshot
    batch
      .put(installKey(group), encodeRecord({ index, phase: 1 }))
      .put(cutKey(group), encodeRecord({ index, term }))
      .put(confKey(group, index), encodeRecord(membership))
      .put(hardStateKey(group), encodeHardState(hardState, index))
    await batch.write({ sync: true })
    this.reset(snapshot, hardState)
    log.pending = { index, phase: 1 }
    await this.resumeInstall()
  }

  /** The log's share of a pending installation; repeatable. Afterwards the application installs its own. */
  async resumeInstall(): Promise<void> {
    const { pending } = this.log
    if (pending !== undefined) await resumeInstall(this.store, this.group, pending)
  }

  /** Ends a pending installation, after the application has installed its state: deletes the old values. */
  async endInstall(): Promise<void> {
    const { pending } = this.log
    if (pending !== undefined) await clearOld(this.store, this.group, pending)
    await this.store.batch().del(installKey(this.group)).write({ sync: true })
    delete this.log.pending
  }

  private read(index: number): LogEntry | undefined {
    const raw = this.store.get(entryKey(this.group, index))
    if (raw === undefined) return undefined
    const entry = decodeEntry(index, raw)
    if (entry === undefined) {
      throw new LogDamaged(`value ${index} of group ${this.group} fails its checksum`)
    }
    return entry
  }

  private append(first: number, entries: readonly LogEntry[]): void {
    const { log, tail } = this
    if (first <= log.lastIndex) {
      tail.truncate(first)
      log.sizes.truncate(first)
      while (log.runs.length > 0 && log.runs.at(-1)!.from >= first) log.runs.pop()
      log.empties = log.empties.filter(empty => empty < first)
    }
    for (const entry of entries) {
      const size = entry.data?.length ?? 0
      tail.push(entry)
      log.sizes.push(entry.index, size)
      if (log.runs.at(-1)?.term !== entry.term) {
        log.runs.push({ from: entry.index, term: entry.term })
      }
      if (entry.data === null || entry.type !== 0) log.empties.push(entry.index)
    }
    log.lastIndex = first + entries.length - 1
    tail.trim()
  }

  private reset(snapshot: SnapshotMetadata, hardState: HardState): void {
    const { index, term, membership } = snapshot
    const { log } = this
    log.cut = { index, term }
    log.lastIndex = index
    log.hardState = hardState
    log.runs = [{ from: index, term }]
    log.memberships = [{ index, membership }]
    log.empties = []
    log.released.clear()
    log.releasedRecords.clear()
    log.sizes.reset(index + 1)
    this.tail.reset(index + 1)
  }

  private async whenUnpinned(): Promise<void> {
    while (this.pins > 0) await new Promise<void>(resolve => this.unpinned.push(resolve))
  }
}

export interface LogStoreOptions {
  /** Octets of the newest entries kept in memory; default 16 MiB. */
  tailBytesMax?: number
  /** With `onWrite`: measures it. */
  clock?: Clock
  /** After each synced write of entries and hard state; how long it took. */
  onWrite?: ((ms: number) => void) | undefined
}

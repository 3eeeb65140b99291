import type { Logger } from '../../src/base/logger.js'
import type { KeyValueStore } from '../../src/base/store.js'
import { IndexDeque } from './index-deque.js'
import type { PendingInstall } from './install.js'
import {
  confRange,
  cutKey,
  entryKey,
  entryRange,
  hardStateKey,
  indexOfKey,
  installKey,
  releasedRange,
} from './keys.js'
import {
  type HardState,
  type Membership,
  LogDamaged,
  decodeEntry,
  decodeHardState,
  decodeIndexes,
  decodeRecord,
} from './records.js'

/** What of a group's log is kept in memory. */
export interface LoadedLog {
  hardState: HardState
  /** Position just before the first entry. */
  cut: { index: number; term: number }
  lastIndex: number
  /** Terms as runs: `term` holds from index `from` up to the next run. */
  runs: { from: number; term: number }[]
  /** Octets of each entry of the log. */
  sizes: IndexDeque<number>
  memberships: { index: number; membership: Membership }[]
  /** Entries without a value that the application could want: Raft's own. Deleted when cut. */
  empties: number[]
  /** Values of the log that were released already. Deleted when cut. */
  released: Set<number>
  /** The stored records of `released`, by number. */
  releasedRecords: Map<number, number[]>
  pending?: PendingInstall
}

/** Entries read at once while the log is checked. */
const PAGE_SIZE = 64

/**
 * Reads a group's log and checks every entry. The hard state names the last index that a completed
 * write brought: what lies behind it is a torn tail and is deleted; what is missing or damaged
 * before it cannot be repaired here, because this node may have vouched for it to a leader.
 */
export async function loadLog(
  store: KeyValueStore,
  group: number,
  logger: Logger,
): Promise<LoadedLog> {
  const hard = store.get(hardStateKey(group))
  const { state, last } =
    hard === undefined ? { state: { term: 0, vote: 0, commit: 0 }, last: 0 } : decodeHardState(hard)
  const cutRecord = store.get(cutKey(group))
  const cut =
    cutRecord === undefined
      ? { index: 0, term: 0 }
      : (decodeRecord(cutRecord) as { index: number; term: number })
  const log: LoadedLog = {
    hardState: state,
    cut,
    lastIndex: cut.index,
    runs: [{ from: cut.index, term: cut.term }],
    sizes: new IndexDeque(cut.index + 1),
    memberships: [],
    empties: [],
    released: new Set(),
    releasedRecords: new Map(),
  }
  const pending = store.get(installKey(group))
  if (pending !== undefined) {
    log.pending = decodeRecord(pending) as PendingInstall
  }
  for await (const page of store.pages(confRange(group))) {
    for (const [key, value] of page) {
      log.memberships.push({
        index: indexOfKey(key),
        membership: decodeRecord(value) as Membership,
      })
    }
  }
  for await (const page of store.pages(releasedRange(group))) {
    for (const [key, value] of page) {
      const indexes = decodeIndexes(value)
      log.releasedRecords.set(indexOfKey(key), indexes)
      for (const index of indexes) if (index > cut.index) log.released.add(index)
    }
  }
  // an installation that has not cleared the old entries yet will do so: they are not this log's
  if (log.pending?.phase === 1) return log
  await loadEntries(store, group, log, last, logger)
  return log
}

async function loadEntries(
  store: KeyValueStore,
  group: number,
  log: LoadedLog,
  last: number,
  logger: Logger,
): Promise<void> {
  const torn: number[] = []
  for await (const page of store.pages(entryRange(group, log.cut.index + 1), {
    pageSize: PAGE_SIZE,
  })) {
    for (const [key, value] of page) {
      const index = indexOfKey(key)
      if (index > last) {
        torn.push(index)
        continue
      }
      const entry = decodeEntry(index, value)
      if (index !== log.lastIndex + 1) throw damaged(group, log.lastIndex + 1, last, 'is missing')
      if (entry === undefined) throw damaged(group, index, last, 'fails its checksum')
      log.lastIndex = index
      log.sizes.push(index, entry.data?.length ?? 0)
      if (log.runs.at(-1)?.term !== entry.term) log.runs.push({ from: index, term: entry.term })
      if (entry.data === null || entry.type !== 0) log.empties.push(index)
    }
  }
  if (log.lastIndex < last) throw damaged(group, log.lastIndex + 1, last, 'is missing')
  if (torn.length > 0) {
    logger.warn('torn tail of the log cut off', { group, from: torn[0], entries: torn.length })
    const batch = store.batch()
    for (const index of torn) batch.del(entryKey(group, index))
    await batch.write({ sync: true })
  }
}

function damaged(group: number, index: number, last: number, what: string): LogDamaged {
  return new LogDamaged(
    `the log of group ${group} has a hole: entry ${index} ${what}, though entries up to ${last} ` +
      `were written and answered for. Nothing was changed. Repair: remove this node from the ` +
      `cluster, empty its data directory and add it under a new id; as a last resort, with all ` +
      `nodes stopped, run: carillon inspect --skip ${index}`,
  )
}

import type { KeyValueStore } from '../../src/base/store.js'
import { entryKey, entryRange, indexOfKey, installKey, stagedKey, stagedRange } from './keys.js'
import { LogDamaged, decodeEntry, encodeRecord } from './records.js'

/** Octets of values gathered into one batch while a snapshot comes in. */
const STAGE_BYTES = 4 * 1024 * 1024
/** Values moved in one batch. */
const MOVE_VALUES = 64

/** Receives the values of a snapshot, apart from the log's own. */
export interface ValueStage {
  /** `raw` as `LogStore.rawValue` gave it. Rejects with `LogDamaged` where its checksum is wrong. */
  put(index: number, raw: Buffer): Promise<void>
  finish(): Promise<void>
  discard(): Promise<void>
}

/**
 * An installation that was recorded. Phase 1: the old log's entries behind the snapshot still have to go.
 * Phase 2: the new values are being put beside the old ones, and the application changes its state; until it
 * has, what its old state refers to can still be read. Phase 3: old values and marks are gone, or going.
 */
export interface PendingInstall {
  index: number
  phase: 1 | 2 | 3
}

/** In place of a staged value that lies under its own key: it is new, and stays. */
const MOVED = Buffer.alloc(0)

export async function stageValues(store: KeyValueStore, group: number): Promise<ValueStage> {
  await store.clear(stagedRange(group))
  let batch = store.batch()
  let bytes = 0
  const flush = async (): Promise<void> => {
    const full = batch
    batch = store.batch()
    bytes = 0
    if (full.length > 0) await full.write({ sync: true })
  }
  return {
    put: async (index, raw) => {
      if (decodeEntry(index, raw) === undefined) {
        throw new LogDamaged(`value ${index} of a snapshot fails its checksum`)
      }
      batch.put(stagedKey(group, index), raw)
      bytes += raw.length
      if (bytes >= STAGE_BYTES) await flush()
    },
    finish: flush,
    discard: () => store.clear(stagedRange(group)),
  }
}

/**
 * Puts the new values beside the old ones (over them, where both have an index). Can be stopped after any
 * write and begun again. Changes `pending`.
 */
export async function resumeInstall(
  store: KeyValueStore,
  group: number,
  pending: PendingInstall,
): Promise<void> {
  if (pending.phase === 1) {
    await store.clear(entryRange(group, pending.index + 1))
    await enter(store, group, pending, 2)
  }
  if (pending.phase === 3) return
  for await (const page of store.pages(stagedRange(group), { pageSize: MOVE_VALUES })) {
    const batch = store.batch()
    for (const [key, value] of page)
      if (value.length > 0) batch.put(entryKey(group, indexOfKey(key)), value).put(key, MOVED)
    if (batch.length > 0) await batch.write({ sync: true })
  }
}

/** Deletes the values that only the old state referred to, then the marks of the new ones. Repeatable, too. */
export async function clearOld(
  store: KeyValueStore,
  group: number,
  pending: PendingInstall,
): Promise<void> {
  if (pending.phase !== 3) {
    const old = entryRange(group, 0, pending.index + 1)
    for await (const page of store.pages(old, { keysOnly: true })) {
      const batch = store.batch()
      for (const [key] of page)
        if (store.get(stagedKey(group, indexOfKey(key))) === undefined) batch.del(key)
      if (batch.length > 0) await batch.write({ sync: true })
    }
    await enter(store, group, pending, 3)
  }
  await store.clear(stagedRange(group))
}

async function enter(
  store: KeyValueStore,
  group: number,
  pending: PendingInstall,
  phase: PendingInstall['phase'],
): Promise<void> {
  const record = encodeRecord({ index: pending.index, phase } satisfies PendingInstall)
  await store.batch().put(installKey(group), record).write({ sync: true })
  pending.phase = phase
}

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
 * An installation that was recorded. Phase 1: old entries and values still have to go; phase 2:
 * they are gone, and the staged values are being moved under their keys.
 */
export interface PendingInstall {
  index: number
  phase: 1 | 2
}

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

/** Clears the old, moves the new; can be stopped after any write and begun again. Changes `pending`. */
export async function resumeInstall(
  store: KeyValueStore,
  group: number,
  pending: PendingInstall,
): Promise<void> {
  if (pending.phase === 1) {
    await store.clear(entryRange(group))
    const record = encodeRecord({ index: pending.index, phase: 2 } satisfies PendingInstall)
    await store.batch().put(installKey(group), record).write({ sync: true })
    pending.phase = 2
  }
  for await (const page of store.pages(stagedRange(group), { pageSize: MOVE_VALUES })) {
    const batch = store.batch()
    for (const [key, value] of page) batch.put(entryKey(group, indexOfKey(key)), value).del(key)
    await batch.write({ sync: true })
  }
}

import { createHash } from 'node:crypto'
import type { KeyValueStore, ReadView, StoreFolder } from '../base/store.js'
import { Block, indexOfBlockKey } from './blocks.js'
import { META_KEY } from './keys.js'
import { unpack } from './pack.js'
import { octetsOf, rangeOf } from './state-store.js'

/** The name of the store that receives another node's state. */
export const STAGED_STORE = 'state.staged'
/** Written last, synced: without it a stage is rubbish. No key of the state begins with a NUL. */
const FINISHED_KEY = Buffer.from('\0finished', 'latin1')
const CHUNK_OCTETS = 512 * 1024
const EVERYTHING = { gte: Buffer.from([1]), lt: Buffer.from([0xff]) }

/** The state as it is on disk, at one index. */
export interface SnapshotView {
  readonly index: number
  /** Chunks of pairs: key length u16 | key | value length u32 | value; the last is a SHA-256 over them. */
  chunks(): AsyncIterable<Buffer>
  /** Indexes of the entries whose octets the state still needs. */
  liveValues(): AsyncIterable<number>
  close(): Promise<void>
}

export function openSnapshot(store: KeyValueStore): SnapshotView {
  const view = store.snapshot()
  const meta = view.get(octetsOf(META_KEY)) // the view's own index: a write may be under way
  return {
    index: meta === undefined ? 0 : (unpack(meta) as { appliedIndex: number }).appliedIndex,
    chunks: () => chunksOf(view),
    liveValues: () => liveValuesOf(view),
    close: () => view.close(),
  }
}

async function* chunksOf(view: ReadView): AsyncIterable<Buffer> {
  const checksum = createHash('sha256')
  let parts: Buffer[] = []
  let octets = 0
  for await (const page of view.pages(EVERYTHING, { pageSize: 100 }))
    for (const [key, value] of page) {
      const head = Buffer.allocUnsafe(6)
      head.writeUInt16BE(key.length, 0)
      head.writeUInt32BE(value.length, 2)
      parts.push(head, key, value)
      octets += 6 + key.length + value.length
      if (octets < CHUNK_OCTETS) continue
      const chunk = Buffer.concat(parts, octets)
      checksum.update(chunk)
      yield chunk
      parts = []
      octets = 0
    }
  if (octets > 0) {
    const chunk = Buffer.concat(parts, octets)
    checksum.update(chunk)
    yield chunk
  }
  yield checksum.digest()
}

async function* liveValuesOf(view: ReadView): AsyncIterable<number> {
  for await (const page of view.pages(rangeOf('b'), { pageSize: 100 }))
    for (const [key, value] of page) {
      const index = indexOfBlockKey(key.toString('latin1'))
      if (Block.decode(index, value).open > 0) yield index
    }
}

/** Receives a state beside the current one. */
export class SnapshotStage {
  private readonly folder: StoreFolder
  private readonly store: KeyValueStore
  private readonly checksum = createHash('sha256')
  /** The chunk before: the last one is the checksum, and only the end tells which is last. */
  private held: Buffer | undefined

  private constructor(folder: StoreFolder, store: KeyValueStore) {
    this.folder = folder
    this.store = store
  }

  /** Begins a stage; an earlier one is discarded. */
  static async begin(folder: StoreFolder): Promise<SnapshotStage> {
    await folder.destroy(STAGED_STORE)
    return new SnapshotStage(folder, await folder.open(STAGED_STORE))
  }

  /** True where a finished stage for this index lies on disk. */
  static async isFinished(folder: StoreFolder, index: number): Promise<boolean> {
    if (!(await folder.exists(STAGED_STORE))) return false
    const store = await folder.open(STAGED_STORE)
    try {
      return store.get(FINISHED_KEY)?.readUIntBE(0, 6) === index
    } finally {
      await store.close()
    }
  }

  static async clearMark(store: KeyValueStore): Promise<void> {
    await store.batch().del(FINISHED_KEY).write({ sync: true })
  }

  async write(chunk: Buffer): Promise<void> {
    const ready = this.held
    this.held = Buffer.from(chunk)
    if (ready !== undefined) await this.put(ready)
  }

  /** Checks the checksum, syncs, and marks the stage as finished. */
  async finish(index: number): Promise<void> {
    const expected = this.held
    if (expected === undefined || !this.checksum.digest().equals(expected)) {
      await this.discard()
      throw new Error('a snapshot arrived damaged: its checksum differs; it will be sent again')
    }
    const mark = Buffer.alloc(6)
    mark.writeUIntBE(index, 0, 6)
    await this.store.batch().put(FINISHED_KEY, mark).write({ sync: true })
    await this.store.close()
  }

  async discard(): Promise<void> {
    await this.store.close()
    await this.folder.destroy(STAGED_STORE)
  }

  private async put(chunk: Buffer): Promise<void> {
    this.checksum.update(chunk)
    const batch = this.store.batch()
    let at = 0
    while (at < chunk.length) {
      const keyEnd = at + 6 + chunk.readUInt16BE(at)
      const valueEnd = keyEnd + chunk.readUInt32BE(at + 2)
      batch.put(chunk.subarray(at + 6, keyEnd), chunk.subarray(keyEnd, valueEnd))
      at = valueEnd
    }
    // Synced: LevelDB turns its write-ahead log over without fsync, and a middle could go missing.
    await batch.write({ sync: true })
  }
}

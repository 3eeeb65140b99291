import { createHash } from 'node:crypto'
import type { KeyValueStore, Readable, ReadView, StoreFolder } from '../base/store.js'
import { Block } from './block.js'
import { indexOfBlockKey } from './blocks.js'
import { META_KEY } from './keys.js'
import { unpack } from './pack.js'
import { octetsOf, rangeOf } from './state-store.js'

/**
 * In a store that is no node's state yet: the index of the snapshot in it, u48 BE, 0 while it is unfinished. No
 * key of the state begins with a NUL.
 */
const STAGE_KEY = Buffer.from('\0stage', 'latin1')
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
  return {
    index: appliedIndexOf(view), // the view's own: a write may be under way
    chunks: () => chunksOf(view),
    liveValues: () => liveValuesOf(view),
    close: () => view.close(),
  }
}

/** The index that a stored state is at; 0 where there is none. */
export function appliedIndexOf(store: Readable): number {
  const meta = store.get(octetsOf(META_KEY))
  return meta === undefined ? 0 : (unpack(meta) as { appliedIndex: number }).appliedIndex
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
  private readonly name: string
  private readonly store: KeyValueStore
  private readonly checksum = createHash('sha256')
  /** The chunk before: the last one is the checksum, and only the end tells which is last. */
  private held: Buffer | undefined

  private constructor(folder: StoreFolder, name: string, store: KeyValueStore) {
    this.folder = folder
    this.name = name
    this.store = store
  }

  /** Begins a stage in the store `name`; what was in it is deleted. */
  static async begin(folder: StoreFolder, name: string): Promise<SnapshotStage> {
    await folder.destroy(name)
    const store = await folder.open(name)
    await mark(store, 0)
    return new SnapshotStage(folder, name, store)
  }

  /** True where a finished stage for this index lies there. */
  static async isFinished(folder: StoreFolder, name: string, index: number): Promise<boolean> {
    if (!(await folder.exists(name))) return false
    const store = await folder.open(name)
    try {
      return stageOf(store) === index
    } finally {
      await store.close()
    }
  }

  /** What is staged there is a state from now on. */
  static async clearMark(store: KeyValueStore): Promise<void> {
    await store.batch().del(STAGE_KEY).write({ sync: true })
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
    await mark(this.store, index)
    await this.store.close()
  }

  async discard(): Promise<void> {
    await this.store.close()
    await this.folder.destroy(this.name)
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

/** Of a store with a stage: the index, 0 while it is unfinished; undefined: what is in it is a state. */
export function stageOf(store: KeyValueStore): number | undefined {
  return store.get(STAGE_KEY)?.readUIntBE(0, 6)
}

async function mark(store: KeyValueStore, index: number): Promise<void> {
  const octets = Buffer.alloc(6)
  octets.writeUIntBE(index, 0, 6)
  await store.batch().put(STAGE_KEY, octets).write({ sync: true })
}

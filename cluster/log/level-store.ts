import { Level } from 'level'

import type {
  KeyRange,
  KeyValueStore,
  PageOptions,
  ReadView,
  WriteBatch,
} from '../../src/base/store.js'

/** For a log, which every message goes through: 4 MB costs a third of the speed. */
const WRITE_BUFFER_BYTES = 16 * 1024 * 1024
const PAGE_SIZE = 1000
const CLEAR_SIZE = 10_000

/** What we use of classic-level; `level` types only what browsers have as well. */
interface Database {
  open(): Promise<void>
  close(): Promise<void>
  getSync(key: Uint8Array, options?: { snapshot?: Snapshot }): Buffer | undefined
  batch(): Chained
  iterator(options: IteratorOptions): Iterator
  snapshot(): Snapshot
}
interface Snapshot {
  close(): Promise<void>
}
interface Chained {
  put(key: Uint8Array, value: Uint8Array): this
  del(key: Uint8Array): this
  write(options: { sync: boolean }): Promise<void>
}
interface Iterator {
  nextv(size: number): Promise<[Buffer, Buffer | undefined][]>
  close(): Promise<void>
}
interface IteratorOptions extends KeyRange {
  reverse?: boolean
  values?: boolean
  snapshot?: Snapshot
}

const EMPTY = Buffer.alloc(0)

export interface LevelStoreOptions {
  /** Octets of writes gathered in memory (twice: one half is being written out) before they become a table. */
  writeBufferBytes?: number
}

/**
 * Opens (creating it where missing) a LevelDB in directory `path`.
 * Rejects when another process holds it, or when LevelDB finds it damaged.
 */
export async function openLevelStore(
  path: string,
  { writeBufferBytes = WRITE_BUFFER_BYTES }: LevelStoreOptions = {},
): Promise<KeyValueStore> {
  const options = {
    keyEncoding: 'buffer',
    valueEncoding: 'buffer',
    writeBufferSize: writeBufferBytes,
  }
  const database = new Level(path, options) as unknown as Database
  await database.open()
  return new LevelStore(database)
}

class LevelStore implements KeyValueStore {
  private readonly database: Database

  constructor(database: Database) {
    this.database = database
  }

  get(key: Uint8Array): Buffer | undefined {
    return this.database.getSync(key)
  }

  pages(range: KeyRange, options: PageOptions = {}): AsyncIterable<[Buffer, Buffer][]> {
    return pagesOf(this.database, range, options)
  }

  batch(): WriteBatch {
    return new LevelBatch(this.database.batch())
  }

  /** Not LevelDB's own range delete: that one is not synced. */
  async clear(range: KeyRange): Promise<void> {
    for await (const page of this.pages(range, { keysOnly: true, pageSize: CLEAR_SIZE })) {
      const batch = this.batch()
      for (const [key] of page) batch.del(key)
      await batch.write({ sync: true })
    }
  }

  snapshot(): ReadView {
    const { database } = this
    const snapshot = database.snapshot()
    return {
      get: key => database.getSync(key, { snapshot }),
      pages: (range, options = {}) => pagesOf(database, range, options, snapshot),
      close: () => snapshot.close(),
    }
  }

  close(): Promise<void> {
    return this.database.close()
  }
}

class LevelBatch implements WriteBatch {
  length = 0
  private readonly chained: Chained

  constructor(chained: Chained) {
    this.chained = chained
  }

  put(key: Uint8Array, value: Uint8Array): this {
    this.chained.put(key, value)
    this.length++
    return this
  }

  del(key: Uint8Array): this {
    this.chained.del(key)
    this.length++
    return this
  }

  write(options: { sync: boolean }): Promise<void> {
    return this.chained.write(options)
  }
}

async function* pagesOf(
  database: Database,
  range: KeyRange,
  options: PageOptions,
  snapshot?: Snapshot,
): AsyncGenerator<[Buffer, Buffer][]> {
  const iterator = database.iterator({
    gte: range.gte,
    lt: range.lt,
    reverse: options.reverse ?? false,
    values: options.keysOnly !== true,
    ...(snapshot === undefined ? {} : { snapshot }),
  })
  try {
    for (;;) {
      const page = await iterator.nextv(options.pageSize ?? PAGE_SIZE)
      if (page.length === 0) return
      yield page.map(([key, value]) => [key, value ?? EMPTY])
    }
  } finally {
    await iterator.close()
  }
}

import type {
  KeyRange,
  KeyValueStore,
  PageOptions,
  ReadView,
  StoreFolder,
  WriteBatch,
} from '../base/store.js'

/**
 * A simulated disk: stores by name. What was written without sync is lost by `crash`, from the first such
 * one on (LevelDB can do worse: lose a middle).
 */
export class MemoryFolder implements StoreFolder {
  private readonly stores: Map<string, MemoryStore> = new Map()
  /** Resolves each write; simulations make it slow or failing. */
  onWrite: (name: string, sync: boolean) => Promise<void> = () => Promise.resolve()

  open(name: string): Promise<KeyValueStore> {
    let store = this.stores.get(name)
    if (store === undefined) {
      store = new MemoryStore(sync => this.onWrite(name, sync))
      this.stores.set(name, store)
    }
    if (store.opened) throw new Error(`store ${name} is open already`)
    store.opened = true
    return Promise.resolve(store)
  }

  exists(name: string): Promise<boolean> {
    return Promise.resolve(this.stores.has(name))
  }

  destroy(name: string): Promise<void> {
    if (this.stores.get(name)?.opened === true) throw new Error(`store ${name} is open`)
    this.stores.delete(name)
    return Promise.resolve()
  }

  /** The process is gone: unsynced writes are lost and every store is closed. */
  crash(): void {
    for (const store of this.stores.values()) store.crash()
  }
}

/** An ordered map in memory with LevelDB's promises. */
export class MemoryStore implements KeyValueStore {
  opened = false
  private pairs: Map<string, Buffer> = new Map()
  private sorted: string[] | undefined
  /** What unsynced writes replaced, oldest first. */
  private undo: [key: string, value: Buffer | undefined][] = []
  private readonly onWrite: (sync: boolean) => Promise<void>

  constructor(onWrite: (sync: boolean) => Promise<void> = () => Promise.resolve()) {
    this.onWrite = onWrite
  }

  get size(): number {
    return this.pairs.size
  }

  get(key: Uint8Array): Buffer | undefined {
    this.mustBeOpen()
    const value = this.pairs.get(text(key))
    return value === undefined ? undefined : Buffer.from(value)
  }

  pages(range: KeyRange, options?: PageOptions): AsyncIterable<[Buffer, Buffer][]> {
    this.mustBeOpen()
    return pagesOf(new Map(this.pairs), this.keys(), range, options)
  }

  batch(): WriteBatch {
    const operations: [string, Buffer | null][] = []
    const batch: WriteBatch = {
      put(key, value) {
        operations.push([text(key), Buffer.from(value)])
        return batch
      },
      del(key) {
        operations.push([text(key), null])
        return batch
      },
      get length() {
        return operations.length
      },
      write: ({ sync }) => this.write(operations, sync),
    }
    return batch
  }

  async clear(range: KeyRange): Promise<void> {
    await this.write(
      within(this.keys(), range).map(key => [key, null]),
      true,
    )
  }

  snapshot(): ReadView {
    const pairs = new Map(this.pairs)
    const keys = [...this.keys()]
    return {
      get: key => pairs.get(text(key)),
      pages: (range, options) => pagesOf(pairs, keys, range, options),
      close: () => Promise.resolve(),
    }
  }

  close(): Promise<void> {
    this.opened = false
    this.undo = []
    return Promise.resolve()
  }

  crash(): void {
    this.opened = false
    for (const [key, value] of this.undo.reverse()) {
      if (value === undefined) this.pairs.delete(key)
      else this.pairs.set(key, value)
    }
    this.undo = []
    this.sorted = undefined
  }

  private mustBeOpen(): void {
    if (!this.opened) throw new Error('the store is closed')
  }

  private async write(operations: [string, Buffer | null][], sync: boolean): Promise<void> {
    await this.onWrite(sync)
    this.mustBeOpen()
    for (const [key, value] of operations) {
      if (sync) this.undo = []
      else this.undo.push([key, this.pairs.get(key)])
      if (value === null) this.pairs.delete(key)
      else this.pairs.set(key, value)
    }
    this.sorted = undefined
  }

  private keys(): string[] {
    this.sorted ??= [...this.pairs.keys()].sort((a, b) => (a < b ? -1 : 1))
    return this.sorted
  }
}

async function* pagesOf(
  pairs: ReadonlyMap<string, Buffer>,
  keys: readonly string[],
  range: KeyRange,
  { pageSize = 1000, reverse = false, keysOnly = false }: PageOptions = {},
): AsyncIterable<[Buffer, Buffer][]> {
  const found = within(keys, range)
  if (reverse) found.reverse()
  for (let at = 0; at < found.length; at += pageSize) {
    await Promise.resolve()
    yield found.slice(at, at + pageSize).map(key => {
      const value = keysOnly ? Buffer.alloc(0) : Buffer.from(pairs.get(key)!)
      return [Buffer.from(key, 'latin1'), value]
    })
  }
}

function within(keys: readonly string[], { gte, lt }: KeyRange): string[] {
  const from = text(gte)
  const to = text(lt)
  return keys.filter(key => key >= from && key < to)
}

function text(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

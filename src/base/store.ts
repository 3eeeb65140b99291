/**
 * An ordered key-value store: what the log, the journal's values and the applied state lie in.
 * `cluster/log/` implements it on LevelDB, `src/testing/` as a simulated disk.
 */
export interface KeyValueStore extends Readable {
  /** A write of several keys that lands whole or not at all. */
  batch(): WriteBatch
  /** Deletes all keys in the range; synced when the promise resolves. */
  clear(range: KeyRange): Promise<void>
  /** The store as it is now, until closed; later writes do not show. */
  snapshot(): ReadView
  close(): Promise<void>
}

export interface Readable {
  /** The value, or undefined. Synchronous: `apply` reads through it. The caller owns the buffer. */
  get(key: Uint8Array): Buffer | undefined
  /** Pairs in key order, in pages of up to `pageSize` (default 1,000) pairs. */
  pages(range: KeyRange, options?: PageOptions): AsyncIterable<[key: Buffer, value: Buffer][]>
}

export interface ReadView extends Readable {
  close(): Promise<void>
}

/** Half open: gte <= key < lt. */
export interface KeyRange {
  gte: Uint8Array
  lt: Uint8Array
}

export interface PageOptions {
  pageSize?: number
  reverse?: boolean
  /** Leave values out (each is then empty). */
  keysOnly?: boolean
}

export interface WriteBatch {
  put(key: Uint8Array, value: Uint8Array): this
  del(key: Uint8Array): this
  /** Operations gathered so far. */
  readonly length: number
  /** Resolves when the batch is written, and with `sync` when it is on disk. A failure is fatal for the node. */
  write(options: { sync: boolean }): Promise<void>
}

/** Where a node's stores lie. Changes of names are on disk when the promise resolves. */
export interface StoreFolder {
  /** Opens a store, or makes it. */
  open(name: string): Promise<KeyValueStore>
  exists(name: string): Promise<boolean>
  /** Deletes a closed store; one that is not there is no error. */
  destroy(name: string): Promise<void>
}

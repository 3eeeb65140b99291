import type { Timers } from '../../src/base/clock.js'
import type { Random } from '../../src/base/random.js'
import type {
  KeyRange,
  KeyValueStore,
  PageOptions,
  ReadView,
  WriteBatch,
} from '../../src/base/store.js'

type Operation = { key: string; value: Buffer | undefined }
type Table = Map<string, Buffer>

/**
 * A disk for simulations: what was synced survives a crash; what was not is lost, also from
 * between synced writes, as LevelDB can lose it when it changes its write-ahead log. A write that
 * was under way when the crash came may have landed or not, but as a whole, and in order.
 */
export class MemoryDisk {
  private durable: Table = new Map()
  private store: MemoryStore | undefined
  private readonly timers: Timers
  private readonly random: Random
  /** A write takes so long, ms. */
  writeMsMin = 0
  writeMsMax: number

  constructor(timers: Timers, random: Random, writeMsMax = 2) {
    this.timers = timers
    this.random = random
    this.writeMsMax = writeMsMax
  }

  /** Opens it as it is on disk; whoever held it before is a process that is gone. */
  open(): KeyValueStore {
    this.crash()
    const write = (land: () => void): Promise<void> =>
      new Promise(resolve =>
        this.timers.after(this.writeMs(), () => {
          land()
          resolve()
        }),
      )
    this.store = new MemoryStore(new Map(this.durable), write, operations =>
      change(this.durable, operations),
    )
    return this.store
  }

  private writeMs(): number {
    const { writeMsMin, writeMsMax } = this
    return writeMsMin + this.random.unit() * (writeMsMax - writeMsMin)
  }

  /** Ends the store that is open: its promises never resolve. */
  crash(): void {
    const underWay = this.store?.die() ?? []
    this.store = undefined
    const landed = this.random.below(underWay.length + 1)
    for (const operations of underWay.slice(0, landed)) change(this.durable, operations)
  }
}

class MemoryStore implements KeyValueStore {
  private readonly table: Table
  private readonly write: (land: () => void) => Promise<void>
  private readonly sync: (operations: Operation[]) => void
  /** Synced writes that are not on disk yet, in order. */
  private underWay: Operation[][] = []
  private last: Promise<void> = Promise.resolve()
  private dead = false

  constructor(
    table: Table,
    write: (land: () => void) => Promise<void>,
    sync: (operations: Operation[]) => void,
  ) {
    this.table = table
    this.write = write
    this.sync = sync
  }

  get(key: Uint8Array): Buffer | undefined {
    const value = this.table.get(name(key))
    return value === undefined ? undefined : Buffer.from(value)
  }

  pages(range: KeyRange, options?: PageOptions): AsyncIterable<[Buffer, Buffer][]> {
    return pagesOf(new Map(this.table), range, options)
  }

  batch(): WriteBatch {
    return new MemoryBatch((operations, sync) => this.land(operations, sync))
  }

  async clear(range: KeyRange): Promise<void> {
    const keys = [...this.table.keys()].filter(key => within(key, range))
    await this.land(
      keys.map(key => ({ key, value: undefined })),
      true,
    )
  }

  snapshot(): ReadView {
    const table = new Map(this.table)
    return {
      get: key => table.get(name(key)),
      pages: (range, options) => pagesOf(table, range, options),
      close: () => Promise.resolve(),
    }
  }

  close(): Promise<void> {
    return this.last
  }

  die(): Operation[][] {
    this.dead = true
    return this.underWay
  }

  private land(operations: Operation[], sync: boolean): Promise<void> {
    const before = this.last
    if (sync) this.underWay.push(operations)
    const landed = before.then(() =>
      this.write(() => {
        if (this.dead) return
        change(this.table, operations)
        if (!sync) return
        this.sync(operations)
        this.underWay.shift()
      }),
    )
    this.last = landed
    // of a dead process nothing more is heard
    return new Promise((resolve, reject) => {
      landed.then(() => {
        if (!this.dead) resolve()
      }, reject)
    })
  }
}

class MemoryBatch implements WriteBatch {
  private readonly operations: Operation[] = []
  private readonly land: (operations: Operation[], sync: boolean) => Promise<void>

  constructor(land: (operations: Operation[], sync: boolean) => Promise<void>) {
    this.land = land
  }

  get length(): number {
    return this.operations.length
  }

  put(key: Uint8Array, value: Uint8Array): this {
    this.operations.push({ key: name(key), value: Buffer.from(value) })
    return this
  }

  del(key: Uint8Array): this {
    this.operations.push({ key: name(key), value: undefined })
    return this
  }

  write({ sync }: { sync: boolean }): Promise<void> {
    return this.land(this.operations, sync)
  }
}

/** Byte order of keys is the order of these. */
function name(key: Uint8Array): string {
  return Buffer.from(key).toString('hex')
}

function within(key: string, range: KeyRange): boolean {
  return key >= name(range.gte) && key < name(range.lt)
}

function change(table: Table, operations: Operation[]): void {
  for (const { key, value } of operations) {
    if (value === undefined) table.delete(key)
    else table.set(key, value)
  }
}

async function* pagesOf(
  table: Table,
  range: KeyRange,
  options: PageOptions = {},
): AsyncGenerator<[Buffer, Buffer][]> {
  const keys = [...table.keys()].filter(key => within(key, range)).sort()
  if (options.reverse === true) keys.reverse()
  const size = options.pageSize ?? 1000
  for (let at = 0; at < keys.length; at += size) {
    yield await Promise.resolve(
      keys
        .slice(at, at + size)
        .map((key): [Buffer, Buffer] => [Buffer.from(key, 'hex'), Buffer.from(table.get(key)!)]),
    )
  }
}

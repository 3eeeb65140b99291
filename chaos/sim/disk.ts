import type { Random } from '../../src/base/random.js'
import type {
  KeyRange,
  KeyValueStore,
  PageOptions,
  ReadView,
  StoreFolder,
  WriteBatch,
} from '../../src/base/store.js'
import type { SimProcess } from './process.js'

type Operation = readonly [key: string, value: Buffer | null]
type Table = Map<string, Buffer>

/** How long the operating system keeps what nobody asked it to sync, at most. */
const WRITE_BACK_MS = 500

export interface DiskFaults {
  /** A write takes so long, ms. */
  writeMs: { min: number; max: number }
  /** Share of writes before which LevelDB changes its write-ahead log: what is unsynced then has no sync of a later write. */
  rotation: number
  /** Writes fail from now on. */
  failing: boolean
  /** Synced writes are taken as written when they are not: for mutations only. */
  liesAboutSync: ((store: string, keys: readonly string[]) => boolean) | undefined
}

/** What one write left: in the order of the writes. */
interface Written {
  operations: readonly Operation[]
  atMs: number
  /** No crash can take it any more. */
  safe: boolean
  /** In a write-ahead log that later syncs do not reach. */
  rotated: boolean
}

/**
 * A node's disk. What was synced survives a crash. What was not may vanish, also from between later synced
 * writes, as LevelDB can lose it. A write under way when the crash comes has landed whole or not at all,
 * those before it first.
 */
export class SimDisk implements StoreFolder {
  readonly faults: DiskFaults = {
    writeMs: { min: 0.1, max: 2 },
    rotation: 0.1,
    failing: false,
    liesAboutSync: undefined,
  }
  boots = 0
  /** fsynced writes so far, of all stores. */
  syncs = 0
  private readonly random: Random
  private readonly stores = new Map<string, DiskStore>()
  private process: SimProcess | undefined

  constructor(random: Random) {
    this.random = random
  }

  /** The process that uses the disk from now on. */
  mount(process: SimProcess): void {
    this.process = process
  }

  open(name: string): Promise<KeyValueStore> {
    const { process } = this
    if (process === undefined || process.isDead) return never() // what a dead process was about to do
    let store = this.stores.get(name)
    if (store === undefined) {
      store = new DiskStore(name, this, this.random)
      this.stores.set(name, store)
    }
    if (store.user !== undefined) return Promise.reject(new Error(`store ${name} is open already`))
    return Promise.resolve(store.use(process))
  }

  exists(name: string): Promise<boolean> {
    return Promise.resolve(this.stores.has(name))
  }

  destroy(name: string): Promise<void> {
    return this.change(() => {
      if (this.stores.get(name)?.user !== undefined) throw new Error(`store ${name} is open`)
      this.stores.delete(name)
    })
  }

  /** Counts boots durably. */
  async nextBoot(above: number): Promise<number> {
    const boot = Math.max(this.boots, above) + 1
    await this.change(() => {
      this.boots = boot
    })
    return boot
  }

  /** The value that would be there after a crash now. */
  durable(name: string, key: Uint8Array): Buffer | undefined {
    return this.stores.get(name)?.durable(text(key))
  }

  /** The process is gone. */
  crash(): void {
    this.process = undefined
    for (const store of this.stores.values()) store.crash()
  }

  /** Everything is gone: a new disk. */
  wipe(): void {
    this.stores.clear()
    this.boots = 0
  }

  /**
   * Flips one octet of a value of the store `name` whose key begins with `prefix`, in the latter half of
   * them; of a disk that is not mounted. Returns the way back, or undefined where there is nothing.
   */
  corrupt(name: string, prefix: number): (() => void) | undefined {
    return this.stores.get(name)?.corrupt(prefix)
  }

  /** Deletes keys of a store that nobody has open: for mutations only. */
  lose(name: string, which: (key: string) => boolean): void {
    this.stores.get(name)?.lose(which)
  }

  writeMs(): number {
    const { min, max } = this.faults.writeMs
    return min + this.random.unit() * (max - min)
  }

  /** A change of names: done or not, on disk when it resolves. */
  private async change(act: () => void): Promise<void> {
    const { process } = this
    if (process?.mayAct() !== true) return never()
    await process.sleep(this.writeMs())
    if (this.faults.failing) throw new Error('ENOSPC: no space left on device')
    act()
  }
}

class DiskStore {
  name: string
  /** Who has it open. */
  user: OpenStore | undefined
  readonly disk: SimDisk
  private readonly random: Random
  private readonly base: Table = new Map()
  private written: Written[] = []

  constructor(name: string, disk: SimDisk, random: Random) {
    this.name = name
    this.disk = disk
    this.random = random
  }

  use(process: SimProcess): OpenStore {
    const table = new Map(this.base)
    for (const { operations } of this.written) change(table, operations)
    this.user = new OpenStore(this, process, table)
    return this.user
  }

  /** A write has landed in the table. */
  land(operations: readonly Operation[], sync: boolean, atMs: number): void {
    const lies = this.disk.faults.liesAboutSync?.(
      this.name,
      operations.map(([key]) => key),
    )
    const synced = sync && lies !== true
    for (const before of this.written)
      if ((synced && !before.rotated) || atMs - before.atMs > WRITE_BACK_MS) before.safe = true
    if (!synced) for (const before of this.written) before.rotated ||= this.rotates()
    else this.disk.syncs++
    this.written.push({ operations, atMs, safe: synced, rotated: false })
    if (!synced && this.rotates()) this.written.at(-1)!.rotated = true
    let settled = 0
    while (this.written[settled]?.safe === true)
      change(this.base, this.written[settled++]!.operations)
    if (settled > 0) this.written.splice(0, settled)
  }

  durable(key: string): Buffer | undefined {
    let value = this.base.get(key)
    for (const { operations, safe } of this.written) {
      if (!safe) continue
      for (const [name, put] of operations) if (name === key) value = put ?? undefined
    }
    return value
  }

  crash(): void {
    const underWay = this.user?.abandon() ?? []
    this.user = undefined
    const landed = this.random.below(underWay.length + 1)
    for (const { operations, safe } of this.written)
      if (safe || this.random.unit() < 0.5) change(this.base, operations)
    this.written = []
    for (const operations of underWay.slice(0, landed)) change(this.base, operations)
  }

  closed(): void {
    this.user = undefined
  }

  corrupt(prefix: number): (() => void) | undefined {
    const keys = [...this.base.keys()].filter(key => key.charCodeAt(0) === prefix).sort()
    const key = keys[Math.floor(keys.length * (0.5 + this.random.unit() / 2))]
    const value = key === undefined ? undefined : this.base.get(key)
    if (key === undefined || value === undefined || value.length === 0) return undefined
    const at = this.random.below(value.length)
    const bad = Buffer.from(value)
    bad[at] = bad[at]! ^ (1 << this.random.below(8))
    this.base.set(key, bad)
    return () => {
      if (this.base.get(key) === bad) this.base.set(key, value)
    }
  }

  lose(which: (key: string) => boolean): void {
    for (const key of [...this.base.keys()]) if (which(key)) this.base.delete(key)
  }

  private rotates(): boolean {
    return this.random.unit() < this.disk.faults.rotation
  }
}

/** A store as one process has it open. */
class OpenStore implements KeyValueStore {
  private readonly store: DiskStore
  private readonly process: SimProcess
  private readonly table: Table
  private sorted: string[] | undefined
  private underWay: (readonly Operation[])[] = []
  private last: Promise<void> = Promise.resolve()
  private closed = false

  constructor(store: DiskStore, process: SimProcess, table: Table) {
    this.store = store
    this.process = process
    this.table = table
  }

  get(key: Uint8Array): Buffer | undefined {
    this.mustBeOpen()
    const value = this.table.get(text(key))
    return value === undefined ? undefined : Buffer.from(value)
  }

  pages(range: KeyRange, options?: PageOptions): AsyncIterable<[Buffer, Buffer][]> {
    this.mustBeOpen()
    return pagesOf(new Map(this.table), this.keys(), range, options)
  }

  batch(): WriteBatch {
    const operations: Operation[] = []
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

  clear(range: KeyRange): Promise<void> {
    return this.write(
      within(this.keys(), range).map((key): Operation => [key, null]),
      true,
    )
  }

  snapshot(): ReadView {
    const table = new Map(this.table)
    const keys = [...this.keys()]
    return {
      get: key => table.get(text(key)),
      pages: (range, options) => pagesOf(table, keys, range, options),
      close: () => Promise.resolve(),
    }
  }

  async close(): Promise<void> {
    await this.last.catch(() => undefined)
    this.closed = true
    if (!this.process.isDead) this.store.closed()
  }

  abandon(): (readonly Operation[])[] {
    this.closed = true
    return this.underWay
  }

  /** One after the other, as LevelDB writes. */
  private write(operations: readonly Operation[], sync: boolean): Promise<void> {
    if (this.closed) return Promise.reject(new Error(`store ${this.store.name} is closed`))
    if (!this.process.mayAct()) return never()
    this.underWay.push(operations)
    const landed = this.last
      .catch(() => undefined)
      .then(() => this.process.sleep(this.store.disk.writeMs()))
      .then(() => {
        if (this.store.disk.faults.failing) throw new Error('EIO: i/o error, fsync')
        this.underWay.shift()
        change(this.table, operations)
        this.sorted = undefined
        this.store.land(operations, sync, this.process.monotonicMs())
      })
    this.last = landed
    return landed
  }

  /** As LevelDB has it; what a dead process still asks for is nobody's concern. */
  private mustBeOpen(): void {
    if (this.closed && !this.process.isDead) throw new Error(`store ${this.store.name} is closed`)
  }

  private keys(): string[] {
    this.sorted ??= [...this.table.keys()].sort((a, b) => (a < b ? -1 : 1))
    return this.sorted
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}

function change(table: Table, operations: readonly Operation[]): void {
  for (const [key, value] of operations) {
    if (value === null) table.delete(key)
    else table.set(key, value)
  }
}

async function* pagesOf(
  table: ReadonlyMap<string, Buffer>,
  keys: readonly string[],
  range: KeyRange,
  { pageSize = 1000, reverse = false, keysOnly = false }: PageOptions = {},
): AsyncIterable<[Buffer, Buffer][]> {
  const found = within(keys, range)
  if (reverse) found.reverse()
  for (let at = 0; at < found.length; at += pageSize) {
    await Promise.resolve()
    yield found.slice(at, at + pageSize).map((key): [Buffer, Buffer] => {
      const value = keysOnly ? Buffer.alloc(0) : Buffer.from(table.get(key)!)
      return [Buffer.from(key, 'latin1'), value]
    })
  }
}

function within(keys: readonly string[], { gte, lt }: KeyRange): string[] {
  const from = text(gte)
  const to = text(lt)
  return keys.filter(key => key >= from && key < to)
}

/** Byte order of keys is the order of these. */
function text(key: Uint8Array): string {
  if (Buffer.isBuffer(key)) return key.toString('latin1')
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

import { IndexDeque } from './index-deque.js'
import type { LogEntry } from './records.js'

/** Octets of the newest entries that stay in memory. */
const BYTES_MAX = 16 * 1024 * 1024

/** The newest entries of a log, as many as fit into `bytesMax`, and at least one. */
export class EntryTail {
  private readonly entries: IndexDeque<LogEntry>
  private readonly bytesMax: number
  private bytes = 0

  /** Empty; its first entry will have the index `next`. */
  constructor(next: number, bytesMax = BYTES_MAX) {
    this.entries = new IndexDeque(next)
    this.bytesMax = bytesMax
  }

  /** Index of the oldest one. */
  get first(): number {
    return this.entries.first
  }

  get(index: number): LogEntry | undefined {
    return this.entries.get(index)
  }

  /** Entries [lo, hi), which must all be here. */
  slice(lo: number, hi: number): LogEntry[] {
    return this.entries.slice(lo, hi)
  }

  push(entry: LogEntry): void {
    this.entries.push(entry.index, entry)
    this.bytes += sizeOf(entry)
  }

  /** Drops the entries from `index` on. */
  truncate(index: number): void {
    const { entries } = this
    for (let at = Math.max(index, entries.first); at < entries.end; at++) this.subtract(at)
    entries.truncate(index)
  }

  dropBelow(index: number): void {
    const { entries } = this
    for (let at = entries.first; at < index && at < entries.end; at++) this.subtract(at)
    entries.dropBelow(index)
  }

  /** Drops the oldest, down to `bytesMax`. */
  trim(): void {
    const { entries } = this
    let keep = entries.first
    for (let bytes = this.bytes; bytes > this.bytesMax && keep < entries.end - 1; keep++)
      bytes -= sizeOf(entries.get(keep))
    this.dropBelow(keep)
  }

  /** Drops all; the next entry will have the index `next`. */
  reset(next: number): void {
    this.entries.reset(next)
    this.bytes = 0
  }

  private subtract(index: number): void {
    this.bytes -= sizeOf(this.entries.get(index))
  }
}

function sizeOf(entry: LogEntry | undefined): number {
  return entry?.data?.length ?? 0
}

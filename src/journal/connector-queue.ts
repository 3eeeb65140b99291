import type { ClaimedRange } from './commands.js'
import { queuePrefix } from './keys.js'
import { SegmentedList } from './segmented-list.js'
import type { StateStore } from './state-store.js'

/** Again (retries, resends), then SMPP priority_flag 3 … 0: the order in which a claim takes them. */
export const LEVELS = 5
/** The level of a priority_flag. */
export const levelOf = (priority: number): number => 4 - priority
export const AGAIN = 0

/** index u48 | lo u16 | hi u16 | unused u16 */
const RANGE_OCTETS = 12

/** Where a level's list begins and ends, and how much of its first range is taken. */
export interface LevelCursor {
  head: number
  tail: number
  /** Offset from which on the first range is left; 0 where nothing of it was taken (offsets only grow). */
  from: number
}

/**
 * One connector's queue: ranges of messages [lo, hi) of an entry, by level. It may name messages that
 * are queued no more (voided, expired, concluded late): whoever takes them looks at their marks.
 */
export class ConnectorQueue {
  private readonly levels: { list: SegmentedList; cursor: LevelCursor }[]

  constructor(store: StateStore, connector: number, cursors: LevelCursor[]) {
    this.levels = cursors.map((cursor, level) => ({
      cursor,
      list: new SegmentedList(store, queuePrefix(connector, level), RANGE_OCTETS, cursor),
    }))
  }

  get cursors(): LevelCursor[] {
    return this.levels.map(({ cursor }) => cursor)
  }

  get empty(): boolean {
    return this.levels.every(({ list }) => list.length === 0)
  }

  /** Rises with whatever is taken or dropped. */
  get position(): number {
    return this.levels.reduce((sum, { cursor }) => sum + cursor.head * 4097 + cursor.from, 0)
  }

  append(level: number, index: number, lo: number, hi: number): void {
    this.levels[level]!.list.append((into, at) => {
      into.writeUIntBE(index, at, 6)
      into.writeUInt16BE(lo, at + 6)
      into.writeUInt16BE(hi, at + 8)
    })
  }

  /**
   * Takes up to `count` messages for which `take` says yes, the foremost first, and joins neighbours to
   * ranges. Looks at no more than `examineMax` messages.
   */
  take(
    count: number,
    examineMax: number,
    take: (index: number, offset: number) => boolean,
  ): ClaimedRange[] {
    const taken: ClaimedRange[] = []
    let left = count
    let examine = examineMax
    for (const { list, cursor } of this.levels) {
      while (list.length > 0 && left > 0 && examine > 0) {
        const { index, lo, hi } = this.range(list, cursor)
        let offset = lo
        for (; offset < hi && left > 0 && examine > 0; offset++, examine--)
          if (take(index, offset)) {
            left--
            join(taken, index, offset)
          }
        cursor.from = offset
        if (offset < hi) break
        list.shift()
        cursor.from = 0
      }
    }
    return taken
  }

  /**
   * Drops what stands foremost in each level and is queued no more, so that `heads` shows what is. Looks at
   * no more than `examineMax` messages.
   */
  trim(examineMax: number, isQueued: (index: number, offset: number) => boolean): void {
    let examine = examineMax
    for (const { list, cursor } of this.levels)
      while (list.length > 0 && examine > 0) {
        const { index, lo, hi } = this.range(list, cursor)
        let offset = lo
        while (offset < hi && examine > 0 && !isQueued(index, offset)) {
          offset++
          examine--
        }
        cursor.from = offset
        if (offset < hi) break
        list.shift()
        cursor.from = 0
      }
  }

  /** The first ranges of each level, at most `most` a level: what waits longest. */
  *heads(most: number): Generator<ClaimedRange> {
    for (const { list, cursor } of this.levels)
      for (let i = cursor.head; i < Math.min(cursor.tail, cursor.head + most); i++)
        yield this.range(list, cursor, i)
  }

  /**
   * All ranges that a level has now, but for those that are taken meanwhile. May be read on in a later turn, for
   * the numbers of a list stay what they are.
   */
  *ranges(level: number): Generator<ClaimedRange> {
    const { list, cursor } = this.levels[level]!
    const { tail } = cursor
    for (let i = cursor.head; i < tail; i = Math.max(i + 1, cursor.head))
      yield this.range(list, cursor, i)
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const { list } of this.levels) list.collect(put, del)
  }

  /** What is left of a range, by its number in the list. */
  private range(list: SegmentedList, cursor: LevelCursor, number = cursor.head): ClaimedRange {
    const { octets, at } = list.at(number)
    const lo = octets.readUInt16BE(at + 6)
    return {
      index: octets.readUIntBE(at, 6),
      lo: number === cursor.head ? Math.max(lo, cursor.from) : lo,
      hi: octets.readUInt16BE(at + 8),
    }
  }
}

function join(ranges: ClaimedRange[], index: number, offset: number): void {
  const last = ranges[ranges.length - 1]
  if (last?.index === index && last.hi === offset) last.hi++
  else ranges.push({ index, lo: offset, hi: offset + 1 })
}

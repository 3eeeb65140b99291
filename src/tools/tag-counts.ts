import { runText } from './message-tag.js'

/** What was counted of one run. */
export interface RunCount {
  run: string
  /** Tags seen at least once. */
  distinct: number
  /** Sightings; `total - distinct` are repetitions. */
  total: number
  /** Tags seen more than once. */
  duplicated: number
  /** The highest n seen. */
  highest: number
}

/**
 * How often each tag was seen: an octet per tag, in pages of 65,536, so that a million messages cost
 * a megabyte and a wild `n` costs one page. Counts stop at 255. Bounded: beyond `pagesMax` pages
 * (default 4,096: 256 MiB) new tags are only counted as `uncounted`.
 */
export class TagCounts {
  /** Sightings that found no room. */
  uncounted = 0
  private readonly pagesMax: number
  private readonly runs = new Map<number, Run>()
  private pages = 0

  constructor(pagesMax = 4_096) {
    this.pagesMax = pagesMax
  }

  /** @returns how often the tag has been seen, this time included; 0: no room to count it */
  add(run: number, n: number): number {
    let of = this.runs.get(run)
    if (of === undefined) {
      if (this.pages >= this.pagesMax) return this.leaveOut()
      of = { pages: [], distinct: 0, total: 0, duplicated: 0, highest: -1 }
      this.runs.set(run, of)
    }
    const at = n >>> PAGE_BITS
    let page = of.pages[at]
    if (page === undefined) {
      if (this.pages >= this.pagesMax) return this.leaveOut()
      this.pages++
      page = new Uint8Array(PAGE)
      of.pages[at] = page
    }
    of.total++
    if (n > of.highest) of.highest = n
    const count = page[n & (PAGE - 1)]! + 1
    if (count > 255) return 255
    page[n & (PAGE - 1)] = count
    if (count === 1) of.distinct++
    else if (count === 2) of.duplicated++
    return count
  }

  /** How often the tag was seen, at most 255. */
  count(run: number, n: number): number {
    return this.runs.get(run)?.pages[n >>> PAGE_BITS]?.[n & (PAGE - 1)] ?? 0
  }

  /** Counts of tags `[from, to)` of a run, an octet each. */
  counts(run: number, from: number, to: number): Uint8Array {
    const counts = new Uint8Array(Math.max(0, to - from))
    for (let i = 0; i < counts.length; i++) counts[i] = this.count(run, from + i)
    return counts
  }

  /** Ranges `[lo, hi)` of tags below `to` that were not seen, at most `limit` of them. */
  missing(run: number, to: number, limit = 1_000): [lo: number, hi: number][] {
    const ranges: [number, number][] = []
    for (let n = 0; n < to && ranges.length < limit; n++) {
      if (this.count(run, n) > 0) continue
      const lo = n
      while (n < to && this.count(run, n) === 0) n++
      ranges.push([lo, n])
    }
    return ranges
  }

  /** What was counted of a run; zeros where it was never seen. */
  of(run: number): RunCount {
    const { distinct = 0, total = 0, duplicated = 0, highest = -1 } = this.runs.get(run) ?? {}
    return { run: runText(run), distinct, total, duplicated, highest }
  }

  all(): RunCount[] {
    return [...this.runs.keys()].map(run => this.of(run))
  }

  private leaveOut(): 0 {
    this.uncounted++
    return 0
  }
}

interface Run {
  pages: (Uint8Array | undefined)[]
  distinct: number
  total: number
  duplicated: number
  highest: number
}

const PAGE_BITS = 16
const PAGE = 1 << PAGE_BITS

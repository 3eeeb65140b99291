import { assert } from '../../src/base/assert.js'

/** Items under consecutive indexes: grows at the end, is cut at either. */
export class IndexDeque<T> {
  /** Index of the first item; of the next one where it is empty. */
  first: number
  private items: T[] = []
  private head = 0

  constructor(first: number) {
    this.first = first
  }

  /** Index behind the last item. */
  get end(): number {
    return this.first + this.items.length - this.head
  }

  get(index: number): T | undefined {
    return index < this.first ? undefined : this.items[this.head + index - this.first]
  }

  push(index: number, item: T): void {
    assert(index === this.end, `index ${index} does not follow ${this.end - 1}`)
    this.items.push(item)
  }

  slice(lo: number, hi: number): T[] {
    return this.items.slice(this.head + lo - this.first, this.head + hi - this.first)
  }

  /** Drops the items from `index` on. */
  truncate(index: number): void {
    if (index >= this.end) return
    if (index <= this.first) this.reset(Math.min(index, this.first))
    else this.items.length = this.head + index - this.first
  }

  /** Drops the items below `index`. */
  dropBelow(index: number): void {
    if (index <= this.first) return
    if (index >= this.end) {
      this.reset(index)
      return
    }
    const count = index - this.first
    this.items.fill(undefined as T, this.head, this.head + count) // what they refer to can go at once
    this.head += count
    this.first = index
    if (this.head > 1024 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
  }

  reset(first: number): void {
    this.first = first
    this.items = []
    this.head = 0
  }
}

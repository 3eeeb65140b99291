import type { Ref } from '../journal/index.js'

/** Something to be done at a time, monotonic ms. */
export interface Due {
  atMs: number
  ref: Ref
  kind: 'retry' | 'doubt'
  /** What the state said of it when it was noted: if it says otherwise now, this is stale. */
  stamp: number
}

/** A binary heap, soonest first. */
export class DueHeap {
  private readonly heap: Due[] = []

  get size(): number {
    return this.heap.length
  }

  peek(): Due | undefined {
    return this.heap[0]
  }

  push(due: Due): void {
    const { heap } = this
    let at = heap.push(due) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (heap[parent]!.atMs <= due.atMs) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = due
  }

  pop(): Due | undefined {
    const { heap } = this
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++
      if (heap[child]!.atMs >= last.atMs) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
    return top
  }
}

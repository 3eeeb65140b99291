/** Requests that may wait for a current read. */
export const WAITING_MAX = 1000

/** Reads the state for many: all that come while one current read is under way share the next. */
export class ReadTurns<T> {
  private readonly currentRead: () => Promise<unknown>
  private readonly current: (item: T) => void
  private readonly failed: (item: T) => void
  private waiting: T[] = []
  private reading = false

  /**
   * @param currentRead  resolves when this node has applied all that was committed when it was called
   * @param current      the state is as new as the item
   * @param failed       nobody knows: no quorum
   */
  constructor(
    currentRead: () => Promise<unknown>,
    current: (item: T) => void,
    failed: (item: T) => void,
  ) {
    this.currentRead = currentRead
    this.current = current
    this.failed = failed
  }

  /** False: as many as may wait do. */
  add(item: T): boolean {
    if (this.waiting.length >= WAITING_MAX) return false
    this.waiting.push(item)
    this.read()
    return true
  }

  private read(): void {
    if (this.reading || this.waiting.length === 0) return
    const items = this.waiting
    this.waiting = []
    this.reading = true
    void this.currentRead()
      .then(
        () => items.forEach(this.current),
        () => items.forEach(this.failed),
      )
      .finally(() => {
        this.reading = false
        this.read()
      })
  }
}

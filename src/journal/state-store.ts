import type { KeyValueStore } from '../base/store.js'

/** A part of the state that knows which of its keys changed since it was last collected. */
export interface Persistent {
  /** Hands over every change since the last call, encoded. Later changes wait for the next call. */
  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void
}

/**
 * The applied state on disk, behind a bounded overlay (DESIGN §4): parts of the state keep what changed
 * as objects, `flush` encodes all of it at one applied index and writes one synced batch; until that is
 * on disk, reads see the pending batch. A crash loses the overlay, and the log replays it.
 *
 * Keys are strings of octets (latin1), so that they can be looked up in a Map; see keys.ts.
 */
export class StateStore {
  private readonly store: KeyValueStore
  private readonly parts: Persistent[] = []
  private pending: Map<string, Buffer | null> = new Map()
  private writing: Promise<void> | undefined

  constructor(store: KeyValueStore) {
    this.store = store
  }

  /** Registers a part. The order decides the order of collecting. */
  add(part: Persistent): void {
    this.parts.push(part)
  }

  /** The value on disk or on its way there; undefined where there is none. Synchronous. */
  get(key: string): Buffer | undefined {
    const waiting = this.pending.get(key)
    if (waiting !== undefined) return waiting ?? undefined
    return this.store.get(octetsOf(key))
  }

  /** True while a batch is being written: a second flush has to wait. */
  get busy(): boolean {
    return this.writing !== undefined
  }

  /**
   * Writes everything that changed, together with what `seal` adds (the applied index). Resolves when it
   * is on disk. Collecting happens before it returns: changes made afterwards belong to the next one.
   */
  flush(seal: (put: (key: string, value: Buffer) => void) => void): Promise<void> {
    if (this.writing !== undefined) throw new Error('a flush is under way')
    const pending = new Map<string, Buffer | null>()
    const put = (key: string, value: Buffer): void => void pending.set(key, value)
    const del = (key: string): void => void pending.set(key, null)
    for (const part of this.parts) part.collect(put, del)
    seal(put)
    this.pending = pending
    const batch = this.store.batch()
    for (const [key, value] of pending) {
      if (value === null) batch.del(octetsOf(key))
      else batch.put(octetsOf(key), value)
    }
    this.writing = batch.write({ sync: true }).then(() => {
      this.pending = new Map()
      this.writing = undefined
    })
    return this.writing
  }

  /** All pairs under a prefix, read at start before anything was applied. */
  async load(prefix: string, each: (key: string, value: Buffer) => void): Promise<void> {
    for await (const page of this.store.pages(rangeOf(prefix)))
      for (const [key, value] of page) each(key.toString('latin1'), value)
  }
}

/** Keys that begin with `prefix`, which begins with a letter; it may end in 0xff, as the number 255 does. */
export function rangeOf(prefix: string): { gte: Buffer; lt: Buffer } {
  const stem = prefix.replace(/\xff+$/, '')
  const last = stem.charCodeAt(stem.length - 1)
  return {
    gte: octetsOf(prefix),
    lt: octetsOf(stem.slice(0, -1) + String.fromCharCode(last + 1)),
  }
}

export const octetsOf = (key: string): Buffer => Buffer.from(key, 'latin1')

import { crc32 } from 'node:zlib'

import type { GroupListener, SnapshotSink, SnapshotSource, StateMachine } from '../types.js'

/** What of a `ListMachine` is on disk: survives it. */
export interface ListDisk {
  state: ListState
  staged: { index: number; state: ListState } | undefined
}

export interface ListState {
  index: number
  /** Running checksum over all applied entries. */
  hash: number
  /** Indexes whose values are still wanted. */
  live: number[]
}

export const emptyDisk = (): ListDisk => ({
  state: { index: 0, hash: 0, live: [] },
  staged: undefined,
})

/** A state machine for tests: remembers which entries it applied, and a checksum over them. */
export class ListMachine implements StateMachine {
  readonly disk: ListDisk
  /** What was applied since open, as text. */
  readonly entries: { index: number; text: string }[] = []
  onApply: (index: number, text: string) => void = () => undefined
  /** Also for Raft's own entries; `what` tells term and data. */
  onEntry: (index: number, what: string) => void = () => undefined
  /** The state jumped: what it holds now was not seen by `onApply`. */
  onInstall: () => void = () => undefined
  /** Whether `applied` puts the state on disk at once. */
  eager = true
  state: ListState

  constructor(disk: ListDisk = emptyDisk()) {
    this.disk = disk
    this.state = structuredClone(disk.state)
  }

  get durableIndex(): number {
    return this.disk.state.index
  }

  get hash(): number {
    return this.state.hash
  }

  get live(): readonly number[] {
    return this.state.live
  }

  apply(index: number, term: number, data: Buffer): void {
    if (index !== this.state.index + 1) throw new Error(`${index} after ${this.state.index}`)
    this.state.index = index
    this.state.hash = crc32(data, crc32(`${index}.${term}`, this.state.hash))
    this.onEntry(index, `${term}: ${data.toString()}`)
    if (data.length === 0) return
    this.state.live.push(index)
    const text = data.toString()
    this.entries.push({ index, text })
    this.onApply(index, text)
  }

  applied(): void {
    if (this.eager) this.persist()
  }

  persist(): void {
    this.disk.state = { ...this.state, live: this.state.live.slice() }
  }

  /** Wants the values of these indexes no more. */
  forget(indexes: readonly number[]): void {
    this.state.live = this.state.live.filter(index => !indexes.includes(index))
    this.persist()
  }

  snapshot(): Promise<SnapshotSource> {
    const state = structuredClone(this.disk.state)
    return Promise.resolve({
      index: state.index,
      chunks: () => each([Buffer.from(JSON.stringify(state))]),
      liveValues: () => each(state.live),
      close: () => Promise.resolve(),
    })
  }

  stage(): Promise<SnapshotSink> {
    this.disk.staged = undefined
    const chunks: Buffer[] = []
    return Promise.resolve({
      write: chunk => {
        chunks.push(Buffer.from(chunk))
        return Promise.resolve()
      },
      finish: index => {
        const state = JSON.parse(Buffer.concat(chunks).toString()) as ListState
        this.disk.staged = { index, state }
        return Promise.resolve()
      },
      discard: () => {
        this.disk.staged = undefined
        return Promise.resolve()
      },
    })
  }

  install(index: number): Promise<void> {
    const { staged } = this.disk
    if (staged?.index !== index) return Promise.reject(new Error(`nothing staged for ${index}`))
    this.disk.state = staged.state
    this.state = structuredClone(staged.state)
    this.disk.staged = undefined
    this.onInstall()
    return Promise.resolve()
  }

  staged(index: number): Promise<boolean> {
    return Promise.resolve(this.disk.staged?.index === index)
  }
}

/** Keeps what a group said. */
export class RecordingListener implements GroupListener {
  readonly leaders: { leader: number | null; term: number }[] = []
  failure: Error | undefined
  onLeader: (leader: number | null, term: number) => void = () => undefined
  onFatal: (error: Error) => void = () => undefined
  refuses: (text: string) => boolean = () => false

  leaderChanged(leader: number | null, term: number): void {
    this.leaders.push({ leader, term })
    this.onLeader(leader, term)
  }

  accepts(data: Buffer): boolean {
    return !this.refuses(data.toString())
  }

  fatal(error: Error): void {
    this.failure = error
    this.onFatal(error)
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item)
}

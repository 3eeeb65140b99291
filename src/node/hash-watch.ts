import type { Messenger } from '../../cluster/types.js'
import type { Cancel, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import { judgeHashes } from './hash-judgement.js'
import { MESSAGE_KIND } from './message-kinds.js'

const EVERY_MS = 1000
/** Indexes whose hashes are kept, here and of each peer; more than a second's worth of the busiest cluster. */
const INDEXES_MAX = 64
/** index f64 | hash 8 octets */
const RECORD_OCTETS = 16

export interface HashWatchOptions {
  messenger: Messenger
  timers: Timers
  logger: Logger
  metrics: Metrics
  peers(): { id: number; voter: boolean }[]
  votes(): boolean
  /** A majority of voters has another state at this index: this node must stop. */
  outvoted(index: number): void
}

/**
 * Compares this node's state hash with the others' at the same indexes: apply is a pure function, so that a
 * difference is a broken rule or broken memory (DESIGN I7). Each node tells the others its newest
 * hashes once a second, while there are new ones.
 */
export class HashWatch {
  private readonly options: HashWatchOptions
  private readonly own: Map<number, string> = new Map()
  private readonly theirs: Map<number, Map<number, string>> = new Map()
  private unsent: number[] = []
  private readonly cancel: Cancel

  constructor(options: HashWatchOptions) {
    this.options = options
    options.metrics.gauge('alarms', { alarm: 'state_hash' }).set(0)
    options.messenger.onMessage(MESSAGE_KIND.stateHash, (from, body) => this.onHashes(from, body))
    this.cancel = options.timers.every(EVERY_MS, () => this.tell())
  }

  /** This node has applied up to a comparable index. */
  add(index: number, hash: string): void {
    if (this.own.has(index)) return
    keep(this.own, index, hash)
    this.unsent.push(index)
    if (this.unsent.length > INDEXES_MAX) this.unsent.shift()
    this.compare(index)
  }

  stop(): void {
    this.cancel()
  }

  private tell(): void {
    if (this.unsent.length === 0) return
    const body = Buffer.alloc(this.unsent.length * RECORD_OCTETS)
    this.unsent.forEach((index, i) => {
      body.writeDoubleBE(index, i * RECORD_OCTETS)
      body.write(this.own.get(index) ?? '', i * RECORD_OCTETS + 8, 'hex')
    })
    this.unsent = []
    const { messenger } = this.options
    for (const { id } of this.options.peers()) messenger.send(id, MESSAGE_KIND.stateHash, body)
  }

  private onHashes(from: number, body: Buffer): void {
    if (!this.options.peers().some(({ id }) => id === from)) return
    const known = this.theirs.get(from) ?? new Map<number, string>()
    this.theirs.set(from, known)
    for (let at = 0; at + RECORD_OCTETS <= body.length; at += RECORD_OCTETS) {
      const index = body.readDoubleBE(at)
      keep(known, index, body.toString('hex', at + 8, at + RECORD_OCTETS))
      this.compare(index)
    }
  }

  private compare(index: number): void {
    const own = this.own.get(index)
    if (own === undefined) return
    const { logger, metrics } = this.options
    const voters = this.options.peers().filter(({ voter }) => voter)
    const others = voters.flatMap(({ id }) => this.theirs.get(id)?.get(index) ?? [])
    const judgement = judgeHashes(own, others, voters.length + (this.options.votes() ? 1 : 0))
    if (judgement === 'agree') return
    metrics.gauge('alarms', { alarm: 'state_hash' }).set(1)
    logger.error('state hashes differ between nodes', { index, own, others, judgement })
    if (judgement === 'outvoted') this.options.outvoted(index)
  }
}

/** Map order is the order of arrival. */
function keep(hashes: Map<number, string>, index: number, hash: string): void {
  hashes.set(index, hash)
  if (hashes.size <= INDEXES_MAX) return
  for (const oldest of hashes.keys()) {
    hashes.delete(oldest)
    return
  }
}

import type { Logger } from '../src/base/logger.js'
import type { Random } from '../src/base/random.js'
import type { KeyValueStore } from '../src/base/store.js'
import { clusterIdOf, type KnownMembership, type Nonces } from './first-start.js'
import { nodeKey, nodeRange } from './log/keys.js'
import { decodeRecord, encodeRecord } from './log/records.js'
import type { Member } from './types.js'

const NONCE_OCTETS = 16

/** How this directory belongs to its cluster. */
export interface Origin {
  clusterId: string
  /** Nonces of the first members. */
  nonces: Nonces
  /** The first members; undefined on a node that was added later. */
  first: Member[] | undefined
  /** What a node that was added later was told when it joined; the first to know it, before there is a log. */
  joined?: KnownMembership | undefined
}

/** What a node keeps on disk besides its groups. Every write is synced. */
export class NodeStore {
  /** Proves that this directory is the one that its id was started with. */
  readonly nonce: string
  private readonly store: KeyValueStore
  private readonly logger: Logger
  private readonly remembered: Nonces
  private recorded: Origin | undefined

  private constructor(store: KeyValueStore, logger: Logger, nonce: string, remembered: Nonces) {
    this.store = store
    this.logger = logger
    this.nonce = nonce
    this.remembered = remembered
    const record = store.get(nodeKey('origin'))
    this.recorded = record === undefined ? undefined : (decodeRecord(record) as Origin)
  }

  /** A directory without a nonce gets one. */
  static async open(store: KeyValueStore, random: Random, logger: Logger): Promise<NodeStore> {
    const record = store.get(nodeKey('nonce'))
    let nonce = record === undefined ? undefined : (decodeRecord(record) as string)
    if (nonce === undefined) {
      nonce = random.octets(NONCE_OCTETS).toString('hex')
      const batch = store.batch().put(nodeKey('nonce'), encodeRecord(nonce))
      await batch.write({ sync: true })
    }
    const remembered: Nonces = {}
    for await (const page of store.pages(nodeRange('peer/'))) {
      for (const [key, value] of page) {
        remembered[Number(key.toString('utf8', 'peer/'.length + 1))] = decodeRecord(value) as string
      }
    }
    return new NodeStore(store, logger, nonce, remembered)
  }

  /** Undefined before the first start. */
  get origin(): Origin | undefined {
    return this.recorded
  }

  /** All nonces known here: of the first members, and of those met later. */
  get nonces(): Nonces {
    return { ...this.remembered, ...this.recorded?.nonces }
  }

  /**
   * Whether this node is the one that was known under its id. The first nonce seen is remembered; where it does not reach the
   * disk, the next one seen is the first.
   */
  accepts(id: number, nonce: string): boolean {
    const known = this.nonces[id]
    if (known !== undefined) return known === nonce
    this.remembered[id] = nonce
    this.store
      .batch()
      .put(nodeKey(`peer/${id}`), encodeRecord(nonce))
      .write({ sync: true })
      .catch((error: unknown) => {
        Reflect.deleteProperty(this.remembered, id)
        this.logger.warn('a peer is not remembered', { peer: id, error: String(error) })
      })
    return true
  }

  async recordFirst(nonces: Nonces, first: readonly Member[]): Promise<void> {
    await this.record({ clusterId: clusterIdOf(nonces), nonces, first: [...first] })
  }

  async recordJoined(clusterId: string, joined: KnownMembership): Promise<void> {
    await this.record({ clusterId, nonces: {}, first: undefined, joined })
  }

  private async record(origin: Origin): Promise<void> {
    const batch = this.store.batch().put(nodeKey('origin'), encodeRecord(origin))
    await batch.write({ sync: true })
    this.recorded = origin
  }
}

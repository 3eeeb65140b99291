import { assert } from '../base/assert.js'
import type { KeyValueStore } from '../base/store.js'
import type { GatewaySettings } from '../policy/settings.js'
import { NO_SETTINGS } from '../policy/settings.js'
import type { SavedAccount } from './accounts.js'
import { AccountState } from './accounts.js'
import { Aliases, FIRST_ALIAS } from './aliases.js'
import { Bans } from './bans.js'
import { Blocks } from './blocks.js'
import type { SessionRecord } from './commands.js'
import type { SavedConnector } from './connectors.js'
import { ConnectorState } from './connectors.js'
import { lingeringKey, META_KEY, numberIn, releaseKey, settingsKey } from './keys.js'
import { Nodes } from './nodes.js'
import { pack, unpack } from './pack.js'
import { RULES } from './rules.js'
import { SmscIds } from './smsc-ids.js'
import { StateHash } from './state-hash.js'
import type { Persistent } from './state-store.js'
import { StateStore } from './state-store.js'

/** Revisions of the settings that are kept. */
export const REVISIONS_MAX = 100
/** The state hash is compared at multiples of this index (DESIGN §5). */
export const HASH_EVERY = 256

export interface Revision {
  revision: number
  /** Log index at which all nodes changed over. */
  index: number
  atMs: number
  author: string
  settings: GatewaySettings
}

/**
 * All that is replicated, as of one applied index. Only apply changes it; everybody on this node reads
 * it. Connectors and accounts have small numbers in entries and marks; names get theirs when a revision
 * of the settings first names them, and keep them.
 */
export class State implements Persistent {
  readonly store: StateStore
  readonly blocks: Blocks
  readonly smscIds: SmscIds
  readonly aliases: Aliases
  readonly nodes: Nodes
  readonly bans: Bans
  readonly connectors: Map<number, ConnectorState> = new Map()
  readonly accounts: Map<number, AccountState> = new Map()
  /** Account of each session. */
  readonly sessions: Map<string, AccountState> = new Map()
  readonly revisions: Map<number, Revision> = new Map()
  /** Open blocks below the retire floor, oldest first. */
  readonly lingering: Set<number> = new Set()
  /** Journal values given up, still to be deleted from the log. */
  readonly releases: Set<number> = new Set()
  hash = new StateHash()
  /** Index of the last entry applied, and of the last on disk. */
  appliedIndex = 0
  durableIndex = 0
  /** 16 bits of each message_id; -1 before `bootstrap`. */
  generation = -1
  revision = 0
  /** Rules that apply goes by; see rules.ts. */
  rules = 0
  /** Blocks below were looked at by `retire`. */
  retireFloor = 1
  /** The hash at the last multiple of 256. */
  comparable: { index: number; hash: string } = { index: 0, hash: new StateHash().value }
  private readonly connectorsById: Map<string, ConnectorState> = new Map()
  private readonly accountsBySystemId: Map<string, AccountState> = new Map()
  private readonly changedKeys: Map<string, Buffer | null> = new Map()
  private nextConnector = 1
  private nextAccount = 1

  private constructor(store: KeyValueStore) {
    this.store = new StateStore(store)
    this.store.add(this)
    this.blocks = new Blocks(this.store)
    this.smscIds = new SmscIds(this.store)
    this.aliases = new Aliases(this.store)
    this.nodes = new Nodes(this.store)
    this.bans = new Bans(this.store)
  }

  /** Reads the state back from `store`; an empty one is the state before the first entry. */
  static async load(store: KeyValueStore): Promise<State> {
    const state = new State(store)
    await state.read()
    return state
  }

  get settings(): GatewaySettings {
    return this.revisions.get(this.revision)?.settings ?? NO_SETTINGS
  }

  connector(id: string): ConnectorState | undefined {
    return this.connectorsById.get(id)
  }

  account(systemId: string): AccountState | undefined {
    return this.accountsBySystemId.get(systemId)
  }

  addConnector(id: string): ConnectorState {
    return this.keepConnector(new ConnectorState(this.store, this.nextConnector++, id))
  }

  addAccount(systemId: string): AccountState {
    return this.keepAccount(new AccountState(this.store, this.nextAccount++, systemId))
  }

  addSession(account: AccountState, session: SessionRecord): void {
    account.addSession(session)
    this.sessions.set(session.id, account)
  }

  dropSession(id: string): void {
    this.sessions.get(id)?.dropSession(id)
    this.sessions.delete(id)
  }

  addRevision(revision: Revision): void {
    this.revisions.set(revision.revision, revision)
    this.revision = revision.revision
    this.changedKeys.set(settingsKey(revision.revision), pack(revision))
    const old = revision.revision - REVISIONS_MAX
    if (this.revisions.delete(old)) this.changedKeys.set(settingsKey(old), null)
  }

  addLingering(index: number): void {
    this.lingering.add(index)
    this.changedKeys.set(lingeringKey(index), Buffer.alloc(0))
  }

  dropLingering(index: number): void {
    if (this.lingering.delete(index)) this.changedKeys.set(lingeringKey(index), null)
  }

  addRelease(index: number): void {
    this.releases.add(index)
    this.changedKeys.set(releaseKey(index), Buffer.alloc(0))
  }

  /** The log has deleted these values. */
  dropReleases(indexes: readonly number[]): void {
    for (const index of indexes)
      if (this.releases.delete(index)) this.changedKeys.set(releaseKey(index), null)
  }

  setRules(rules: number): void {
    this.rules = rules
    this.smscIds.remembers = rules >= 1
  }

  /** Unclaimed messages without a final outcome. */
  get queued(): number {
    return sum(this.connectors, connector => connector.queued)
  }

  /** Claimed messages, those in doubt included. */
  get inFlight(): number {
    return sum(this.connectors, connector => connector.inFlight)
  }

  /** Receipts and MO not yet acknowledged. */
  get receiptsQueued(): number {
    return sum(this.accounts, account => account.owed)
  }

  /** Writes all changes with the applied index in one synced batch; resolves when it is on disk. */
  async flush(): Promise<void> {
    const index = this.appliedIndex
    await this.store.flush(put => put(META_KEY, pack(this.meta())))
    this.durableIndex = index
  }

  collect(put: (key: string, value: Buffer) => void, del: (key: string) => void): void {
    for (const [key, value] of this.changedKeys) {
      if (value === null) del(key)
      else put(key, value)
    }
    this.changedKeys.clear()
  }

  private meta(): Meta {
    return {
      version: 1,
      appliedIndex: this.appliedIndex,
      generation: this.generation,
      revision: this.revision,
      retireFloor: this.retireFloor,
      comparable: this.comparable,
      hash: this.hash.value,
      nextConnector: this.nextConnector,
      nextAccount: this.nextAccount,
      nextAlias: this.aliases.next,
      rules: this.rules,
    }
  }

  private async read(): Promise<void> {
    const octets = this.store.get(META_KEY)
    if (octets === undefined) return
    const meta = unpack(octets) as Meta
    this.appliedIndex = this.durableIndex = meta.appliedIndex
    this.generation = meta.generation
    this.revision = meta.revision
    this.retireFloor = meta.retireFloor
    this.comparable = meta.comparable
    this.hash = new StateHash(meta.hash)
    this.nextConnector = meta.nextConnector
    this.nextAccount = meta.nextAccount
    this.aliases.next = meta.nextAlias ?? FIRST_ALIAS
    const { rules = 0 } = meta
    assert(rules <= RULES, 'this program is too old: the cluster has gone over to newer rules')
    this.setRules(rules)
    await this.store.load('g', (_, value) => {
      const revision = unpack(value) as Revision
      this.revisions.set(revision.revision, revision)
    })
    await this.store.load('w', key => this.lingering.add(numberIn(key, 1, 6)))
    await this.store.load('x', key => this.releases.add(numberIn(key, 1, 6)))
    await this.nodes.load(this.store)
    await this.smscIds.load()
    await this.bans.load()
    await this.readConnectors()
    await this.readAccounts()
  }

  private async readConnectors(): Promise<void> {
    const saved: [number, SavedConnector][] = []
    await this.store.load('c', (key, value) => {
      saved.push([numberIn(key, 1, 2), unpack(value) as SavedConnector])
    })
    for (const [number, fields] of saved) {
      const connector = this.keepConnector(
        new ConnectorState(this.store, number, fields.id, fields),
      )
      connector.settings = this.settings.connectors.find(({ id }) => id === fields.id)
      await connector.load(this.store)
    }
  }

  private async readAccounts(): Promise<void> {
    await this.store.load('a', (key, value) => {
      const saved = unpack(value) as SavedAccount
      const account = this.keepAccount(
        new AccountState(this.store, numberIn(key, 1, 2), saved.systemId, saved),
      )
      account.settings = this.settings.accounts.find(({ systemId }) => systemId === saved.systemId)
    })
    await this.store.load('f', (key, value) => {
      this.accounts.get(numberIn(key, 1, 2))?.resubmissions.restore(numberIn(key, 3, 6), value)
    })
    await this.store.load('v', (key, value) => {
      this.accounts.get(numberIn(key, 1, 2))?.longMos.restore(numberIn(key, 3, 6), value)
    })
    await this.store.load('z', (key, value) => {
      this.accounts.get(numberIn(key, 1, 2))?.longMos.restoreWhole(numberIn(key, 3, 7), value)
    })
    await this.store.load('s', (_, value) => {
      const session = unpack(value) as SessionRecord
      const account = this.accounts.get(session.account)
      if (account === undefined) return
      account.sessions.set(session.id, session)
      this.sessions.set(session.id, account)
    })
  }

  private keepConnector(connector: ConnectorState): ConnectorState {
    this.connectors.set(connector.number, connector)
    this.connectorsById.set(connector.id, connector)
    return connector
  }

  private keepAccount(account: AccountState): AccountState {
    this.accounts.set(account.number, account)
    this.accountsBySystemId.set(account.systemId, account)
    return account
  }
}

interface Meta {
  version: number
  appliedIndex: number
  generation: number
  revision: number
  retireFloor: number
  comparable: { index: number; hash: string }
  hash: string
  nextConnector: number
  nextAccount: number
  /** Missing in states written before there were short ids. */
  nextAlias?: number
  /** Missing in states written by programs that knew the first rules only. */
  rules?: number
}

function sum<T>(parts: ReadonlyMap<number, T>, of: (part: T) => number): number {
  let total = 0
  for (const part of parts.values()) total += of(part)
  return total
}

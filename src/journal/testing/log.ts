import { account, connector, gateway } from '../../testing/gateway.js'
import { MemoryStore } from '../../testing/memory-store.js'
import type { GatewaySettings } from '../../policy/settings.js'
import {
  acceptRecord,
  addressHash,
  FLAG_FINGERPRINT,
  FLAG_MULTI,
  FLAG_OTHER_SCHEDULE,
  FLAG_OTHER_VALIDITY,
  FLAG_SCHEDULED,
  FLAG_TRANSACTION,
} from '../accept-record.js'
import { applyEntry } from '../apply.js'
import { MARK } from '../marks.js'
import type { Accept, Command, CommandResult, Outcome } from '../commands.js'
import type { Effect } from '../effects.js'
import { Effects } from '../effects.js'
import { encodeCommand } from '../command-codec.js'
import { EntryMessages, joinEntry } from '../entry.js'
import { indexOf, offsetOf, type Ref } from '../ids.js'
import { RULES } from '../rules.js'
import { octetsOf } from '../state-store.js'
import { State } from '../state.js'

/** A log applied to a state, with no Raft in between: what the tests of apply drive. */
export class TestLog {
  readonly entries: Buffer[] = []
  state: State
  store: MemoryStore
  effects: Effect[] = []
  nowMs = 1_800_000_000_000
  private readonly numbers: Map<number, number> = new Map()

  private constructor(state: State, store: MemoryStore) {
    this.state = state
    this.store = store
  }

  static async open(): Promise<TestLog> {
    const store = new MemoryStore()
    store.opened = true
    return new TestLog(await State.load(store), store)
  }

  /** A log with nodes 1–3 up, one account `esme1` and one connector `smsc-a` (binds 1 × window 10). */
  static async ready(
    change: (settings: GatewaySettings) => void = () => undefined,
  ): Promise<TestLog> {
    const log = await TestLog.open()
    for (const node of [1, 2, 3]) log.register(node, 1)
    log.propose(1, { kind: 'bootstrap', generation: 0xbeef })
    const settings = testSettings()
    change(settings)
    log.propose(1, { kind: 'settings', expected: 0, settings, author: 'test', atMs: log.nowMs })
    log.effects = []
    return log
  }

  /** @param rules  of apply that the node's program knows */
  register(node: number, boot: number, rules = RULES): void {
    this.numbers.set(node, 0)
    this.append(this.entry(node, boot, 0, [{ kind: 'registerBoot', node, boot, rules }]))
  }

  /** Appends and applies one proposal of a node; returns the result of its last command. */
  propose(node: number, ...commands: Command[]): CommandResult {
    return this.proposed(node, ...commands).results.at(-1)!
  }

  proposed(node: number, ...commands: Command[]): Outcome {
    const number = (this.numbers.get(node) ?? 0) + 1
    this.numbers.set(node, number)
    const boot = this.state.nodes.get(node)?.boot ?? 1
    this.append(this.entry(node, boot, number, commands))
    return this.state.nodes.outcomeOf(node, number) ?? { index: 0, results: [REFUSED] }
  }

  entry(
    node: number,
    boot: number,
    number: number,
    commands: Command[],
    lowestUnanswered = Math.max(1, number - 10),
  ): Buffer {
    const header = { lane: 'other', node, boot, number, lowestUnanswered } as const
    return joinEntry({ ...header, proposedAtMs: this.nowMs }, commands.map(encodeCommand))
  }

  append(entry: Buffer): number {
    const effects = new Effects()
    this.entries.push(entry)
    applyEntry(this.state, effects, this.entries.length, entry)
    this.effects.push(...effects.take())
    return this.entries.length
  }

  /** The process dies and comes back: the state on disk, and the log replayed behind it. */
  async restart(): Promise<void> {
    this.store.crash()
    this.store.opened = true
    this.state = await State.load(this.store)
    for (let i = this.state.durableIndex; i < this.entries.length; i++)
      applyEntry(this.state, new Effects(), i + 1, this.entries[i]!)
  }

  get connector(): NonNullable<ReturnType<State['connector']>> {
    return this.state.connector('smsc-a')!
  }

  get account(): NonNullable<ReturnType<State['account']>> {
    return this.state.account('esme1')!
  }

  /** The octets of a submit, as they would be sent. */
  bodyOf(ref: Ref): string {
    const block = this.state.blocks.get(indexOf(ref))
    const place = block?.replacement(offsetOf(ref))?.ref ?? ref
    const octets = this.entries[indexOf(place) - 1]
    return String(octets && new EntryMessages(octets).read(offsetOf(place))?.body)
  }

  markOf(index: number, offset: number): string {
    const mark = this.state.blocks.get(index)?.mark(offset)
    return Object.entries(MARK).find(([, value]) => value === mark)?.[0] ?? 'GONE'
  }
}

const REFUSED: CommandResult = { ok: false, why: 'staleBoot' }

export interface TestSubmit {
  account?: number
  to?: string
  registered_delivery?: number
  expiresAtMs?: number
  /** schedule_delivery_time. */
  dueAtMs?: number
  /** Of a replacement: it says when the message expires, when it is due. */
  otherValidity?: boolean
  otherSchedule?: boolean
  /** Has an 8-digit id. */
  short?: boolean
  /** Stands for its fingerprint. */
  same?: string
  /** Of a submit_multi. */
  multi?: number
  /** In transaction mode. */
  transaction?: boolean
  /** Count part of its session's id. Default 1. */
  session?: number
  body?: Buffer
}

/** An accept of these messages for connector 1. */
export function accept(submits: TestSubmit[], priority = 0, connector = 1): Accept {
  const parts = submits.map(submit => {
    const body = submit.body ?? octetsOf('submit_sm body')
    const to = octetsOf(submit.to ?? '491701234567')
    const record = {
      account: submit.account ?? 1,
      registered_delivery: submit.registered_delivery ?? 1,
      flags:
        (submit.expiresAtMs === undefined ? 0 : 1) |
        (submit.otherValidity === true ? FLAG_OTHER_VALIDITY : 0) |
        (submit.otherSchedule === true ? FLAG_OTHER_SCHEDULE : 0) |
        (submit.short === true ? 4 : 0) |
        (submit.transaction === true ? FLAG_TRANSACTION : 0) |
        (submit.same === undefined ? 0 : FLAG_FINGERPRINT) |
        (submit.dueAtMs === undefined ? 0 : FLAG_SCHEDULED) |
        (submit.multi === undefined ? 0 : FLAG_MULTI),
      dueAtMs: submit.dueAtMs ?? 0,
      multi: submit.multi ?? 0,
      expiresAtMs: submit.expiresAtMs ?? 0,
      session: submit.session ?? 1,
      addressHash: addressHash(to, 0, to.length),
      fingerprint: submit.same === undefined ? undefined : octetsOf(submit.same.padEnd(16)),
      body,
    }
    return acceptRecord(record)
  })
  const records = Buffer.concat(parts)
  return { kind: 'accept', connector, priority, count: submits.length, revision: 1, records }
}

export function hashOf(address: string): number {
  return addressHash(octetsOf(address), 0, address.length)
}

/** The usual gateway with bounds so small that tests meet them. */
export function testSettings(): GatewaySettings {
  const bounds = { maxSessions: 3, queueLimit: 1000, moLimit: 2, receiptTtlMs: 1000 }
  return gateway({
    accounts: [account('esme1', bounds)],
    connectors: [connector('smsc-a', { window: 10 })],
  })
}

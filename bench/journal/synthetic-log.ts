import { RETIRE_STEP } from '../../src/journal/apply-retire.js'
import { encodeCommand } from '../../src/journal/command-codec.js'
import type { Command } from '../../src/journal/commands.js'
import { joinEntry } from '../../src/journal/entry.js'
import {
  acceptRecord,
  addressHash,
  refOf,
  type Journal,
  type Ref,
} from '../../src/journal/index.js'
import { RULES } from '../../src/journal/rules.js'
import { encodeBody } from '../../src/smpp/codec.js'
import { encodeReceipt } from '../../src/smpp/receipt-format.js'
import { account, connector, gateway } from '../../src/testing/gateway.js'

/** Commands that a message goes through, in order; `retire` forgets it. */
export const STEPS = ['accept', 'claim', 'outcomes', 'inbound', 'delivered', 'retire'] as const
export type Step = (typeof STEPS)[number]

/** Entries of one step, with the messages that they are about. */
export interface Section {
  step: Step
  messages: number
  entries: Buffer[]
}

/** As many messages are accepted, sent, receipted, delivered and forgotten: fewer sections only until the log is that long. */
export type Round = Section[]

export interface SyntheticLogOptions {
  messagesPerEntry: number
  messagesPerRound: number
  /** Messages that the SMSC has and that wait for their receipts. */
  awaiting: number
  /** Concluded messages that are remembered: what retention keeps. */
  kept: number
}

/** The node that proposes everything, and is home of the connector and owner of the account. */
const PROPOSER = 1
const BOOT = 1
const TEXT_OCTETS = 140
/** Other proposals that a node has open meanwhile, or so. */
const OPEN_PROPOSALS = 10
/** Phones that messages go to. */
const NUMBERS = 1_000_000

interface Sent {
  ref: Ref
  smscId: string
  to: string
}

/**
 * The log of a cluster under steady load, made without one: what the front end and the connector's home of node 1 would
 * propose, each step of a message in an entry of its own kind. Entries come in the order of their indexes.
 */
export class SyntheticLog {
  private readonly options: SyntheticLogOptions
  private atMs: number
  /** Of the last entry; a group's log begins with its bootstrap at 1. */
  private index = 1
  private number = 0
  private submits = 0
  private deliveries = 0
  private epochs = { connector: 0, account: 0 }
  private readonly sent: Sent[] = []
  /** Where rounds began whose messages are delivered, with how many these are. */
  private readonly concluded: { from: number; messages: number }[] = []
  private keptMessages = 0
  private retiredTo = 1
  private readonly begun: number[] = []

  constructor(options: SyntheticLogOptions, nowMs: number) {
    this.options = options
    this.atMs = nowMs
  }

  /** An entry that accepts so many messages. */
  static acceptOf(messages: number): Buffer {
    const options = { messagesPerEntry: messages, messagesPerRound: messages, awaiting: 0, kept: 0 }
    return new SyntheticLog(options, Date.now()).round()[0]!.entries[0]!
  }

  /** Makes the cluster that the rounds belong to: a boot, settings, a session. Once, before the first round. */
  begin(journal: Journal): Buffer[] {
    const entries: Buffer[] = []
    const apply = (...commands: Command[]): void => {
      const entry = this.entry(commands)
      entries.push(entry)
      journal.apply(this.index, 1, entry)
    }
    apply({ kind: 'registerBoot', node: PROPOSER, boot: BOOT, rules: RULES })
    apply({ kind: 'bootstrap', generation: 0xbe0c })
    const settings = gateway({
      accounts: [account('esme1')],
      connectors: [connector('smsc-a', { binds: 4, window: 2 * this.options.messagesPerRound })],
    })
    apply({ kind: 'settings', expected: 0, settings, author: 'bench', atMs: this.atMs })
    const session = { id: '1.1.1', account: 1, version: 0x34, node: PROPOSER, boundAtMs: this.atMs }
    apply({ kind: 'bind', session: { ...session, bindType: 'trx', remoteAddress: '::1' } })
    void journal.applied()
    const { state } = journal
    this.epochs = {
      connector: state.connector('smsc-a')!.epoch,
      account: state.account('esme1')!.epoch,
    }
    return entries
  }

  round(): Round {
    const { messagesPerRound, awaiting } = this.options
    this.begun.push(this.index + 1)
    const accepted = this.accepts(messagesPerRound)
    const sections = [accepted.section, this.claims(messagesPerRound), this.outcomes(accepted.sent)]
    this.sent.push(...accepted.sent)
    if (this.sent.length >= awaiting + messagesPerRound) {
      sections.push(...this.receipts(this.sent.splice(0, messagesPerRound)))
      this.concluded.push({ from: this.begun.shift()!, messages: messagesPerRound })
      this.keptMessages += messagesPerRound
      const retired = this.retire()
      if (retired !== undefined) sections.push(retired)
    }
    return sections
  }

  private accepts(count: number): { section: Section; sent: Sent[] } {
    const sent: Sent[] = []
    const entries = this.batches(count, size => {
      const records: Buffer[] = []
      for (let offset = 0; offset < size; offset++) {
        const number = this.submits++
        const to = `4917${String(number % NUMBERS).padStart(8, '0')}`
        const octets = Buffer.from(to)
        records.push(
          acceptRecord({
            account: 1,
            registered_delivery: 1,
            flags: 0,
            expiresAtMs: 0,
            session: 1,
            addressHash: addressHash(octets, 0, octets.length),
            dueAtMs: 0,
            body: submitBody(to),
          }),
        )
        const smscId = (0x10000000 + number).toString(16)
        sent.push({ ref: refOf(this.index + 1, offset), smscId, to })
      }
      const accept = { kind: 'accept', connector: 1, priority: 0, revision: 1 } as const
      return { ...accept, count: size, records: Buffer.concat(records) }
    })
    return { section: { step: 'accept', messages: count, entries }, sent }
  }

  private claims(count: number): Section {
    const epoch = this.epochs.connector
    const entries = this.batches(count, size => ({
      kind: 'claim',
      connector: 1,
      epoch,
      count: size,
    }))
    return { step: 'claim', messages: count, entries }
  }

  private outcomes(sent: readonly Sent[]): Section {
    let at = 0
    const entries = this.batches(sent.length, size => ({
      kind: 'outcomes',
      connector: 1,
      epoch: this.epochs.connector,
      items: sent.slice(at, (at += size)).map(({ ref, smscId }) => ({
        ...{ ref, attempt: 1, result: 'sent' as const, error: 0, smscId, retryAtMs: 0 },
      })),
    }))
    return { step: 'outcomes', messages: sent.length, entries }
  }

  private receipts(sent: readonly Sent[]): Section[] {
    let at = 0
    const inbound = this.batches(sent.length, size => ({
      kind: 'inbound',
      connector: 1,
      epoch: this.epochs.connector,
      items: sent.slice(at, (at += size)).map(one => this.receipt(one)),
    }))
    const delivered = this.batches(sent.length, size => ({
      kind: 'delivered',
      account: 1,
      epoch: this.epochs.account,
      seqs: Array.from({ length: size }, () => this.deliveries++),
      expired: false,
    }))
    return [
      { step: 'inbound', messages: sent.length, entries: inbound },
      { step: 'delivered', messages: sent.length, entries: delivered },
    ]
  }

  private receipt({ smscId, to }: Sent): Extract<Command, { kind: 'inbound' }>['items'][number] {
    const octets = Buffer.from(to)
    return {
      kind: 'receipt',
      smscId,
      state: 2,
      error: 0,
      addressHash: addressHash(octets, 0, octets.length),
      body: encodeReceipt({
        ...{ id: smscId, state: 'DELIVERED', submitDateMs: this.atMs, doneDateMs: this.atMs },
        from: { ton: 1, npi: 1, addr: to },
        to: { ton: 0, npi: 1, addr: '12345' },
        tlvs: true,
      }),
    }
  }

  /** Forgets the oldest round, once enough are remembered. Its receipts' entries are gone with their deliveries. */
  private retire(): Section | undefined {
    if (this.keptMessages < this.options.kept) return undefined
    const { messages } = this.concluded.shift()!
    this.keptMessages -= messages
    const upTo = this.concluded[0]?.from ?? this.begun[0]!
    const entries: Buffer[] = []
    // a step passes 2,000 indexes at most, and all kinds of entries count
    for (let at = this.retiredTo; at < upTo; at += RETIRE_STEP)
      entries.push(this.entry([{ kind: 'retire', upTo, unawaited: [] }]))
    this.retiredTo = upTo
    return { step: 'retire', messages, entries }
  }

  private batches(count: number, command: (size: number) => Command): Buffer[] {
    const { messagesPerEntry } = this.options
    const entries: Buffer[] = []
    for (let left = count; left > 0; left -= messagesPerEntry)
      entries.push(this.entry([command(Math.min(left, messagesPerEntry))]))
    return entries
  }

  private entry(commands: readonly Command[]): Buffer {
    const boots = commands[0]?.kind === 'registerBoot'
    const number = boots ? 0 : ++this.number
    this.index++
    const lane = commands[0]?.kind === 'accept' ? 'submit' : 'other'
    const header = { lane, node: PROPOSER, boot: BOOT, number } as const
    const lowestUnanswered = Math.max(0, number - OPEN_PROPOSALS)
    return joinEntry(
      { ...header, lowestUnanswered, proposedAtMs: this.atMs++ },
      commands.map(encodeCommand),
    )
  }
}

const TEXT = Buffer.alloc(TEXT_OCTETS, 'a message of no consequence. ')

function submitBody(to: string): Buffer {
  return encodeBody('submit_sm', {
    source_addr: '12345',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: to,
    registered_delivery: 1,
    data_coding: 4,
    short_message: TEXT,
  })
}

import type { GatewaySettings } from '../policy/settings.js'
import type { Ban } from './bans.js'
import type { Ref } from './ids.js'

/**
 * All that can be asked of the state. A command is applied whole or refused with a `Refusal`; time
 * stamps are data that the proposer wrote (ms since the Unix epoch, UTC), and apply compares none.
 */
export type Command =
  | Accept
  | Claim
  | Outcomes
  | Requeue
  | Due
  | Expire
  | Inbound
  | Delivered
  | Bind
  | { kind: 'endSession'; session: string }
  /** A process begins. `rules`: those of apply that its program knows (rules.ts); absent: 0. */
  | { kind: 'registerBoot'; node: number; boot: number; rules?: number }
  /** The leader calls a node unreachable: ends that boot (sessions, homes, ownerships). */
  | { kind: 'nodeDown'; node: number; boot: number }
  /** The leader does not hear a node for now: its homes and ownerships go to others, its boot and sessions stand. */
  | { kind: 'relieve'; node: number; boot: number }
  /** A node hands its homes and ownerships over, or takes part again. */
  | { kind: 'draining'; node: number; boot: number; draining: boolean }
  /** Drops what is unclaimed of a submit proposal of this node, applied already or not (DESIGN I8). */
  | { kind: 'void'; number: number }
  | SettingsCommand
  /** The first command of a cluster: draws the generation of its message ids, 16 bits. */
  | { kind: 'bootstrap'; generation: number }
  /** Forgets blocks below `upTo` of which nothing is open; in the blocks `unawaited` no receipt is awaited any more. */
  | { kind: 'retire'; upTo: number; unawaited: number[] }
  /** The home gives a connector up, its windows finished or not. */
  | { kind: 'releaseHome'; connector: number; epoch: number }
  /** The home says how many binds of the connector stand. */
  | { kind: 'linkState'; connector: number; epoch: number; binds: number }
  /** An operator's word on messages in doubt. */
  | { kind: 'resolveDoubt'; connector: number; refs: Ref[]; action: 'resend' | 'drop' }
  /** Ends the wait of receipts that fit no message: the oldest `count` of the connector. */
  | { kind: 'forgetOrphans'; connector: number; epoch: number; count: number }
  | Written
  | SentParts
  | GiveUpParts
  | Cancel
  | Replace
  | AddBans
  | LiftBans
  /** Ends the resubmission window of these messages of the account. */
  | { kind: 'forgetLost'; account: number; refs: Ref[] }

/** Submitted messages of one connector and priority, as the front end gathered them. */
export interface Accept {
  kind: 'accept'
  /** Reference of the connector (state gives names their numbers). */
  connector: number
  /** SMPP priority_flag, 0 lowest … 3 highest. */
  priority: number
  count: number
  /** Settings revision under which it was routed. */
  revision: number
  /** `count` records, see accept-record.ts. A view of the entry. */
  records: Buffer
}

/** Up to `count` messages from the connector's queue for its home. */
export interface Claim {
  kind: 'claim'
  connector: number
  epoch: number
  count: number
}

/** What became of claimed messages. */
export interface Outcomes {
  kind: 'outcomes'
  connector: number
  epoch: number
  items: OutcomeItem[]
}

export interface OutcomeItem {
  ref: Ref
  attempt: number
  result: OutcomeResult
  /** command_status of the SMSC, or 0. */
  error: number
  /** From the SMSC's positive response, normalised; '' else. */
  smscId: string
  /** `retry`, `partly`: when it is due. */
  retryAtMs: number
}

/**
 * sent: positive submit_sm_resp. retry: a temporary error. failed: a permanent one. doubt: no answer,
 * or the bind broke. expired: validity ended before it was sent. unsent: the claim is given back. partly: retry, and the SMSC
 * has parts of it; from rules 14 on.
 */
export const OUTCOME_RESULTS = [
  'sent',
  'retry',
  'failed',
  'doubt',
  'expired',
  'unsent',
  'partly',
] as const
export type OutcomeResult = (typeof OUTCOME_RESULTS)[number]

/** Messages that went out in parts, all of which the SMSC has taken (docs/decisions/0018): another positive outcome. */
export interface SentParts {
  kind: 'sentParts'
  connector: number
  epoch: number
  items: { ref: Ref; attempt: number; smscIds: string[] }[]
}

/** Puts messages that wait for a retry, or are in doubt, back into the queue. */
export interface Requeue {
  kind: 'requeue'
  connector: number
  epoch: number
  refs: Ref[]
}

/** Queues messages whose schedule_delivery_time has come. */
export interface Due {
  kind: 'due'
  connector: number
  epoch: number
  /** Seconds since the Unix epoch, by the home's clock. */
  upTo: number
  /** How many; no more than 4,096 count. */
  count: number
}

/** Ends unclaimed messages whose validity is over, and forgets expiry buckets that are seen to. */
export interface Expire {
  kind: 'expire'
  connector: number
  epoch: number
  refs: Ref[]
  /** Seconds since the epoch. */
  buckets: number[]
  /** Index of the state that names them: what was replaced since stays. Absent: 0. */
  seen?: number
}

/** deliver_sm PDUs of an SMSC. */
export interface Inbound {
  kind: 'inbound'
  connector: number
  epoch: number
  items: InboundItem[]
}

export type InboundItem = InboundReceipt | InboundMo

export interface InboundReceipt {
  kind: 'receipt'
  /** An intermediate notification: whatever it says, the message is not concluded. */
  intermediate?: boolean
  /** Normalised as the connector's messageIdFormat says. */
  smscId: string
  /** SMPP message_state, 3.4 §5.2.28; 0 where the receipt names none. */
  state: number
  error: number
  /** Of the destination_addr of the message it speaks of, which is the receipt's source_addr. */
  addressHash: number
  /** The deliver_sm body as it came. A view of the entry once decoded. */
  body: Buffer
}

export interface InboundMo {
  kind: 'mo'
  /** Reference of the account that an MO route names. */
  account: number
  /** It is part of a message that its account wants whole; up to rules 16 as if it were not. */
  part?: MoPart
  body: Buffer
}

/** Which part of which message an MO is (docs/decisions/0024). */
export interface MoPart {
  /** The same for parts that belong together, and for no others of the account at that time. 1 to 255 octets of Latin-1. */
  key: string
  /** 2 to 255. */
  total: number
  /** From 1 to `total`. */
  part: number
  /** Of what it says, 48 bits: the same part again says the same. */
  digest: number
}

/** What came of messages in parts has waited long enough for the rest: it is owed as it came. */
export interface GiveUpParts {
  kind: 'giveUpParts'
  account: number
  epoch: number
  /** What each waits since (`Gathering.since`). At most 100; what lies beyond is left alone. */
  refs: Ref[]
}

/** Receipts and MO that an account's session has acknowledged, or that nobody fetched in time. */
export interface Delivered {
  kind: 'delivered'
  account: number
  epoch: number
  /** Sequence numbers in the account's delivery list. */
  seqs: number[]
  expired: boolean
}

/** Submits of an account with a resubmission window whose responses this node has put into a session's write queue. */
export interface Written {
  kind: 'written'
  account: number
  refs: Ref[]
}

/** Ends messages of the account that nobody has claimed: cancel_sm (docs/decisions/0013). */
export interface Cancel {
  kind: 'cancel'
  account: number
  /** At most 4,096; what lies beyond is left alone. */
  refs: Ref[]
}

/** Other octets for a message that waits: replace_sm (docs/decisions/0016). Carries one message. */
export interface Replace {
  kind: 'replace'
  ref: Ref
  /** Where the octets lay that these were made of: `ref`, or an earlier replacement. */
  base: Ref
  /** As the message's accept said. */
  connector: number
  priority: number
  /** One record, see accept-record.ts, with the whole new body. A view of the entry. */
  record: Buffer
}

/** Binds of these accounts are refused from these addresses (docs/decisions/0017). */
export interface AddBans {
  kind: 'ban'
  /** At most 100; what lies beyond is left out. */
  bans: Ban[]
}

/** Their time is over, or an operator has said so. */
export interface LiftBans {
  kind: 'liftBans'
  /** At most 100. */
  bans: Pick<Ban, 'account' | 'address'>[]
}

export interface Bind {
  kind: 'bind'
  session: SessionRecord
}

export interface SessionRecord {
  /** `node.boot.count`, unique for ever. */
  id: string
  account: number
  bindType: 'trx' | 'tx' | 'rx'
  /** interface_version of the bind: 0x33, 0x34, 0x50. */
  version: number
  node: number
  remoteAddress: string
  boundAtMs: number
}

export interface SettingsCommand {
  kind: 'settings'
  /** The revision that the author saw; refused where another came between; null: whatever it is. */
  expected: number | null
  settings: GatewaySettings
  author: string
  atMs: number
}

/** Every way apply says no. Stable: front ends map them to command_status. */
export type Refusal =
  | 'malformed'
  | 'queueFull'
  | 'otherId'
  | 'noRoute'
  | 'noAccount'
  | 'accountDisabled'
  | 'voided'
  | 'staleEpoch'
  | 'staleBoot'
  | 'staleNumber'
  | 'tooManySessions'
  | 'bindTypeNotAllowed'
  | 'notFound'
  | 'conflict'
  | 'unchanged'
  | 'inUse'

/** What became of one command of a proposal. */
export type CommandResult =
  | { ok: true }
  | { ok: false; why: Refusal; detail?: string }
  | { ok: true; accepted: AcceptedMessages }
  | { ok: true; claimed: ClaimedRange[] }
  | { ok: true; inbound: InboundResult[] }
  | { ok: true; voided: number; tooLate: number }
  | { ok: true; revision: number }
  | { ok: true; cancelled: number }
  | { ok: true; lifted: number }

/** Messages [first, first + count) of the entry, but for the refused ones and those that were there before. */
export interface AcceptedMessages {
  first: number
  count: number
  /** Offsets in the entry, ascending, with why. */
  refused: [offset: number, why: Refusal][]
  /** Submits that had been sent before (docs/decisions/0012): offsets, ascending, and the first's place. */
  matched?: [offset: number, first: Ref][]
}

/** Messages [lo, hi) of entry `index`, claimed together. */
export interface ClaimedRange {
  index: number
  lo: number
  hi: number
}

/**
 * matched: a receipt of a message of ours; kept: waits for its message; unmatched: fits nothing, dropped. Of parts of an MO:
 * gathered: waits for the others; completed: it was the last one; repeated: it waits already.
 */
export type InboundResult =
  | 'matched'
  | 'kept'
  | 'queued'
  | 'queueFull'
  | 'unmatched'
  | 'noAccount'
  | 'gathered'
  | 'completed'
  | 'repeated'

/** What became of a proposal: the place of its entry, and a result per command. */
export interface Outcome {
  index: number
  results: CommandResult[]
}

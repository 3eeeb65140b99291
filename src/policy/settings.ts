import type { Address } from '../base/address.js'
import type { DefaultAlphabet } from '../text/alphabets.js'
import type { Concatenating } from '../text/split.js'
import type { OtherCharacters } from '../text/transcode.js'

/**
 * The gateway's settings: what the gateway file says, parsed. They are replicated, and every
 * change is a revision. Plain data: everything here survives JSON and msgpack unchanged.
 * Durations are milliseconds, rates messages per second; null means "no limit".
 */
export interface GatewaySettings {
  accounts: Account[]
  connectors: Connector[]
  /** First match in this order wins. */
  routes: Route[]
  /** First match in this order wins; an MO that matches none is refused. */
  moRoutes: MoRoute[]
  /** What a submit_multi may name instead of addresses. Missing: none, as in settings written before there were any. */
  distributionLists?: DistributionList[]
  /** TLVs of vendors that rules of accounts and connectors may name. Missing: none. docs/decisions/0022. */
  tlvs?: VendorTlv[]
  /** How long a concluded message can still be asked for. Default 1 h. */
  retentionMs: number
  /** Validity of a message whose ESME gave no validity_period. Default 3 d. */
  validityMs: number
  /** Missing: nobody is banned, however many of his binds fail. */
  bans?: BanSettings
}

/**
 * From an address from which `failures` binds of an account have failed within `withinMs`, at one node, its binds are refused for
 * `forMs`. Behind a balancer without PROXY protocol all share one address: there a stranger can have a customer banned.
 */
export interface BanSettings {
  failures: number
  withinMs: number
  forMs: number
}

/**
 * A password. Files carry `plain`, `env` or `file`; the node that receives them resolves the latter
 * two, then hashes an account's (`argon2id`) and seals a connector's, or an outbind's (`sealed`, with the key of
 * `node.secretKeyFile`; `plain` where there is none) before anything is proposed.
 */
export type Secret =
  | { kind: 'plain'; value: string }
  | { kind: 'env'; name: string }
  /** `path` is absolute. */
  | { kind: 'file'; path: string }
  /** A PHC string: `$argon2id$v=19$m=…$salt$hash`. */
  | { kind: 'argon2id'; hash: string }
  /** Base64. */
  | { kind: 'sealed'; box: string }

export type BindType = 'trx' | 'tx' | 'rx'

/** `tx+rx`: each bind is a transmitter and a receiver, for an SMSC that takes no transceivers. */
export type ConnectorBindType = BindType | 'tx+rx'

/** An ESME's login. */
export interface Account {
  /** 1–15 octets. Unique. */
  systemId: string
  password: Secret
  bindTypes: BindType[]
  /** Sessions at once, over all nodes. */
  maxSessions: number
  /**
   * How a bind beyond `maxSessions` is refused: clients act on it. Missing: ESME_RALYBND, after which some wait and try again
   * and some give up.
   */
  tooManySessions?: 'ESME_RBINDFAIL'
  /** Unanswered requests per session and direction. */
  window: number
  /** Over all nodes. */
  throughputPerSecond: number | null
  /**
   * What takes a token of it. `pdus`: each submit_sm, data_sm and submit_multi. `segments`: each short message that the text of each
   * destination takes. Missing: each destination, which is each submit_sm and data_sm, too.
   */
  throughputCounts?: 'pdus' | 'segments'
  /** CIDRs (`10.0.0.0/8`, `::1/128`); empty: from anywhere. */
  allowFrom: string[]
  /** Messages of this account without a final outcome; exact, ESME_RMSGQFUL beyond. */
  queueLimit: number
  /** MO waiting for this account; the SMSC is told to try later beyond it. */
  moLimit: number
  /** Receipts and MO waiting for this account: for one more receipt the oldest is given up; MO wait at the SMSC. */
  receiptLimit: number
  /** How long a receipt or an MO waits for a receiver session. */
  receiptTtlMs: number
  /**
   * A submit whose session or node ended before its response was written gets its first message_id when it comes again within
   * this time of the loss; 0: off. Too short, and the ESME is back too late: it goes out twice. Too long (beyond
   * `retention`): the same text sent on purpose may be taken for it. docs/decisions/0012.
   */
  resubmissionWindowMs: number
  /** `short`: the 8-digit alias instead of the 20 hex digits. */
  messageIdStyle: 'long' | 'short'
  /** Times of its sessions, from their bind on. Missing: the node's (`smpp` of the node file). */
  enquireLinkMs?: number
  inactivityTimeoutMs?: number
  responseTimeoutMs?: number
  /**
   * What its texts under data_coding 0 are written in, and those under a class or an indication without an alphabet of its own.
   * Missing: gsm7. The wrong one shows only where the connector's is another: then its texts arrive garbled. docs/decisions/0020.
   */
  defaultAlphabet?: DefaultAlphabet
  /** `from`: what is done with TLVs that it submits; `to`: in its receipts and MO. Missing: all pass as they are. */
  tlvs?: TlvActions
  /**
   * How long its messages in transaction mode may take, and their responses be awaited. Missing: `TRANSACTION_TIMEOUT_MS`. Longer
   * than its client waits for a response, and that gives up first. docs/decisions/0023.
   */
  transactionTimeoutMs?: number
  /**
   * `whole`: the parts of an MO wait for each other and are delivered as one message. Missing: each as it comes, for many ESMEs
   * put them together themselves. docs/decisions/0024.
   */
  longMo?: 'whole'
  /**
   * How long the first part of an MO waits for the others; then what came is delivered as it came. Missing: `LONG_MO_TIMEOUT_MS`.
   * Too short, and parts that an SMSC sends again come too late; too long, and what has lost a part waits for nothing.
   */
  longMoTimeoutMs?: number
  /** Missing: it binds by itself, or not at all. */
  outbind?: Outbind
  /**
   * False: no session, and no message is taken; what was taken is delivered, and receipts wait. Missing: true, as in settings
   * written before it was there. docs/decisions/0015.
   */
  enabled?: false
}

export const TRANSACTION_TIMEOUT_MS = 30_000

export const LONG_MO_TIMEOUT_MS = 60_000

/** How long parts of MO wait for others; of an account that takes them as they come, or is gone: not at all. */
export const longMoTimeoutMsOf = (account: Account | undefined): number =>
  account?.longMo === 'whole' ? (account.longMoTimeoutMs ?? LONG_MO_TIMEOUT_MS) : 0

/** What data_coding 0 stands for in the texts of an account or connector. */
export const defaultAlphabetOf = (
  peer: { defaultAlphabet?: DefaultAlphabet } | undefined,
): DefaultAlphabet => peer?.defaultAlphabet ?? 'gsm7'

export const isDisabled = (account: Account | undefined): boolean => account?.enabled === false

/** The account, taking part or not. `enabled` comes last, so that equal settings are equal as text. */
export function withEnabled(account: Account, enabled: boolean): Account {
  const bare = { ...account }
  delete bare.enabled
  return enabled ? bare : { ...bare, enabled }
}

/** Where an ESME is asked to bind when something waits for it and it has no receiver session. SMPP 3.4 §4.1.7. */
export interface Outbind {
  host: string
  port: number
  /** Our name and password towards the ESME. */
  systemId: string
  password: Secret
  /** null or missing: plain TCP. */
  tls?: ConnectorTls | null
}

/** What is done with a message of which nobody knows whether the SMSC has it. DESIGN I6. */
export type InDoubtPolicy =
  | { kind: 'resend' }
  | { kind: 'hold' }
  /** Waits for a late response or a receipt, then resends. */
  | { kind: 'wait'; ms: number }

/** How an SMSC writes its message ids. */
export type MessageIdFormat = 'text' | 'hex' | 'dec'

/**
 * TLS towards an SMSC, 1.2 or later; its certificate is always checked. Paths are absolute, and of files on
 * whichever node is the connector's home: read at each connect, so that a renewed certificate counts at once.
 */
export interface ConnectorTls {
  /** PEM file of the CAs that may vouch for the SMSC; null: those that Node.js trusts. */
  ca: string | null
  /** The name that its certificate must have; null: `host`. */
  serverName: string | null
  /** PEM files of our own certificate and its key, where the SMSC asks for one; both or neither. */
  cert: string | null
  key: string | null
}

/** Our client to one SMSC. */
export interface Connector {
  /** Unique. */
  id: string
  host: string
  port: number
  /**
   * Tried in this order where `host` takes no bind. They are ways to the same SMSC: its ids and receipts are the same
   * whichever it is. Missing: none.
   */
  otherHosts?: Address[]
  systemId: string
  password: Secret
  systemType: string
  bindType: ConnectorBindType
  /** SMPP sessions towards the SMSC; with `tx+rx`, pairs of them. */
  binds: number
  /** Unanswered requests per bind. */
  window: number
  /** Over all binds. */
  throughputPerSecond: number | null
  /** `segments`: each short message that the text of a submit_sm takes. Missing: each submit_sm, one that carries a part too. */
  throughputCounts?: 'segments'
  inDoubt: InDoubtPolicy
  /** Nodes that may be its home; empty: any. */
  nodes: number[]
  /** Address that our sockets are bound to; null: the system chooses. */
  localAddress: string | null
  /** null: plain TCP. Missing in settings written before there was TLS. */
  tls?: ConnectorTls | null
  messageIdFormat: { submit: MessageIdFormat; receipt: MessageIdFormat }
  /**
   * `strip`: messages go out without validity_period, for an SMSC that rejects any; how long we try stays as the ESME said,
   * how long the SMSC does is up to the SMSC. Missing: as the ESME gave it.
   */
  validityPeriod?: 'strip'
  /** What the SMSC takes data_coding 0 for; texts of accounts with another one are transcoded, and MO to them. Missing: gsm7. */
  defaultAlphabet?: DefaultAlphabet
  /** How texts that are too long for one short message are cut; missing: they go as they are. docs/decisions/0018. */
  longMessages?: Concatenating
  /** Of the parts. `one`: the SMSC sends one receipt for all of them. Missing: one for each. */
  partReceipts?: 'one'
  /** What becomes of a text with characters that it lacks. Missing: ucs2, the whole text so. */
  otherCharacters?: OtherCharacters
  /** `to`: what is done with TLVs of what goes to the SMSC; `from`: of its receipts and MO. Missing: all pass as they are. */
  tlvs?: TlvActions
  /** Overrides of the table of temporary and permanent errors, by command_status name. */
  errors: Record<string, 'temporary' | 'permanent'>
  /** Silence after which we send enquire_link. Default 30 s. */
  enquireLinkMs: number
  /** From our request to its response; then the message is in doubt. Default 10 s. */
  responseTimeoutMs: number
  /** From connecting to the bind response. Default 10 s. */
  bindTimeoutMs: number
}

/** Where messages of ESMEs go. Absent conditions match everything. */
export interface Route {
  /** Unique among routes. */
  name: string
  match: RouteMatch
  /** Connector ids in failover order; at least one. */
  to: string[]
}

export interface RouteMatch {
  /** Prefix of destination_addr; '' matches all. */
  destinationPrefix: string
  /** Prefix of source_addr; '' matches all. */
  sourcePrefix: string
  /** systemId; null: any. */
  account: string | null
}

/** Where messages of mobiles (MO) go. */
export interface MoRoute {
  /** Unique among moRoutes. */
  name: string
  match: MoRouteMatch
  /** systemId of the account. */
  to: string
}

export interface MoRouteMatch {
  /** Connector id; null: any. */
  connector: string | null
  destinationPrefix: string
  sourcePrefix: string
}

/** Destinations of one submit_multi, lists expanded: as many as its response can name. SMPP 3.4 §4.5.1. */
export const DESTINATIONS_MAX = 254

/** Addresses that an account means by a dl_name. */
export interface DistributionList {
  /** dl_name, 1–20 octets. Unique for each account, and among those of no account. */
  name: string
  /** systemId; null: of every account that has none of that name. */
  account: string | null
  /** Of all members; SMPP 3.4 §5.2.5, §5.2.6. */
  ton: number
  npi: number
  /** 1 to DESTINATIONS_MAX addresses of 1–20 octets, each once. */
  members: string[]
}

/** Where a TLV comes from, and goes to. */
export const TLV_DIRECTIONS = ['fromEsmes', 'toSmscs', 'fromSmscs', 'toEsmes'] as const

export type TlvDirection = (typeof TLV_DIRECTIONS)[number]

/** A TLV that the standard does not have, under a name of the operator's. */
export interface VendorTlv {
  /** Unique. */
  name: string
  /** Unique, and none of the standard's. SMPP 3.4 §5.3.2 leaves 0x1400 to 0x3fff to vendors; they take others, too. */
  tag: number
  /** A C-octet string ends with its only NUL. */
  type: 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'cstring' | 'octets'
  /** Octets of the value, a C-octet string's NUL included. */
  min: number
  max: number
  /** Where rules may name it: a check of the settings. Missing: everywhere. */
  directions?: TlvDirection[]
}

/**
 * What is done with a TLV. `allow`: passes, and a submit must have it in the length and form of its entry. `strip`: goes no
 * further. `require`: as `allow`, and a submit without it is refused. `refuse`: a submit with it is refused.
 */
export type TlvAction = 'allow' | 'strip' | 'require' | 'refuse'

/** By name of a VendorTlv; what is not named passes as it is. */
export interface TlvActions {
  from?: Record<string, TlvAction>
  to?: Record<string, TlvAction>
}

/** Settings of a gateway that was told nothing: no accounts, no way out. */
export const NO_SETTINGS: GatewaySettings = {
  accounts: [],
  connectors: [],
  routes: [],
  moRoutes: [],
  retentionMs: 3_600_000,
  validityMs: 259_200_000,
}

/**
 * The JSON of the HTTP API, version 1: types only, read by the server and by the command line.
 * Times are ISO 8601 in UTC with milliseconds. Lists come as `{ items, next }`. Errors are problem
 * details (RFC 9457) with the media type application/problem+json.
 *
 *     GET  /livez /readyz                          Health; 200 or 503
 *     GET  /metrics                                Prometheus text
 *     GET  /api/v1/cluster                         ClusterView
 *     GET  /api/v1/sessions[?account=A][&node=N][&activity=true]   List<SessionView>
 *     DELETE /api/v1/sessions/{id}                 KickView, when it has ended; 404, 503 where its node does not answer
 *     GET  /api/v1/nodes                           NodeView[]: where each member's HTTP is
 *     POST /api/v1/traces             TraceRequest → TraceLine, one to a line (application/x-ndjson), until it ends; 429.
 *                                                  Of the node that is asked; it ends too when the connection does
 *     GET  /api/v1/connectors                      List<ConnectorView>
 *     GET  /api/v1/accounts                        List<AccountView>
 *     POST /api/v1/accounts/{systemId}/disable     ApplyResult: a revision that differs in this; 404, 409
 *     POST /api/v1/accounts/{systemId}/enable      ApplyResult
 *     GET  /api/v1/bans[?account=A]                List<BanView>, by account and address
 *     DELETE /api/v1/bans/{systemId}[?address=A]   LiftResult: all of the account's, or one; 404
 *     GET  /api/v1/in-doubt                        List<InDoubtView>
 *     POST /api/v1/in-doubt/resolve   ResolveRequest → ResolveResult
 *     GET  /api/v1/messages/{id}[?text=true]       MessageView; 404
 *     DELETE /api/v1/messages/{id}                 MessageView of what is cancelled, as by cancel_sm; 404, 409 where it may have
 *                                                  reached the SMSC, or is concluded
 *     POST /api/v1/messages            SendRequest → 202 MessageView
 *     GET  /api/v1/settings[?revision=N]           SettingsView, secrets shown as ***; 404
 *     POST /api/v1/settings[?dryRun=true]          ApplyResult; the body is a gateway file (application/yaml);
 *                                                  400 with `errors` where it is wrong
 *     GET  /api/v1/settings/history                List<RevisionView>, newest first
 *     POST /api/v1/settings/rollback  RollbackRequest → ApplyResult
 *     POST /api/v1/transfer-leader    TransferRequest → LeaderView, when it has happened
 *     GET  /api/v1/members                         MembersView, as the leader sees it
 *     POST /api/v1/members            AddMemberRequest → MembersView: it is a learner
 *     POST /api/v1/members/{id}/promote            MembersView: it votes; 409 until it has caught up
 *     DELETE /api/v1/members/{id}                  MembersView, when it is none any more; 404, 409
 *     POST /api/v1/drain              DrainRequest → 202 DrainView; the node that is asked
 *     GET  /api/v1/drain                           DrainView
 */
import type { GatewaySettings } from '../policy/settings.js'
import type { ShownText } from '../text/message-text.js'

/** `next`: give it as `?after=` to get the next page; null on the last one. */
export interface List<T> {
  items: T[]
  next: string | null
}

/** Errors, by RFC 9457. */
export interface Problem {
  /** `about:blank`, or a stable name such as `/problems/no-leader`. */
  type: string
  title: string
  status: number
  detail?: string
  /** What is wrong in a gateway file. */
  errors?: FileError[]
}

/** One mistake in a file. Line and column count from 1; 0 where there is no place to point at. */
export interface FileError {
  file: string
  line: number
  column: number
  /** `accounts[0].systemId` */
  key: string
  message: string
}

export interface Health {
  status: 'ok' | 'unavailable'
  /** One sentence for each reason that speaks against it: `no leader is known`. */
  reasons: string[]
}

/** Seen from one node; the numbers of messages are cluster-wide, from this node's applied state. */
export interface ClusterView {
  id: number
  clusterId: string
  /** Null when there is none. */
  leader: number | null
  term: number
  commitIndex: number
  appliedIndex: number
  stateHash: string
  /** The largest multiple of 256 applied, or appliedIndex after 1 s unchanged. */
  stateHashIndex: number
  /** Of the gateway settings; 0: none yet. */
  revision: number
  members: MemberView[]
  /** Without final outcome and unclaimed: waiting, to be retried, scheduled. */
  queued: number
  /** Claimed; in doubt and held too. */
  inFlight: number
  /** Receipts and MO not yet acknowledged by an ESME. */
  receiptsQueued: number
  /** This node is draining or drained. */
  draining: boolean
  /** Messages in doubt (a part of inFlight). */
  inDoubt: number
  /** Since when this node runs. */
  startedAt: string
  version: string
}

export interface MemberView {
  id: number
  /** host:port of the peer listener. */
  address: string
  role: 'voter' | 'learner'
  /** Heard by the answering node within two election timeouts. */
  alive: boolean
  /** Last index known to be on that member's disk; null unless the leader answers. */
  matchIndex: number | null
}

/** `caughtUp`: what was committed an election timeout ago is on its disk; `lag`, in entries: null without a leader. */
export interface MemberDetail extends MemberView {
  lag: number | null
  caughtUp: boolean
}

export interface MembersView {
  leader: number | null
  commitIndex: number
  members: MemberDetail[]
  /** What else should be done, one sentence each. */
  warnings: string[]
}

export interface AddMemberRequest {
  /** 1–65535, never used before in this cluster. */
  id: number
  /** host:port of its peer listener. */
  address: string
}

export interface SessionView {
  id: string
  systemId: string
  bindType: 'trx' | 'tx' | 'rx'
  /** `3.4` */
  version: string
  node: number
  /** host:port; from the PROXY header where there was one. */
  remoteAddress: string
  boundAt: string
  /** Where it was asked for; null: its node did not answer in time, or has just lost it. */
  activity?: SessionActivity | null
}

/** What a session is doing, which only its node knows and no state holds. */
export interface SessionActivity {
  /** Unanswered requests that its account may have, in each direction. */
  window: number
  /** Its requests that are not answered yet. */
  unanswered: number
  /** deliver_sm that it has not answered yet. */
  delivering: number
  /** Towards it, not taken by its kernel. */
  octetsWaiting: number
  pdusIn: number
  pdusOut: number
  /** When its last PDU came, by its node's clock. */
  lastPduAt: string
}

export interface KickView {
  id: string
  systemId: string
  node: number
  /** It answered our unbind. */
  answered: boolean
  /** How it ended: `unbound by us`, `unbind was not answered`, `the peer closed the connection`, … */
  reason: string
  /** The cluster has forgotten it. False: for want of a quorum; its end is proposed until it is committed. */
  committed: boolean
}

export interface NodeView {
  id: number
  /** `http://10.0.0.2:8081`, as that node listens; null: it did not answer in time. */
  http: string | null
}

/** Of an account's sessions (and binds under its name), or of a connector's binds. */
export interface TraceRequest {
  account?: string | undefined
  connector?: string | undefined
  /** Default 60,000, at most an hour. */
  forMs?: number
  /** Octets of PDUs, on this node. Default 10,000,000. */
  octetsMax?: number
  /** Default false: texts are overwritten with `*`. Passwords always are. */
  texts?: boolean
}

export type TraceLine =
  | { kind: 'begun'; node: number; texts: boolean }
  | TracedPdu
  /** So many PDUs are missing here: they were not read fast enough. */
  | { kind: 'dropped'; node: number; dropped: number }
  | TraceEnd

export interface TracedPdu {
  kind: 'pdu'
  node: number
  /** ms since the Unix epoch, by that node's clock. */
  at: number
  /** Session id; '' before the bind is committed; of a connector: its id, and how it is bound. */
  session: string
  /** As the node sees it. */
  direction: 'in' | 'out'
  /** host:port of the node's end. */
  local: string
  remote: string
  /** Octets of that connection and direction before this PDU, since the trace began. */
  place: number
  /** Base64, header and body. */
  pdu: string
}

export interface TraceEnd {
  kind: 'end'
  node: number
  /** `left`: its reader went away. `stopped`: the node stops. */
  why: 'time' | 'octets' | 'left' | 'stopped'
  pdus: number
  dropped: number
}

export interface ConnectorView {
  id: string
  /** host:port of the SMSC: the first that is tried. */
  address: string
  /** Node that runs it; null while it moves. */
  home: number | null
  epoch: number
  bindsWanted: number
  /** Null where only the home knows, and another node answers. */
  bindsBound: number | null
  /** Of pairs (`bindType: tx+rx`), those whose receiver stands; null where there are no pairs, or another node is the home. */
  receiversBound: number | null
  /** host:port of those that took the binds; null where another node is the home. */
  boundTo: { address: string; binds: number }[] | null
  queued: number
  inFlight: number
  inDoubt: number
  /** Of the last failure of a bind: `ESME_RINVPASWD`, `connection refused`; null: none. */
  lastError: string | null
}

export interface AccountView {
  systemId: string
  /** False: it is disabled, by its settings or because they do not name it any more. */
  enabled: boolean
  sessions: number
  maxSessions: number
  queued: number
  queueLimit: number
  /** Receipts and MO that wait. */
  receiptsQueued: number
  /** Receipts and MO that were given up so far, by receiptTtl or receiptLimit. */
  receiptsExpired: number
  /** Node that delivers them; null: none. */
  deliveryOwner: number | null
}

/** An address from which binds of an account are refused (docs/decisions/0017). */
export interface BanView {
  systemId: string
  address: string
  /** Binds that failed before it, at the node that counted. */
  failures: number
  since: string
  /** It is lifted within a second or two after this. */
  until: string
}

export interface LiftResult {
  lifted: number
}

export interface InDoubtView {
  id: string
  connector: string
  account: string
  since: string
  /** What will become of it: `resend`, `hold`, `wait 30s`. */
  policy: string
}

/** An operator's word on messages in doubt: `resend`, or `drop` (their state stays UNKNOWN). */
export interface ResolveRequest {
  /** 1 to 1,000 message ids. */
  ids: string[]
  action: 'resend' | 'drop'
}

export interface ResolveResult {
  /** How many of them were in doubt, and are no more. */
  resolved: number
}

/** SMPP 3.4 §5.2.28, and SCHEDULED from SMPP 5.0. */
export type MessageStateName =
  | 'SCHEDULED'
  | 'ENROUTE'
  | 'DELIVERED'
  | 'EXPIRED'
  | 'DELETED'
  | 'UNDELIVERABLE'
  | 'ACCEPTED'
  | 'UNKNOWN'
  | 'REJECTED'

export interface MessageView {
  id: string
  /** The 8 digits that its ESME knows it by, where it has them. */
  shortId?: string
  state: MessageStateName
  connector: string | null
  /**
   * The SMSC's message_id as it is compared with that of a receipt; null until it has answered. A number in decimal without
   * leading zeros, where the connector's `messageIdFormat` says that it is one.
   */
  smscId: string | null
  /**
   * As the SMSC writes it, but for leading zeros, letter case and hyphens: in its submit_sm_resp, and in the text of its
   * receipts, by the connector's settings of now. Null where both are text.
   */
  smscIdForms: { submit: SmscIdForm; receipt: SmscIdForm } | null
  /** A replace_sm has put another message in the place of the one that was submitted. */
  replaced: boolean
  /** In the order in which they happened. */
  events: MessageEvent[]
  account: string
  /** `stat` of the final receipt (`DELIVRD`, `UNDELIV`, `EXPIRED`, …), null before it. */
  stat: string | null
  /** Where it was asked for. null: its octets are not kept any more, or cannot be read. */
  content?: ShownText | null
}

export interface SmscIdForm {
  format: 'text' | 'hex' | 'dec'
  id: string
}

export interface MessageEvent {
  at: string
  /** `queued`, `scheduled`, `claimed`, `sent`, `retry`, `in doubt`, `held`, then a MessageStateName. */
  state: string
  /** `ESME_RTHROTTLED`, `err 045`, …; absent where there is nothing to say. */
  detail?: string
}

export interface SendRequest {
  to: string
  text: string
  /** source_addr. Default: empty. */
  from?: string
  /** systemId on whose behalf. Default: the first account. */
  account?: string
  /** ISO 8601 with a zone: not to be sent before. Default: at once. */
  at?: string
}

export interface SettingsView {
  revision: number
  appliedAt: string
  settings: GatewaySettings
}

export interface ApplyResult {
  /** In force after the call, or (dry run) before it. */
  revision: number
  /** False: these settings are in force already. */
  changed: boolean
  dryRun: boolean
  changes: SettingsChange[]
}

export interface SettingsChange {
  kind: 'added' | 'removed' | 'changed'
  /** `accounts.esme1.window`, `routes.default` */
  key: string
  /** JSON values; secrets as `***`. Absent on the side where the key is not. */
  from?: unknown
  to?: unknown
}

export interface RevisionView {
  revision: number
  appliedAt: string
  /** Log index at which all nodes changed over. */
  index: number
  /** `node 1, gateway.yaml` or `apply by 127.0.0.1` */
  origin: string
  changes: SettingsChange[]
}

export interface RollbackRequest {
  revision: number
}

export interface TransferRequest {
  /** Null: any healthy voter. */
  to: number | null
}

export interface LeaderView {
  leader: number
  term: number
}

export interface DrainRequest {
  /** Connections that are left after it are closed. Default 30,000. */
  deadlineMs?: number
}

export interface DrainView {
  state: 'serving' | 'draining' | 'drained'
  sessions: number
  inFlight: number
}

import type { Readable } from 'node:stream'
import type { Clock } from '../base/clock.js'
import type { Command, CommandResult, Journal } from '../journal/index.js'
import type { GatewaySettings } from '../policy/settings.js'
import type {
  DrainView,
  FileError,
  Health,
  LeaderView,
  MemberView,
  MembersView,
  NodeView,
  SendRequest,
  SessionActivity,
} from './shapes.js'

/** What the HTTP server knows of the node around it; the node hands it in. */
export interface ApiPorts {
  clock: Clock
  journal: Journal
  version: string
  /** Milliseconds since the Unix epoch. */
  startedAtMs: number
  cluster: ClusterPort
  members: MembersPort
  sessions: SessionsPort
  traces: TracesPort
  settings: SettingsPort
  submits: SubmitPort
  cancels: CancelPort
  operations: OperationsPort
  /** Prometheus text, and its content type. */
  metrics(): Promise<{ contentType: string; text: string }>
  /** Proposes a command of this node; rejects where nothing can be proposed now. */
  command(command: Exclude<Command, { kind: 'accept' }>): Promise<CommandResult>
  /**
   * What the home's process, if it runs here, knows of a connector and the state does not. Undefined
   * elsewhere.
   */
  homeStatus(connector: string): HomeView | undefined
}

export interface HomeView {
  /** Of the last failure of a bind; null: none since all stand. */
  lastError: string | null
  /** Null: no pairs. */
  receiversBound: number | null
  /** host:port of those that took the binds. */
  addresses: { address: string; binds: number }[]
}

export interface ClusterPort {
  /** '' before the first start. */
  clusterId(): string
  status(): RaftStatus
  /** Of the applied state, at a place where nodes can be compared (DESIGN §5). */
  stateHash(): { index: number; hash: string }
  /** Resolves once all that was committed when it was called is applied here; rejects without a quorum. */
  readIndex(): Promise<unknown>
  /** Null: to any healthy voter. Rejects where it did not happen in time. */
  transferLeader(to: number | null): Promise<LeaderView>
}

/** Whichever node is asked, the leader does it. All reject with MembersRefused. */
export interface MembersPort {
  list(): Promise<MembersView>
  /** As a learner. */
  add(id: number, address: string): Promise<MembersView>
  /** A learner that has caught up votes from now on. */
  promote(id: number): Promise<MembersView>
  /** A node that lives is drained first. */
  remove(id: number): Promise<MembersView>
}

/** Why the membership is not changed, and what to do about it. */
export class MembersRefused extends Error {
  override readonly name = 'MembersRefused'
  /** Of the HTTP answer. */
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Whichever node is asked: the one that has the session does it. */
export interface SessionsPort {
  /** By session id; those of nodes that do not answer within a second are missing. */
  activity(ids: readonly string[]): Promise<Map<string, SessionActivity>>
  kick(id: string): Promise<Kicked>
  /** All members, and where their HTTP is. */
  nodes(): Promise<NodeView[]>
}

export interface TracesPort {
  /** Lines of JSON, each a TraceLine. It ends by itself, and when it is destroyed. */
  start(order: TraceOrder): Readable | 'tooMany'
}

export interface TraceOrder {
  kind: 'account' | 'connector'
  name: string
  /** False: texts are masked. */
  texts: boolean
  forMs: number
  /** Octets of PDUs after which it ends. */
  octetsMax: number
  /** Who wants it; for the log. */
  by: string
}

/** `reason`: the link's, null where it was over already. `committed`: the state does not have it any more. */
export type Kicked =
  | { kind: 'ended'; node: number; reason: string | null; committed: boolean }
  | { kind: 'unknown' }
  | { kind: 'noAnswer'; node: number }

export interface RaftStatus {
  leader: number | null
  term: number
  commitIndex: number
  appliedIndex: number
  members: MemberView[]
}

export interface SettingsPort {
  /** @throws SettingsMistakes */
  parse(text: string): GatewaySettings
  /**
   * Hashes and seals what is plain. A secret that is the same as in `current` keeps its stored form, so that
   * the same file given twice is no new revision. @throws SettingsMistakes
   */
  protect(settings: GatewaySettings, current: GatewaySettings): Promise<GatewaySettings>
}

/** A gateway file that cannot be used. */
export class SettingsMistakes extends Error {
  override readonly name = 'SettingsMistakes'
  readonly errors: readonly FileError[]
  constructor(errors: readonly FileError[]) {
    super('the gateway file has mistakes')
    this.errors = errors
  }
}

export interface SubmitPort {
  /** Accepts one message as a submit_sm of that account; resolves when it is committed and applied. */
  submit(request: SendRequest): Promise<Submitted>
}

export type Submitted =
  | { ok: true; id: string }
  /** `status`: of the HTTP answer. `command_status`: what an ESME would have heard. */
  | { ok: false; status: number; command_status: string; detail: string }

export interface CancelPort {
  /**
   * Cancels a message of any account, as its cancel_sm would; resolves when it is applied. The state must be current. Rejects
   * where nothing can be proposed.
   */
  cancel(id: string): Promise<Cancelled>
}

export type Cancelled =
  { kind: 'cancelled'; id: string } | { kind: 'unknown' } | { kind: 'refused'; detail: string }

export interface OperationsPort {
  live(): Health
  ready(): Health
  drainState(): DrainView
  /** Begins; `drainState` tells how far it is. */
  drain(deadlineMs: number): void
}

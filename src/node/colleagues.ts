import type { ClusterNode, Group, MemberStatus } from '../../cluster/types.js'
import type { Address } from '../base/address.js'
import type { Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Metrics } from '../base/metrics.js'
import type { FrontEnd } from '../front/index.js'
import type { Journal } from '../journal/index.js'
import type { ClockJudgement } from './clock-judgement.js'
import { ClockWatch } from './clock-watch.js'
import { HashWatch } from './hash-watch.js'
import type { Leadership } from './leadership.js'
import { MemberChanges } from './member-changes.js'
import { RateSharing } from './rate-sharing.js'
import { Removal } from './removal.js'
import { SessionsAnywhere } from './sessions-anywhere.js'

export interface ColleaguesOptions {
  journal: Journal
  cluster: ClusterNode
  leadership: Leadership
  clock: Clock
  timers: Timers
  logger: Logger
  metrics: Metrics
  electionTimeoutMs: number
  /** Undefined while the log is replayed. */
  group(): Group | undefined
  front(): FrontEnd | undefined
  /** Where this node's HTTP listens. */
  http(): Address
  drain(deadlineMs: number): Promise<void>
  clockJudged(judgement: ClockJudgement): void
  /** A majority of voters has another state at this index. */
  outvoted(index: number): void
  /** This node is no member any more. */
  removed(): void
  /** A removed node is a member again. */
  addedAgain(): void
}

/** What this node tells the others beside the log, and hears from them: rates, hashes, clocks, members, sessions. */
export class Colleagues {
  readonly sharing: RateSharing
  readonly hashes: HashWatch
  readonly memberChanges: MemberChanges
  readonly sessions: SessionsAnywhere
  readonly removal: Removal
  private readonly options: ColleaguesOptions
  private clocks: ClockWatch | undefined

  constructor(options: ColleaguesOptions) {
    this.options = options
    const { cluster, leadership } = options
    const about = this.about()
    this.sharing = new RateSharing({
      ...about,
      currentRead: () => options.group()?.readIndex() ?? Promise.reject(new Error('not open yet')),
    })
    this.hashes = new HashWatch({ ...about, outvoted: index => options.outvoted(index) })
    this.memberChanges = new MemberChanges({
      ...about,
      group: () => options.group(),
      leader: () => leadership.leader,
      giveUpLeadership: async () => {
        const group = options.group()
        if (group !== undefined) await leadership.giveUp(group)
      },
      drain: deadlineMs => options.drain(deadlineMs),
    })
    this.sessions = new SessionsAnywhere({
      ...about,
      members: () => this.members(),
      http: () => options.http(),
      front: () => options.front(),
    })
    this.removal = new Removal({
      ...about,
      cluster,
      leaderlessSinceMs: () => leadership.leaderlessSinceMs,
      isMember: () => {
        const members = this.members()
        return members.length === 0 || members.some(({ id }) => id === options.journal.node)
      },
      removed: () => options.removed(),
      addedAgain: () => options.addedAgain(),
    })
  }

  /** What is thought of this node's clock; `agrees` until it was compared. */
  get clockJudgement(): ClockJudgement {
    return this.clocks?.judgement ?? 'agrees'
  }

  /** Begins to compare clocks; the members are known now. */
  watchClocks(): void {
    const { options } = this
    this.clocks = new ClockWatch({
      ...this.about(),
      changed: judgement => options.clockJudged(judgement),
    })
  }

  /** By the newest membership that is replicated here; none while the log is replayed. */
  members(): MemberStatus[] {
    return this.options.group()?.status().members ?? []
  }

  stop(): void {
    this.clocks?.stop()
    this.hashes.stop()
    this.sharing.stop()
    this.memberChanges.stop()
    this.removal.stop()
  }

  private about() {
    const { journal, cluster, clock, timers, logger, metrics, electionTimeoutMs } = this.options
    return {
      journal,
      messenger: cluster.messenger,
      clock,
      timers,
      logger,
      metrics,
      electionTimeoutMs,
      peers: () =>
        this.members()
          .filter(({ id }) => id !== journal.node)
          .map(({ id, role }) => ({ id, voter: role === 'voter' })),
      votes: () => this.members().some(({ id, role }) => id === journal.node && role === 'voter'),
    }
  }
}

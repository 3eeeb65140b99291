import type { ClusterNode } from '../../cluster/types.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Random } from '../base/random.js'
import type { Journal } from '../journal/index.js'
import type { GatewaySettings } from '../policy/settings.js'
import { NO_SETTINGS } from '../policy/settings.js'
import { Silence } from './silence.js'
import type { PeerSeen, StewardDecision } from './steward.js'
import { decide } from './steward.js'

/** Nodes that are gone are noticed within this; nothing else is urgent. */
const EVERY_MS = 50
/** How often the commands of time are looked for: each look reads some blocks. */
const TIMES_EVERY_MS = 1000
/** Settings that could not be read or proposed are tried again. */
const AGAIN_MS = 5000

export interface OfficeOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
  electionTimeoutMs: number
  cluster: Pick<ClusterNode, 'peer'>
  members(): ReadonlySet<number>
  /** False where this node's clock is outvoted. */
  clockIsTrusted(): boolean
  /** From this node's gateway file, with secrets hashed or sealed; undefined: it has none. */
  firstSettings: (() => Promise<{ settings: GatewaySettings; author: string }>) | undefined
}

/** The leader's steward at work: looks, decides (steward.ts), proposes. One of each kind at a time. */
export class StewardOffice {
  private readonly options: OfficeOptions
  private readonly underWay: Set<string> = new Set()
  private leading: { sinceMs: number; awakeMs: number; predecessor: number | undefined } | undefined
  /** Who led last, as far as this node has heard. */
  private lastLeader: number | undefined
  private readonly silence = new Silence(EVERY_MS)
  private timesLookedAtMs = -Infinity
  private readonly cancel: Cancel

  constructor(options: OfficeOptions) {
    this.options = options
    this.cancel = options.timers.every(EVERY_MS, () => this.look())
  }

  /** Who leads, null: nobody, as far as this node knows. Told again and again. */
  leaderIs(leader: number | null): void {
    const { journal, clock } = this.options
    const predecessor = this.lastLeader === journal.node ? undefined : this.lastLeader
    this.lastLeader = leader ?? this.lastLeader
    if (leader !== journal.node) {
      this.leading = undefined
      return
    }
    const sinceMs = clock.monotonicMs()
    this.silence.look(sinceMs)
    this.leading ??= { sinceMs, awakeMs: this.silence.awakeMs, predecessor }
    this.look()
  }

  stop(): void {
    this.cancel()
  }

  private look(): void {
    const { options, leading } = this
    const { journal, clock, random } = options
    const monotonicMs = clock.monotonicMs()
    this.silence.look(monotonicMs)
    if (leading === undefined || !journal.proposer.running) return
    const timesAreDue =
      monotonicMs - this.timesLookedAtMs >= TIMES_EVERY_MS && options.clockIsTrusted()
    if (timesAreDue) this.timesLookedAtMs = monotonicMs
    const decisions = decide({
      journal,
      leadingSinceMs: leading.sinceMs,
      leadingAwakeMs: this.silence.awakeMs - leading.awakeMs,
      predecessor: leading.predecessor,
      monotonicMs,
      nowMs: timesAreDue ? clock.nowMs() : undefined,
      electionTimeoutMs: options.electionTimeoutMs,
      members: options.members(),
      peer: id => this.peer(id),
      generation: random.below(0x10000),
      hasFirstSettings: options.firstSettings !== undefined,
    })
    for (const decision of decisions) this.carryOut(decision)
  }

  private peer(id: number): PeerSeen {
    const seen = this.options.cluster.peer(id)
    return { ...seen, silentMs: this.silence.of(id, seen.heardAtMs) }
  }

  private carryOut(decision: StewardDecision): void {
    const key = keyOf(decision)
    if (this.underWay.has(key)) return
    this.underWay.add(key)
    const { journal, logger, timers } = this.options
    const done = (): void => {
      this.underWay.delete(key)
    }
    if (decision.kind === 'firstSettings') {
      this.proposeFirstSettings().then(done, (error: unknown) => {
        logger.error('the first settings cannot be used', { error })
        timers.after(AGAIN_MS, done)
      })
      return
    }
    if (decision.kind === 'nodeDown') {
      const { node, boot, why } = decision
      logger.warn('node is unreachable', { unreachable: node, boot, why })
      if (!journal.proposer.propose({ kind: 'nodeDown', node, boot }, done)) done()
      return
    }
    if (decision.kind === 'relieve') {
      const { node, boot } = decision
      logger.warn('who led before is silent: others run its connectors', { relieved: node, boot })
    }
    if (!journal.proposer.propose(decision, done)) done()
  }

  private async proposeFirstSettings(): Promise<void> {
    const { journal, clock, logger, firstSettings } = this.options
    if (firstSettings === undefined) return
    const { settings, author } = await firstSettings()
    const same = JSON.stringify(settings) === JSON.stringify(NO_SETTINGS)
    if (same || journal.state.revision > 0) return
    const result = await journal.proposer.command({
      kind: 'settings',
      expected: 0,
      settings,
      author,
      atMs: clock.nowMs(),
    })
    if (!result.ok && result.why !== 'conflict')
      logger.error('the first settings were refused', { why: result.why, detail: result.detail })
  }
}

function keyOf(decision: StewardDecision): string {
  switch (decision.kind) {
    case 'nodeDown':
      return `nodeDown ${decision.node}`
    case 'delivered':
    case 'forgetLost':
    case 'giveUpParts':
      return `${decision.kind} ${decision.account}`
    case 'expire':
    case 'forgetOrphans':
      return `${decision.kind} ${decision.connector}`
    default:
      return decision.kind
  }
}

import type { ClusterNode, PeerState } from '../../cluster/types.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Random } from '../base/random.js'
import type { Journal } from '../journal/index.js'
import type { GatewaySettings } from '../policy/settings.js'
import { NO_SETTINGS } from '../policy/settings.js'
import { Silence } from './silence.js'
import type { StewardDecision } from './steward.js'
import { decide } from './steward.js'

/** Nodes that are gone are noticed within this; nothing else is urgent. */
const EVERY_MS = 100
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
  private leadingSinceMs: number | undefined
  private readonly silence = new Silence(EVERY_MS)
  private timesLookedAtMs = -Infinity
  private readonly cancel: Cancel

  constructor(options: OfficeOptions) {
    this.options = options
    this.cancel = options.timers.every(EVERY_MS, () => this.look())
  }

  leads(leads: boolean): void {
    if (!leads) this.leadingSinceMs = undefined
    else this.leadingSinceMs ??= this.options.clock.monotonicMs()
    if (leads) this.look()
  }

  stop(): void {
    this.cancel()
  }

  private look(): void {
    const { options, leadingSinceMs } = this
    const { journal, clock, random } = options
    this.silence.look(clock.monotonicMs())
    if (leadingSinceMs === undefined || !journal.proposer.running) return
    const monotonicMs = clock.monotonicMs()
    const timesAreDue =
      monotonicMs - this.timesLookedAtMs >= TIMES_EVERY_MS && options.clockIsTrusted()
    if (timesAreDue) this.timesLookedAtMs = monotonicMs
    const decisions = decide({
      journal,
      leadingSinceMs,
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

  private peer(id: number): { state: PeerState; sinceMs: number; silentMs: number } {
    const { state, sinceMs, heardAtMs } = this.options.cluster.peer(id)
    return { state, sinceMs, silentMs: this.silence.of(id, heardAtMs) }
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

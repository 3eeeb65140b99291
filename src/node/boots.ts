import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Journal, Send } from '../journal/index.js'
import { encodeCommand } from '../journal/command-codec.js'
import { joinEntry } from '../journal/entry.js'
import { RULES } from '../journal/rules.js'

/** A registration may get lost on its way to a leader. */
const AGAIN_MS = 250

export interface BootsOptions {
  journal: Journal
  clock: Clock
  timers: Timers
  logger: Logger
  send: Send
  /** Fsynced before it resolves; larger than `above`. */
  nextBoot(above: number): Promise<number>
  /** The boot is registered: proposals may begin. */
  began(boot: number): void
  /** The cluster has ended it: this node was called unreachable. Another one is registered at once. */
  ended(boot: number): void
  fatal(error: Error): void
}

/**
 * Registers this process in the journal, and registers anew when the cluster has ended its boot (DESIGN I4).
 *
 *     IDLE ─ begin ─► COUNTING ─ fsynced ─► ASKING ─ applied ─► RUNNING ─ ended ─► COUNTING …
 */
export class Boots {
  private readonly options: BootsOptions
  private phase: 'idle' | 'counting' | 'asking' | 'running' = 'idle'
  private boot = 0
  private cancel: Cancel | undefined

  constructor(options: BootsOptions) {
    this.options = options
  }

  /** The registered boot, or undefined. */
  get running(): number | undefined {
    return this.phase === 'running' ? this.boot : undefined
  }

  begin(): void {
    this.phase = 'counting'
    this.options.nextBoot(this.known?.boot ?? 0).then(
      boot => {
        if (this.phase !== 'counting') return
        this.phase = 'asking'
        this.boot = boot
        this.ask()
        this.cancel = this.options.timers.every(AGAIN_MS, () => this.ask())
      },
      (error: unknown) => this.options.fatal(error as Error),
    )
  }

  /** A leader came: do not wait. */
  wake(): void {
    if (this.phase === 'asking') this.ask()
  }

  /** Call it before the parts of the node hear what was applied: those of a new boot may propose then. */
  lookForBegin(): void {
    const { known } = this
    if (this.phase === 'asking' && known?.boot === this.boot && known.alive) this.registered()
  }

  /** Call it when entries were applied and heard of, or a snapshot took the state's place. */
  look(): void {
    this.lookForBegin()
    const { known } = this
    if (this.phase === 'asking') {
      if (known !== undefined && known.boot >= this.boot) this.again() // an older count came back
    } else if (this.phase === 'running' && (known?.boot !== this.boot || !known.alive)) {
      this.options.logger.warn('the cluster has ended our boot: it took this node for dead', {
        boot: this.boot,
      })
      const ended = this.boot
      this.again()
      this.options.ended(ended)
    }
  }

  stop(): void {
    this.cancel?.()
    this.phase = 'idle'
  }

  private get known() {
    const { journal } = this.options
    return journal.state.nodes.get(journal.node)
  }

  private registered(): void {
    this.cancel?.()
    this.phase = 'running'
    this.options.logger.info('boot registered', { boot: this.boot })
    this.options.began(this.boot)
  }

  private again(): void {
    this.cancel?.()
    this.begin()
  }

  /** Outside of any numbering (number 0): a boot begins it. */
  private ask(): void {
    const { journal, clock, send } = this.options
    const { node } = journal
    const { boot } = this
    const header = {
      lane: 'other' as const,
      node,
      boot,
      number: 0,
      lowestUnanswered: 0,
      proposedAtMs: clock.nowMs(),
    }
    send(joinEntry(header, [encodeCommand({ kind: 'registerBoot', node, boot, rules: RULES })]))
  }
}

import type { Cancel } from '../base/clock.js'
import type { Effect, JournalListener } from '../journal/index.js'
import type { HomeStatus, UpstreamOptions } from './context.js'
import { Home } from './home.js'

/** How long `drain` waits for its homes. */
const DRAIN_MS = 10_000

/**
 * The connectors whose home is this node. Which they are the journal says; every effect is only a reason
 * to look at it again.
 */
export class Upstream implements JournalListener {
  private readonly options: UpstreamOptions
  private readonly homes: Map<number, Home> = new Map()
  private draining = false
  private drained: (() => void)[] = []
  private cancelDrain: Cancel | undefined
  private running = false

  constructor(options: UpstreamOptions) {
    this.options = options
    options.journal.listen(this)
  }

  /** Takes up what the state says is ours; from here on effects are heard. */
  start(): void {
    this.running = true
    this.lookAtAll()
  }

  effect(effect: Effect): void {
    if (!this.running) return
    if (effect.kind === 'connector') this.look(effect.connector)
    else if (effect.kind === 'settings' || effect.kind === 'bootEnded') this.lookAtAll()
  }

  reset(): void {
    if (!this.running) return
    this.lookAtAll()
    for (const home of this.homes.values()) home.reset()
  }

  /**
   * Finishes the windows and gives all homes up; resolves when they are given up, after 10 s at the
   * latest. The node proposes `draining` before, or the homes would come back to it.
   */
  drain(): Promise<void> {
    this.draining = true
    return new Promise(resolve => {
      this.drained.push(resolve)
      this.cancelDrain ??= this.options.timers.after(DRAIN_MS, () => this.endDrain())
      this.lookAtAll()
      this.checkDrained()
    })
  }

  /** The node takes part again: homes come as the state gives them. */
  resume(): void {
    this.draining = false
    if (this.running) this.lookAtAll()
  }

  /** Ends all homes at once, without giving them up. */
  stop(): void {
    this.running = false
    for (const home of this.homes.values()) home.stop()
    this.homes.clear()
    this.endDrain()
  }

  /** The homes of this node. */
  status(): HomeStatus[] {
    return [...this.homes.values()].map(home => home.status())
  }

  /** The home of the connector with this id; undefined where it is elsewhere. */
  statusOf(id: string): HomeStatus | undefined {
    const number = this.options.journal.state.connector(id)?.number
    return number === undefined ? undefined : this.homes.get(number)?.status()
  }

  private lookAtAll(): void {
    const { connectors } = this.options.journal.state
    for (const number of this.homes.keys()) if (!connectors.has(number)) this.look(number)
    for (const number of connectors.keys()) this.look(number)
  }

  private look(number: number): void {
    const { journal } = this.options
    const connector = journal.state.connectors.get(number)
    const ours = connector?.home?.node === journal.node ? connector : undefined
    const home = this.homes.get(number)
    if (home !== undefined && ours?.epoch === home.epoch) return home.look()
    if (home !== undefined) {
      this.homes.delete(number)
      home.stop()
      this.checkDrained()
    }
    if (ours?.settings === undefined || this.draining) return
    this.homes.set(number, new Home(this.options, ours, ours.settings, () => this.draining))
  }

  private checkDrained(): void {
    if (this.draining && this.homes.size === 0) this.endDrain()
  }

  private endDrain(): void {
    this.cancelDrain?.()
    this.cancelDrain = undefined
    const drained = this.drained
    this.drained = []
    for (const resolve of drained) resolve()
  }
}

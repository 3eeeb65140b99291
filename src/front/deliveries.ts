import type { Counter, Metrics } from '../base/metrics.js'
import type { Frame, ResponseKind } from '../link/types.js'
import { statusName } from '../smpp/command-status.js'
import type { DeliveryTag, PumpOptions } from './delivery-pump.js'
import { DeliveryPump } from './delivery-pump.js'

/** A pump for each account that this node delivers to; the state says which they are. */
export class Deliveries {
  private readonly options: PumpOptions
  private readonly metrics: Metrics
  private readonly pumps: Map<number, DeliveryPump> = new Map()
  private readonly answers: Map<string, Counter> = new Map()
  private paused = false

  constructor(options: PumpOptions, metrics: Metrics) {
    this.options = options
    this.metrics = metrics
  }

  /** Asks the state what this node owes the account. */
  look(number: number): void {
    const { journal } = this.options
    const account = journal.state.accounts.get(number)
    const owner = account?.owner
    const pump = this.pumps.get(number)
    if (account === undefined || owner?.node !== journal.node) {
      pump?.stop()
      this.pumps.delete(number)
    } else if (pump?.epoch === owner.epoch) pump.wake()
    else {
      pump?.stop()
      const begun = new DeliveryPump(account, owner.epoch, this.options)
      if (this.paused) begun.pause()
      this.pumps.set(number, begun)
      begun.wake()
    }
  }

  /** Asks the state about every account. */
  lookAll(): void {
    for (const number of this.options.journal.state.accounts.keys()) this.look(number)
  }

  wake(account: number): void {
    this.pumps.get(account)?.wake()
  }

  /** Submits of other nodes were reported as answered. */
  onReport(): void {
    for (const pump of this.pumps.values()) if (pump.waitsForReport) pump.wake()
  }

  answered(tag: DeliveryTag, kind: ResponseKind, frame: Frame | undefined): void {
    // a status that has no name is the peer's invention: it makes no label
    this.count(frame === undefined ? kind : (statusName(frame.command_status) ?? 'other'))
    tag.pump.answered(tag, kind, frame?.command_status)
  }

  expire(): void {
    for (const pump of this.pumps.values()) pump.expire()
  }

  giveUpParts(): void {
    for (const pump of this.pumps.values()) pump.giveUpParts()
  }

  /** Nothing more goes out; answers still count. */
  pause(): void {
    this.paused = true
    for (const pump of this.pumps.values()) pump.pause()
  }

  stop(): void {
    for (const pump of this.pumps.values()) pump.stop()
    this.pumps.clear()
  }

  private count(command_status: string): void {
    let counter = this.answers.get(command_status)
    if (counter === undefined) {
      counter = this.metrics.counter('deliver_sm_total', { command_status })
      this.answers.set(command_status, counter)
    }
    counter.add()
  }
}

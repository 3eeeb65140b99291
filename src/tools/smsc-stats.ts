import type { BindName } from '../smpp/command-ids.js'
import { statusText } from '../smpp/command-status.js'
import type { RunCount } from './tag-counts.js'
import { noOutgoing, type OutgoingCounts } from './smsc-outbox.js'

/** Everything the simulator counted since it started. */
export interface SmscStats {
  uptimeMs: number
  sessions: { systemId: string; bind: BindName; remote: string; submits: number }[]
  /** Binds taken since the start, and refused. */
  binds: number
  bindsRefused: number
  /** submit_sm, data_sm and submit_multi that came. */
  submits: number
  /** Messages taken, of a submit_multi one for each destination: answered ESME_ROK, or meant to be and never answered. */
  accepted: number
  /** Taken, and never answered (no-response, or the connection was cut). */
  unanswered: number
  /** By command_status. */
  refused: Record<string, number>
  /** Taken, but without a tag. */
  untagged: number
  /** Tagged messages, each counted once. */
  distinct: number
  /** Taken again: the same tag once more. */
  duplicates: number
  runs: RunCount[]
  /** Requests about messages, by command: query_sm, cancel_sm, replace_sm; data_sm and submit_multi count as submits too. */
  requests: Record<string, number>
  receipts: OutgoingCounts & { waiting: number; delayed: number }
  notifications: OutgoingCounts
  mo: OutgoingCounts & { run: string; waiting: number }
}

/** A second of the simulator's life. */
export interface SmscSecond {
  /** ms since the Unix epoch, its end. */
  atMs: number
  submits: number
  accepted: number
  receipts: number
  waiting: number
}

/** Numbers that only grow. */
export class SmscCounters {
  binds = 0
  bindsRefused = 0
  submits = 0
  accepted = 0
  unanswered = 0
  untagged = 0
  readonly refused = new Map<number, number>()
  readonly requests = new Map<string, number>()
  readonly outgoing = { receipt: noOutgoing(), notification: noOutgoing(), mo: noOutgoing() }

  request(name: string): void {
    this.requests.set(name, (this.requests.get(name) ?? 0) + 1)
  }

  refuse(command_status: number): void {
    this.refused.set(command_status, (this.refused.get(command_status) ?? 0) + 1)
  }

  get refusedByName(): Record<string, number> {
    return Object.fromEntries(
      [...this.refused].map(([status, count]) => [statusText(status), count]),
    )
  }
}

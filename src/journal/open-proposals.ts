import type { Clock } from '../base/clock.js'
import type { EncodedCommand } from './command-codec.js'
import type { CommandResult, Outcome, Written } from './commands.js'
import type { Lane } from './entry.js'
import { joinEntry } from './entry.js'
import type { SubmitRefusal } from './submit-gather.js'

/** Hands octets to the leader; see `Group.propose` in cluster/types.ts. */
export type Send = (entry: Buffer) => 'sent' | 'noLeader' | 'full'

/** Applied, given up after submitTimeoutMs, or outlived by its boot. */
export type ProposalEnd = 'applied' | 'timeout' | 'staleBoot'

/** An unanswered proposal is sent again after this long, then twice as long: frames can be lost. */
const RESEND_MS = 1000
const RESEND_MS_MAX = 8000

/** A proposal without an answer. */
export interface Open {
  readonly number: number
  readonly lane: Lane
  readonly commands: readonly EncodedCommand[]
  readonly octets: Buffer
  /** Monotonic ms. */
  readonly openedAtMs: number
  sentAtMs: number
  resendMs: number
  /** False while it could not be handed over. */
  sent: boolean
  /** Written marks in it, before its own commands. */
  riders: readonly Written[]
  settle(outcome: Outcome): void
  /** Tells those who wait for it that they wait no longer; undefined once they were told, or where nobody waits so. */
  refuse?(why: SubmitRefusal): void
}

/** What a proposal is made of, and who hears of its end. */
export type NewProposal = Pick<Open, 'lane' | 'commands' | 'riders' | 'settle' | 'refuse'>

export interface OpenProposalsOptions {
  node: number
  send: Send
  clock: Clock
  /** For the metrics: a proposal's end, once each, and the milliseconds since it was first proposed. */
  ended?(how: ProposalEnd, openMs: number): void
}

/**
 * Proposals of this node's boot that have no answer: numbered, handed to the leader, and again until apply has
 * decided them (DESIGN I4).
 */
export class OpenProposals {
  private readonly options: OpenProposalsOptions
  /** By number, ascending. */
  private readonly all: Map<number, Open> = new Map()
  private nextNumber = 1
  private boot = 0
  submits = 0
  submitOctets = 0
  others = 0

  constructor(options: OpenProposalsOptions) {
    this.options = options
  }

  get size(): number {
    return this.all.size
  }

  /** Numbers from the lowest open one to the next: apply refuses what lies 1,024 beyond. */
  get window(): number {
    return this.nextNumber - this.lowest(this.nextNumber)
  }

  /** Oldest first; a copy, so that they may be closed meanwhile. */
  list(): Open[] {
    return [...this.all.values()]
  }

  /** Those opened at `beforeMs` or earlier whose waiters were not refused yet. Monotonic ms. */
  overdue(beforeMs: number): Open[] {
    const found: Open[] = []
    for (const open of this.all.values())
      if (open.refuse !== undefined && open.openedAtMs <= beforeMs) found.push(open)
    return found
  }

  get(number: number): Open | undefined {
    return this.all.get(number)
  }

  /** Numbers begin with each boot. */
  start(boot: number): void {
    this.boot = boot
    this.nextNumber = 1
  }

  /** Gives it a number, and hands it over. */
  open(made: NewProposal): void {
    const number = this.nextNumber++
    const header = {
      lane: made.lane,
      node: this.options.node,
      boot: this.boot,
      number,
      lowestUnanswered: this.lowest(number),
      proposedAtMs: this.options.clock.nowMs(),
    }
    const open: Open = {
      ...made,
      number,
      octets: joinEntry(header, made.commands),
      openedAtMs: this.nowMs(),
      sentAtMs: 0,
      resendMs: RESEND_MS,
      sent: true,
    }
    this.all.set(number, open)
    if (open.lane === 'submit') {
      this.submits++
      this.submitOctets += open.octets.length
    } else this.others++
    this.send(open)
  }

  /** It needs no answer any more. */
  close(open: Open, how: ProposalEnd): void {
    this.all.delete(open.number)
    if (open.lane === 'submit') {
      this.submits--
      this.submitOctets -= open.octets.length
    } else this.others--
    this.options.ended?.(how, this.nowMs() - open.openedAtMs)
  }

  /** Hands all of them over again: what was sent to the leader before may be lost. */
  sendAll(): void {
    for (const open of this.all.values()) this.send(open)
  }

  /** Hands over again what could not be, and, where a leader is known, what has had no answer for long. */
  sendDue(hasLeader: boolean): void {
    const now = this.nowMs()
    for (const open of this.all.values()) {
      if (!open.sent) this.send(open)
      else if (hasLeader && now - open.sentAtMs >= open.resendMs) {
        open.resendMs = Math.min(2 * open.resendMs, RESEND_MS_MAX)
        this.send(open)
      }
    }
  }

  private send(open: Open): void {
    open.sent = this.options.send(open.octets) === 'sent'
    open.sentAtMs = this.nowMs()
  }

  /** Map order is number order, so the first open one is the lowest. */
  private lowest(otherwise: number): number {
    for (const number of this.all.keys()) return number
    return otherwise
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs()
  }
}

/** The answers to a proposal's own commands, where `riders` went before them; one that was made void has one result for all. */
export function withoutRiders({ index, results }: Outcome, riders: number): Outcome {
  return { index, results: results.length > riders ? results.slice(riders) : results }
}

/** Messages that a submit proposal brought into the journal. */
export function acceptedIn(results: readonly CommandResult[]): number {
  let count = 0
  for (const result of results)
    if (result.ok && 'accepted' in result) {
      const { accepted } = result
      count += accepted.count - accepted.refused.length - (accepted.matched?.length ?? 0)
    }
  return count
}

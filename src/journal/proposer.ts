import { assert } from '../base/assert.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { AcceptRecord } from './accept-record.js'
import type { EncodedCommand } from './command-codec.js'
import { encodeCommand } from './command-codec.js'
import type { Command, CommandResult, Outcome } from './commands.js'
import type { Ref } from './ids.js'
import { MESSAGES_PER_ENTRY } from './ids.js'
import { OPEN_PROPOSALS_MAX } from './nodes.js'
import type { NewProposal, Open, OpenProposalsOptions, ProposalEnd } from './open-proposals.js'
import { acceptedIn, OpenProposals, withoutRiders } from './open-proposals.js'
import type { SubmitTicket } from './submit-gather.js'
import { SubmitGather } from './submit-gather.js'
import { WrittenMarks } from './written-marks.js'

export interface ProposerOptions extends OpenProposalsOptions {
  clock: Clock
  timers: Timers
  /** A submit without an answer is refused after this long (DESIGN I8). */
  submitTimeoutMs: number
  /** The submits of a timed-out proposal that were too late to be dropped. */
  tooLate(count: number): void
}

/** Submit proposals open at once; the rest of the 1,024 is for claims, outcomes, binds and receipts. */
const SUBMITS_OPEN_MAX = 960
/** Octets of submit proposals open at once. */
const SUBMIT_OCTETS_MAX = 64 * 1024 * 1024
/** Messages at which a gathering is flushed; more only wait for the pace of the proposals. */
const FLUSH_MESSAGES = 256
const FLUSH_OCTETS = 256 * 1024
/** Under load a gathering waits this long, so that rounds stay few (HOTPATH: a round costs as much as 100 messages). */
const GATHER_MS = 2
/** Submit proposals in flight at which gathering begins to wait. */
const BUSY_AT = 2
/** Commands waiting for a number; a caller that gets false tries again. */
const COMMANDS_MAX = 10_000
/** Written marks ride with the next proposal, or alone after this long. */
const WRITTEN_WAIT_MS = 20
const TICK_MS = 50
/**
 * This node's proposals (DESIGN I4): gathers submits and commands into few entries, and refuses submits that get no
 * answer in time. apply knows a proposal's number, so it counts once, however often it is handed over.
 */
export class Proposer {
  private readonly options: ProposerOptions
  private readonly open: OpenProposals
  private gather = new SubmitGather()
  private commands: {
    encoded: EncodedCommand
    done: (result: CommandResult, index: number) => void
  }[] = []
  private readonly marks = new WrittenMarks()
  private marksFlush: Cancel | undefined
  private boot = 0
  private leaderless: number | undefined
  private hasLeader = false
  private submitFlush: Cancel | undefined
  private submitSoon = false
  private joining = false
  private commandFlush: Cancel | undefined
  private commandSoon = false
  private readonly tick: Cancel

  constructor(options: ProposerOptions) {
    this.options = options
    this.open = new OpenProposals(options)
    this.leaderless = options.clock.monotonicMs()
    this.tick = options.timers.every(TICK_MS, () => this.onTick())
  }

  /** Begins a boot, which was registered; `refuseAll` has ended the one before. */
  start(boot: number): void {
    assert(this.open.size === 0, 'a boot begins with proposals open')
    this.boot = boot
    this.open.start(boot)
  }

  get running(): boolean {
    return this.boot > 0
  }

  /** Proposals without an answer, and messages in the open submits. */
  get load(): { proposals: number; octets: number; gathered: number } {
    return {
      proposals: this.open.size,
      octets: this.open.submitOctets,
      gathered: this.gather.count,
    }
  }

  /** How far submits have filled what may be unanswered, 0 to 1: at 1 they are refused. */
  get fullness(): number {
    const { window, submitOctets } = this.open
    return Math.max(window / SUBMITS_OPEN_MAX, submitOctets / SUBMIT_OCTETS_MAX)
  }

  /**
   * Gathers one submitted message; the body is copied. `full`: 960 proposals or 64 MiB are unanswered.
   * `noLeader`: there has been none for submitTimeoutMs.
   */
  submit(
    connector: number,
    priority: number,
    revision: number,
    record: AcceptRecord,
    ticket: SubmitTicket,
  ): 'queued' | 'full' | 'noLeader' {
    if (this.boot === 0 || this.isLeaderless()) return 'noLeader'
    if (this.fullness >= 1) return 'full'
    this.gather.add(connector, priority, revision, record, ticket)
    if (!this.joining) this.flushFull()
    return 'queued'
  }

  /** All that `add` submits in its turn goes into one entry; `count` messages at most, up to what an entry carries. */
  together(count: number, add: () => void): void {
    if (this.gather.count + count > MESSAGES_PER_ENTRY) this.flushSubmits()
    this.joining = true
    try {
      add()
    } finally {
      this.joining = false
    }
    if (this.gather.count > 0) this.flushFull()
  }

  /**
   * Gathers one command; those of one turn share an entry. `done` hears what apply said, however often
   * leaders change. False: too many wait already, or no boot runs.
   */
  propose(
    command: Exclude<Command, { kind: 'accept' }>,
    done: (result: CommandResult, index: number) => void = () => undefined,
  ): boolean {
    if (this.boot === 0 || this.commands.length >= COMMANDS_MAX) return false
    this.commands.push({ encoded: encodeCommand(command), done })
    this.scheduleCommands()
    return true
  }

  /**
   * The response of this submit is in its session's write queue. For accounts with a resubmission window alone: says so
   * with the next proposal of any kind.
   */
  written(account: number, ref: Ref): void {
    if (this.boot === 0) return
    this.marks.add(account, ref)
    this.scheduleMarks()
  }

  /** The same as a promise; rejects where `propose` says false. */
  command(command: Exclude<Command, { kind: 'accept' }>): Promise<CommandResult> {
    return new Promise((resolve, reject) => {
      if (!this.propose(command, resolve)) reject(new Error('too many commands wait for a leader'))
    })
  }

  /** apply decided a proposal of this node and boot. */
  decided(boot: number, number: number, outcome: Outcome): void {
    const open = boot === this.boot ? this.open.get(number) : undefined
    if (open === undefined) return
    this.close(open, open.lane === 'submit' && open.refuse === undefined ? 'timeout' : 'applied')
    open.settle(outcome)
    if (this.gather.count > 0 && this.open.submits < BUSY_AT) this.scheduleSubmits()
  }

  /** A snapshot came in place of entries: asks the state what became of what is open. */
  ask(outcomeOf: (number: number) => Outcome | undefined): void {
    for (const open of this.open.list()) {
      const outcome = outcomeOf(open.number)
      if (outcome !== undefined) this.decided(this.boot, open.number, outcome)
    }
  }

  /** A leader is known (perhaps the same one, its stream new): everything open is proposed again. */
  leaderChanged(leader: number | null): void {
    this.hasLeader = leader !== null
    this.leaderless = this.hasLeader ? undefined : (this.leaderless ?? this.nowMs())
    if (this.hasLeader) this.open.sendAll()
  }

  /** This boot is over: what is not applied never will be. Submits are refused, commands hear `staleBoot`. */
  refuseAll(): void {
    this.boot = 0
    const why: CommandResult = { ok: false, why: 'staleBoot' }
    for (const open of this.open.list()) {
      this.close(open, 'staleBoot')
      open.settle({ index: 0, results: open.commands.map(() => why) })
    }
    const gathered = this.gather
    this.gather = new SubmitGather()
    gathered.refuse('staleBoot')
    this.marks.clear()
    const commands = this.commands
    this.commands = []
    for (const { done } of commands) done(why, 0)
  }

  stop(): void {
    this.tick()
    this.submitFlush?.()
    this.commandFlush?.()
    this.marksFlush?.()
    this.boot = 0
  }

  private scheduleSubmits(): void {
    if (this.submitSoon || this.submitFlush !== undefined) return
    if (this.open.submits < BUSY_AT) {
      this.submitSoon = true
      this.options.timers.soon(() => {
        this.submitSoon = false
        this.flushSubmits()
      })
    } else
      this.submitFlush = this.options.timers.after(GATHER_MS, () => {
        this.submitFlush = undefined
        this.flushSubmits()
      })
  }

  private flushFull(): void {
    if (this.gather.count >= MESSAGES_PER_ENTRY) this.flushSubmits()
    else if (this.gather.count >= FLUSH_MESSAGES || this.gather.octets >= FLUSH_OCTETS) {
      if (this.open.submits < BUSY_AT * 4 || this.gather.octets >= 4 * FLUSH_OCTETS)
        this.flushSubmits()
      else this.scheduleSubmits()
    } else this.scheduleSubmits()
  }

  private flushSubmits(): void {
    this.submitFlush?.()
    this.submitFlush = undefined
    if (this.gather.count === 0 || this.boot === 0) return
    const gather = this.gather
    this.gather = new SubmitGather()
    this.begin({
      lane: 'submit',
      commands: gather.commands(),
      settle: outcome => gather.settle(outcome),
      refuse: why => gather.refuse(why),
    })
  }

  private scheduleCommands(): void {
    if (this.commandSoon || this.commandFlush !== undefined) return
    if (this.open.others < BUSY_AT) {
      this.commandSoon = true
      this.options.timers.soon(() => {
        this.commandSoon = false
        this.flushCommands()
      })
    } else
      this.commandFlush = this.options.timers.after(1, () => {
        this.commandFlush = undefined
        this.flushCommands()
      })
  }

  private flushCommands(): void {
    while (this.commands.length > 0 && this.hasNumbers && this.boot > 0) {
      const batch = this.takeCommands()
      this.begin({
        lane: 'other',
        commands: batch.map(({ encoded }) => encoded),
        settle: ({ index, results }) => {
          batch.forEach(({ done }, i) => done(results[i] ?? results[0]!, index))
        },
      })
    }
  }

  private scheduleMarks(): void {
    this.marksFlush ??= this.options.timers.after(WRITTEN_WAIT_MS, () => {
      this.marksFlush = undefined
      if (this.marks.size === 0 || this.boot === 0) return
      if (this.hasNumbers) this.begin({ lane: 'other', commands: [], settle: () => undefined })
      if (this.marks.size > 0) this.scheduleMarks()
    })
  }

  /** As many commands as one entry may carry. */
  private takeCommands(): typeof this.commands {
    let messages = 0
    let octets = 0
    let count = 0
    for (const { encoded } of this.commands) {
      messages += encoded.messages
      octets += encoded.payload.length
      if (count > 0 && (messages > MESSAGES_PER_ENTRY || octets > 4 * FLUSH_OCTETS)) break
      count++
    }
    return this.commands.splice(0, count)
  }

  /** Proposes it, with the written marks that wait. */
  private begin({ lane, commands, settle, refuse }: Omit<NewProposal, 'riders'>): void {
    // Before a session's end that may be among the commands: what was written before it was not lost.
    const riders = this.marks.take()
    this.open.open({
      lane,
      riders,
      commands: riders.length === 0 ? commands : [...riders.map(encodeCommand), ...commands],
      settle:
        riders.length === 0 ? settle : outcome => settle(withoutRiders(outcome, riders.length)),
      ...(refuse !== undefined && { refuse }),
    })
  }

  /** One more proposal of commands would still be taken by apply. */
  private get hasNumbers(): boolean {
    return this.open.window < OPEN_PROPOSALS_MAX - 1
  }

  private close(open: Open, how: ProposalEnd): void {
    this.open.close(open, how)
    if (this.commands.length > 0) this.scheduleCommands()
  }

  private onTick(): void {
    const now = this.nowMs()
    for (const open of this.open.overdue(now - this.options.submitTimeoutMs)) this.void(open)
    this.open.sendDue(this.hasLeader)
    if (this.isLeaderless() && this.gather.count > 0) {
      const gathered = this.gather
      this.gather = new SubmitGather()
      gathered.refuse('noLeader')
    }
  }

  /**
   * Its ESMEs are refused now, so it has to stay refused: `void` goes after it until one of the two is
   * applied (DESIGN I8). Where the submit was applied and its void never can be, for the boot is over or the
   * number was left behind, its messages count as too late.
   */
  private void(open: Open): void {
    open.refuse?.('timeout')
    delete open.refuse
    if (open.riders.length > 0) {
      this.marks.giveBack(open.riders)
      open.riders = []
      this.scheduleMarks()
    }
    let accepted = 0
    open.settle = ({ results }) => {
      accepted = acceptedIn(results)
    }
    this.propose({ kind: 'void', number: open.number }, result => {
      const tooLate = result.ok ? ('tooLate' in result ? result.tooLate : 0) : accepted
      if (tooLate > 0) this.options.tooLate(tooLate)
      // What was applied before it has been decided already; what was not, never will be.
      if (this.open.get(open.number) !== open) return
      this.close(open, 'timeout')
    })
  }

  private isLeaderless(): boolean {
    return (
      this.leaderless !== undefined &&
      this.nowMs() - this.leaderless >= this.options.submitTimeoutMs
    )
  }

  private nowMs(): number {
    return this.options.clock.monotonicMs()
  }
}

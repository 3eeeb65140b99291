import { assert } from '../../src/base/assert.js'
import { Replica } from './replica.js'
import { STEPS, SyntheticLog, type Round, type Section, type Step } from './synthetic-log.js'

/** µs of CPU time a message, of all threads, LevelDB's and the collector's too: waiting for the disk or for a core is not in it. */
export interface StepCost {
  step: Step | 'all, one flush'
  /** Writing it to the log, one synced batch a round. */
  logUs: number
  applyUs: number
  /** The state's changes: collected and encoded by the main thread, and written by LevelDB. */
  collectUs: number
  writeUs: number
  /** Deleting values that were given up from the log, and cutting it. */
  forgetUs: number
  allUs: number
}

export interface AppliesRow {
  messagesPerEntry: number
  /** Messages that went through all steps while it was measured, a second: of one replica that does nothing else. */
  perSecond: number
  /** A flush of the state until it is on disk, ms, median. */
  flushMs: number
  steps: StepCost[]
}

export interface AppliesOptions {
  messagesPerEntry: number
  /** Messages of a round: of each a step, then the state is flushed. 1,000 is 50 ms at 20,000 a second. */
  messagesPerRound: number
  awaiting: number
  kept: number
  warmUpMs: number
  durationMs: number
}

/**
 * What a replica pays to apply each kind of command, in steady state. In every other round each step is flushed by itself, so
 * that it is known what its share of the state costs; in the others the state is flushed once, as a node does where all
 * that happens within 50 ms, and what several steps change is written once.
 */
export async function benchApplies(options: AppliesOptions): Promise<AppliesRow> {
  const replica = await Replica.open()
  try {
    const log = new SyntheticLog(options, Date.now())
    await begin(replica, log)
    const warmUntilMs = performance.now() + options.warmUpMs
    const meter = new Meter()
    let round = log.round()
    // the steady state is reached when messages are forgotten
    while (performance.now() < warmUntilMs || round.at(-1)?.step !== 'retire') {
      await together(replica, round, new Meter())
      round = log.round()
    }
    const untilMs = performance.now() + options.durationMs
    for (let i = 0; performance.now() < untilMs || i < 2; i++) {
      await (i % 2 === 0 ? apart(replica, round, meter) : together(replica, round, meter))
      round = log.round()
    }
    check(replica, options)
    return { messagesPerEntry: options.messagesPerEntry, ...meter.row() }
  } finally {
    await replica.close()
  }
}

async function begin(replica: Replica, log: SyntheticLog): Promise<void> {
  const entries = log.begin(replica.journal)
  await replica.append(entries)
  await replica.journal.flush()
}

async function apart(replica: Replica, round: Round, meter: Meter): Promise<void> {
  for (const section of round) await pass(replica, [section], meter.of(section.step))
}

async function together(replica: Replica, round: Round, meter: Meter): Promise<void> {
  await pass(replica, round, meter.of('all, one flush'))
}

/** Appends, applies, flushes and forgets sections, and adds what each took. */
async function pass(replica: Replica, sections: readonly Section[], to: Costs): Promise<void> {
  const entries = sections.flatMap(section => section.entries)
  to.messages += sections[0]!.messages
  const first = replica.lastIndex + 1
  const beganMs = performance.now()

  let cpu = process.cpuUsage()
  const lap = (): number => {
    const { user, system } = process.cpuUsage(cpu)
    cpu = process.cpuUsage()
    return user + system
  }
  await replica.append(entries)
  to.logUs += lap()
  replica.apply(first, entries)
  to.applyUs += lap()
  const flushMs = performance.now()
  const flushed = replica.journal.flush() // collects and encodes before it returns
  to.collectUs += lap()
  await flushed
  to.writeUs += lap()
  to.flushesMs.push(performance.now() - flushMs)
  await replica.forget()
  to.forgetUs += lap()
  to.wallMs += performance.now() - beganMs
}

/** Sums of what `StepCost` has for a message. */
interface Costs extends Record<Part, number> {
  messages: number
  wallMs: number
  flushesMs: number[]
}

const PARTS = ['logUs', 'applyUs', 'collectUs', 'writeUs', 'forgetUs'] as const
type Part = (typeof PARTS)[number]

class Meter {
  private readonly costs: Map<StepCost['step'], Costs> = new Map()

  of(step: StepCost['step']): Costs {
    let costs = this.costs.get(step)
    if (costs === undefined) {
      const zeros = { logUs: 0, applyUs: 0, collectUs: 0, writeUs: 0, forgetUs: 0 }
      costs = { messages: 0, ...zeros, wallMs: 0, flushesMs: [] }
      this.costs.set(step, costs)
    }
    return costs
  }

  row(): Omit<AppliesRow, 'messagesPerEntry'> {
    const whole = this.of('all, one flush')
    const flushes = whole.flushesMs.toSorted((a, b) => a - b)
    return {
      perSecond: Math.round((whole.messages * 1000) / whole.wallMs),
      flushMs: rounded(flushes[flushes.length >> 1] ?? 0),
      steps: ([...STEPS, 'all, one flush'] as const).map(step => costOf(step, this.of(step))),
    }
  }
}

function costOf(step: StepCost['step'], costs: Costs): StepCost {
  const each = (us: number): number => rounded(us / Math.max(1, costs.messages))
  const parts = PARTS.map(part => [part, each(costs[part])])
  const allUs = each(PARTS.reduce((sum, part) => sum + costs[part], 0))
  return { step, ...(Object.fromEntries(parts) as Record<Part, number>), allUs }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}

/** That all of it was applied, and none of it refused: else it was something else that was measured. */
function check(
  { journal: { state } }: Replica,
  { messagesPerRound, awaiting }: AppliesOptions,
): void {
  const { queued, inFlight, receiptsQueued } = state
  assert(
    queued + inFlight + receiptsQueued === 0,
    `a round leaves nothing behind: ${queued} queued, ${inFlight} in flight, ${receiptsQueued} receipts`,
  )
  const most = Math.max(awaiting, messagesPerRound) + messagesPerRound
  assert(state.smscIds.size <= most, `${state.smscIds.size} messages await a receipt`)
}

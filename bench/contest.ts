import { assert } from '../src/base/assert.js'

/** One line of the result: nanoseconds for one PDU, the median of the rounds. */
export interface ContestRow {
  what: string
  oursNs: number
  theirsNs: number
  /** Theirs over ours: medians of the ratios of each round. */
  ratio: number
}

/** How often, and for how long each. */
export interface Rounds {
  rounds: number
  roundMs: number
}

/** Does what is measured once, and returns something of the result, so that it is not optimised away. */
export type Work = () => number

export interface Contest {
  what: string
  /** PDUs in one call. */
  pdus: number
  ours: Work
  theirs: Work
}

/** Measures ours and theirs in turn, so that both meet the same machine. */
export function measure(contest: Contest, { rounds, roundMs }: Rounds): ContestRow {
  const { what, pdus, ours, theirs } = contest
  const seen = { ours: [] as number[], theirs: [] as number[], ratios: [] as number[] }
  nsOf(ours, roundMs)
  nsOf(theirs, roundMs) // both are compiled before the first round
  for (let round = 0; round < rounds; round++) {
    const our = nsOf(ours, roundMs) / pdus
    const their = nsOf(theirs, roundMs) / pdus
    seen.ours.push(our)
    seen.theirs.push(their)
    seen.ratios.push(their / our)
  }
  return {
    what,
    oursNs: median(seen.ours),
    theirsNs: median(seen.theirs),
    ratio: median(seen.ratios),
  }
}

let sink = 0
/** Calls between two looks at the clock, which takes some 50 ns. */
const CALLS_AT_ONCE = 128

/** Nanoseconds of one call. */
function nsOf(work: Work, ms: number): number {
  const began = process.hrtime.bigint()
  const until = began + BigInt(ms) * 1_000_000n
  let calls = 0
  let now = began
  for (let at = 1; now < until; at *= 2) {
    const some = Math.min(at, CALLS_AT_ONCE)
    for (let i = 0; i < some; i++) sink ^= work()
    calls += some
    now = process.hrtime.bigint()
  }
  assert(Number.isInteger(sink), 'what was read is used')
  return Number(now - began) / calls
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!
}

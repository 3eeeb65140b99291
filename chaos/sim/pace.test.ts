import t from 'tap'
import type { FaultKind } from './faults.js'
import { runWorld } from './run.js'
import { settingsOf } from './settings.js'
import type { Trace } from './trace.js'

// Issue 3, "slow start": a queue that has grown drains at the configured throughput, over a change of homes too.

const RATE = 60
/** 50 ms' worth, which a home may be behind in steady state. */
const BURST = RATE / 20
/** Octets are up to 3 ms under way, and messages are whole. */
const WHOLE = 2
const MOVE_MS = 4000

t.setTimeout(300_000)

const MOVES: { how: string; fault: FaultKind }[] = [
  { how: 'that crashes', fault: { kind: 'crash', node: 1, outputs: 0, forMs: 4000 } },
  { how: 'that stops in good order', fault: { kind: 'stop', node: 1, forMs: 4000 } },
  { how: 'that is cut off', fault: { kind: 'isolate', node: 1, forMs: 5000 } },
]

for (const { how, fault } of MOVES)
  void t.test(`behind a home ${how} its deep queue drains without a burst`, async t => {
    const settings = settingsOf(0)
    for (const connector of settings.connectors) connector.throughputPerSecond = RATE
    const faults = [{ ...fault, atMs: MOVE_MS, aim: 'home' as const }]
    const plan = { seed: 11, nodes: 3, faults, untilMs: 7000, rate: 4 * RATE, settings }
    const { violations, trace } = await runWorld(plan)
    t.same(violations, [])
    let moves = 0
    for (const smsc of ['smsc-a', 'smsc-b']) {
      const times = timesOf(trace, line => line.startsWith(smsc) && line.includes(' got '))
      const begun = timesOf(trace, line => line.includes(`home begins connector="${smsc}"`))
      const moved = begun.filter(atMs => atMs > MOVE_MS && atMs < MOVE_MS + 3000)
      moves += moved.length
      // from both homes together, wherever the window lies
      const tenth = most(times, 100)
      t.ok(tenth <= RATE / 10 + BURST + WHOLE, `${smsc}: at most ${tenth} in 100 ms`)
      const second = most(times, 1000)
      t.ok(second <= RATE + BURST + WHOLE, `${smsc}: at most ${second} in a second`)
      for (const atMs of moved) {
        const after = times.filter(time => time >= atMs && time < atMs + 1500)
        const first = after[0]!
        const each = Array.from({ length: 10 }, (_, i) =>
          after.filter(time => time >= first + 100 * i && time < first + 100 * (i + 1)),
        ).map(({ length }) => length)
        t.ok(Math.max(...each) <= RATE / 10 + WHOLE, `${smsc}: ${each.join(' ')} by 100 ms`)
        t.ok(each.reduce((sum, count) => sum + count) >= 0.75 * RATE, 'and not much slower')
      }
    }
    t.ok(moves > 0, 'a home moved')
  })

function timesOf(trace: Trace, which: (line: string) => boolean): number[] {
  return trace.lines.flatMap(({ atMs, text }) => (which(text) ? [atMs] : []))
}

/** The most in any window of so many ms. */
function most(times: readonly number[], windowMs: number): number {
  let best = 0
  for (let lo = 0, hi = 0; hi < times.length; hi++) {
    while (times[hi]! - times[lo]! >= windowMs) lo++
    best = Math.max(best, hi - lo + 1)
  }
  return best
}

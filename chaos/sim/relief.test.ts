import t from 'tap'
import type { Fault, FaultKind } from './faults.js'
import { planOf, report, runWorld } from './run.js'
import type { WorldResult } from './world.js'

// Who led before and fell silent is relieved of its homes (docs/decisions/0005): soon, and nobody else.

const SEEDS = [1, 2]
/** Submits a second: few, for speed. */
const RATE = 8
const LEADS_MS = 1500
const FAULT_MS = 2200
/** From the fault on; an election takes 0.52 to 0.7 s of it where nothing else is wrong. */
const SERVED_MS = 1000

t.setTimeout(600_000)

/** Node 1, which runs a connector, leads; then something happens to it. */
async function after(seed: number, what: FaultKind): Promise<WorldResult> {
  const faults: Fault[] = [
    { atMs: LEADS_MS, kind: 'transfer', to: 1 },
    { atMs: FAULT_MS, ...what },
  ]
  const plan = { ...planOf(seed, 3), faults, rate: RATE, untilMs: FAULT_MS + 3000 }
  const result = await runWorld(plan)
  t.equal(report(plan, result), '')
  return result
}

/** Lines of the trace from the fault on, or from the handing over before it. */
const since = ({ trace }: WorldResult, atMs: number, text: RegExp) =>
  trace.lines.filter(line => line.atMs >= atMs && text.test(line.text))

for (const what of [
  { kind: 'isolate', node: 1, forMs: 2500 },
  { kind: 'pause', node: 1, forMs: 2500 },
  { kind: 'crash', node: 1, outputs: 0, forMs: 2500 },
] as const)
  void t.test(`after ${what.kind} of the leader its connector has another home soon`, async t => {
    for (const seed of SEEDS) {
      const result = await after(seed, what)
      t.equal(since(result, LEADS_MS, /who led before is silent/).length, 1, `seed ${seed}`)
      const [begins] = since(result, FAULT_MS, /^node [23].*connector home begins/)
      const elsewhere = begins === undefined ? Infinity : begins.atMs - FAULT_MS
      t.ok(elsewhere < SERVED_MS, `seed ${seed}: after ${elsewhere} ms`)
    }
  })

void t.test('a leader that slept for a moment keeps its homes', async t => {
  for (const seed of SEEDS) {
    const result = await after(seed, { kind: 'pause', node: 1, forMs: 550 })
    t.same(since(result, LEADS_MS, /who led before is silent|connector home ends/), [])
  }
})

void t.test(
  'a leader that slept a little longer keeps its sessions, and is given homes',
  async t => {
    for (const seed of SEEDS) {
      const result = await after(seed, { kind: 'pause', node: 1, forMs: 1500 })
      t.equal(since(result, FAULT_MS, /who led before is silent/).length, 1)
      t.equal(since(result, FAULT_MS, /^node 1 .*it takes part again/).length, 1)
      t.same(since(result, FAULT_MS, /the cluster has ended our boot/), [])
    }
  },
)

for (const what of [
  { kind: 'transfer', to: 2 },
  { kind: 'stop', node: 1, forMs: 300 },
  { kind: 'stop', node: 2, forMs: 300 },
] as const)
  void t.test(
    `nobody is relieved by a ${what.kind} ${'to' in what ? 'to' : 'of'} node ${'to' in what ? what.to : what.node}`,
    async t => {
      for (const seed of SEEDS) {
        const result = await after(seed, what)
        t.same(since(result, LEADS_MS, /who led before is silent/), [])
        if (what.kind === 'transfer') t.same(since(result, LEADS_MS, /connector home ends/), [])
      }
    },
  )

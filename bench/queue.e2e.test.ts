import t from 'tap'
import { benchQueue } from './queue.js'

/** A minute and a half, which is too long for all that is tested each time. */
const skip =
  process.env['LONG'] === undefined &&
  'takes 80 s: npm run build && LONG=1 npx tap build/bench/queue.e2e.test.js'

void t.test(
  'a deep queue beside a shallow one: flows, memory, and who takes over',
  { skip },
  async t => {
    const load = { sessions: 2, window: 100, octets: 140, warmUpMs: 500, durationMs: 1_500 }
    const [row, ...more] = await benchQueue({
      ...{ nodes: 3, depths: [3_000], shallow: 500, rounds: 1, load },
      note: () => undefined,
    })
    t.same(more, [])
    t.ok(row!.depths[0]! > 2_900 && row!.depths[0]! < 3_400, `began with ${row!.depths[0]}`)
    for (const flow of [...row!.deep, ...row!.shallow])
      t.ok(flow.accepted > 0 && flow.dispatched > 0, JSON.stringify(flow))
    t.equal(row!.accepted.median, row!.deep[0]!.accepted / row!.shallow[0]!.accepted)
    t.equal(row!.addedMiB.length, 3)
    t.ok(row!.sendsAgainMs! > 0 && row!.readyAgainMs! > 0)
  },
)

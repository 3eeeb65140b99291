import t from 'tap'
import { SeededRandom } from '../base/random.js'
import type { Ref } from '../journal/index.js'
import { World } from './testing/world.js'

// What may happen to a connector, by chance, from a seed. Whatever it is: every message reaches the SMSC,
// what is sent twice was in doubt before, and at no time is more claimed than binds × window.

const SEEDS = process.env['SEEDS']?.split(',').map(Number) ?? [1, 2, 3, 4, 5, 6]
const MESSAGES = 400
const BINDS = 3
const WINDOW = 8

for (const seed of SEEDS) {
  void t.test(`every message arrives, and doubles were in doubt, seed ${seed}`, async t => {
    const random = new SeededRandom(seed)
    const world = await World.open({
      binds: BINDS,
      window: WINDOW,
      responseTimeoutMs: 2000,
      inDoubt: { kind: 'wait', ms: 3000 },
    })
    const { smsc, cluster } = world
    let ids = 0
    let taken = 0
    smsc.answer = submitted => {
      const chance = random.unit()
      if (chance < 0.03) return 'ESME_RTHROTTLED'
      if (chance < 0.06) return 'ESME_RSYSERR'
      taken++
      const id = `id-${++ids}`
      if (chance < 0.08) return 'later' // for ever: it is taken, and nobody hears of it
      if (chance < 0.5) return { id }
      const delayMs = chance < 0.53 ? 2500 : random.below(200)
      world.time.after(delayMs, () => smsc.respond(submitted, { id }))
      return 'later'
    }

    const events = [
      () => smsc.links[random.below(BINDS)]?.close('by chance'),
      () => smsc.links[random.below(BINDS)]?.unbind(),
      () => cluster.setLeader('held'),
      () => cluster.setLeader('none'),
      () => cluster.setLeader('here'),
      () => cluster.setLeader('here'),
      () => (world.fenced = false),
      () => (world.fenced = true),
      () => (world.fenced = true),
      () => world.upstream.reset(),
      () => (smsc.refuses = 'ECONNREFUSED'),
      () => (smsc.refuses = undefined),
      () => (cluster.copies = 1 + random.below(2)),
      () => (cluster.delayMs = random.below(30)),
    ]
    const refs: Promise<Ref[]>[] = []
    let most = 0
    for (let step = 0; step < 100; step++) {
      if (step % 10 === 0) refs.push(world.submitMany(MESSAGES / 10))
      if (step > 5) events[random.below(events.length)]!()
      for (let i = 0; i < 5; i++) {
        await world.pass(random.below(60))
        most = Math.max(most, world.connector.claims.size)
      }
    }
    cluster.setLeader('here')
    world.fenced = true
    smsc.refuses = undefined
    smsc.answer = () => (taken++, { id: `id-${++ids}` })
    await world.pass(120_000)

    const all = (await Promise.all(refs)).flat()
    t.same(world.tally(all), { SENT: MESSAGES })
    t.equal(new Set(smsc.texts).size, MESSAGES)
    const { doubt } = world.upstream.statusOf('smsc-a')!
    t.ok(taken - MESSAGES <= doubt, `${taken - MESSAGES} doubles, ${doubt} were in doubt`)
    t.ok(most <= BINDS * WINDOW, `${most} claimed at once`)
    t.equal(world.connector.claims.size + world.connector.doubts.size, 0)
    await world.stop()
  })
}

import t from 'tap'
import type { Messenger } from '../../cluster/types.js'
import { silentLogger } from '../base/logger.js'
import { noMetrics } from '../base/metrics.js'
import { SingleJournal } from '../testing/single-journal.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { Boots } from './boots.js'
import { ClockWatch } from './clock-watch.js'
import { HashWatch } from './hash-watch.js'

/** Messengers of three nodes, with a delay each way. */
class Wires {
  private readonly time: VirtualTime
  private readonly handlers = new Map<string, (from: number, body: Buffer) => void>()

  constructor(time: VirtualTime) {
    this.time = time
  }

  of(node: number): Messenger {
    return {
      send: (to, kind, body) => {
        const octets = Buffer.from(body)
        this.time.after(5, () => this.handlers.get(`${to} ${kind}`)?.(node, octets))
        return true
      },
      onMessage: (kind, handler) => this.handlers.set(`${node} ${kind}`, handler),
    }
  }
}

const IDS = [1, 2, 3]
const about = (time: VirtualTime, wires: Wires, node: number) => ({
  messenger: wires.of(node),
  clock: time,
  timers: time,
  logger: silentLogger,
  metrics: noMetrics,
  peers: () => IDS.filter(id => id !== node).map(id => ({ id, voter: true })),
  votes: () => true,
})

void t.test('the node whose clock is wrong knows it, and knows when it is right again', t => {
  const time = new VirtualTime()
  const wires = new Wires(time)
  let aheadMs = 5000
  const watches = IDS.map(node => {
    const clock = {
      monotonicMs: () => time.monotonicMs(),
      nowMs: () => time.nowMs() + (node === 2 ? aheadMs : 0),
    }
    return new ClockWatch({ ...about(time, wires, node), clock, changed: () => undefined })
  })
  time.advance(10_000)
  t.same(
    watches.map(({ judgement }) => judgement),
    ['agrees', 'outvoted', 'agrees'],
  )
  aheadMs = 100
  time.advance(20_000)
  t.equal(watches[1]?.judgement, 'agrees')
  for (const watch of watches) watch.stop()
  time.advance(50) // what is on the wires
  t.equal(time.pending, 0)
  t.end()
})

void t.test('the node whose state differs from the others’ is told at which index', t => {
  const time = new VirtualTime()
  const wires = new Wires(time)
  const outvoted: [node: number, index: number][] = []
  const watches = IDS.map(
    node =>
      new HashWatch({
        ...about(time, wires, node),
        outvoted: index => outvoted.push([node, index]),
      }),
  )
  const good = '00112233445566ff'
  for (const watch of watches) watch.add(256, good)
  time.advance(2000)
  t.same(outvoted, [])
  watches.forEach((watch, i) => watch.add(512, i === 1 ? 'ff112233445566ff' : good))
  watches[0]?.add(768, good) // the others are behind
  time.advance(2000)
  t.same(outvoted[0], [2, 512])
  t.ok(outvoted.every(([node]) => node === 2))
  for (const watch of watches) watch.stop()
  t.end()
})

void t.test('a boot is registered until applied, and anew when the cluster ends it', async t => {
  const time = new VirtualTime()
  const cluster = await SingleJournal.open({ time })
  t.teardown(() => cluster.stop())
  const told: string[] = []
  let counted = 0
  const boots = new Boots({
    journal: cluster.journal,
    clock: time,
    timers: time,
    logger: silentLogger,
    send: entry => (cluster as unknown as { send(entry: Buffer): 'sent' }).send(entry),
    nextBoot: async above => (counted = Math.max(counted, above) + 1),
    began: boot => told.push(`began ${boot}`),
    ended: boot => told.push(`ended ${boot}`),
    fatal: error => t.fail(error),
  })
  cluster.journal.listen({ effect: () => boots.look(), reset: () => boots.look() })
  cluster.setLeader('lost')
  boots.begin()
  await time.advanceAsync(1000)
  t.same(told, [], 'the first registrations were lost')
  cluster.setLeader('here')
  await time.advanceAsync(500)
  t.same(told, ['began 2'], 'above what the cluster remembers')
  t.equal(boots.running, 2)

  cluster.decide({ kind: 'nodeDown', node: 1, boot: 2 })
  t.equal(boots.running, undefined)
  await time.advanceAsync(500)
  t.same(told, ['began 2', 'ended 2', 'began 3'])
  boots.stop()
})

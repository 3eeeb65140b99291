import t from 'tap'
import { SeededRandom } from '../base/random.js'
import { ShareAllocator } from './share-allocator.js'
import { ShareHolder, type ShareGrant, type ShareReport } from './share-holder.js'
import { FLOOR, rebalance, shareOut, WHOLE, type Part } from './shares.js'

const idle: Part = { node: 0, active: true, demand: 0, held: 0, granted: 0 }
const part = (node: number, over: Partial<Part>): Part => ({ ...idle, node, ...over })

for (const { title, rate, parts, expected } of [
  {
    title: 'a node that is alone with its sessions gets all',
    rate: 500,
    parts: [
      { active: true, demand: 0 },
      { active: false, demand: 0 },
    ],
    expected: [WHOLE, 0],
  },
  {
    title: 'without demand, all get the same',
    rate: 500,
    parts: [
      { active: true, demand: 0 },
      { active: true, demand: 0 },
    ],
    expected: [WHOLE / 2, WHOLE / 2],
  },
  {
    title: 'too much demand of one leaves the idle ones their floor',
    rate: 100,
    parts: [
      { active: true, demand: 1000 },
      { active: true, demand: 0 },
      { active: true, demand: 0 },
    ],
    expected: [WHOLE - 2 * FLOOR, FLOOR, FLOOR],
  },
  {
    title: 'too much demand of two gives both the same, and a small one all it wants',
    rate: 1000,
    parts: [
      { active: true, demand: 9000 },
      { active: true, demand: 800 },
      { active: true, demand: 80 },
    ],
    expected: [450_000, 450_000, 100_000],
  },
])
  void t.test(title, async t => {
    const shares = shareOut(rate, parts)
    t.ok(
      shares.every((units, i) => Math.abs(units - expected[i]!) <= 3),
      'the shares',
      { shares, expected },
    )
  })

void t.test('a share rises only out of what others have given up', async t => {
  const busy = part(1, { demand: 1000 })
  const quiet = part(2, { held: WHOLE, granted: WHOLE })
  const cut = rebalance(100, [busy, quiet], true)
  t.strictSame(cut, [{ node: 2, units: FLOOR }])
  const unacknowledged = { ...quiet, granted: FLOOR }
  t.strictSame(rebalance(100, [busy, unacknowledged], true), [])
  const acknowledged = { ...quiet, held: FLOOR, granted: FLOOR }
  t.strictSame(rebalance(100, [busy, acknowledged], true), [{ node: 1, units: WHOLE - FLOOR }])
  t.strictSame(rebalance(100, [busy, acknowledged], false), [])
})

/** A cluster whose messages are lost, doubled, and come in any order; leaders that do not know that they are none. */
class World {
  readonly random: SeededRandom
  readonly nodes: { boot: number; holder: ShareHolder; term: number; up: boolean }[] = []
  readonly leaders: { at: number; allocator: ShareAllocator; alive: Map<number, number> }[] = []
  readonly alive: Map<number, number> = new Map()
  readonly rate = 100
  flying: { to: number; from: number; body: { report: ShareReport } | { grant: ShareGrant } }[] = []
  term = 0
  loss = 0.1

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    for (let node = 0; node < 4; node++) {
      this.nodes.push({ boot: 0, holder: new ShareHolder(), term: 0, up: true })
      this.restart(node)
    }
    this.elect()
  }

  elect(): void {
    this.term++
    const alive = new Map(this.alive)
    const at = this.random.below(4)
    this.leaders.push({ at, allocator: new ShareAllocator(this.term), alive })
    if (this.leaders.length > 3) this.leaders.shift()
  }

  /** With the process's memory, or without (a boot that the cluster ended). */
  restart(at: number): void {
    const node = this.nodes[at]!
    node.boot++
    node.term = this.term
    if (this.random.unit() < 0.5) node.holder = new ShareHolder()
    this.alive.set(at, node.boot)
    node.holder.begin(node.boot)
    this.tell(at)
  }

  tell(at: number, accounts?: number[]): void {
    const node = this.nodes[at]!
    const to = this.leaders.find(({ allocator }) => allocator.term === node.term)
    const report = to && node.holder.report(node.term, accounts)
    if (report !== undefined) this.send({ to: to!.at, from: at, body: { report } })
  }

  decide(leader: World['leaders'][number], accounts: Iterable<number>, again: boolean): void {
    // The newest knows all that is committed; others what they knew.
    if (leader === this.leaders.at(-1)) leader.alive = new Map(this.alive)
    const alive = [...leader.alive].map(([node, boot]) => ({ node, boot }))
    const { allocator } = leader
    const grants = [...allocator.decide(alive, accounts, () => this.rate)]
    if (again) grants.push(...allocator.unacknowledged())
    for (const [to, grant] of grants) this.send({ to, from: leader.at, body: { grant } })
  }

  send(message: World['flying'][number]): void {
    if (this.random.unit() < this.loss) return
    this.flying.push(message)
    if (this.random.unit() < this.loss) this.flying.push(message)
  }

  deliver(): void {
    const at = this.loss === 0 ? 0 : this.random.below(this.flying.length)
    const [message] = this.flying.splice(at, 1)
    if (message === undefined || !this.nodes[message.to]!.up || !this.nodes[message.from]!.up)
      return
    const { to, from, body } = message
    if ('grant' in body) {
      const accounts = this.nodes[to]!.holder.take(body.grant)
      if (accounts.length > 0) this.tell(to, accounts)
    } else
      for (const leader of this.leaders.filter(({ at }) => at === to)) {
        const accounts = leader.allocator.heard(from, body.report)
        this.decide(leader, accounts, false)
      }
  }

  second(): void {
    const newest = this.leaders.at(-1)!
    this.nodes.forEach((node, at) => {
      if (this.loss === 0) node.term = newest.allocator.term
      if (!this.alive.has(at)) return this.restart(at)
      this.tell(at)
    })
    for (const leader of this.leaders) this.decide(leader, leader.allocator.accounts, true)
    while (this.loss === 0 && this.flying.length > 0) this.deliver()
  }

  step(): void {
    const { random } = this
    const at = random.below(4)
    const node = this.nodes[at]!
    const chance = random.unit()
    if (chance < 0.6) this.deliver()
    else if (chance < 0.75)
      node.holder.uses(random.below(2), random.unit() < 0.7, random.below(200))
    else if (chance < 0.85) this.tell(at, random.unit() < 0.5 ? undefined : [0])
    else if (chance < 0.93) this.second()
    else if (chance < 0.95) node.term = Math.max(node.term, this.term)
    else if (chance < 0.97) node.up = !node.up
    else if (chance < 0.98) this.elect()
    else if (chance < 0.99) this.restart(at)
    else this.alive.delete(at) // its boot ends, and it does not know
  }

  /** What boots that go on hold of this account. */
  sum(account: number): number {
    let sum = 0
    this.nodes.forEach(({ boot, holder }, at) => {
      if (this.alive.get(at) === boot) sum += holder.unitsOf(account)
    })
    return sum
  }
}

for (let seed = 1; seed <= 40; seed++)
  void t.test(`the shares never sum up to more than the rate, seed ${seed}`, async t => {
    const world = new World(seed)
    let worst = 0
    for (let steps = 0; steps < 1500; steps++) {
      world.step()
      worst = Math.max(worst, world.sum(0), world.sum(1))
    }
    t.ok(worst <= WHOLE, 'the sum', { worst })

    world.loss = 0
    for (const node of world.nodes) node.up = true
    world.second() // boots that are over begin anew, with nothing in memory
    world.nodes.forEach(({ holder }, at) => {
      for (const account of [0, 1]) holder.uses(account, at < 2, at === 0 ? 500 : 0)
    })
    for (let seconds = 0; seconds < 6; seconds++) world.second()
    t.ok(world.nodes[0]!.holder.unitsOf(0) >= 0.97 * WHOLE, 'quiet again: demand gets the rate')
    t.ok(world.nodes[1]!.holder.unitsOf(0) >= FLOOR / 2, 'and the idle session about its floor')
    t.ok(world.sum(0) <= WHOLE && world.sum(1) <= WHOLE)
  })

import t from 'tap'
import type { AccountState, State } from '../journal/index.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { RateSharing } from './rate-sharing.js'

const RATE = 300

/** Three nodes with a session each of one account, in virtual time; messages take 1 ms. */
class Nodes {
  readonly time = new VirtualTime()
  readonly sharings: RateSharing[] = []
  readonly nodes = [1, 2, 3].map(node => ({ node, boot: 1, alive: true }))
  readonly cutOff: Set<number> = new Set()
  /** Submits asked for a second, by node. */
  readonly offered = new Map([
    [1, 0],
    [2, 0],
    [3, 0],
  ])
  passed: number[] = [0, 0, 0, 0]
  private readonly handlers: Map<string, (from: number, body: Buffer) => void> = new Map()
  private readonly sessions = new Map(
    [1, 2, 3].map(node => [`s${node}`, { node, bindType: 'trx' }]),
  )

  constructor() {
    const account = {
      number: 7,
      settings: { throughputPerSecond: RATE },
      sessions: this.sessions,
    } as unknown as AccountState
    const state = {
      nodes: { all: () => this.nodes },
      accounts: new Map([[7, account]]),
    } as unknown as State
    for (const node of [1, 2, 3]) {
      const sharing = new RateSharing({
        journal: { node, state },
        clock: this.time,
        timers: this.time,
        currentRead: () => Promise.resolve(),
        messenger: {
          send: (to, kind, body) => {
            if (this.cutOff.has(to) || this.cutOff.has(node)) return false
            this.time.after(1, () => this.handlers.get(`${to} ${kind}`)?.(node, body))
            return true
          },
          onMessage: (kind, handler) => this.handlers.set(`${node} ${kind}`, handler),
        },
      })
      this.sharings.push(sharing)
      this.time.every(10, () => this.offer(node, sharing, state))
      this.time.every(1000, () => sharing.rates.adjust(state, [7]))
    }
  }

  lead(leader: number, term: number): void {
    for (const [i, sharing] of this.sharings.entries())
      if (!this.cutOff.has(i + 1)) sharing.leads(leader, term)
  }

  /** Submits passed in these seconds, by node; index 0 is their sum. */
  async run(seconds: number): Promise<number[]> {
    this.passed = [0, 0, 0, 0]
    await this.time.advanceAsync(seconds * 1000)
    return this.passed
  }

  private due: number[] = [0, 0, 0, 0]

  private offer(node: number, sharing: RateSharing, state: State): void {
    this.due[node]! += this.offered.get(node)! / 100
    for (; this.due[node]! >= 1; this.due[node]!--)
      if (sharing.rates.take(state, 7, this.time.monotonicMs())) {
        this.passed[node]!++
        this.passed[0]!++
      }
  }
}

/** All of the rate in 10 s, and no more than a burst on top. */
const spent = ([all]: number[]): boolean => all! > 0.95 * RATE * 10 && all! <= RATE * 10 + 30

void t.test("an account's rate goes where its submits are, and no further", async t => {
  const nodes = new Nodes()
  for (const sharing of nodes.sharings) sharing.begin(1)
  nodes.lead(1, 1)
  nodes.offered.set(1, 1000).set(2, 20)
  await nodes.run(4)
  const one = await nodes.run(10)
  t.ok(spent(one), 'one busy node: the whole rate', { one })
  t.ok(one[2]! >= 195, 'a quiet one is not throttled', { one })

  nodes.offered.set(1, 0).set(3, 1000)
  await nodes.run(5)
  const moved = await nodes.run(10)
  t.equal(moved[1], 0)
  t.ok(spent(moved), 'the rate has moved', { moved })

  nodes.lead(2, 2)
  nodes.offered.set(1, 500).set(2, 500).set(3, 500)
  await nodes.run(4)
  const busy = await nodes.run(10)
  t.ok(spent(busy), 'under the next leader', { busy })
  t.ok(busy.slice(1).every(count => count > 0.3 * RATE * 10))

  nodes.cutOff.add(1)
  const parted = await nodes.run(10)
  t.ok(parted[0]! <= RATE * 10 + 30, 'a node that is cut off keeps what it had', { parted })
  t.ok(parted[1]! > 0.3 * RATE * 10)
  nodes.lead(3, 3)
  const led = await nodes.run(10)
  t.ok(led[0]! <= RATE * 10 + 30, 'and the next leader does not give it away', { led })

  nodes.nodes[0]!.alive = false
  await nodes.run(3)
  const without = await nodes.run(10)
  t.ok(without[2]! + without[3]! > 0.95 * RATE * 10, 'until its boot is over', { without })
})

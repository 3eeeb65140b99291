import t from 'tap'
import { VirtualTime } from '../testing/virtual-time.js'
import type { AcceptRecord } from './accept-record.js'
import type { CommandResult } from './commands.js'
import { decodeEntry } from './entry.js'
import type { SubmitRefusal } from './submit-gather.js'
import { Proposer } from './proposer.js'
import { TestLog } from './testing/log.js'

const record: AcceptRecord = {
  account: 1,
  registered_delivery: 1,
  flags: 0,
  expiresAtMs: 0,
  dueAtMs: 0,
  session: 1,
  addressHash: 7,
  body: Buffer.from('body'),
}

/** A proposer of node 1 in virtual time, its leader a log that applies when told. */
async function setUp(submitTimeoutMs = 5000) {
  const time = new VirtualTime()
  const log = await TestLog.ready()
  const answers: (string | [number, number])[] = []
  const sent: Buffer[] = []
  const tooLate: number[] = []
  const ends: string[] = []
  const world = {
    time,
    log,
    answers,
    /** Entries handed over and not applied yet. */
    sent,
    tooLate,
    /** What `ended` heard. */
    ends,
    leader: 'sent' as 'sent' | 'noLeader' | 'full',
    proposer: undefined as unknown as Proposer,
    submit: () => world.proposer.submit(1, 0, 1, record, ticket),
    /** The leader appends what it got, and this node applies it. */
    apply() {
      for (const entry of sent.splice(0)) log.append(entry)
      for (const effect of log.effects.splice(0))
        if (effect.kind === 'decided' && effect.node === 1)
          world.proposer.decided(effect.boot, effect.number, effect.outcome)
    },
  }
  const ticket = {
    accepted: (index: number, offset: number) => void answers.push([index, offset]),
    refused: (why: SubmitRefusal) => void answers.push(why),
  }
  log.register(1, 2)
  log.effects = []
  world.proposer = new Proposer({
    node: 1,
    send: entry => {
      if (world.leader === 'sent') sent.push(entry)
      return world.leader
    },
    clock: time,
    timers: time,
    submitTimeoutMs,
    tooLate: count => void tooLate.push(count),
    ended: how => void ends.push(how),
  })
  world.proposer.start(2)
  world.proposer.leaderChanged(1)
  return world
}

void t.test('submits of one turn share an entry and are answered in order after apply', async t => {
  const world = await setUp()
  for (let i = 0; i < 3; i++) t.equal(world.submit(), 'queued')
  t.equal(world.sent.length, 0)
  world.time.turn()
  t.equal(world.sent.length, 1)
  t.same(world.answers, [], 'nothing is answered before it is applied (I1)')
  world.apply()
  const index = world.log.entries.length
  t.same(world.answers, [
    [index, 0],
    [index, 1],
    [index, 2],
  ])
})

void t.test('under load submits gather to larger entries', async t => {
  const world = await setUp()
  for (let i = 0; i < 2; i++) {
    world.submit()
    world.time.turn()
  }
  for (let i = 0; i < 50; i++) {
    world.submit()
    world.time.turn()
  }
  t.equal(world.sent.length, 2)
  world.time.advance(2)
  t.equal(world.sent.length, 3)
  t.equal(decodeEntry(world.sent[2]!)?.messages, 50)
})

void t.test(
  'after a change of leader everything open is proposed again, and counts once',
  async t => {
    const world = await setUp()
    world.submit()
    world.time.turn()
    const lost = world.sent.splice(0)
    world.proposer.leaderChanged(null)
    world.proposer.leaderChanged(3)
    t.same(world.sent, lost)
    world.sent.push(...lost)
    world.apply()
    t.equal(world.answers.length, 1)
    t.equal(world.log.state.queued, 1)
  },
)

void t.test('what is submitted together is one entry, however much waits before it', async t => {
  const world = await setUp()
  const many = (count: number): void => {
    for (let i = 0; i < count; i++) world.submit()
  }
  world.leader = 'noLeader' // nothing is decided: gatherings grow
  many(255)
  world.proposer.together(254, () => many(254))
  world.time.turn()
  t.equal(world.proposer.load.gathered, 0)
  world.leader = 'sent'
  world.proposer.leaderChanged(1)
  t.same(
    world.sent.map(entry => decodeEntry(entry)?.messages),
    [509],
  )
  world.apply()
  for (let i = 0; i < 8; i++) {
    many(1)
    world.time.turn()
    world.time.advance(2)
  }
  many(4000)
  world.proposer.together(97, () => many(97))
  world.time.advance(10)
  const entries = world.sent.map(entry => decodeEntry(entry)?.messages ?? 0)
  t.ok(entries.every(count => count <= 4096))
  t.equal(entries.at(-1), 97)
})

void t.test('a lost frame is proposed again by itself', async t => {
  const world = await setUp()
  world.submit()
  world.time.turn()
  world.sent.splice(0)
  world.time.advance(1100)
  t.equal(world.sent.length, 1)
  world.apply()
  t.equal(world.answers.length, 1)
})

void t.test('a submit without an answer is refused, and void keeps it out', async t => {
  const world = await setUp(500)
  world.submit()
  world.time.turn()
  const [late] = world.sent.splice(0)
  world.time.advance(600)
  t.same(world.answers, ['timeout'])
  world.sent.sort() // whatever the order
  world.sent.splice(0, world.sent.length, ...world.sent.filter(entry => !entry.equals(late!)))
  t.equal(world.sent.length, 1, 'the void is proposed')
  world.apply()
  world.sent.push(late!)
  world.apply()
  t.equal(world.log.state.queued, 0)
  t.same(world.answers, ['timeout'], 'answered once')
  t.equal(world.proposer.load.proposals, 0)
  t.same(world.ends, ['applied', 'timeout'], 'each proposal has one end')
})

void t.test('what was claimed before its void is counted as too late', async t => {
  const world = await setUp(500)
  world.submit()
  world.time.turn()
  const entries = world.sent.splice(0)
  world.time.advance(600)
  const voids = world.sent.splice(0).filter(entry => !entry.equals(entries[0]!))
  world.sent.push(...entries)
  world.apply()
  const home = world.log.connector.home!.node
  const epoch = world.log.connector.epoch
  world.log.propose(home, { kind: 'claim', connector: 1, epoch, count: 1 })
  world.sent.push(...voids)
  world.apply()
  t.same(world.tooLate, [1])
})

void t.test(
  'what was applied and cannot be voided, for the boot is over, is too late too',
  async t => {
    const world = await setUp(500)
    world.submit()
    world.submit()
    world.time.turn()
    const entries = world.sent.splice(0)
    world.time.advance(600)
    t.same(world.answers, ['timeout', 'timeout'])
    const voids = world.sent.splice(0).filter(entry => !entry.equals(entries[0]!))
    t.equal(voids.length, 1)
    world.sent.push(entries[0]!)
    world.apply()
    t.equal(world.log.state.queued, 2, 'it was committed all the same')
    world.proposer.refuseAll()
    t.same(world.tooLate, [2])
  },
)

void t.test('without a leader submits wait submitTimeoutMs, then are refused at once', async t => {
  const world = await setUp(500)
  world.leader = 'noLeader'
  world.proposer.leaderChanged(null)
  t.equal(world.submit(), 'queued')
  world.time.advance(600)
  t.same(world.answers, ['timeout'])
  t.equal(world.submit(), 'noLeader')
  world.leader = 'sent'
  world.proposer.leaderChanged(2)
  t.equal(world.submit(), 'queued')
})

void t.test(
  '960 open proposals are the bound for submits, and commands still have room',
  async t => {
    const world = await setUp()
    let queued = 0
    while (world.submit() === 'queued') {
      world.time.advance(3)
      queued++
      if (queued > 2000) break
    }
    t.equal(queued, 960)
    const done: CommandResult[] = []
    t.ok(
      world.proposer.propose(
        { kind: 'endSession', session: 'x' },
        result => void done.push(result),
      ),
    )
    world.time.advance(3)
    world.apply()
    t.match(done, [{ ok: false, why: 'notFound' }])
    t.equal(world.answers.filter(answer => Array.isArray(answer)).length, 960)
    t.equal(world.submit(), 'queued')
  },
)

void t.test('10,000 commands may wait for a number; more are refused', async t => {
  const world = await setUp()
  world.leader = 'noLeader'
  let taken = 0
  while (world.proposer.propose({ kind: 'endSession', session: 'x' })) taken++
  t.equal(taken, 10_000)
})

void t.test('when the boot is over, submits are refused and commands hear staleBoot', async t => {
  const world = await setUp()
  world.submit()
  world.time.turn()
  world.submit()
  const done: CommandResult[] = []
  world.proposer.propose({ kind: 'endSession', session: 'x' }, result => void done.push(result))
  world.proposer.refuseAll()
  t.same(world.answers, ['staleBoot', 'staleBoot'])
  t.match(done, [{ ok: false, why: 'staleBoot' }])
  t.equal(world.submit(), 'noLeader')
  t.same(world.ends, ['staleBoot'])
})

void t.test('a snapshot in place of entries: outcomes come from the state', async t => {
  const world = await setUp()
  world.submit()
  world.time.turn()
  for (const entry of world.sent.splice(0)) world.log.append(entry)
  world.proposer.ask(number => world.log.state.nodes.outcomeOf(1, number))
  t.equal(world.answers.length, 1)
})

void t.test('written marks ride in the next proposal, before its own commands', async t => {
  const world = await setUp()
  const kinds = (entry: Buffer) => decodeEntry(entry)?.commands.map(({ kind }) => kind)
  world.proposer.written(1, 5)
  world.proposer.written(1, 6)
  world.proposer.written(2, 7)
  world.submit()
  world.time.turn()
  t.equal(world.sent.length, 1)
  t.same(kinds(world.sent[0]!), ['written', 'written', 'accept'])
  t.match(decodeEntry(world.sent[0]!)?.commands[0], { account: 1, refs: [5, 6] })
  world.apply()
  t.same(world.answers, [[world.log.entries.length, 0]], 'the answer is the submit’s own')

  const results: CommandResult[] = []
  world.proposer.written(1, 8)
  world.proposer.propose({ kind: 'endSession', session: 'none' }, result => results.push(result))
  world.time.turn()
  t.same(kinds(world.sent[0]!), ['written', 'endSession'])
  world.apply()
  t.match(results, [{ ok: false, why: 'notFound' }])
  world.time.advance(100)
  t.same(world.sent, [], 'nothing is left to say')
})

void t.test('written marks that nothing takes along go alone soon', async t => {
  const world = await setUp()
  world.proposer.written(1, 5)
  world.proposer.written(1, 6)
  world.time.turn()
  t.same(world.sent, [])
  world.time.advance(20)
  t.equal(world.sent.length, 1)
  t.match(decodeEntry(world.sent[0]!)?.commands, [{ kind: 'written', refs: [5, 6] }])
  world.apply()
  t.equal(world.proposer.load.proposals, 0)
})

void t.test('marks in a proposal that is made void go again', async t => {
  const world = await setUp(1000)
  world.proposer.written(1, 5)
  world.submit()
  world.time.turn()
  const [lost] = world.sent.splice(0)
  world.time.advance(1100)
  t.same(world.answers, ['timeout'])
  const again = world.sent.flatMap(entry => decodeEntry(entry)?.commands ?? [])
  t.ok(again.some(command => command.kind === 'void'))
  t.match(
    again.find(command => command.kind === 'written'),
    { account: 1, refs: [5] },
  )
  world.apply()
  world.sent.push(lost!)
  world.apply()
  t.equal(world.log.state.queued, 0)
  t.equal(world.proposer.load.proposals, 0)
})

void t.test('marks are taken 4,096 at a time, and forgotten with their boot', async t => {
  const world = await setUp()
  for (let ref = 1; ref <= 5000; ref++) world.proposer.written(1, ref)
  world.time.advance(20)
  t.match(decodeEntry(world.sent[0]!)?.commands[0], { refs: { length: 4096 } })
  world.proposer.refuseAll()
  world.time.advance(100)
  t.equal(world.sent.length, 1)
})

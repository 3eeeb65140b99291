import t from 'tap'
import { SeededRandom } from '../base/random.js'
import type { AcceptedMessages, CommandResult } from './commands.js'
import { refOf } from './ids.js'
import { FIRSTS_MAX } from './resubmissions.js'
import { bind, claim } from './testing/commands.js'
import { accept, TestLog, testSettings, type TestSubmit } from './testing/log.js'

/** Session 1 is bound on nodes 2 and 3; of node 1 none is. */
async function windowed(): Promise<TestLog> {
  const log = await TestLog.ready(settings => {
    settings.accounts[0]!.resubmissionWindowMs = 60_000
    settings.accounts[0]!.maxSessions = 100
  })
  for (const node of [2, 3]) log.propose(node, bind(`${node}.1.1`, node))
  return log
}

const accepted = (result: CommandResult): AcceptedMessages => {
  if (!('accepted' in result)) throw new Error('refused')
  return result.accepted
}

/** The firsts' places, by the order of the submits; 0 for a new message. */
function matches(log: TestLog, node: number, submits: TestSubmit[]): number[] {
  const { first, count, matched = [] } = accepted(log.propose(node, accept(submits)))
  const places = new Map(matched)
  return Array.from({ length: count }, (_, i) => places.get(first + i) ?? 0)
}

void t.test('a submit whose node died before it answered gets the first id, once', async t => {
  const log = await windowed()
  log.propose(1, bind('1.1.1', 1))
  const { index } = log.proposed(1, accept([{ same: 'a' }, { same: 'b' }]))
  t.same(matches(log, 2, [{ same: 'a' }]), [0], 'the session stands: it is another message')
  log.propose(2, { kind: 'nodeDown', node: 1, boot: 1 })
  t.same(matches(log, 2, [{ same: 'c' }, { same: 'b' }, { same: 'a' }, { same: 'a' }, {}]), [
    0,
    refOf(index, 1),
    refOf(index, 0),
    0,
    0,
  ])
  t.equal(log.state.queued, 6)
  t.equal(log.account.queued, 6)
  t.equal(log.connector.queued, 6)
  const claimed = log.propose(log.connector.home!.node, claim(log))
  t.ok('claimed' in claimed)
  t.equal(log.connector.claims.size, 6, 'the matched ones are no messages of their own')
})

for (const [title, end] of [
  ['its session ended', log => log.propose(1, { kind: 'endSession', session: '1.1.1' })],
  ['its node began again', log => log.register(1, 2)],
] as [string, (log: TestLog) => void][])
  void t.test(`what was written when ${title} is another message`, async t => {
    const log = await windowed()
    log.propose(1, bind('1.1.1', 1))
    const { index } = log.proposed(1, accept([{ same: 'a' }, { same: 'b' }]))
    log.propose(1, { kind: 'written', account: 1, refs: [refOf(index, 0)] })
    end(log)
    t.same(matches(log, 2, [{ same: 'a' }, { same: 'b' }]), [0, refOf(index, 1)])
  })

void t.test(
  'a mark that comes after the end of its session counts, one of another node does not',
  async t => {
    const log = await windowed()
    log.propose(1, bind('1.1.1', 1))
    const { index } = log.proposed(1, accept([{ same: 'a' }, { same: 'b' }]))
    log.propose(1, { kind: 'endSession', session: '1.1.1' })
    log.propose(2, { kind: 'written', account: 1, refs: [refOf(index, 1)] })
    log.propose(1, { kind: 'written', account: 1, refs: [refOf(index, 0)] })
    t.same(matches(log, 2, [{ same: 'a' }, { same: 'b' }]), [0, refOf(index, 1)])
  },
)

void t.test(
  'the same twice on purpose is two messages; two again match both, in order',
  async t => {
    const log = await windowed()
    log.propose(1, bind('1.1.1', 1))
    const { index } = log.proposed(1, accept([{ same: 'a' }, { same: 'a' }]))
    t.equal(log.state.queued, 2)
    log.propose(1, { kind: 'endSession', session: '1.1.1' })
    t.same(matches(log, 3, [{ same: 'a' }, { same: 'a' }, { same: 'a' }]), [
      refOf(index, 0),
      refOf(index, 1),
      0,
    ])
  },
)

void t.test('a second node that dies before it answered passes the first id on', async t => {
  const log = await windowed()
  log.propose(1, bind('1.1.1', 1))
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  log.propose(3, { kind: 'nodeDown', node: 1, boot: 1 })
  t.same(matches(log, 2, [{ same: 'a' }]), [refOf(index, 0)])
  t.same(matches(log, 3, [{ same: 'a' }]), [0], 'taken')
  log.propose(3, { kind: 'nodeDown', node: 2, boot: 1 })
  t.same(matches(log, 3, [{ same: 'a' }]), [refOf(index, 0)])
})

void t.test('a submit that is applied after its session has ended is lost at once', async t => {
  const log = await windowed()
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  t.same(matches(log, 2, [{ same: 'a' }]), [refOf(index, 0)])
})

void t.test('a repeated proposal gets the same first again (I4)', async t => {
  const log = await windowed()
  log.proposed(1, accept([{ same: 'a' }]))
  const again = log.entry(2, 1, 2, [accept([{ same: 'b' }, { same: 'a' }])])
  log.append(again)
  log.append(again)
  const decided = log.effects.filter(
    effect => effect.kind === 'decided' && effect.node === 2 && effect.number === 2,
  )
  t.equal(decided.length, 2)
  t.same(decided[0], decided[1])
  t.equal(log.state.queued, 2)
})

void t.test('queueLimit does not refuse what is in the queue already', async t => {
  const log = await TestLog.ready(settings => {
    settings.accounts[0]!.resubmissionWindowMs = 1
    settings.accounts[0]!.queueLimit = 1
  })
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  const { matched, refused } = accepted(log.propose(2, accept([{ same: 'b' }, { same: 'a' }])))
  t.same(matched, [[1, refOf(index, 0)]])
  t.same(refused, [[0, 'queueFull']])
})

void t.test('a refused submit matches if it is there all the same, and only then (I8)', async t => {
  const log = await windowed()
  log.propose(1, bind('1.1.1', 1))
  const { index } = log.proposed(1, accept([{ same: 'a' }, { same: 'b' }]))
  log.propose(log.connector.home!.node, claim(log, 1))
  const result = log.propose(1, { kind: 'void', number: 4 })
  t.same(result, { ok: true, voided: 1, tooLate: 1 })
  t.same(matches(log, 1, [{ same: 'a' }, { same: 'b' }]), [refOf(index, 0), 0])
})

void t.test(
  'what a submit was given by a match stays, though the first one is made void later',
  async t => {
    for (const answered of [false, true]) {
      const log = await windowed()
      log.propose(1, bind('1.1.1', 1))
      const { index } = log.proposed(1, accept([{ same: 'a' }, { same: 'b' }]))
      const number = log.state.blocks.get(index)!.number
      log.propose(1, { kind: 'endSession', session: '1.1.1' })
      t.same(matches(log, 2, [{ same: 'a' }]), [refOf(index, 0)])
      if (answered) log.propose(2, { kind: 'written', account: 1, refs: [refOf(index, 0)] })
      await log.state.flush()
      await log.restart()
      t.same(log.propose(1, { kind: 'void', number }), { ok: true, voided: 1, tooLate: 1 })
      t.equal(log.markOf(index, 0), 'QUEUED')
      t.equal(log.markOf(index, 1), 'REFUSED')
      t.same(matches(log, 3, [{ same: 'a' }]), [0], "and it is nobody else's")
    }
  },
)

void t.test('a match that is made void can be matched again', async t => {
  const log = await windowed()
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  t.same(matches(log, 2, [{ same: 'a' }]), [refOf(index, 0)])
  t.same(log.propose(2, { kind: 'void', number: 2 }), { ok: true, voided: 0, tooLate: 0 })
  t.same(matches(log, 2, [{ same: 'a' }]), [refOf(index, 0)])
  t.equal(log.state.queued, 1)
})

void t.test('the window ends by a command, for what is lost', async t => {
  const log = await windowed()
  log.propose(1, bind('1.1.1', 1))
  const lost = log.proposed(2, accept([{ same: 'a', session: 7 }]))
  const open = log.proposed(1, accept([{ same: 'b' }]))
  const { resubmissions } = log.account
  t.same(resubmissions.lostBefore(log.nowMs, 10), [])
  t.same(resubmissions.lostBefore(log.nowMs + 1, 10), [refOf(lost.index, 0)])
  const refs = [refOf(lost.index, 0), refOf(open.index, 0), 12345]
  log.propose(3, { kind: 'forgetLost', account: 1, refs })
  log.propose(1, { kind: 'endSession', session: '1.1.1' })
  t.same(matches(log, 2, [{ same: 'a' }, { same: 'b' }]), [0, refOf(open.index, 0)])
})

void t.test('settings that turn the window off forget, and later ones begin anew', async t => {
  const log = await windowed()
  const change = (resubmissionWindowMs: number): void => {
    const settings = testSettings()
    settings.accounts[0]!.resubmissionWindowMs = resubmissionWindowMs
    log.propose(1, { kind: 'settings', expected: null, settings, author: 'test', atMs: log.nowMs })
  }
  log.propose(1, accept([{ same: 'a' }]))
  change(0)
  t.equal(log.account.resubmissions.size, 0)
  t.same(matches(log, 2, [{ same: 'a' }]), [0])
  t.equal(log.account.resubmissions.size, 0, 'nothing is remembered without a window')
  change(5)
  const { index } = log.proposed(1, accept([{ same: 'a' }]))
  t.same(matches(log, 2, [{ same: 'a' }]), [refOf(index, 0)])
})

void t.test('nothing is remembered before all nodes know the rule (decision 8)', async t => {
  const log = await TestLog.open()
  for (const node of [3, 2, 1]) log.register(node, 1, node === 3 ? 1 : 2)
  log.propose(1, { kind: 'bootstrap', generation: 1 })
  const settings = testSettings()
  settings.accounts[0]!.resubmissionWindowMs = 60_000
  log.propose(1, { kind: 'settings', expected: 0, settings, author: 'test', atMs: log.nowMs })
  log.propose(1, accept([{ same: 'a' }]))
  t.equal(log.account.resubmissions.size, 0)
  log.register(3, 2)
  log.propose(1, accept([{ same: 'a' }]))
  t.equal(log.account.resubmissions.size, 1)
})

void t.test('the bound gives up the oldest lost one first, then the oldest open one', async t => {
  const log = await windowed()
  log.propose(1, bind('1.1.1', 1))
  const open = log.proposed(1, accept([{ same: 'open' }]))
  const lost = log.proposed(1, accept(['lost 1', 'lost 2'].map(same => ({ same, session: 7 }))))
  for (let left = FIRSTS_MAX - 3; left > 0; left -= 100)
    log.propose(1, accept(Array.from({ length: Math.min(left, 100) }, () => ({ same: 'x' }))))
  const { resubmissions } = log.account
  t.equal(resubmissions.size, 1000, 'queueLimit came first')
  for (let i = 0; resubmissions.size < FIRSTS_MAX; i++) resubmissions.add(1e9 + i, 'x', '1.1.1', 0)
  resubmissions.add(2e9, 'y', '1.1.1', 0)
  t.equal(resubmissions.size, FIRSTS_MAX)
  t.equal(resubmissions.givenUp, 1)
  t.notOk(resubmissions.isLost('lost 1'.padEnd(16)))
  t.same(resubmissions.lostBefore(Infinity, 10), [refOf(lost.index, 1)])
  resubmissions.add(2e9 + 1, 'y', '1.1.1', 0)
  resubmissions.add(2e9 + 2, 'y', '1.1.1', 0)
  t.equal(resubmissions.givenUp, 3)
  t.notOk(resubmissions.isOpenElsewhere('open'.padEnd(16), 'another'), String(open.index))
})

void t.test('only what was open at a position is waited for', async t => {
  const log = await windowed()
  const { resubmissions } = log.account
  resubmissions.add(1, 'a', 's1', 0)
  const before = resubmissions.position
  resubmissions.add(2, 'a', 's2', 0)
  t.notOk(resubmissions.isOpenElsewhere('b', 's3'))
  t.ok(resubmissions.isOpenElsewhere('a', 's1', Infinity))
  t.notOk(resubmissions.isOpenElsewhere('a', 's1', before))
  t.ok(resubmissions.isOpenElsewhere('a', 's2', before))
  resubmissions.drop(1)
  t.notOk(resubmissions.isOpenElsewhere('a', 's3', before))
})

void t.test('a restart keeps what is remembered, and its order', async t => {
  const log = await windowed()
  log.propose(1, bind('1.1.1', 1))
  const first = log.proposed(1, accept([{ same: 'a' }, { same: 'b' }]))
  const second = log.proposed(2, accept([{ same: 'a', session: 7 }]))
  await log.state.flush()
  log.propose(1, { kind: 'endSession', session: '1.1.1' })
  await log.state.flush()
  await log.restart()
  t.equal(log.account.resubmissions.size, 3)
  t.same(matches(log, 3, [{ same: 'a' }, { same: 'a' }, { same: 'b' }]), [
    refOf(second.index, 0),
    refOf(first.index, 0),
    refOf(first.index, 1),
  ])
})

for (let seed = 1; seed <= 10; seed++)
  void t.test(`matches are those of a simple model, crashes between, seed ${seed}`, async t => {
    const random = new SeededRandom(seed)
    const log = await windowed()
    const model: { ref: number; same: string; session: string; lost: number }[] = []
    const sessions = new Set(['2.1.1', '3.1.1'])
    let losses = 0
    let matchedInAll = 0
    const lose = (gone: (session: string) => boolean): void => {
      for (const session of [...sessions]) if (gone(session)) sessions.delete(session)
      for (const first of model.filter(({ lost }) => lost === 0).sort((a, b) => a.ref - b.ref))
        if (gone(first.session)) first.lost = ++losses
    }
    for (let step = 0; step < 400; step++) {
      const node = 1 + random.below(3)
      const { boot } = log.state.nodes.get(node)!
      const count = random.below(3)
      const id = `${node}.${boot}.${count}`
      const kind = random.below(10)
      if (kind === 0 && !sessions.has(id)) {
        log.propose(node, bind(id, node))
        sessions.add(id)
      } else if (kind === 1 && sessions.has(id)) {
        log.propose(node, { kind: 'endSession', session: id })
        lose(session => session === id)
      } else if (kind === 2 && random.below(4) === 0) {
        log.register(node, boot + 1)
        lose(session => session.startsWith(`${node}.`))
      } else if (kind === 3) {
        const mine = model.filter(({ session }) => session.startsWith(`${node}.${boot}.`))
        const refs = mine.filter(() => random.below(2) === 0).map(({ ref }) => ref)
        log.propose(node, { kind: 'written', account: 1, refs })
        for (const ref of refs)
          model.splice(
            model.findIndex(first => first.ref === ref),
            1,
          )
      } else if (kind === 4) await log.state.flush()
      else if (kind === 5 && random.below(4) === 0) await log.restart()
      else {
        const submits = Array.from({ length: 1 + random.below(4) }, () => ({
          same: 'abcde'[random.below(5)]!,
          session: count,
        }))
        const { index, results } = log.proposed(node, accept(submits))
        const { matched = [] } = accepted(results[0]!)
        matchedInAll += matched.length
        const expected = submits.flatMap(({ same }, offset) => {
          const lost = sessions.has(id) ? 0 : ++losses
          const [first] = model
            .filter(one => one.lost > 0 && one.same === same)
            .sort((a, b) => a.lost - b.lost)
          if (first === undefined)
            model.push({ ref: refOf(index, offset), same, session: id, lost })
          else Object.assign(first, { session: id, lost })
          return first === undefined ? [] : [[offset, first.ref]]
        })
        t.same(matched, expected)
      }
    }
    t.equal(log.account.resubmissions.size, model.length)
    t.ok(matchedInAll > 20)
  })

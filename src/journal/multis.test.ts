import t from 'tap'
import { Block } from './block.js'
import { refOf } from './ids.js'
import { bind, claim, outcomes, receipt } from './testing/commands.js'
import { accept, TestLog, type TestSubmit } from './testing/log.js'

// Messages of a submit_multi in the state: docs/decisions/0019.

const heads = (log: TestLog, index: number): number[] => {
  const block = log.state.blocks.get(index)!
  return Array.from({ length: block.count }, (_, offset) => block.headOf(offset))
}

void t.test(
  'those of one submit_multi have the first of them as their head, over all commands',
  async t => {
    const log = await TestLog.ready()
    const one = { multi: 1 }
    const { index } = log.proposed(1, accept([{}, one, { multi: 2 }, one]), accept([one, {}], 1))
    t.same(heads(log, index), [0, 1, 2, 1, 1, 5])
    t.same(log.state.blocks.get(index)!.membersOf(1), [1, 3, 4])
    t.same(log.state.blocks.get(index)!.membersOf(3), [])
    t.same(log.state.blocks.get(index)!.membersOf(0), [0])
    const next = log.proposed(1, accept([one, {}])).index
    t.same(heads(log, next), [0, 1], 'another entry, another submit_multi')
    await log.state.flush()
    await log.restart()
    t.same(heads(log, index), [0, 1, 2, 1, 1, 5])
  },
)

void t.test('what is refused is nobody’s head', async t => {
  const log = await TestLog.ready()
  const { index } = log.proposed(1, accept([{ multi: 1, account: 9 }, { multi: 1 }, { multi: 1 }]))
  t.same(heads(log, index), [0, 1, 1])
})

void t.test('the first alone has an 8-digit id', async t => {
  const log = await TestLog.ready()
  const one = { multi: 1, short: true }
  const { index } = log.proposed(1, accept([one, one]))
  const block = log.state.blocks.get(index)!
  t.same([block.isShort(0), block.isShort(1)], [true, false])
  t.same([block.holdsId(0), block.holdsId(1)], [true, true])
  t.same(log.state.aliases.refs(block.aliasBase), [refOf(index, 0)])
})

void t.test(
  'its block stays until the receipt that has to name another one’s id is taken',
  async t => {
    const log = await TestLog.ready()
    const { index } = log.proposed(1, accept([{ multi: 1 }, { multi: 1 }]))
    const home = log.connector.home!.node
    log.propose(home, claim(log))
    const refs = [refOf(index, 0), refOf(index, 1)]
    log.propose(home, ...refs.map(ref => outcomes(log, { ref, smscId: `s${ref}` })))
    log.propose(home, ...refs.map(ref => receipt(`s${ref}`)))
    const block = log.state.blocks.get(index)!
    t.equal(block.open, 1)
    t.same([log.markOf(index, 0), log.markOf(index, 1)], ['DONE', 'DONE'])
  },
)

// Submitted again: docs/decisions/0012. Session 1.1.1 submitted `a` and `b` with one submit_multi, and `c` with another.

const LOST = [{ same: 'a', multi: 1 }, { same: 'b', multi: 1 }, { same: 'c' }]

const cases: { title: string; submits: TestSubmit[]; told: string[] }[] = [
  {
    title: 'what is new after what was lost',
    submits: [{ same: 'a' }, { same: 'x' }, { same: 'b' }, {}],
    told: ['a', 'otherId', 'b', 'otherId'],
  },
  {
    title: 'what was lost after what is new',
    submits: [{ same: 'x' }, { same: 'a' }, { same: 'y' }],
    told: ['new', 'otherId', 'new'],
  },
  {
    title: 'what was lost with another id',
    submits: [{ same: 'b' }, { same: 'c' }, { same: 'a' }],
    told: ['b', 'otherId', 'a'],
  },
]
for (const { title, submits, told } of cases)
  void t.test(`one submit_multi has no two ids: ${title}`, async t => {
    const log = await TestLog.ready(settings => {
      settings.accounts[0]!.resubmissionWindowMs = 60_000
    })
    log.propose(1, bind('1.1.1', 1))
    const { index } = log.proposed(1, accept(LOST))
    log.propose(1, { kind: 'endSession', session: '1.1.1' })
    log.propose(2, bind('2.1.1', 2))
    const again = submits.map(submit => ({ ...submit, multi: 7 }))
    // over two commands, for two priorities
    const { results } = log.proposed(2, accept(again.slice(0, 1)), accept(again.slice(1), 1))
    const seen = results.flatMap(result => {
      if (!('accepted' in result)) throw new Error('refused')
      const { first, count, refused, matched = [] } = result.accepted
      const places = new Map(matched.map(([at, ref]) => [at, LOST[ref - refOf(index, 0)]?.same]))
      return Array.from(
        { length: count },
        (_, i) => places.get(first + i) ?? new Map(refused).get(first + i) ?? 'new',
      )
    })
    t.same(seen, told)
    const others = told.filter(each => each === 'otherId')
    t.equal(log.account.queued, LOST.length + told.filter(each => each === 'new').length)
    t.ok(others.length > 0)
    const { resubmissions } = log.account
    const lost = LOST.filter(({ same }) => !told.includes(same)).length
    t.equal(resubmissions.lostCount, lost, 'and it can still come by itself')
  })

void t.test('heads come after all other parts of a block', t => {
  const from = { node: 1, boot: 1, number: 1, proposedAtMs: 1000 }
  const block = new Block(7, 4, from)
  block.setHead(3, 1)
  block.setReplacement(2, { ref: refOf(9, 1), expiresAtMs: 5 })
  block.reschedule(2, 77)
  block.setSmscId(0, 'abc')
  block.aliasBase = 12
  const again = Block.decode(7, block.encode())
  t.same(
    [0, 1, 2, 3].map(offset => again.headOf(offset)),
    [0, 1, 2, 1],
  )
  t.same(again.replacement(2), { ref: refOf(9, 1), expiresAtMs: 5 })
  t.equal(again.aliasBase, 12)
  t.same(again.encode(), block.encode())
  t.end()
})

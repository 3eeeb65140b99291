import t from 'tap'
import { Block } from './block.js'
import { refOf } from './ids.js'
import { claim, outcomes, receipt } from './testing/commands.js'
import { accept, TestLog } from './testing/log.js'

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

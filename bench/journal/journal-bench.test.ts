import t from 'tap'
import { decodeEntry } from '../../src/journal/index.js'
import { benchAppends } from './appends.js'
import { benchApplies } from './applies.js'
import { profiled } from './profiled.js'
import { Replica } from './replica.js'
import { STEPS, SyntheticLog } from './synthetic-log.js'

const SMALL = { messagesPerEntry: 4, messagesPerRound: 10, awaiting: 20, kept: 30 }

void t.test(
  'as many messages are forgotten as are accepted, and none is left on the way',
  async t => {
    const replica = await Replica.open()
    t.teardown(() => replica.close())
    const log = new SyntheticLog(SMALL, 1_800_000_000_000)
    await replica.append(log.begin(replica.journal))
    const { state } = replica.journal
    const blocks: number[] = []
    for (let i = 0; i < 40; i++) {
      const round = log.round()
      const first = replica.lastIndex + 1
      const entries = round.flatMap(section => section.entries)
      await replica.append(entries)
      replica.apply(first, entries)
      t.equal(state.appliedIndex, first + entries.length - 1)
      t.same([state.queued, state.inFlight, state.receiptsQueued], [0, 0, 0])
      await replica.journal.flush()
      await replica.forget()
      blocks.push(countBlocks(replica))
      if (i < 10) continue
      t.same(
        round.map(({ step, messages }) => [step, messages]),
        STEPS.map(step => [step, 10]),
      )
      t.equal(state.smscIds.size, 20)
      t.equal(state.releases.size, 0, 'values are deleted from the log')
    }
    t.ok(blocks.at(-1)! > 0)
    t.equal(blocks.at(-1), blocks.at(-2), 'steady')
  },
)

function countBlocks({ journal: { state } }: Replica): number {
  let count = 0
  for (let index = 1; index <= state.appliedIndex; index++)
    if (state.blocks.get(index) !== undefined) count++
  return count
}

void t.test('the costs of a step are those of its parts', async t => {
  const [row, profile] = await profiled(() =>
    benchApplies({ ...SMALL, warmUpMs: 0, durationMs: 30 }),
  )
  t.same(
    row.steps.map(({ step }) => step),
    [...STEPS, 'all, one flush'],
  )
  for (const { step, logUs, applyUs, collectUs, writeUs, forgetUs, allUs } of row.steps) {
    t.ok(applyUs > 0, step)
    const sum = logUs + applyUs + collectUs + writeUs + forgetUs
    t.ok(Math.abs(sum - allUs) < 0.05, `${step}: ${sum} and ${allUs}`)
  }
  t.ok(row.perSecond > 0 && row.flushMs > 0)
  t.ok(profile.samples.length > 0)
})

void t.test('an append is an entry of so many messages, on disk', async t => {
  t.equal(decodeEntry(SyntheticLog.acceptOf(7))?.messages, 7)
  const row = await benchAppends({ messagesPerEntry: 7, durationMs: 1 })
  t.ok(row.octetsPerEntry > 7 * 140)
  t.ok(row.entriesPerSecond > 0 && row.latencyMs.p50 > 0 && row.bareP50Ms > 0)
  t.ok(Math.abs(row.messagesPerSecond - 7 * row.entriesPerSecond) <= 7)
})

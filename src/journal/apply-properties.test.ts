import t from 'tap'
import { SeededRandom } from '../base/random.js'
import { MemoryFolder } from '../testing/memory-store.js'
import { Effects } from './effects.js'
import { applyEntry } from './apply.js'
import { MARK, MESSAGE_STATE } from './marks.js'
import { decodeEntry } from './entry.js'
import { indexOf, offsetOf } from './ids.js'
import { openSnapshot, SnapshotStage } from './journal-snapshot.js'
import { State } from './state.js'
import { TestLog } from './testing/log.js'
import {
  aliasBooks,
  books,
  cancelledIn,
  firstBooks,
  gatherings,
  randomCommand,
  replacedIn,
} from './testing/random-commands.js'

const STEPS = 600
/** The store that a snapshot comes to. */
const STAGE = 'state.2'

async function randomLog(
  seed: number,
  each: (log: TestLog) => void = () => undefined,
): Promise<TestLog> {
  const random = new SeededRandom(seed)
  const log = await TestLog.ready(settings => {
    settings.accounts[0]!.resubmissionWindowMs = 1000
    settings.accounts[0]!.moLimit = 10
    settings.accounts.push({ ...settings.accounts[0]!, systemId: 'esme2', queueLimit: 5 })
    settings.connectors.push({
      ...settings.connectors[0]!,
      id: 'smsc-b',
      inDoubt: { kind: 'resend' },
    })
  })
  for (let step = 0; step < STEPS; step++) {
    log.nowMs += random.below(1000)
    const node = 1 + random.below(3)
    if (random.below(60) === 0) log.register(node, (log.state.nodes.get(node)?.boot ?? 0) + 1)
    else if (log.state.nodes.get(node)?.alive === true)
      log.proposed(
        node,
        ...Array.from({ length: 1 + random.below(3) }, () => randomCommand(log, random)),
      )
    each(log)
  }
  return log
}

for (let seed = 1; seed <= 12; seed++)
  void t.test(`counters, tables and marks agree at every step, seed ${seed}`, async t => {
    const last = await randomLog(seed, log => {
      const { counted, marked } = books(log)
      if (JSON.stringify(counted) !== JSON.stringify(marked)) t.same(counted, marked)
    })
    const { found, marked } = aliasBooks(last)
    t.same(found, marked)
    t.ok(found.size > 0, 'some messages have short ids')
    t.end()
  })

for (let seed = 51; seed <= 56; seed++)
  void t.test(
    `a cancelled message is never claimed, a replaced one says what was said last, seed ${seed}`,
    async t => {
      const deleted = new Map<number, number>()
      const bodies = new Map<number, string>()
      const wrong: string[] = []
      let sent = 0
      const last = await randomLog(seed, log => {
        const at = log.entries.length
        for (const ref of cancelledIn(log)) deleted.set(ref, at)
        for (const [ref, since] of deleted) {
          const [index, offset] = [indexOf(ref), offsetOf(ref)]
          const block = log.state.blocks.get(index)
          if (block === undefined) deleted.delete(ref)
          else if (
            block.mark(offset) !== MARK.DONE ||
            block.state(offset) !== MESSAGE_STATE.DELETED
          )
            wrong.push(`${ref}, cancelled by entry ${since}, is ${log.markOf(index, offset)}`)
        }
        for (const [ref, body] of replacedIn(log)) bodies.set(ref, body)
        for (const [ref, body] of bodies) {
          const mark = log.state.blocks.get(indexOf(ref))?.mark(offsetOf(ref)) ?? MARK.REFUSED
          if (mark >= MARK.SENT) bodies.delete(ref)
          else if (log.bodyOf(ref) !== body) wrong.push(`${ref} at ${at}: ${log.bodyOf(ref)}`)
          if (mark === MARK.SENT || mark === MARK.DONE) sent++
        }
      })
      t.same(wrong, [])
      t.ok(deleted.size > 0, `${deleted.size} messages are deleted after ${last.entries.length}`)
      t.ok(sent > 0, `${sent} replaced ones came to an end`)
    },
  )

for (let seed = 101; seed <= 112; seed++)
  void t.test(
    `a node that flushes and crashes at any step decides like one that never did, seed ${seed}`,
    async t => {
      const never = await randomLog(seed)
      const often = await TestLog.open()
      const random = new SeededRandom(seed)
      for (const entry of never.entries) {
        often.append(entry)
        if (random.below(4) === 0) await often.state.flush()
        if (random.below(25) === 0) await often.restart()
      }
      t.equal(often.entries.length, never.entries.length)
      t.equal(often.state.hash.value, never.state.hash.value)
      t.same(books(often).counted, books(never).counted)
      t.same([...often.state.releases].sort(), [...never.state.releases].sort())
      t.equal(often.state.smscIds.size, never.state.smscIds.size)
      t.equal(often.state.aliases.next, never.state.aliases.next)
      t.same(aliasBooks(often).found, aliasBooks(never).found)
      t.same(firstBooks(often), firstBooks(never))
      t.same(gatherings(often), gatherings(never))
      t.same(aliasBooks(often).found, aliasBooks(often).marked)
    },
  )

void t.test(
  'a snapshot sent in chunks and installed elsewhere goes on as the original does',
  async t => {
    const log = await randomLog(7)
    await log.state.flush()
    const view = openSnapshot(log.store)
    const folder = new MemoryFolder()
    const stage = await SnapshotStage.begin(folder, STAGE)
    for await (const chunk of view.chunks()) await stage.write(chunk)
    t.equal(await SnapshotStage.isFinished(folder, STAGE, view.index).catch(() => false), false)
    await stage.finish(view.index)
    t.equal(await SnapshotStage.isFinished(folder, STAGE, view.index), true)
    const store = await folder.open(STAGE)
    await SnapshotStage.clearMark(store)
    const copy = await State.load(store)
    t.equal(copy.hash.value, log.state.hash.value)
    const random = new SeededRandom(99)
    for (let i = 0; i < 200; i++) {
      const before = log.entries.length
      log.proposed(1 + random.below(3), randomCommand(log, random))
      for (let at = before; at < log.entries.length; at++)
        applyEntry(copy, new Effects(), at + 1, log.entries[at]!)
    }
    t.equal(copy.hash.value, log.state.hash.value)
    t.equal(copy.aliases.next, log.state.aliases.next)
    for (const number of aliasBooks(log).found.keys())
      t.same(copy.aliases.refs(number), log.state.aliases.refs(number))
  },
)

void t.test('a snapshot with one octet changed is refused', async t => {
  const log = await randomLog(8)
  await log.state.flush()
  const view = openSnapshot(log.store)
  const folder = new MemoryFolder()
  const stage = await SnapshotStage.begin(folder, STAGE)
  for await (const chunk of view.chunks()) {
    chunk[chunk.length - 1]! ^= 1
    await stage.write(chunk)
  }
  await t.rejects(stage.finish(view.index), /checksum differs/)
  t.equal(await folder.exists(STAGE), false)
})

void t.test('no change of octets makes decoding or apply throw', async t => {
  const random = new SeededRandom(3)
  const log = await randomLog(3)
  let refused = 0
  for (let i = 0; i < 20_000; i++) {
    const octets = Buffer.from(log.entries[random.below(log.entries.length)]!)
    for (let n = 1 + random.below(3); n > 0; n--)
      octets[random.below(octets.length)] = random.below(256)
    const cut = random.below(3) === 0 ? octets.subarray(0, random.below(octets.length)) : octets
    if (decodeEntry(cut) === undefined) refused++
    applyEntry(log.state, new Effects(), log.entries.length + 1 + i, cut)
  }
  t.ok(refused > 1000)
})

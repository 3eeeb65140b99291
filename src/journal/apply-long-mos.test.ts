import t from 'tap'
import { GIVE_UP_STEP } from './apply-long-mos.js'
import type { InboundItem, MoPart } from './commands.js'
import { refOf, type Ref } from './ids.js'
import { GATHERED_OCTETS_MAX, GATHERINGS_MAX } from './long-mos.js'
import { bind, inboundOf } from './testing/commands.js'
import { TestLog } from './testing/log.js'

const open = (rules?: number): Promise<TestLog> => {
  const ready = TestLog.ready(settings => {
    settings.accounts[0] = { ...settings.accounts[0]!, moLimit: 10_000, longMo: 'whole' }
  })
  return rules === undefined ? ready : withRules(rules)
}

async function withRules(rules: number): Promise<TestLog> {
  const log = await open()
  log.state.setRules(rules)
  return log
}

const piece = (text: string, part: Partial<MoPart> = {}): InboundItem => ({
  kind: 'mo',
  account: 1,
  part: { key: 'a b 7', total: 2, part: 1, digest: digestOf(text), ...part },
  body: Buffer.from(text),
})

const digestOf = (text: string): number => Buffer.from(text.padEnd(6)).readUIntBE(0, 6)

/** Each in an entry of its own. Returns their places, and what became of them. */
function come(log: TestLog, ...items: InboundItem[]): { refs: Ref[]; results: unknown[] } {
  const refs: Ref[] = []
  const results = items.flatMap(item => {
    const { index, results } = log.proposed(1, {
      kind: 'inbound',
      connector: 1,
      epoch: 1,
      items: [item],
    })
    refs.push(refOf(index, 0))
    return inboundOf(results[0]!)
  })
  return { refs, results }
}

/** What is owed, oldest first: the places of each, in its order. */
function owed({ account }: TestLog): Ref[][] {
  const { head, tail } = account.deliveries
  return Array.from({ length: tail - head }, (_, i) => account.delivery(head + i)).flatMap(
    delivery => (delivery === undefined ? [] : [[...(delivery.parts ?? [delivery.inbound])]]),
  )
}

const giveUp = (log: TestLog, node = 1, refs = log.account.longMos.before(Infinity, 1000)) =>
  log.propose(node, { kind: 'giveUpParts', account: 1, epoch: log.account.epoch, refs })

const acknowledge = (log: TestLog) => {
  const { head, tail } = log.account.deliveries
  const seqs = Array.from({ length: tail - head }, (_, i) => head + i)
  log.propose(1, { kind: 'delivered', account: 1, epoch: log.account.epoch, seqs, expired: false })
}

void t.test('parts wait for each other, and are owed as one when the last has come', async t => {
  const log = await open()
  const { refs, results } = come(
    log,
    piece('three', { part: 3, total: 3 }),
    piece('one', { part: 1, total: 3 }),
    piece('two', { part: 2, total: 3 }),
  )
  t.same(results, ['gathered', 'gathered', 'completed'])
  t.same(owed(log), [[refs[1], refs[2], refs[0]]], 'in the order of the text')
  t.equal(log.account.owed, 1)
  for (const ref of refs) t.equal(log.markOf(ref / 4096, 0), 'WAITING')
  acknowledge(log)
  t.equal(log.account.owed, 0)
  t.equal(log.account.owedMo, 0)
  for (const ref of refs) t.ok(log.state.releases.has(ref / 4096), 'its octets are given up')
})

void t.test('each part is owed from when it has come: moLimit counts them', async t => {
  const log = await TestLog.ready() // moLimit 2
  const { results } = come(
    log,
    piece('one', { part: 1, total: 3 }),
    piece('two', { part: 2, total: 3 }),
    piece('three', { part: 3, total: 3 }),
  )
  t.same(results, ['gathered', 'gathered', 'queueFull'])
  t.equal(log.state.receiptsQueued, 2)
  t.same(owed(log), [])
})

void t.test('a part that the SMSC sends again is answered, and kept once', async t => {
  const log = await open()
  const { refs, results } = come(log, piece('one'), piece('one'), piece('two', { part: 2 }))
  t.same(results, ['gathered', 'repeated', 'completed'])
  t.same(owed(log), [[refs[0], refs[2]]])
  t.ok(log.state.releases.has(refs[1]! / 4096))
})

void t.test('when the time is over what came is owed as it came, in that order', async t => {
  const log = await open()
  const { refs } = come(log, piece('three', { part: 3, total: 3 }), piece('one', { total: 3 }))
  const between: InboundItem = { kind: 'mo', account: 1, body: Buffer.from('between') }
  const { refs: others } = come(log, between)
  giveUp(log)
  t.same(owed(log), [[others[0]], [refs[0]], [refs[1]]])
  t.equal(log.account.owed, 3)
  t.equal(log.account.longMos.size, 0)
  t.equal(log.account.longMos.octetsHeld, 0)
  const late = come(log, piece('two', { part: 2, total: 3 }))
  t.same(late.results, ['gathered'], 'what comes after it waits for a time of its own')
})

void t.test(
  'another text under the same reference: what came before it is owed as it came',
  async t => {
    const log = await open()
    const { refs, results } = come(log, piece('one'), piece('other'), piece('two', { part: 2 }))
    t.same(results, ['gathered', 'gathered', 'completed'])
    t.same(owed(log), [[refs[0]], [refs[1], refs[2]]])
  },
)

void t.test(
  'parts that come again after the whole are owed to nobody, but another text is',
  async t => {
    const log = await open()
    const { refs } = come(log, piece('one'), piece('two', { part: 2 }))
    const again = come(log, piece('two', { part: 2 }))
    t.same(again.results, ['gathered'])
    t.equal(log.account.owed, 2)
    giveUp(log)
    t.same(owed(log), [[refs[0], refs[1]]])
    t.equal(log.account.owed, 1)
    t.ok(log.state.releases.has(again.refs[0]! / 4096))
    const news = come(log, piece('two', { part: 2 }))
    giveUp(log)
    t.same(owed(log), [[refs[0], refs[1]], [news.refs[0]]], 'nobody remembers it after that')
  },
)

void t.test('all parts again are a message again', async t => {
  const log = await open()
  const { refs } = come(log, piece('one'), piece('two', { part: 2 }))
  const again = come(log, piece('two', { part: 2 }), piece('one'))
  t.same(again.results, ['gathered', 'completed'])
  t.same(owed(log), [
    [refs[0], refs[1]],
    [again.refs[1], again.refs[0]],
  ])
})

void t.test(
  'a reference that is used anew begins a message, also behind repeated parts',
  async t => {
    const log = await open()
    const whole = come(log, piece('one'), piece('two', { part: 2 }))
    // The first one again, then a message whose first part is another and whose second is the same.
    const { refs, results } = come(log, piece('one'), piece('uno'))
    t.same(results, ['gathered', 'gathered'])
    t.ok(log.state.releases.has(refs[0]! / 4096), 'it was told')
    const last = come(log, piece('two', { part: 2 }))
    t.same(last.results, ['completed'])
    t.same(owed(log), [whole.refs, [refs[1], last.refs[0]]])
  },
)

void t.test('of a message that begins with what was told nothing is lost', async t => {
  const log = await open()
  come(
    log,
    piece('one', { total: 3 }),
    piece('two', { part: 2, total: 3 }),
    piece('three', { part: 3, total: 3 }),
  )
  acknowledge(log)
  const { refs } = come(log, piece('one', { total: 3 }), piece('dos', { part: 2, total: 3 }))
  giveUp(log)
  t.same(owed(log), [[refs[0]], [refs[1]]])
})

void t.test('1,000 messages are gathered; for one more the oldest is given up', async t => {
  const log = await open()
  const { refs } = come(log, piece('first', { key: 'first' }))
  for (let i = 1; i < GATHERINGS_MAX; i++) come(log, piece('x', { key: `key ${i}` }))
  t.same(owed(log), [])
  t.equal(log.account.longMos.size, GATHERINGS_MAX)
  come(log, piece('one more', { key: 'one more' }))
  t.same(owed(log), [[refs[0]]])
  t.equal(log.account.longMos.size, GATHERINGS_MAX)
})

void t.test('1 MiB is gathered; for one octet more the oldest is given up', async t => {
  const log = await open()
  const whole = Buffer.alloc(1024)
  const parts = GATHERED_OCTETS_MAX / 1024
  const [perMessage, messages] = [128, parts / 128]
  const first: Ref[] = []
  for (let m = 0; m < messages; m++)
    for (let p = 1; p <= perMessage; p++) {
      const at = { key: `key ${m}`, total: 255, part: p }
      const { refs } = come(log, { ...piece('', at), body: whole })
      if (m === 0) first.push(...refs)
    }
  t.equal(log.account.longMos.octetsHeld, GATHERED_OCTETS_MAX)
  t.same(owed(log), [])
  come(log, piece('x', { key: 'one more' }))
  t.same(owed(log).flat(), first)
  t.equal(log.account.longMos.octetsHeld, GATHERED_OCTETS_MAX - perMessage * 1024 + 1)
})

void t.test('one command gives up 100 at most', async t => {
  const log = await open()
  for (let i = 0; i <= GIVE_UP_STEP; i++) come(log, piece('x', { key: `key ${i}` }))
  giveUp(log)
  t.equal(log.account.longMos.size, 1)
})

void t.test('the delivery owner alone gives up, where there is one', async t => {
  const log = await open()
  log.propose(2, bind('2.1.1', 2))
  come(log, piece('one'))
  t.match(giveUp(log, 1), { ok: false, why: 'staleEpoch' })
  const { epoch } = log.account
  const refs = log.account.longMos.before(Infinity, 10)
  t.match(log.propose(2, { kind: 'giveUpParts', account: 1, epoch: epoch - 1, refs }), {
    ok: false,
    why: 'staleEpoch',
  })
  t.same(owed(log), [])
  log.effects = []
  t.match(giveUp(log, 2), { ok: true })
  t.equal(owed(log).length, 1)
  t.match(log.effects, [{ kind: 'account', node: 2 }, { kind: 'decided' }])
})

void t.test(
  'what began last week is given up before what began today, at most so many',
  async t => {
    const log = await open()
    for (const key of ['a', 'b', 'c']) {
      come(log, piece('one', { key }))
      log.nowMs += 1000
    }
    const { longMos } = log.account
    t.equal(longMos.before(log.nowMs - 1000, 10).length, 2)
    t.equal(longMos.before(log.nowMs, 2).length, 2)
    t.equal(longMos.before(log.nowMs - 3000, 10).length, 0)
  },
)

void t.test('up to rules 16 a part is an MO as any (docs/decisions/0008)', async t => {
  const log = await open(16)
  const { refs, results } = come(log, piece('one'), piece('one'))
  t.same(results, ['queued', 'queued'])
  t.same(owed(log), [[refs[0]], [refs[1]]])
  t.equal(log.account.longMos.size, 0)
})

void t.test('what waits, and what is owed whole, is the same after a crash', async t => {
  const log = await open()
  const whole = come(log, piece('one'), piece('two', { part: 2 }))
  const some = come(log, piece('uno', { key: 'other' }))
  await log.state.flush()
  come(log, piece('one')) // told, behind the state on disk
  await log.restart()
  t.same(owed(log), [whole.refs])
  t.equal(log.account.owed, 3)
  const last = come(log, piece('due', { key: 'other', part: 2 }))
  t.same(last.results, ['completed'])
  t.same(owed(log), [whole.refs, [some.refs[0], last.refs[0]]])
  await log.state.flush()
  acknowledge(log)
  giveUp(log)
  await log.state.flush()
  await log.restart()
  t.same(owed(log), [])
  t.equal(log.account.owed, 0)
  t.equal(log.account.longMos.size, 0)
  t.equal(log.account.longMos.octetsHeld, 0)
})

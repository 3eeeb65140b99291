import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Timers } from '../base/clock.js'
import { freePorts } from '../testing/free-ports.js'
import { waitFor } from '../testing/wait-for.js'
import { systemEffects } from './effects.js'
import { EsmeClient } from './esme.js'
import type { EsmeOptions } from './esme-options.js'
import { reportText } from './esme-report.js'
import { parseRun } from './message-tag.js'
import { startAdmin } from './smsc-admin.js'
import type { SmscBehaviour } from './smsc-faults.js'
import { SmscSimulator, type SmscOptions } from './smsc-sim.js'

async function smscOf(
  t: Test,
  behaviour: Partial<SmscBehaviour> = {},
  options: Partial<SmscOptions> = {},
): Promise<SmscSimulator> {
  const smsc = new SmscSimulator({ port: 0, behaviour, ...options })
  await smsc.start()
  t.teardown(() => smsc.stop())
  return smsc
}

function esmeOf(smscs: SmscSimulator[], options: Partial<EsmeOptions> = {}): EsmeClient {
  const addresses = smscs.map(({ port }) => ({ host: '127.0.0.1', port }))
  return new EsmeClient({ addresses, settleMs: 30_000, ...options })
}

void t.test('everything is sent once, answered, and has its receipt', async t => {
  const smsc = await smscOf(t, { receiptStates: { DELIVRD: 3, UNDELIV: 1 } })
  const report = await esmeOf([smsc], { sessions: 3, count: 3_000, window: 50 }).run()
  t.same(report.problems, [])
  t.match(report, { sent: 3_000, acknowledged: 3_000, inDoubt: 0, offered: null, resent: 0 })
  t.match(report.receipts, {
    expected: 3_000,
    received: 3_000,
    lost: 0,
    duplicated: 0,
    unmatched: 0,
  })
  t.match(report.ids, { distinct: 3_000, repeated: 0 })
  t.ok(report.receipts!.byStat['UNDELIV']! > 500)
  t.equal(report.latencyMs.count, 3_000)
  for (const session of report.sessions) t.ok(session.acknowledged > 500, 'all sessions are used')
  const stats = smsc.stats()
  t.match(stats, { accepted: 3_000, distinct: 3_000, duplicates: 0, untagged: 0 })
  t.equal(stats.runs[0]?.run, report.run)
  t.same(smsc.tags.missing(parseRun(report.run)!, 3_000), [])
  t.match(reportText(report), /acknowledged +3,000/)
})

void t.test(
  'at a given rate, latency counts from when a message should have been sent',
  async t => {
    const smsc = await smscOf(t, { delayMs: 400 })
    const options = { sessions: 2, count: 100, window: 10, rate: 1_000, receipts: false }
    const report = await esmeOf([smsc], options).run()
    // 20 fit the windows: the last of 100 waits for four rounds of 400 ms before it is even sent.
    t.ok(report.latencyMs.max >= 1_500, `max ${report.latencyMs.max}`)
    t.ok(report.latencyMs.p50 >= 700, `p50 ${report.latencyMs.p50}`)
    t.equal(report.offered, 100)
    t.equal(report.receipts, null)
  },
)

void t.test('without a rate, a bound on awaited receipts makes the load a closed loop', async t => {
  const smsc = await smscOf(t, { receiptDelayMs: 20 })
  const esme = esmeOf([smsc], { sessions: 2, count: 500, awaitedMax: 40 })
  let most = 0
  const watched = esme.until(() => {
    most = Math.max(most, esme.ledger.awaited + esme.inFlight)
    return esme.currentPhase === 'done'
  })
  const report = await esme.run()
  await watched
  t.match(report, { sent: 500, acknowledged: 500 })
  t.match(report.receipts, { received: 500, lost: 0 })
  t.ok(most > 0 && most <= 40, `at most ${most} on their way or awaited`)
})

void t.test('refusals are counted by their status, and throttling is obeyed', async t => {
  const smsc = await smscOf(t, { errorRate: 0.5, errors: { ESME_RINVDSTADR: 3, ESME_RSYSERR: 1 } })
  const report = await esmeOf([smsc], { count: 1_000 }).run()
  const refused = Object.values(report.refused).reduce((a, b) => a + b, 0)
  t.equal(refused + report.acknowledged, 1_000)
  t.ok(report.refused['ESME_RINVDSTADR']! > report.refused['ESME_RSYSERR']!)
  t.equal(report.receipts?.lost, 0)
  t.same(smsc.stats().refused, report.refused)

  smsc.change({ errorRate: 0, throttlePerSecond: 100 })
  const throttled = await esmeOf([smsc], { count: 500, window: 500 }).run()
  t.ok(throttled.refused['ESME_RTHROTTLED']! > 0)
  t.equal(throttled.acknowledged + throttled.refused['ESME_RTHROTTLED']!, 500)

  const again = await esmeOf([smsc], { count: 120, window: 120, resubmit: true }).run()
  t.equal(again.acknowledged, 120, 'with resubmit all get through in the end')
  t.ok(again.resent > 0)
  t.equal(smsc.stats().duplicates, 0)
})

void t.test('broken connections: in doubt is what was sent and not answered', async t => {
  const smsc = await smscOf(t, { disconnectEvery: 200 })
  const options = { sessions: 2, count: 2_000, window: 20 }
  const esme = esmeOf([smsc], options)
  esme.start()
  await esme.reached('done')
  await waitFor('all receipts are acknowledged', () => smsc.stats().receipts.waiting === 0)
  const report = await esme.finish()
  t.ok(report.inDoubt > 0)
  t.equal(report.acknowledged + report.inDoubt, 2_000, 'without resubmit each is sent once')
  t.equal(report.receipts?.lost, 0)
  t.ok(report.sessions.reduce((sum, session) => sum + session.breaks, 0) >= 8)
  t.ok(report.gaps.broken.length >= 0 && report.gaps.unbroken.length >= 0)
  const { accepted, distinct } = smsc.stats()
  t.ok(accepted >= report.acknowledged)
  t.equal(distinct, accepted)
  t.ok(report.receipts!.unmatched >= accepted - report.acknowledged, 'they have receipts as well')

  const again = await esmeOf([smsc], { ...options, resubmit: true }).run()
  t.equal(smsc.tags.of(parseRun(again.run)!).distinct, 2_000)
  t.same(again.problems, [])
})

void t.test(
  'sessions move to the next address when theirs is gone, and the rest never notice',
  async t => {
    const one = await smscOf(t)
    const other = await smscOf(t)
    const directory = mkdtempSync(join(tmpdir(), 'carillon-esme-'))
    t.teardown(() => rmSync(directory, { recursive: true }))
    const journal = join(directory, 'esme.tsv')
    const sent: number[] = []
    /** How many had been sent when a session bound. */
    const sentBefore = new Map<number, number>()
    const onEvent = (event: string): void => {
      const [, index] = /^session (\d+) is bound/.exec(event) ?? []
      if (index !== undefined) sentBefore.set(Number(index), sent.length)
    }
    const options = { sessions: 8, rate: 500, durationMs: 20_000, journal, onEvent }
    const esme = esmeOf([one, other], options)
    for (const session of esme.sessions) {
      const submit = session.submit.bind(session)
      session.submit = (body, n, fromMs) => {
        sent.push(session.index)
        return submit(body, n, fromMs)
      }
    }
    esme.start()
    t.teardown(() => esme.finish())
    await esme.until(() => esme.ledger.acknowledged > 100)
    const stoppedAtMs = Date.now()
    await one.stop()
    await esme.until(
      () => esme.sessions.every(s => s.isUp) && esme.sessions.some(s => s.breaks > 0),
    )
    const before = esme.ledger.acknowledged
    await esme.until(() => esme.ledger.acknowledged > before + 100)
    esme.stopSending()
    await esme.reached('done')
    const report = await esme.finish()
    t.same(
      report.sessions.map(session => session.breaks),
      [1, 0, 1, 0, 1, 0, 1, 0],
    )
    for (const index of [0, 2, 4, 6]) {
      const from = sentBefore.get(index)!
      t.ok(sent.slice(from, from + 4).includes(index), `${index} is among the next that send`)
    }
    const moved = `127.0.0.1:${other.port}`
    for (const session of report.sessions) t.equal(session.boundAt.at(-1), moved)
    const bound = readFileSync(journal, 'utf8')
      .split('\n')
      .flatMap(line => (line.startsWith('B\t') ? [line.split('\t').slice(1)] : []))
    const placesOf = (index: number) =>
      bound.filter(([session]) => session === String(index)).map(([, address]) => address)
    t.same(placesOf(2), [`127.0.0.1:${one.port}`, moved], 'the journal tells it')
    t.same(placesOf(3), [moved])
    t.equal(bound.length, 12)
    for (const [, , ...times] of bound) {
      const [connecting, atBind, served] = times.map(Number)
      t.ok(connecting! < atBind! && atBind! <= served!, times.join(' '))
    }
    const surviving = esme.sessions.filter(session => session.breaks === 0)
    t.ok(esme.nextAnswerAfter(stoppedAtMs, surviving)! >= stoppedAtMs)
  },
)

void t.test('attempts to bind come ever more slowly, up to a bound', async t => {
  const [port = 0] = await freePorts(1)
  const pauses: number[] = []
  const { timers } = systemEffects
  const after: Timers['after'] = (ms, callback) => {
    pauses.push(ms)
    return timers.after(0, callback)
  }
  const every = timers.every.bind(timers)
  const soon = timers.soon.bind(timers)
  const effects = { ...systemEffects, timers: { after, every, soon } }
  const addresses = [{ host: '127.0.0.1', port }]
  const esme = new EsmeClient({ addresses, sticky: true, backOffMsMax: 500 }, effects)
  esme.start()
  await esme.until(() => pauses.length >= 12)
  await esme.finish()
  t.ok(pauses[0]! <= 100)
  t.ok(Math.max(...pauses) > 200)
  t.ok(Math.max(...pauses) <= 500, `${Math.max(...pauses)} ms`)
})

void t.test('a receiver gets the receipts of its system_id, before or after it binds', async t => {
  const smsc = await smscOf(t, { receiptBeforeResponse: true })
  const report = await esmeOf([smsc], { bind: 'tx+rx', sessions: 2, count: 200 }).run()
  t.match(report.receipts, { received: 200, lost: 0, unmatched: 0 })

  smsc.change({ receiptBeforeResponse: false })
  const tx = await esmeOf([smsc], { bind: 'tx', count: 50 }).run()
  t.equal(tx.receipts, null)
  t.equal(smsc.stats().receipts.waiting, 50)
  const rx = esmeOf([smsc], { bind: 'rx', durationMs: 60_000 })
  rx.start()
  await rx.until(() => rx.ledger.receipts === 50)
  await rx.finish()
  await waitFor('all are acknowledged', () => smsc.stats().receipts.waiting === 0)
})

void t.test(
  'swallowed messages are in doubt after the time-out, and a late answer counts',
  async t => {
    const smsc = await smscOf(t, { noResponseRate: 1 })
    const options = { count: 10, responseTimeoutMs: 200, receipts: false }
    const report = await esmeOf([smsc], options).run()
    t.match(report, { acknowledged: 0, inDoubt: 10 })
    t.match(smsc.stats(), { accepted: 10, unanswered: 10 })

    smsc.change({ noResponseRate: 0, delayMs: 2_000 })
    const esme = esmeOf([smsc], { ...options, receipts: true })
    esme.start()
    await esme.until(() => esme.ledger.inDoubt === 10)
    await esme.until(() => esme.ledger.late === 10)
    const late = await esme.finish()
    t.match(late, { acknowledged: 10, inDoubt: 0, late: 10 })
  },
)

void t.test('messages from mobiles come, and are counted by their tag', async t => {
  const smsc = await smscOf(t, { moPerSecond: 500, moFrom: '46#', moTo: '1' })
  const esme = esmeOf([smsc], { bind: 'trx', count: 0, durationMs: 60_000 })
  esme.start()
  await esme.until(() => esme.ledger.moReceived >= 200)
  smsc.change({ moPerSecond: 0 })
  await waitFor('all have come', () => smsc.stats().mo.waiting === 0)
  const { mo } = await esme.finish()
  t.equal(mo.received, smsc.stats().mo.acknowledged)
  t.equal(mo.distinct, mo.received)
})

void t.test('messages from mobiles come in parts, of which the first one has the tag', async t => {
  const smsc = await smscOf(t, { moPerSecond: 100, moParts: 3, moConcatenation: 'sar' })
  const esme = esmeOf([smsc], { bind: 'trx', count: 0, durationMs: 60_000 })
  esme.start()
  await esme.until(() => esme.ledger.moReceived >= 60)
  smsc.change({ moPerSecond: 0 })
  await waitFor('all have come', () => smsc.stats().mo.waiting === 0)
  const { mo } = await esme.finish()
  t.equal(mo.received, 3 * mo.distinct)
})

void t.test('binds: wrong password, wrong system_id, refused for now', async t => {
  const smsc = await smscOf(t, {}, { systemId: 'esme1', password: 'secret1' })
  for (const wrong of [{ password: 'x' }, { systemId: 'y' }]) {
    const events: string[] = []
    const onEvent = (event: string): void => void events.push(event)
    const report = await esmeOf([smsc], { ...wrong, giveUpMs: 300, count: 1, onEvent }).run()
    t.match(report.problems, [/no session/])
    t.match(events[0], /refused: ESME_RINV/)
  }
  smsc.change({ refuseBinds: 'ESME_RBINDFAIL' })
  const esme = esmeOf([smsc], { count: 1 })
  esme.start()
  const { bindsRefused } = smsc.stats()
  await waitFor('it tries again', () => smsc.stats().bindsRefused >= bindsRefused + 2)
  smsc.change({ refuseBinds: null })
  await esme.reached('done')
  t.equal((await esme.finish()).acknowledged, 1)
})

void t.test('a journal holds every outcome', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-journal-'))
  t.teardown(() => rmSync(directory, { recursive: true, force: true }))
  const journal = join(directory, 'esme.tsv')
  const smsc = await smscOf(t, { errorRate: 0.2 })
  const report = await esmeOf([smsc], { count: 500, journal }).run()
  const lines = readFileSync(journal, 'utf8').trimEnd().split('\n')
  const of = (kind: string): string[][] =>
    lines.map(line => line.split('\t')).filter(([first]) => first === kind)
  t.equal(of('A').length, report.acknowledged)
  t.equal(of('X').length, 500 - report.acknowledged)
  t.equal(of('R').length, report.acknowledged)
  t.same(new Set(of('A').map(([, , id]) => id)), new Set(of('R').map(([, id]) => id)))
  const bad = join(directory, 'missing', 'esme.tsv')
  t.match((await esmeOf([smsc], { count: 1, journal: bad }).run()).problems, [/journal/])
})

void t.test('the admin port shows counters and changes faults', async t => {
  const smsc = await smscOf(t)
  const admin = await startAdmin(smsc, { host: '127.0.0.1', port: 0 })
  t.teardown(() => admin.close())
  const ask = async (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${admin.port}${path}`, init)
  const { run } = await esmeOf([smsc], { count: 100 }).run()

  t.match(await (await ask('/stats')).json(), { accepted: 100, distinct: 100 })
  const counts = new Uint8Array(await (await ask(`/runs/${run}/counts`)).arrayBuffer())
  t.same(counts, new Uint8Array(100).fill(1))
  t.same(await (await ask(`/runs/${run}/missing?to=102`)).json(), [[100, 102]])
  const page = (await (await ask('/messages?since=40&limit=20')).json()) as { next: number }
  t.match(page, { items: { length: 20 }, next: 60 })

  const post = (body: string) => ask('/fault', { method: 'POST', body })
  t.match(await (await post('{"errorRate": 1}')).json(), { errorRate: 1, delayMs: 0 })
  t.equal((await esmeOf([smsc], { count: 10 }).run()).acknowledged, 0)
  for (const wrong of [
    '{"errorRate": 2}',
    '{"errorrate": 1}',
    'nonsense',
    '{"errors": {"X": 1}}',
  ]) {
    t.equal((await post(wrong)).status, 400, wrong)
  }
  t.equal((await ask('/nothing')).status, 404)
  t.equal((await ask('/runs/x')).status, 400)
})

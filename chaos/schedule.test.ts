import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { recordingIo } from '../src/cli/io.js'
import { VirtualTime } from '../src/testing/virtual-time.js'
import { cronTimes } from './cron.js'
import type { Drill } from './drill.js'
import { GUARDS, tripped, watchHealth, type Health } from './guards.js'
import { noteRunning, runningIn } from './hard-stop.js'
import { main } from './main.js'
import { schedule } from './schedule.js'

const drill = (name: string): Drill => ({ name, summary: name, run: async () => {} })
const DRILLS = [drill('leader-kill'), drill('smsc-outage')]
/** A Monday. */
const MONDAY = Date.UTC(2026, 10, 23, 9, 0, 0)
const iso = (ms: number): string => new Date(ms).toISOString().slice(0, 16)

void t.test('cron: five fields in a zone, also over the change to summer time', t => {
  const berlin = cronTimes('0 14 * * TUE', 'Europe/Berlin')
  t.equal(iso(berlin.next(MONDAY)!), '2026-11-24T13:00')
  t.equal(iso(berlin.next(Date.UTC(2027, 2, 24))!), '2027-03-30T12:00')
  t.equal(cronTimes('0 0 0 1 1 *', 'UTC').next(MONDAY), Date.UTC(2027, 0, 1), 'six fields')
  t.throws(() => cronTimes('61 * * * *', 'UTC'))
  t.throws(() => cronTimes('often', 'UTC'))
  t.throws(() => cronTimes('* * * * *', 'Mars/Olympus'))
  t.end()
})

interface Trial {
  time: VirtualTime
  ran: string[]
  said: string[]
  controller: AbortController
  status: Promise<number>
}

function trial(runs: number | null, passes: (name: string) => boolean, tookMs = 0): Trial {
  const time = new VirtualTime(MONDAY)
  const controller = new AbortController()
  const ran: string[] = []
  const said: string[] = []
  const status = schedule(
    { times: cronTimes('0 14 * * TUE', 'UTC'), drills: DRILLS, runs, signal: controller.signal },
    {
      clock: time,
      timers: time,
      say: text => said.push(text),
      perform: async ({ name }) => {
        ran.push(`${name} ${iso(time.nowMs())}`)
        await new Promise<void>(resolve => time.after(tookMs, resolve))
        return passes(name)
      },
    },
  )
  return { time, ran, said, controller, status }
}

const DAY = 24 * 3_600_000

void t.test('a game day comes at its time, drills take turns', async t => {
  const { time, ran, said, status } = trial(3, () => true)
  await time.advanceSettled(DAY)
  t.same(ran, [], 'Monday: nothing')
  for (let day = 0; day < 16; day++) await time.advanceSettled(DAY)
  t.equal(await status, 0)
  t.same(ran, [
    'leader-kill 2026-11-24T14:00',
    'smsc-outage 2026-12-01T14:00',
    'leader-kill 2026-12-08T14:00',
  ])
  t.match(said[0], 'next: leader-kill at 2026-11-24T14:00:00.000Z')
})

void t.test('times that come while a drill runs are left out', async t => {
  const { time, ran, status } = trial(2, () => true, 8 * DAY)
  for (let day = 0; day < 40; day++) await time.advanceSettled(DAY)
  t.equal(await status, 0)
  t.same(ran, ['leader-kill 2026-11-24T14:00', 'smsc-outage 2026-12-08T14:00'])
})

void t.test('a drill that did not pass ends the schedule', async t => {
  const { time, ran, said, status } = trial(null, name => name !== 'leader-kill')
  for (let day = 0; day < 9; day++) await time.advanceSettled(DAY)
  t.equal(await status, 1)
  t.equal(ran.length, 1)
  t.match(said.at(-1), /leader-kill did not pass: the schedule ends here/)
})

void t.test('the hard stop ends the waiting at once', async t => {
  const { time, ran, controller, status } = trial(null, () => true)
  await time.advanceSettled(3_600_000)
  controller.abort(new Error('stopped by SIGINT'))
  t.equal(await status, 1)
  t.same(ran, [])
})

void t.test('guards: each of them, and what does not trip them', t => {
  const well: Health = {
    atMs: 100_000,
    wholeSinceMs: 0,
    acknowledgedAtMs: 99_000,
    nodesDown: [],
    diskFreeShare: 0.5,
  }
  t.equal(tripped(well), undefined)
  t.match(tripped({ ...well, acknowledgedAtMs: 70_000 }), /no positive submit_sm_resp for 30 s/)
  t.equal(tripped({ ...well, acknowledgedAtMs: 70_001 }), undefined)
  t.match(tripped({ ...well, acknowledgedAtMs: undefined }), /for 100 s/)
  const broken = { ...well, acknowledgedAtMs: 0, wholeSinceMs: undefined }
  t.equal(tripped(broken), undefined, 'silence is expected while something is broken')
  t.equal(tripped({ ...broken, wholeSinceMs: 71_000 }), undefined, 'and a while after it')
  t.match(tripped({ ...broken, nodesDown: [2, 3] }), /not by the drill: node 2, 3/)
  t.match(tripped({ ...well, diskFreeShare: 0.01 }), /nearly full: 1\.0 % free/)
  t.end()
})

void t.test('the watch trips once, when acknowledgements stop', t => {
  const time = new VirtualTime()
  const reasons: string[] = []
  let acknowledged = 0
  const look = () => ({ wholeSinceMs: 0, acknowledged, nodesDown: [], diskFreeShare: 0.5 })
  watchHealth(look, reason => reasons.push(reason), { clock: time, timers: time })
  for (let i = 0; i < 90; i++) {
    acknowledged++
    time.advance(1_000)
  }
  t.same(reasons, [])
  time.advance(GUARDS.silentMs - 1_000)
  t.same(reasons, [])
  time.advance(10 * GUARDS.silentMs)
  t.equal(reasons.length, 1)
  t.end()
})

void t.test('drill stop finds who runs, by pid and start', async t => {
  const out = mkdtempSync(join(tmpdir(), 'carillon-stop-'))
  t.teardown(() => rmSync(out, { recursive: true, force: true }))
  const starts = new Map([[41, '1000']])
  const processes = { pid: 41, startOf: (pid: number) => starts.get(pid), kill: () => undefined }
  const forget = noteRunning(out, processes)
  writeFileSync(join(out, 'running-7.json'), '{')
  t.same(runningIn(out, readdirSync(out), processes), [41])
  t.same(readdirSync(out), ['running-41.json'], 'a note that cannot be read is removed')
  starts.set(41, '2000')
  t.same(runningIn(out, readdirSync(out), processes), [], 'another process has the pid now')
  t.same(readdirSync(out), [])
  forget()

  const io = recordingIo()
  const world = { io, drills: DRILLS, perform: () => Promise.reject(new Error('not meant to run')) }
  t.equal(await main(['stop', '--out', out], world), 1)
  t.match(io.noted.join('\n'), /no drill runs/)
  t.equal(await main(['schedule', 'often', 'leader-kill', '--out', out], world), 2)
  t.equal(await main(['schedule', '* * * * *', 'leader-kil', '--out', out], world), 2)
  t.match(io.noted.join('\n'), /did you mean leader-kill/)
})

import t from 'tap'
import { Pace } from './pace.js'

/** An SMSC on a virtual clock that takes so many messages of each second, and a pace that learns it. */
class Trial {
  readonly pace: Pace
  atMs = 0
  /** Messages of each second: what the SMSC took, and what it throttled. */
  readonly taken: number[] = []
  readonly throttled: number[] = []
  private readonly demandPerSecond: number

  constructor(limitPerSecond: number | null, demandPerSecond: number) {
    this.pace = new Pace(limitPerSecond, 0)
    this.demandPerSecond = demandPerSecond
  }

  /** @param takes  messages that the SMSC takes in a second */
  run(seconds: number, takes: number): void {
    const TURN_MS = 10
    for (let second = 0; second < seconds; second++) {
      let taken = 0
      let throttled = 0
      for (let turn = 0; turn < 1000 / TURN_MS; turn++) {
        const wanted = Math.round((this.demandPerSecond * TURN_MS) / 1000)
        const count = this.pace.take(wanted, this.atMs)
        this.pace.wrote(count, count, this.atMs)
        for (let i = 0; i < count; i++)
          if (taken < takes) taken++
          else {
            throttled++
            this.pace.slow(this.atMs)
          }
        this.atMs += TURN_MS
      }
      this.pace.recover(this.atMs)
      this.taken.push(taken)
      this.throttled.push(throttled)
    }
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0)

for (const limit of [null, 400])
  void t.test(
    `after a minute of refusing everything the pace is soon back, limit ${limit ?? 'none'}`,
    t => {
      const trial = new Trial(limit, 200)
      trial.run(5, Infinity)
      trial.run(60, 0)
      t.ok(trial.pace.perSecond! <= 3, `${trial.pace.perSecond!}/s`)
      t.ok(sum(trial.throttled.slice(-30)) < 90, 'and asks seldom')
      trial.run(20, Infinity)
      t.ok(trial.taken.at(-1)! >= 195, `${trial.taken.at(-1)!} of 200 in the 20th second`)
      trial.run(10, Infinity)
      t.equal(trial.pace.perSecond, limit, 'it is over')
      t.end()
    },
  )

for (const takes of [5, 50, 170])
  void t.test(`of an SMSC that takes ${takes}/s most is used, and little is refused`, t => {
    const trial = new Trial(null, 200)
    trial.run(30, takes)
    trial.run(120, takes)
    const share = sum(trial.taken.slice(30)) / (120 * takes)
    const refused = sum(trial.throttled.slice(30)) / sum(trial.taken.slice(30))
    t.ok(share > 0.7, `${share} of what it takes`)
    t.ok(refused < 0.1, `${refused} refused`)
    t.end()
  })

void t.test('an SMSC that comes to take more is found out', t => {
  const trial = new Trial(null, 2000)
  trial.run(60, 20)
  trial.run(40, 1000)
  const late = trial.taken.slice(-20)
  t.ok(sum(late) > 20 * 600, `${sum(late) / 20}/s of 1000`)
  t.end()
})

void t.test('a burst of throttling is one step, and single refusals are none', t => {
  const pace = new Pace(100, 0)
  pace.take(5, 0)
  pace.wrote(5, 5, 0)
  for (let i = 0; i < 5; i++) pace.slow(0)
  t.equal(pace.perSecond, 50)
  const patient = new Pace(100, 0)
  for (let atMs = 0; atMs < 1000; atMs += 10) patient.wrote(1, 1, atMs)
  for (let i = 0; i < 9; i++) patient.slow(999)
  t.equal(patient.perSecond, 100)
  patient.slow(999)
  t.equal(patient.perSecond, 50)
  t.end()
})

void t.test('it never falls below one a second, nor rises in a second that was not quiet', t => {
  const pace = new Pace(8, 0)
  for (let atMs = 0; atMs <= 5000; atMs += 500) {
    pace.wrote(1, 1, atMs)
    pace.slow(atMs)
    pace.recover(atMs + 499)
  }
  t.equal(pace.perSecond, 1)
  pace.recover(5999)
  t.equal(pace.perSecond, 1)
  pace.recover(6000)
  t.equal(pace.perSecond, 2)
  t.end()
})

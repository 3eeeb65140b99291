import t from 'tap'
import { bucket, take, takeUpTo, waitMs, withRate, type Bucket } from './throttle.js'

/** How many of `tries` at these times pass. */
function passed(from: Bucket, timesMs: readonly number[]): number {
  let now = from
  let count = 0
  for (const atMs of timesMs) {
    const [next, verdict] = take(now, atMs)
    now = next
    if (verdict === 'pass') count++
  }
  return count
}

void t.test('over a long time exactly the rate passes, whatever the demand', async t => {
  const everyMs = Array.from({ length: 10_000 }, (_, ms) => ms)
  t.equal(passed(bucket(50, 0, 1), everyMs), 500)
})

void t.test('a rate below one a second still passes something', async t => {
  const everyMs = Array.from({ length: 10_000 }, (_, ms) => ms)
  t.equal(passed(bucket(0.5, 0), everyMs), 5)
})

void t.test('no more than the burst passes at once, however long it was quiet', async t => {
  t.equal(
    passed(
      bucket(100, 0, 7),
      Array.from({ length: 100 }, () => 3_600_000),
    ),
    7,
  )
})

void t.test('null, zero and negative rates mean no limit (PITFALLS 16)', async t => {
  for (const rate of [null, 0, -1]) {
    t.equal(
      passed(
        bucket(rate, 0),
        Array.from({ length: 1000 }, () => 0),
      ),
      1000,
    )
    t.same(takeUpTo(bucket(rate, 0), 500, 0)[1], 500)
    t.equal(waitMs(bucket(rate, 0), 0), 0)
  }
})

void t.test('a clock that steps back neither gains nor loses tokens', async t => {
  const [empty] = take(bucket(10, 1000, 1), 1000)
  t.equal(take(empty, 0)[1], 'throttled')
  t.equal(take(take(empty, 0)[0], 1050)[1], 'throttled')
  t.equal(take(take(empty, 0)[0], 1100)[1], 'pass')
})

void t.test('waiting as long as waitMs says is enough', async t => {
  for (const rate of [0.3, 3, 7, 1000 / 3, 1e5]) {
    const [empty] = takeUpTo(bucket(rate, 0, 1), 1, 0)
    const wait = waitMs(empty, 0)
    t.ok(wait > 0)
    t.equal(take(empty, wait)[1], 'pass', `rate ${rate}`)
  }
})

void t.test('takeUpTo gives whole tokens and keeps the fraction', async t => {
  const [rest, got] = takeUpTo(bucket(10, 0, 5), 100, 0)
  t.equal(got, 5)
  const [later, more] = takeUpTo(rest, 100, 250)
  t.equal(more, 2)
  t.equal(takeUpTo(later, 100, 300)[1], 1)
})

void t.test('a new rate does not hand out a fresh burst', async t => {
  const [empty] = takeUpTo(bucket(10, 0, 5), 5, 0)
  t.equal(take(withRate(empty, 20, 0), 0)[1], 'throttled')
})

void t.test(
  'what costs more than the burst passes when it is full, and is made up for',
  async t => {
    let now = bucket(10, 0, 2)
    const tried = (atMs: number, cost: number): string => {
      const [next, verdict] = take(now, atMs, cost)
      now = next
      return verdict
    }
    t.equal(tried(0, 1), 'pass')
    t.equal(tried(0, 5), 'throttled', 'it was not full')
    t.equal(tried(100, 5), 'pass')
    t.equal(waitMs(now, 100), 400, 'three owed, and one')
    t.same(takeUpTo(now, 7, 300)[1], 0)
    t.equal(tried(499, 1), 'throttled')
    t.equal(tried(500, 1), 'pass')
    now = bucket(10, 0, 2)
    let tokens = 0
    for (let atMs = 0; atMs < 100_000; atMs += 10) if (tried(atMs, 7) === 'pass') tokens += 7
    t.ok(Math.abs(tokens - 1000) <= 14, `${tokens} in 100 s at 10/s`)
  },
)

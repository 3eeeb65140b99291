import t from 'tap'
import { VirtualTime } from './virtual-time.js'

void t.test('timers run in order of time, and of setting where the time is the same', t => {
  const time = new VirtualTime(1_000)
  const ran: string[] = []
  time.after(20, () => ran.push(`late ${time.monotonicMs()} ${time.nowMs()}`))
  time.after(10, () => ran.push('first'))
  time.after(10, () => ran.push('second'))
  time.advance(10)
  t.same(ran, ['first', 'second'])
  time.advance(15)
  t.same(ran, ['first', 'second', 'late 20 1020'])
  t.equal(time.monotonicMs(), 25)
  t.end()
})

void t.test('many timers come out sorted', t => {
  const time = new VirtualTime()
  const ran: number[] = []
  for (let i = 0; i < 500; i++) {
    const ms = (i * 7919) % 501
    time.after(ms, () => ran.push(ms))
  }
  time.advance(1_000)
  t.same(
    ran,
    ran.slice().sort((a, b) => a - b),
  )
  t.equal(ran.length, 500)
  t.end()
})

void t.test('a timer taken back does not run, an interval runs until taken back', t => {
  const time = new VirtualTime()
  let once = 0
  let often = 0
  const cancelOnce = time.after(5, () => once++)
  const cancelOften = time.every(10, () => often++)
  cancelOnce()
  time.advance(35)
  cancelOften()
  time.advance(100)
  t.equal(once, 0)
  t.equal(often, 3)
  t.equal(time.pending, 0)
  t.end()
})

void t.test('soon runs before time moves, and what it sets is seen', t => {
  const time = new VirtualTime()
  const ran: string[] = []
  time.soon(() => {
    ran.push('soon')
    time.after(1, () => ran.push('after'))
    time.soon(() => ran.push('sooner'))
  })
  time.advance(1)
  t.same(ran, ['soon', 'sooner', 'after'])
  t.end()
})

void t.test('the wall clock may jump, the monotonic one does not', t => {
  const time = new VirtualTime(5_000)
  time.advance(100)
  time.jumpWallTo(1_000)
  time.advance(1)
  t.equal(time.nowMs(), 1_001)
  t.equal(time.monotonicMs(), 101)
  t.end()
})

void t.test('advanceAsync lets promises settle between timers', async t => {
  const time = new VirtualTime()
  const ran: number[] = []
  const wait = (ms: number) => new Promise<void>(resolve => time.after(ms, resolve))
  const work = (async () => {
    for (let i = 0; i < 3; i++) {
      await wait(10)
      ran.push(time.monotonicMs())
    }
  })()
  await time.advanceAsync(50)
  await work
  t.same(ran, [10, 20, 30])
})

void t.test(
  'advanceSettled lets promises settle between timers, and passes on what is thrown',
  async t => {
    const time = new VirtualTime()
    const ran: number[] = []
    const wait = (ms: number) => new Promise<void>(resolve => time.after(ms, resolve))
    const work = (async () => {
      for (let i = 0; i < 300; i++) {
        await wait(10)
        await Promise.resolve()
        ran.push(time.monotonicMs())
      }
    })()
    time.every(3, () => undefined)
    await time.advanceSettled(3000)
    await work
    t.same(
      ran,
      Array.from({ length: 300 }, (_, i) => (i + 1) * 10),
    )
    t.equal(time.monotonicMs(), 3000)
    time.after(1, () => {
      throw new Error('broken')
    })
    await t.rejects(time.advanceSettled(5), /broken/)
  },
)

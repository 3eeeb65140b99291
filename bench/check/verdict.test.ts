import t from 'tap'
import { judge, type Pair } from './verdict.js'

const pair = (before: [number, number], now: [number, number]): Pair => ({
  before: { acceptedPerSecond: before[0], cpuUsPerMessage: before[1] },
  now: { acceptedPerSecond: now[0], cpuUsPerMessage: now[1] },
})

void t.test('ratios are those of each round', async t => {
  const { throughput, cpu, perSecond, cpuUs, slower } = judge('accept', [
    pair([1000, 40], [1100, 36]),
    pair([500, 80], [500, 80]),
    pair([2000, 20], [1800, 25]),
  ])
  t.same(throughput, { median: 1, min: 0.9, max: 1.1 })
  t.same(cpu, { median: 1, min: 0.9, max: 1.25 })
  t.same([perSecond, cpuUs], [1100, 36])
  t.equal(slower, '')
})

void t.test(
  'slower is what was so in every round, and by more than a tenth in the median',
  async t => {
    const verdict = (ratios: number[]): string =>
      judge(
        'dispatch',
        ratios.map(ratio => pair([1000, 50], [1000 * ratio, 50])),
      ).slower
    t.equal(verdict([0.85, 0.8, 0.95]), '15 % fewer messages a second')
    t.equal(verdict([0.85, 0.8, 1.01]), '', 'one round says otherwise')
    t.equal(verdict([0.95, 0.93, 0.97]), '', 'within what two runs of one build differ by')
    const cpu = judge('dispatch', [pair([1000, 50], [1000, 60]), pair([1000, 50], [1000, 58])])
    t.equal(cpu.slower, '18 % more CPU a message')
    t.throws(() => judge('accept', []), /no round of accept/)
  },
)

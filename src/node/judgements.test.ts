import t from 'tap'
import { judgeClock, median } from './clock-judgement.js'
import { judgeHashes } from './hash-judgement.js'
import { readiness, type ReadinessView } from './readiness.js'

for (const { offsets, voters, expected } of [
  { offsets: [], voters: 1, expected: 'agrees' },
  { offsets: [10, -20], voters: 3, expected: 'agrees' },
  { offsets: [5000, 5100], voters: 3, expected: 'outvoted' },
  { offsets: [-5000, -5100], voters: 3, expected: 'outvoted' },
  { offsets: [0, 60_000], voters: 3, expected: 'agrees' }, // the other one is wrong
  { offsets: [5000, -5000], voters: 3, expected: 'scattered' },
  { offsets: [5000], voters: 3, expected: 'scattered' }, // the third is away
  { offsets: [5000], voters: 5, expected: 'agrees' }, // too few are known
  { offsets: [1500, 3000], voters: 3, expected: 'agrees' }, // with one of them
  { offsets: [3000, 3100, 3200], voters: 5, expected: 'outvoted' },
] as const)
  void t.test(`clocks ahead by ${offsets.join(', ')} ms of ${voters}: ${expected}`, async t => {
    t.equal(judgeClock(offsets, voters), expected)
  })

void t.test('the median does not mind one bad round trip', async t => {
  t.equal(median([1, 2, 9000]), 2)
  t.equal(median([]), 0)
})

for (const { own, others, voters, expected } of [
  { own: 'a', others: [], voters: 3, expected: 'agree' },
  { own: 'a', others: ['a', 'a'], voters: 3, expected: 'agree' },
  { own: 'a', others: ['b', 'b'], voters: 3, expected: 'outvoted' },
  { own: 'a', others: ['b'], voters: 3, expected: 'tie' },
  { own: 'a', others: ['a', 'b'], voters: 3, expected: 'tie' },
  { own: 'a', others: ['b', 'b'], voters: 5, expected: 'tie' },
] as const)
  void t.test(`hash ${own} against ${others.join(', ')} of ${voters}: ${expected}`, async t => {
    t.equal(judgeHashes(own, others, voters), expected)
  })

const READY: ReadinessView = {
  monotonicMs: 100_000,
  electionTimeoutMs: 500,
  started: true,
  leaderlessSinceMs: undefined,
  caughtUpAtMs: 99_900,
  smppListens: true,
  bootRegistered: true,
  revision: 1,
  draining: false,
  removed: false,
  stopping: false,
}

for (const { over, expected } of [
  { over: {}, expected: [] },
  { over: { leaderlessSinceMs: 98_000 }, expected: ['no leader is known'] },
  { over: { leaderlessSinceMs: 99_000 }, expected: [] }, // an election passes
  { over: { caughtUpAtMs: 90_000 }, expected: ['this node has not caught up with the cluster'] },
  { over: { revision: 0 }, expected: ['no gateway settings are applied'] },
  { over: { smppListens: false }, expected: ['SMPP does not listen'] },
  { over: { removed: true }, expected: ['this node was removed from the cluster'] },
  { over: { draining: true }, expected: ['this node is draining'] },
  {
    over: { bootRegistered: false },
    expected: ['this process is not registered with the cluster'],
  },
  {
    over: { started: false, smppListens: false },
    expected: ['the cluster has not started', 'SMPP does not listen'],
  },
] as const)
  void t.test(`/readyz with ${JSON.stringify(over)}`, async t => {
    t.same(readiness({ ...READY, ...over }).reasons, expected)
  })

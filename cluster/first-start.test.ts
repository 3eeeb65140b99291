import t from 'tap'

import { clusterIdOf, isRemoved, judge, type Greeting, type Nonces } from './first-start.js'

const PEERS = [1, 2, 3].map(id => ({ id, address: `h:${id}` }))
const ALL: Nonces = { 1: 'a', 2: 'b', 3: 'c' }
const own = (known: Nonces) => ({ id: 1, nonce: 'a', known })

const answer = (id: number, known: Nonces, started?: Greeting['started']): Greeting => ({
  version: 1,
  id,
  nonce: ALL[id] ?? 'x',
  configured: [1, 2, 3],
  known,
  started,
})
const started = (nonces: Nonces, members = [1, 2, 3], index = 1) => ({
  clusterId: clusterIdOf(nonces),
  nonces,
  members,
  membership: { index, members: members.map(id => ({ id, address: `later:${id}` })) },
})

for (const { what, known, answers, verdict } of [
  {
    what: 'peers that did not answer are named',
    known: { 1: 'a', 3: 'c' },
    answers: [answer(3, { 1: 'a', 3: 'c' })],
    verdict: { kind: 'wait', missing: [2] },
  },
  {
    what: 'a peer that does not know all yet is waited for',
    known: ALL,
    answers: [answer(2, ALL), answer(3, { 3: 'c', 1: 'a' })],
    verdict: { kind: 'wait', missing: [3] },
  },
  {
    what: 'a peer that knows an older nonce of another is waited for',
    known: ALL,
    answers: [answer(2, { ...ALL, 3: 'old' }), answer(3, ALL)],
    verdict: { kind: 'wait', missing: [2] },
  },
  {
    what: 'when all know the same, the cluster starts',
    known: ALL,
    answers: [answer(2, ALL), answer(3, ALL)],
    verdict: { kind: 'start', nonces: ALL },
  },
  {
    what: 'a peer that started with our nonce is followed, whoever else is missing',
    known: { 1: 'a' },
    answers: [answer(2, ALL, started(ALL))],
    verdict: { kind: 'start', nonces: ALL },
  },
  {
    what: 'a cluster that does not know us is waited for',
    known: { 1: 'a' },
    answers: [answer(2, { 2: 'b', 3: 'c' }, started({ 2: 'b', 3: 'c' }, [2, 3]))],
    verdict: { kind: 'wait', reason: /to be added/ },
  },
  {
    what: 'a cluster that has added us is joined',
    known: { 1: 'a' },
    answers: [answer(2, { 2: 'b', 3: 'c' }, started({ 2: 'b', 3: 'c' }))],
    verdict: { kind: 'join', clusterId: clusterIdOf({ 2: 'b', 3: 'c' }) },
  },
  {
    what: 'a peer that lags, or was removed itself, does not hide that others have added us',
    known: { 1: 'a' },
    answers: [
      answer(2, { 2: 'b', 3: 'c' }, started({ 2: 'b', 3: 'c' }, [2, 3], 1)),
      answer(3, { 2: 'b', 3: 'c' }, started({ 2: 'b', 3: 'c' }, [1, 3, 4], 9)),
    ],
    verdict: {
      kind: 'join',
      clusterId: clusterIdOf({ 2: 'b', 3: 'c' }),
      membership: { index: 9, members: [{ id: 1 }, { id: 3 }, { id: 4, address: 'later:4' }] },
    },
  },
  {
    what: 'of two clusters none is joined',
    known: { 1: 'a' },
    answers: [
      answer(2, { 2: 'b' }, started({ 2: 'b' }, [1, 2])),
      answer(3, { 3: 'c' }, started({ 3: 'c' }, [1, 3])),
    ],
    verdict: { kind: 'wait', reason: /different clusters/, missing: [2, 3] },
  },
  {
    what: 'peers that are configured otherwise are named',
    known: ALL,
    answers: [{ ...answer(2, ALL), configured: [1, 2] }, answer(3, ALL)],
    verdict: { kind: 'wait', reason: 'node 2 is configured with peers 1, 2', missing: [2] },
  },
]) {
  void t.test(what, t => {
    t.match(judge(own(known), PEERS, answers), verdict)
    t.end()
  })
}

for (const { what, answers } of [
  { what: 'a first member', answers: [answer(2, ALL, started({ ...ALL, 1: 'before' }))] },
  {
    what: 'a member that was added later',
    answers: [answer(2, { ...ALL, 1: 'before' }, started({ 2: 'b', 3: 'c' }))],
  },
]) {
  void t.test(`${what} that lost its data is refused`, t => {
    t.throws(() => judge(own({ 1: 'a' }), PEERS, answers), {
      name: 'DataGone',
      message: /^data of node 1 is gone; add it under a new id/,
    })
    t.end()
  })
}

void t.test('the cluster id depends on the nonces, not on their order', t => {
  t.equal(clusterIdOf(ALL), clusterIdOf({ 7: 'c', 8: 'a', 9: 'b' }))
  t.not(clusterIdOf(ALL), clusterIdOf({ ...ALL, 3: 'd' }))
  t.match(clusterIdOf(ALL), /^[0-9a-f]{64}$/)
  t.end()
})

for (const { what, own: known, told, removed } of [
  {
    what: 'a later membership without it',
    own: { sinceIndex: 0, index: 5 },
    told: 9,
    removed: true,
  },
  { what: 'the same, known here', own: { sinceIndex: 0, index: 9 }, told: 9, removed: true },
  { what: 'an older one', own: { sinceIndex: 0, index: 12 }, told: 9, removed: false },
  {
    what: 'one from before it was added',
    own: { sinceIndex: 20, index: 3 },
    told: 9,
    removed: false,
  },
]) {
  void t.test(`${what} ${removed ? 'removes a node' : 'says nothing'}`, t => {
    const clusterId = clusterIdOf(ALL)
    const answers = [answer(2, ALL, started(ALL, [2, 3], told)), answer(3, ALL)]
    t.equal(isRemoved({ id: 1, clusterId, ...known }, answers), removed)
    t.notOk(isRemoved({ id: 2, clusterId, ...known }, answers), 'a member is none')
    t.notOk(isRemoved({ id: 1, clusterId: 'other', ...known }, answers), 'of another cluster')
    t.end()
  })
}

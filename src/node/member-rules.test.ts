import t from 'tap'
import type { MemberDetail } from '../api/shapes.js'
import {
  objectionToAdd,
  objectionToPromote,
  objectionToRemove,
  strandedConnectors,
} from './member-rules.js'

const voter = (id: number, over: Partial<MemberDetail> = {}): MemberDetail => ({
  id,
  address: `h:${id}`,
  role: 'voter',
  alive: true,
  matchIndex: 100,
  lag: 0,
  caughtUp: true,
  ...over,
})
const learner = (id: number, over: Partial<MemberDetail> = {}): MemberDetail =>
  voter(id, { role: 'learner', ...over })
const dead = { alive: false, caughtUp: false }
const judged = (members: MemberDetail[], ever: number[] = [1, 2, 3]) => ({
  members,
  everKnown: new Set(ever),
})
const THREE = [voter(1), voter(2), voter(3)]

for (const { what, members, ever, four, detail } of [
  { what: 'a new id', members: THREE, four: 'h:4', detail: undefined },
  { what: 'asked again', members: [...THREE, learner(4)], four: 'h:4', detail: undefined },
  {
    what: 'an id that was a member before',
    members: THREE,
    ever: [1, 2, 3, 4],
    four: 'h:4',
    detail: /never given twice.*new id, such as 5/,
  },
  { what: "another's address", members: THREE, four: 'h:2', detail: /address of node 2/ },
  {
    what: 'another address of a learner that never came up',
    members: [...THREE, learner(4)],
    four: 'h:44',
    detail: undefined,
  },
  {
    what: 'another address of one that did',
    members: [...THREE, learner(4)],
    ever: [1, 2, 3, 4],
    four: 'h:44',
    detail: /already, at h:4/,
  },
  {
    what: 'a tenth member',
    members: [1, 2, 3, 5, 6, 7, 8, 9, 10].map(id => voter(id)),
    four: 'h:4',
    detail: /the most there may be/,
  },
])
  void t.test(`add: ${what}`, async t => {
    const no = objectionToAdd(judged(members, ever), { id: 4, address: four })
    t.match(no?.detail, detail)
  })

for (const { what, members, detail } of [
  { what: 'one that has caught up', members: [...THREE, learner(4)], detail: undefined },
  { what: 'a voter', members: [...THREE, voter(4)], detail: undefined },
  { what: 'nobody', members: THREE, detail: /no member 4/ },
  { what: 'one that is not heard', members: [...THREE, learner(4, dead)], detail: /start it/ },
  {
    what: 'one that lags',
    members: [...THREE, learner(4, { caughtUp: false, lag: 70 })],
    detail: /not caught up: 70 entries/,
  },
  {
    what: 'one that would need more voters than live',
    members: [voter(1), voter(2, dead), voter(3, dead), learner(4)],
    detail: /2 are heard and 3 are needed/,
  },
])
  void t.test(`promote: ${what}`, async t => {
    t.match(objectionToPromote(judged(members), 4)?.detail, detail)
  })

for (const { what, members, id, detail } of [
  { what: 'one of three', members: THREE, id: 2, detail: undefined },
  {
    what: 'the dead one of three',
    members: [voter(1), voter(2, dead), voter(3)],
    id: 2,
    detail: undefined,
  },
  {
    what: 'a living one of three where another is dead',
    members: [voter(1), voter(2, dead), voter(3)],
    id: 3,
    detail: /without node 3.*1 is heard and 2 are needed.*remove node 2 instead, or start it first/,
  },
  {
    what: 'the last voter',
    members: [voter(1), learner(4)],
    id: 1,
    detail: /only voter: add another/,
  },
  { what: 'a learner', members: [voter(1), learner(4, dead)], id: 4, detail: undefined },
  { what: 'nobody', members: THREE, id: 9, detail: /no member 9/ },
])
  void t.test(`remove: ${what}`, async t => {
    t.match(objectionToRemove(judged(members), id)?.detail, detail)
  })

void t.test('connectors that nobody could run any more are named', async t => {
  const connectors = [
    { id: 'any', nodes: [] },
    { id: 'two', nodes: [2] },
    { id: 'two-or-three', nodes: [2, 3] },
    { id: 'gone before', nodes: [2, 7] },
  ]
  t.same(strandedConnectors(connectors, THREE, 2), ['two', 'gone before'])
})

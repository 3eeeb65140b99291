import t from 'tap'

import type { Group, GroupStatus } from '../../cluster/types.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { Leadership } from './leadership.js'

/** Node 1 leads; to `behind` leadership does not go. */
function groupWhere(behind: number[]): { group: Group; asked: number[] } {
  const asked: number[] = []
  let leader = 1
  const members = [1, 2, 3].map(id => ({ id, role: 'voter', alive: true, matchIndex: null }))
  const group = {
    status: () => ({ leader, term: 2, members }) as unknown as GroupStatus,
    transferLeadership: (to: number) => {
      asked.push(to)
      if (behind.includes(to)) return Promise.reject(new Error(`node ${to} is too far behind`))
      leader = to
      return Promise.resolve()
    },
  }
  return { group: group as unknown as Group, asked }
}

const leadership = (): Leadership => new Leadership(3, new VirtualTime(), () => true)

void t.test('where the first heir is too far behind, the next one is asked', async t => {
  const { group, asked } = groupWhere([2])
  t.same(await leadership().transfer(group, null), { leader: 3, term: 2 })
  t.same(asked, [2, 3])
})

void t.test('whoever is named is asked, and nobody else', async t => {
  const { group, asked } = groupWhere([2])
  await t.rejects(leadership().transfer(group, 2), /node 2 is too far behind/)
  t.same(asked, [2])
})

void t.test('where nobody can lead, the last failure is told', async t => {
  const { group } = groupWhere([2, 3])
  await t.rejects(leadership().transfer(group, null), /node 3 is too far behind/)
})

import t from 'tap'
import { findList } from './distribution-lists.js'
import type { DistributionList } from './settings.js'

const list = (name: string, account: string | null): DistributionList => ({
  name,
  account,
  ton: 1,
  npi: 1,
  members: ['1'],
})

void t.test('an account’s own list comes before one of all; another account’s is none', t => {
  const lists = [list('staff', null), list('staff', 'a'), list('own', 'a')]
  t.equal(findList(lists, 'a', 'staff')?.account, 'a')
  t.equal(findList(lists, 'b', 'staff')?.account, null)
  t.equal(findList(lists, 'b', 'own'), undefined)
  t.equal(findList(lists, 'a', 'Staff'), undefined)
  t.end()
})

import t from 'tap'
import type { DistributionList } from '../policy/settings.js'
import type { DestAddress } from '../smpp/codec.js'
import { destinationsOf } from './multi-destinations.js'

const sme = (destination_addr: string, ton = 1): DestAddress => ({
  dest_flag: 1,
  dest_addr_ton: ton,
  dest_addr_npi: 1,
  destination_addr,
})
const named = (dl_name: string): DestAddress => ({ dest_flag: 2, dl_name })
const list = (name: string, members: string[]): DistributionList => ({
  name,
  account: null,
  ton: 1,
  npi: 1,
  members,
})
const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => `49${i}`)
const addressesOf = (to: DestAddress[], lists: DistributionList[]): string[] | undefined =>
  destinationsOf(to, lists, 'esme1')?.addresses.map(a => a.destination_addr)

void t.test('lists are expanded where they stand, and an address counts once', t => {
  const lists = [list('staff', ['2', '3']), list('all', ['1', '3', '4'])]
  t.same(addressesOf([sme('1'), named('staff'), named('all'), sme('2')], lists), [
    '1',
    '2',
    '3',
    '4',
  ])
  t.same(addressesOf([sme('1'), sme('1', 0), sme('1')], []), ['1', '1'], 'of two kinds')
  t.same(destinationsOf([named('x'), named('x'), sme('1')], lists, 'esme1'), {
    addresses: [{ dest_addr_ton: 1, dest_addr_npi: 1, destination_addr: '1' }],
    unknown: ['x'],
  })
  t.end()
})

void t.test('254 destinations are taken, lists expanded, and not one more', t => {
  const lists = [list('most', numbers(253))]
  t.equal(addressesOf([named('most'), sme('1')], lists)?.length, 254)
  t.equal(addressesOf([named('most'), sme('1'), named('most'), sme('490')], lists)?.length, 254)
  t.equal(addressesOf([named('most'), sme('1'), sme('2')], lists), undefined)
  t.equal(addressesOf([named('most'), sme('1'), named('none')], lists), undefined)
  t.end()
})

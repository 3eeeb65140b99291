import t from 'tap'
import { orphanKey } from './keys.js'
import { Orphans, type Orphan } from './orphans.js'

const CONNECTOR = 3

function orphan(smscId: string, addressHash = 1): Orphan {
  return { ref: 70, smscId, state: 2, error: 0, addressHash }
}

function collected(orphans: Orphans): { put: string[]; del: string[] } {
  const put: string[] = []
  const del: string[] = []
  orphans.collect(
    key => put.push(key),
    key => del.push(key),
  )
  return { put, del }
}

void t.test('what comes and goes between two flushes is never written', t => {
  const orphans = new Orphans(CONNECTOR, 5)
  orphans.add(orphan('a'))
  t.equal(orphans.take('a', 1)?.smscId, 'a')
  t.same(collected(orphans), { put: [], del: [] })
  t.equal(orphans.next, 6, 'its number is not given again')
  t.end()
})

void t.test('what stays is written once, and deleted once it is taken', t => {
  const orphans = new Orphans(CONNECTOR, 5)
  orphans.add(orphan('a'))
  orphans.add(orphan('b'))
  t.same(collected(orphans), { put: [orphanKey(3, 5), orphanKey(3, 6)], del: [] })
  t.same(collected(orphans), { put: [], del: [] })
  orphans.take('a', 1)
  orphans.add(orphan('c'))
  t.same(collected(orphans), { put: [orphanKey(3, 7)], del: [orphanKey(3, 5)] })
  t.same(collected(orphans), { put: [], del: [] })
  t.end()
})

void t.test('the one from the same address is taken, or the only one', t => {
  const orphans = new Orphans(CONNECTOR, 0)
  orphans.add(orphan('a', 1))
  orphans.add(orphan('a', 2))
  t.equal(orphans.take('a', 3), undefined)
  t.equal(orphans.take('a', 2)?.addressHash, 2)
  t.equal(orphans.take('a', 3)?.addressHash, 1)
  t.equal(orphans.size, 0)
  t.end()
})

import t from 'tap'
import type { Outbind } from '../policy/settings.js'
import { account, gateway } from '../testing/gateway.js'
import { masked, settingsDiff } from './settings-diff.js'

const outbind = (over: Partial<Outbind> = {}): Outbind => ({
  host: 'h',
  port: 1,
  systemId: 'us',
  password: { kind: 'plain', value: 'hidden1' },
  ...over,
})

const withOutbind = (over?: Partial<Outbind>) =>
  gateway({ accounts: [account('esme1', { outbind: outbind(over) })] })

void t.test('bans are compared as a whole', async t => {
  const bans = { failures: 20, withinMs: 600_000, forMs: 900_000 }
  t.same(settingsDiff(gateway(), gateway({ bans })), [
    { kind: 'changed', key: 'bans', from: null, to: bans },
  ])
  t.same(settingsDiff(gateway({ bans }), gateway({ bans: { ...bans } })), [])
})

void t.test("an outbind's password is shown nowhere", async t => {
  const none = gateway({ accounts: [] })
  const other = withOutbind({ port: 2, password: { kind: 'plain', value: 'hidden2' } })
  const all = [
    masked(withOutbind()),
    settingsDiff(none, withOutbind()),
    settingsDiff(withOutbind(), none),
    settingsDiff(gateway(), withOutbind()),
    settingsDiff(withOutbind(), other),
  ]
  t.notMatch(JSON.stringify(all), /hidden/)
  t.match(settingsDiff(withOutbind(), other), [
    { key: 'accounts.esme1.outbind', from: { port: 1 }, to: { port: 2, password: '***' } },
  ])
  t.equal(masked(withOutbind()).accounts[0]?.outbind?.host, 'h')
  t.notOk('outbind' in masked(gateway()).accounts[0]!)
})

void t.test('distribution lists are told apart by account and name', t => {
  const list = { name: 'staff', account: null, ton: 1, npi: 1, members: ['1'] }
  const before = gateway({ distributionLists: [list, { ...list, account: 'esme1' }] })
  const after = gateway({
    distributionLists: [list, { ...list, account: 'esme1', members: ['2'] }],
  })
  t.match(settingsDiff(before, after), [
    { kind: 'changed', key: 'distributionLists.esme1.staff.members', from: ['1'], to: ['2'] },
  ])
  t.equal(settingsDiff(gateway(), gateway()).length, 0)
  t.match(settingsDiff(gateway(), before), [{ key: 'distributionLists.staff' }, { kind: 'added' }])
  t.end()
})

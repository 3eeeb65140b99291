import t from 'tap'
import { chooseConnector, findMoRoute, findRoute } from './route.js'
import type { MoRoute, Route, RouteMatch } from './settings.js'

const route = (name: string, match: Partial<RouteMatch>): Route => ({
  name,
  match: { destinationPrefix: '', sourcePrefix: '', account: null, ...match },
  to: ['smsc-a'],
})
const message = { account: 'esme1', source_addr: '1234', destination_addr: '491701234567' }

void t.test('the first route in file order wins, not the longest prefix', async t => {
  const routes = [
    route('wide', { destinationPrefix: '49' }),
    route('narrow', { destinationPrefix: '49170' }),
  ]
  t.equal(findRoute(routes, message)?.name, 'wide')
  t.equal(findRoute([...routes].reverse(), message)?.name, 'narrow')
})

for (const { match, expected } of [
  { match: {}, expected: true },
  { match: { destinationPrefix: '491' }, expected: true },
  { match: { destinationPrefix: '44' }, expected: false },
  { match: { destinationPrefix: '4917012345678' }, expected: false },
  { match: { sourcePrefix: '12' }, expected: true },
  { match: { sourcePrefix: '9' }, expected: false },
  { match: { account: 'esme1' }, expected: true },
  { match: { account: 'esme2' }, expected: false },
  { match: { account: 'esme1', destinationPrefix: '49', sourcePrefix: '9' }, expected: false },
]) {
  void t.test(`${JSON.stringify(match)} ${expected ? 'matches' : 'does not match'}`, async t => {
    t.equal(findRoute([route('only', match)], message) !== undefined, expected)
  })
}

void t.test('an MO goes by connector and by prefixes', async t => {
  const routes: MoRoute[] = [
    {
      name: 'a',
      match: { connector: 'smsc-a', destinationPrefix: '', sourcePrefix: '' },
      to: 'esme1',
    },
    {
      name: 'rest',
      match: { connector: null, destinationPrefix: '5', sourcePrefix: '' },
      to: 'esme2',
    },
  ]
  const mo = { connector: 'smsc-b', source_addr: '49170', destination_addr: '55' }
  t.equal(findMoRoute(routes, { ...mo, connector: 'smsc-a' })?.name, 'a')
  t.equal(findMoRoute(routes, mo)?.name, 'rest')
  t.equal(findMoRoute(routes, { ...mo, destination_addr: '66' }), undefined)
})

void t.test('failover takes the first usable connector, or else waits on the first', async t => {
  t.equal(
    chooseConnector(['a', 'b', 'c'], id => id !== 'a'),
    'b',
  )
  t.equal(
    chooseConnector(['a', 'b'], () => false),
    'a',
  )
  t.equal(
    chooseConnector([], () => true),
    undefined,
  )
})

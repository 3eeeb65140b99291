import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { ApplyResult, ClusterView, MessageView } from '../api/shapes.js'
import { recordingIo } from './io.js'
import { run } from './program.js'

interface Asked {
  method: string
  url: string
  body: string
  authorization: string | undefined
}
type Reply = [status: number, body: unknown]

/** An HTTP API that answers what the test says, and remembers what it was asked. */
async function api(
  test: Test,
  answer: (asked: Asked) => Reply,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const one = { method, url, body, authorization: headers.authorization }
      asked.push(one)
      const [status, reply] = answer(one)
      response.writeHead(status, { connection: 'close' })
      response.end(typeof reply === 'string' ? reply : JSON.stringify(reply))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  test.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

async function carillon(
  ...argv: string[]
): Promise<{ status: number; said: string; noted: string }> {
  const io = recordingIo()
  const status = await run(argv, io)
  return { status, said: io.said.join('\n'), noted: io.noted.join('\n') }
}

const CLUSTER: ClusterView = {
  id: 1,
  clusterId: 'c0ffee00c0ffee00',
  leader: 1,
  term: 7,
  commitIndex: 900,
  appliedIndex: 900,
  stateHash: 'abcdef',
  stateHashIndex: 896,
  revision: 4,
  members: [
    { id: 1, address: '127.0.0.1:7101', role: 'voter', alive: true, matchIndex: 900 },
    { id: 2, address: '127.0.0.1:7102', role: 'voter', alive: true, matchIndex: 890 },
    { id: 3, address: '127.0.0.1:7103', role: 'voter', alive: false, matchIndex: 12 },
  ],
  queued: 5,
  inFlight: 6,
  receiptsQueued: 7,
  draining: false,
  inDoubt: 1,
  startedAt: '2024-01-02T03:04:05.678Z',
  version: '0.1.0',
}

const message = (id: string, states: string[], stat: string | null): MessageView => ({
  id,
  state: stat === 'DELIVRD' ? 'DELIVERED' : 'ENROUTE',
  connector: 'smsc-a',
  smscId: null,
  smscIdForms: null,
  replaced: false,
  account: 'esme1',
  stat,
  events: states.map((state, i) => ({ at: `2024-01-02T03:04:05.00${i}Z`, state })),
})

void t.test('status shows members, lag and connectors', async t => {
  const connector = {
    ...{
      id: 'smsc-a',
      address: '127.0.0.1:2785',
      home: 2,
      epoch: 3,
      bindsWanted: 4,
      bindsBound: 4,
    },
    ...{ queued: 1, inFlight: 2, inDoubt: 0, lastError: null },
  }
  const { url } = await api(t, ({ url }) => {
    if (url === '/api/v1/cluster') return [200, CLUSTER]
    if (url.startsWith('/api/v1/connectors')) return [200, { items: [connector], next: null }]
    if (url === '/api/v1/sessions') return [200, { items: [{ node: 2 }], next: 'x' }]
    return [200, { items: [{ node: 2 }], next: null }] // the second page
  })
  const { status, said } = await carillon('status', '--http', url)
  t.equal(status, 0)
  t.match(said, /leader node 1 · term 7 · revision 4/)
  t.match(said, /1\s+127\.0\.0\.1:7101\s+leader\s+yes\s+0\s+0/)
  t.match(said, /2\s+127\.0\.0\.1:7102\s+voter\s+yes\s+10\s+2/, 'lag, and sessions of both pages')
  t.match(said, /3\s+127\.0\.0\.1:7103\s+voter\s+no\s+888\s+0/)
  t.match(said, /smsc-a\s+127\.0\.0\.1:2785\s+node 2\s+3\s+4\/4/)
  const json = await carillon('status', '--http', url, '--output', 'json')
  t.match(JSON.parse(json.said), { cluster: { term: 7 }, sessions: { length: 2 } })
})

void t.test(
  'send shows each state once, waits for the receipt, and exits 0 on DELIVRD',
  async t => {
    const views = [
      message('m1', ['queued'], null),
      message('m1', ['queued', 'claimed'], null),
      message('m1', ['queued', 'claimed', 'sent', 'DELIVERED'], 'DELIVRD'),
    ]
    const { url, asked } = await api(t, ({ method }) => [
      method === 'POST' ? 202 : 200,
      views.shift(),
    ])
    const sent = await carillon(
      'send',
      '--to',
      '4917',
      '--text',
      'Hello',
      '--from',
      '12',
      '--http',
      url,
    )
    t.equal(sent.status, 0)
    t.same(JSON.parse(asked[0]?.body ?? ''), { to: '4917', text: 'Hello', from: '12' })
    t.same(
      [...sent.said.matchAll(/\+\d\.\d{3} s {2}(\w+)/g)].map(match => match[1]),
      ['queued', 'claimed', 'sent', 'DELIVERED'],
    )
    t.equal(sent.said.split('\n').at(-1), 'DELIVRD')
  },
)

void t.test('send --at hands a message in, says when it is due, and does not wait', async t => {
  const at = '2026-12-24T18:00:00+01:00'
  const view = message('m1', ['queued', 'scheduled'], null)
  view.events[1]!.detail = 'due 2026-12-24T17:00:00.000Z'
  const { url, asked } = await api(t, () => [202, view])
  const argv = ['send', '--to', '1', '--text', 'x', '--at', at, '--http', url]
  const { status, said } = await carillon(...argv)
  t.equal(status, 0)
  t.same(JSON.parse(asked[0]?.body ?? ''), { to: '1', text: 'x', at })
  t.match(said, /scheduled, due 2026-12-24T17:00:00/)
  t.match(said, /get messages m1/)
  t.equal(asked.length, 1)
})

void t.test('get messages shows the SMSC id as it is compared and as it is written', async t => {
  const smscIdForms = {
    submit: { format: 'hex', id: '1a2b' },
    receipt: { format: 'dec', id: '6699' },
  } as const
  const view = { ...message('m1', ['queued', 'sent'], null), smscId: '6699', smscIdForms }
  const { url } = await api(t, ({ url }) => [200, { ...view, replaced: url.endsWith('m2') }])
  const plain = await carillon('get', 'messages', 'm1', '--http', url)
  t.match(
    plain.said,
    /^SMSC id {3}6699 as it is compared; submit_sm_resp 1a2b \(hex\), receipt 6699 \(dec\)$/m,
  )
  t.notMatch(plain.said, /replaced/)
  t.match(
    (await carillon('get', 'messages', 'm2', '--http', url)).said,
    /^replaced {2}by replace_sm/m,
  )
})

void t.test('bans are shown, and lifted of an account that is named', async t => {
  const ban = {
    systemId: 'esme1',
    address: '::1',
    failures: 20,
    since: '2026-01-01T00:00:00.000Z',
    until: '2026-01-01T00:15:00.000Z',
  }
  const { url, asked } = await api(t, ({ method }) =>
    method === 'DELETE' ? [200, { lifted: 1 }] : [200, { items: [ban], next: null }],
  )
  t.match((await carillon('bans', '--http', url)).said, /esme1\s+::1\s+20\s+2026-01-01T00:00:00/)
  const nobody = await carillon('bans', '--lift', '--http', url)
  t.equal(nobody.status, 2)
  t.match(nobody.noted, '--lift needs the account')
  const lifted = await carillon(
    ...'bans --lift --account esme1 --address ::1 --http'.split(' '),
    url,
  )
  t.same([lifted.status, lifted.said], [0, '1 ban of esme1 lifted'])
  t.match(asked.at(-1), { method: 'DELETE', url: '/api/v1/bans/esme1?address=%3A%3A1' })
})

void t.test('cancel says what it did, or why not', async t => {
  const refused = { title: 'ESME_RCANCELFAIL', detail: 'the SMSC has the message' }
  const { url, asked } = await api(t, ({ url }) =>
    url.endsWith('m1') ? [200, message('m1', ['queued', 'DELETED'], 'DELETED')] : [409, refused],
  )
  const done = await carillon('cancel', 'm1', '--http', url)
  t.same([done.status, done.said], [0, 'message m1 of esme1 is cancelled'])
  t.match(asked[0], { method: 'DELETE', url: '/api/v1/messages/m1' })
  const no = await carillon('cancel', 'm2', '--http', url)
  t.equal(no.status, 4)
  t.match(no.noted, 'ESME_RCANCELFAIL: the SMSC has the message')
})

void t.test('send waits through a leader change, and exits 1 on any other stat', async t => {
  const replies: Reply[] = [
    [202, message('m1', ['queued'], null)],
    [404, { title: 'Not Found' }],
    [503, { title: 'no leader' }],
    [200, message('m1', ['queued', 'sent'], 'UNDELIV')],
  ]
  const { url } = await api(t, () => replies.shift() ?? [500, {}])
  const { status, said } = await carillon('send', '--to', '1', '--text', 'x', '--http', url)
  t.equal(status, 1)
  t.match(said, /UNDELIV$/)
})

void t.test('send gives up after its timeout, and says where to look', async t => {
  for (const [events, place] of [
    [['queued'], 'connectors smsc-a'],
    [['queued', 'sent'], 'messages m1'],
  ] as const) {
    const { url } = await api(t, () => [200, message('m1', [...events], null)])
    const argv = ['send', '--to', '1', '--text', 'x', '--http', url, '--timeout', '100ms']
    const { status, noted } = await carillon(...argv)
    t.equal(status, 1)
    t.match(noted, `no receipt within 0.1 s: it is ENROUTE; see ./carillon get ${place}`)
  }
})

void t.test('a mistyped option is named besides the one that is missing for it', async t => {
  const { status, noted } = await carillon('node', '--confg', 'n1.yaml')
  t.equal(status, 2)
  t.match(noted, /required option '-c, --config <file>' not specified/)
  t.match(noted, 'unknown option --confg; did you mean --config?')
  t.notMatch((await carillon('node')).noted, /unknown option/)
})

void t.test('a name that is not there is told with the one that is', async t => {
  const { url } = await api(t, () => [200, { items: [{ id: 'smsc-a' }], next: null }])
  const { status, noted } = await carillon('get', 'connectors', 'smsc-b', '--http', url)
  t.equal(status, 1)
  t.match(noted, 'connectors: there is no smsc-b; did you mean smsc-a?')
})

void t.test('resolve exits 1 where a message was not in doubt', async t => {
  const { url } = await api(t, () => [200, { resolved: 1 }])
  const all = await carillon('resolve', 'drop', 'm1', '--http', url)
  t.match(all, { status: 0, said: '1 dropped' })
  const some = await carillon('resolve', 'resend', 'm1', 'm2', '--http', url)
  t.equal(some.status, 1)
  t.match(some.said, '1 sent again; 1 not in doubt: see ./carillon get in-doubt')
})

void t.test('where nothing answers, the command says so and how to go on', async t => {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  const { status, noted } = await carillon('status', '--http', `127.0.0.1:${port}`)
  t.equal(status, 3)
  t.match(
    noted,
    `nothing answers at http://127.0.0.1:${port}: is the node running? Try ./carillon up`,
  )
})

for (const { title, reply, exit, expected } of [
  {
    title: 'a missing key',
    reply: [401, {}],
    exit: 4,
    expected: /give --api-key KEY, or set CARIL/,
  },
  {
    title: 'a problem',
    reply: [503, { title: 'No leader', detail: 'nodes 1 and 3 are away' }],
    exit: 4,
    expected: /No leader: nodes 1 and 3 are away/,
  },
  {
    title: 'something else than a node',
    reply: [200, '<html>'],
    exit: 4,
    expected: /no JSON: is that/,
  },
] as const) {
  void t.test(`${title} is told with its remedy`, async t => {
    const { url } = await api(t, () => [reply[0], reply[1]])
    const { status, noted } = await carillon('get', 'settings', '--http', url)
    t.equal(status, exit)
    t.match(noted, expected)
  })
}

void t.test('the API key goes as a bearer token', async t => {
  const { url, asked } = await api(t, () => [200, { revision: 1 }])
  await carillon('get', 'settings', '--http', url, '--api-key', 'k1')
  t.equal(asked[0]?.authorization, 'Bearer k1')
})

void t.test(
  'apply sends the file as it is; diff exits 1 where it would change something',
  async t => {
    const text = 'accounts: [] # a comment\n'
    const file = join(t.testdir({ 'g.yaml': text }), 'g.yaml')
    const result: ApplyResult = {
      revision: 5,
      changed: true,
      dryRun: false,
      changes: [
        { kind: 'removed', key: 'accounts.esme1', from: { systemId: 'esme1' } },
        { kind: 'changed', key: 'validityMs', from: 1, to: 2 },
      ],
    }
    const { url, asked } = await api(t, () => [200, result])
    const applied = await carillon('apply', '-f', file, '--http', url)
    t.equal(applied.status, 0)
    t.match(
      applied.said,
      /revision 5 is in force on all nodes\n {2}- accounts\.esme1.*\n {2}~ valid/,
    )
    t.match(asked[0], { method: 'POST', url: '/api/v1/settings', body: text })
    t.equal((await carillon('diff', '-f', file, '--http', url)).status, 1)
    t.match(asked[1], { url: '/api/v1/settings?dryRun=true' })
  },
)

void t.test('mistakes in a gateway file are told without asking a node', async t => {
  const file = join(t.testdir({ 'g.yaml': 'acounts: []\n' }), 'g.yaml')
  const { status, noted } = await carillon('apply', '-f', file, '--http', 'http://127.0.0.1:1')
  t.equal(status, 2)
  t.match(noted, `${file}:1:1: acounts: unknown key; did you mean accounts?`)
})

void t.test(
  'transfer-leader to a node that is not there is refused before anything happens',
  async t => {
    const { url, asked } = await api(t, () => [200, CLUSTER])
    const { status, noted } = await carillon('transfer-leader', '--to', '9', '--http', url)
    t.equal(status, 2)
    t.match(noted, /no node 9 in this cluster; there are 1, 2, 3/)
    t.same(
      asked.map(({ method }) => method),
      ['GET'],
    )
  },
)

const FOUR = { id: 4, address: 'h:4', role: 'learner', matchIndex: 5, lag: 4, caughtUp: false }
const withFour = (over: object): object => ({
  leader: 1,
  commitIndex: 9,
  members: [
    { id: 1, address: 'h:1', role: 'voter', alive: true, matchIndex: 9, lag: 0, caughtUp: true },
    { ...FOUR, alive: true, ...over },
  ],
  warnings: ['no member may run connector x any more'],
})

void t.test('member add waits, says how far it is, and lets the node vote', async t => {
  const looks = [{ matchIndex: 8, lag: 1 }, { caughtUp: true }, { caughtUp: true }]
  const promotions: Reply[] = [
    [409, { title: 'Conflict', detail: 'node 4 has not caught up: 1 entries to go' }],
    [200, withFour({ role: 'voter' })],
  ]
  const { url, asked } = await api(t, one => {
    if (one.url.endsWith('/promote')) return promotions.shift()!
    return [200, one.method === 'POST' ? withFour({ alive: false }) : withFour(looks.shift()!)]
  })
  const argv = ['member', 'add', '--id', '4', '--address', 'h:4', '--http', url]
  const { status, said, noted } = await carillon(...argv)
  t.equal(status, 0)
  t.same(JSON.parse(asked[0]!.body), { id: 4, address: 'h:4' })
  t.match(noted, /waiting for node 4: start it[^]*8 of 9 entries, 1 to go/)
  t.match(said, /node 4 is a voter/)
})

void t.test('member add gives up in time, and says how to go on', async t => {
  const { url } = await api(t, () => [200, withFour({ alive: false })])
  const argv = ['member', 'add', '--id', '4', '--address', 'h:4', '--timeout', '1ms', '--http', url]
  const { status, noted } = await carillon(...argv)
  t.equal(status, 1)
  t.match(noted, /does not vote yet \(waiting for node 4.*give the same command again/)
})

void t.test('member remove says what else is to be done; list shows who is there', async t => {
  const { url, asked } = await api(t, () => [200, withFour({})])
  const removed = await carillon('member', 'remove', '2', '--http', url)
  t.equal(removed.status, 0)
  t.match(removed.said, /node 2 is no member any more/)
  t.match(removed.noted, /connector x/)
  t.match(asked, [{ method: 'DELETE', url: '/api/v1/members/2' }])
  t.match((await carillon('member', 'list', '--http', url)).said, /4 +h:4 +learner +yes +4/)
})

void t.test('drain waits until the node has drained', async t => {
  const states = ['draining', 'draining', 'drained']
  const { url } = await api(t, () => [202, { state: states.shift(), sessions: 3, inFlight: 4 }])
  const { status, said, noted } = await carillon('drain', '--http', url)
  t.equal(status, 0)
  t.match(noted, 'draining: 3 sessions, 4 messages in flight')
  t.match(said, 'drained')
})

for (const [argv, exit, expected] of [
  [['--help'], 0, /Exit status:/],
  [[], 0, /Usage: carillon/],
  [['statsu'], 2, /Did you mean status/],
  [['send', '--to', '1'], 2, /--text/],
  [['get', 'nothing'], 2, /sessions, connectors/],
  [['status', '--output', 'xml'], 2, /table, json/],
  [['node', '--config', '/nowhere.yaml'], 2, /there is no such file/],
] as const) {
  void t.test(`carillon ${argv.join(' ')}: exit status ${exit}`, async t => {
    const { status, said, noted } = await carillon(...argv)
    t.equal(status, exit)
    t.match(said + noted, expected)
  })
}

for (const command of [
  'up',
  'node',
  'send',
  'status',
  'get',
  'apply',
  'drain',
  'transfer-leader',
]) {
  void t.test(`${command} --help has an example`, async t => {
    const { status, said } = await carillon(command, '--help')
    t.equal(status, 0)
    t.match(said, new RegExp(`Examples?:\\n {2}\\$ \\./carillon ${command}`))
  })
}

const kicked = (id: string, over: object = {}) => ({
  id,
  systemId: 'esme1',
  node: 2,
  answered: true,
  reason: 'unbound by us',
  committed: true,
  ...over,
})

void t.test('sessions are listed with what their nodes say of them', async t => {
  const session = { id: '2.1.7', systemId: 'esme1', bindType: 'trx', version: '3.4', node: 2 }
  const more = { remoteAddress: '192.0.2.1', boundAt: '2024-01-02T03:04:05.678Z' }
  const activity = { window: 100, unanswered: 3, delivering: 4, octetsWaiting: 5 }
  const items = [
    { ...session, ...more, activity: { ...activity, lastPduAt: '2024-01-02T03:05:00.000Z' } },
    { ...session, ...more, id: '3.1.1', node: 3, activity: null },
  ]
  const { url, asked } = await api(t, ({ url }) =>
    url.includes('after=')
      ? [200, { items: items.slice(1), next: null }]
      : [200, { items: items.slice(0, 1), next: '2.1.7' }],
  )
  const { said, noted } = await carillon('sessions', '--http', url, '--account', 'esme 1')
  t.match(said, /2\.1\.7 .*192\.0\.2\.1 .* 3\/100 +4\/100 +5 +2024-01-02T03:05:00\.000Z/)
  t.match(said, /3\.1\.1 .* - +- +- +-$/)
  t.equal(noted, 'no answer of node 3: what its sessions are doing is not known')
  t.same(
    asked.map(({ url }) => url),
    ['', '&after=2.1.7'].map(after => `/api/v1/sessions?account=esme+1&activity=true${after}`),
  )
  t.same(JSON.parse((await carillon('sessions', '--http', url, '--json')).said), items)
})

void t.test('kick says what became of each session', async t => {
  const { url } = await api(t, ({ method, url }) => {
    if (method === 'GET') return [200, { items: ['a', 'b', 'c'].map(id => ({ id })), next: null }]
    if (url.endsWith('/a')) return [200, kicked('a')]
    if (url.endsWith('/b'))
      return [200, kicked('b', { answered: false, reason: 'unbind was not answered' })]
    return [404, { title: 'Not Found', detail: 'there is no session c (any more)' }]
  })
  t.match(await carillon('kick', 'a', '--http', url), {
    status: 0,
    said: 'session a of esme1 on node 2: unbound',
  })
  t.match(await carillon('kick', 'c', '--http', url), { status: 4, noted: /no session c/ })
  const all = await carillon('kick', '--account', 'esme1', '--http', url)
  t.equal(all.status, 0, 'c left by itself')
  t.match(all.said, /session b .* ended: unbind was not answered/)
  for (const argv of [[], ['a', '--account', 'esme1']])
    t.match(await carillon('kick', ...argv, '--http', url), { status: 2, noted: /name a session/ })
})

void t.test('account disable and enable say which revision does it', async t => {
  const { url, asked } = await api(t, ({ url }) => [
    200,
    { revision: 7, changed: url.endsWith('disable'), dryRun: false, changes: [] },
  ])
  const { said } = await carillon('account', 'disable', 'a/b', '--http', url)
  t.match(said, /^a\/b is disabled on all nodes: revision 7\nits sessions are unbound/)
  t.match(asked, [{ method: 'POST', url: '/api/v1/accounts/a%2Fb/disable' }])
  const again = await carillon('account', 'enable', 'a', '--http', url)
  t.equal(again.said, 'a is enabled already (revision 7)')
})

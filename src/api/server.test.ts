import { Readable } from 'node:stream'
import type { FastifyInstance, InjectOptions } from 'fastify'
import t from 'tap'
import { systemClock, systemTimers } from '../base/clock.js'
import { silentLogger } from '../base/logger.js'
import { FLAG_WATCHED } from '../journal/index.js'
import type { GatewaySettings } from '../policy/settings.js'
import { account, connector, gateway } from '../testing/gateway.js'
import { SingleJournal } from '../testing/single-journal.js'
import type { ApiPorts } from './ports.js'
import { MembersRefused, SettingsMistakes } from './ports.js'
import { createApi } from './server.js'
import type { MembersView } from './shapes.js'

interface Started {
  app: FastifyInstance
  cluster: SingleJournal
  ports: ApiPorts
  /** JSON of an answer, with its status. */
  ask: (
    url: string,
    body?: unknown,
    more?: InjectOptions,
  ) => Promise<{ status: number; body: Record<string, unknown> }>
}

async function start(t: Tap, apiKeys: string[] = []): Promise<Started> {
  const time = { ...systemClock, ...systemTimers }
  const cluster = await SingleJournal.open({ time })
  const draining = { state: 'serving' as 'serving' | 'draining' }
  const ports: ApiPorts = {
    clock: systemClock,
    journal: cluster.journal,
    version: '0.1.0',
    startedAtMs: Date.UTC(2026, 0, 1),
    cluster: {
      clusterId: () => 'c'.repeat(64),
      status: () => ({
        leader: cluster.leader === 'here' ? 1 : null,
        term: 3,
        commitIndex: cluster.state.appliedIndex,
        appliedIndex: cluster.state.appliedIndex,
        members: [
          { id: 1, address: '127.0.0.1:7101', role: 'voter', alive: true, matchIndex: null },
        ],
      }),
      stateHash: () => cluster.state.comparable,
      readIndex: () =>
        cluster.leader === 'here' ? Promise.resolve() : Promise.reject(new Error('no leader')),
      transferLeader: to => Promise.resolve({ leader: to ?? 2, term: 4 }),
    },
    members: {
      list: () => Promise.resolve(members()),
      add: (id, address) =>
        id === 2
          ? Promise.reject(new MembersRefused(409, 'node 2 was a member before'))
          : Promise.resolve(members({ id, address })),
      promote: () => Promise.reject(new MembersRefused(409, 'node 4 has not caught up')),
      remove: id =>
        id === 9
          ? Promise.reject(new MembersRefused(404, 'there is no member 9'))
          : Promise.resolve(members()),
    },
    sessions: {
      activity: ids => Promise.resolve(new Map(ids.map(id => [id, ACTIVITY]))),
      kick: () =>
        Promise.resolve({ kind: 'ended', node: 1, reason: 'unbound by us', committed: true }),
      nodes: () => Promise.resolve([{ id: 1, http: 'http://127.0.0.1:8081' }]),
    },
    traces: {
      start: order =>
        order.name === 'smsc-a' ? 'tooMany' : Readable.from([`${JSON.stringify(order)}\n`]),
    },
    settings: {
      parse: text => {
        if (text.startsWith('{')) return JSON.parse(text) as GatewaySettings
        const mistake = { file: 'f', line: 3, column: 5, key: 'accounts[0].windw', message: 'no' }
        throw new SettingsMistakes([mistake])
      },
      protect: settings => Promise.resolve(settings),
    },
    submits: {
      submit: ({ to, account }) =>
        account === 'nobody'
          ? Promise.resolve({
              ok: false,
              status: 404,
              command_status: 'ESME_RINVSYSID',
              detail: 'there is no account nobody',
            })
          : submitTo(cluster, to),
    },
    cancels: {
      cancel: id =>
        id === 'sent'
          ? Promise.resolve({ kind: 'refused', detail: 'the SMSC has the message' })
          : id === 'held'
            ? Promise.reject(new Error('nothing can be proposed'))
            : Promise.resolve(id === 'nobody' ? { kind: 'unknown' } : { kind: 'cancelled', id }),
    },
    operations: {
      live: () => ({ status: 'ok', reasons: [] }),
      ready: () => ({ status: 'unavailable', reasons: ['no leader is known'] }),
      drainState: () => ({ state: draining.state, sessions: 0, inFlight: 0 }),
      drain: () => {
        draining.state = 'draining'
      },
    },
    metrics: () => Promise.resolve({ contentType: 'text/plain', text: 'carillon_x 1\n' }),
    command: command => cluster.proposer.command(command),
    homeStatus: () => ({ lastError: 'connection refused', receiversBound: null, addresses: [] }),
  }
  const app = createApi(ports, { apiKeys, logger: silentLogger })
  t.teardown(async () => {
    await app.close()
    await cluster.stop()
  })
  const ask: Started['ask'] = async (url, body, more = {}) => {
    const payload = body === undefined ? {} : { method: 'POST' as const, payload: body as object }
    const answer = await app.inject({ url, ...payload, ...more })
    return { status: answer.statusCode, body: answer.json() }
  }
  return { app, cluster, ports, ask }
}

function members(added?: { id: number; address: string }): MembersView {
  const known = [{ id: 1, address: '127.0.0.1:7101' }, ...(added === undefined ? [] : [added])]
  return {
    leader: 1,
    commitIndex: 9,
    members: known.map(member => ({
      ...member,
      role: 'voter',
      alive: true,
      matchIndex: 9,
      lag: 0,
      caughtUp: true,
    })),
    warnings: [],
  }
}

async function bindSession(cluster: SingleJournal, id: string, name: string): Promise<void> {
  const { number } = cluster.state.account(name)!
  const about = { node: 1, remoteAddress: '192.0.2.1', boundAtMs: 0 }
  await cluster.proposer.command({
    kind: 'bind',
    session: { id, account: number, bindType: 'trx', version: 0x34, ...about },
  })
}

const ACTIVITY = {
  window: 100,
  unanswered: 3,
  delivering: 2,
  octetsWaiting: 0,
  pdusIn: 8,
  pdusOut: 9,
  lastPduAt: '2026-01-01T00:00:00.000Z',
}

interface Tap {
  teardown(fn: () => unknown): void
}

function submitTo(cluster: SingleJournal, to: string): Promise<{ ok: true; id: string }> {
  const { proposer, state, journal } = cluster
  return new Promise(resolve => {
    proposer.submit(
      state.connector('smsc-a')!.number,
      0,
      state.revision,
      {
        account: state.account('esme1')!.number,
        registered_delivery: 1,
        flags: FLAG_WATCHED,
        expiresAtMs: 0,
        dueAtMs: 0,
        session: 0,
        addressHash: 1,
        body: Buffer.from(to),
      },
      {
        accepted: (index, offset) => resolve({ ok: true, id: journal.idOf(index * 4096 + offset) }),
        refused: why => t.fail(why),
      },
    )
  })
}

void t.test('the cluster as one node sees it', async t => {
  const { ask, cluster } = await start(t)
  const { status, body } = await ask('/api/v1/cluster')
  t.equal(status, 200)
  t.match(body, {
    id: 1,
    leader: 1,
    term: 3,
    appliedIndex: cluster.state.appliedIndex,
    stateHash: /^[0-9a-f]{16}$/,
    revision: 1,
    members: [{ id: 1, role: 'voter', alive: true }],
    queued: 0,
    inFlight: 0,
    receiptsQueued: 0,
  })
})

void t.test('/readyz says 503 and what speaks against it', async t => {
  const { ask } = await start(t, ['key'])
  t.same(await ask('/readyz'), {
    status: 503,
    body: { status: 'unavailable', reasons: ['no leader is known'] },
  })
  t.equal((await ask('/livez')).status, 200)
})

void t.test('a message is accepted with 202, and its way can be read', async t => {
  const { ask, cluster } = await start(t)
  const sent = await ask('/api/v1/messages', { to: '4915112345678', text: 'hello' })
  t.equal(sent.status, 202)
  const id = sent.body['id'] as string
  t.match(id, /^[0-9a-f]{20}$/)
  const connector = cluster.state.connector('smsc-a')!
  const epoch = connector.epoch
  const answer = await cluster.proposer.command({
    kind: 'claim',
    connector: connector.number,
    epoch,
    count: 1,
  })
  t.ok(answer.ok && 'claimed' in answer && answer.claimed.length === 1, 'it is claimed')
  const [ref = 0] = [...connector.claims.keys()]
  const item = { ref, attempt: 1, error: 0, retryAtMs: 0 }
  await cluster.proposer.command({
    kind: 'outcomes',
    connector: connector.number,
    epoch,
    items: [{ ...item, result: 'sent', smscId: 'abc' }],
  })
  t.match((await ask(`/api/v1/messages/${id}`)).body, {
    id,
    state: 'ENROUTE',
    connector: 'smsc-a',
    smscId: 'abc',
    account: 'esme1',
    stat: null,
    events: [{ state: 'queued' }, { state: 'claimed' }, { state: 'sent' }],
  })
  await cluster.proposer.command({
    kind: 'inbound',
    connector: connector.number,
    epoch,
    items: [
      {
        kind: 'receipt',
        smscId: 'abc',
        state: 2,
        error: 0,
        addressHash: 1,
        body: Buffer.from('receipt'),
      },
    ],
  })
  t.match((await ask(`/api/v1/messages/${id}`)).body, { state: 'DELIVERED', stat: 'DELIVRD' })
  t.equal(cluster.state.receiptsQueued, 0, 'no ESME is owed a receipt it did not ask for')
})

void t.test(
  'the id that an SMSC gave is shown as it is compared, and as it is written',
  async t => {
    const { ask, cluster } = await start(t)
    const connectors = (submit: 'text' | 'hex', receipt: 'text' | 'dec') => ({
      connectors: [connector('smsc-a', { messageIdFormat: { submit, receipt } })],
    })
    const id = (await ask('/api/v1/messages', { to: '4915112345678', text: 'x' })).body['id']
    const { number, epoch } = cluster.state.connector('smsc-a')!
    await cluster.proposer.command({ kind: 'claim', connector: number, epoch, count: 1 })
    const [ref = 0] = [...cluster.state.connector('smsc-a')!.claims.keys()]
    const sent = {
      ref,
      attempt: 1,
      error: 0,
      retryAtMs: 0,
      result: 'sent',
      smscId: '6699',
    } as const
    await cluster.proposer.command({ kind: 'outcomes', connector: number, epoch, items: [sent] })
    const view = async () => (await ask(`/api/v1/messages/${id as string}`)).body
    t.match(await view(), { smscId: '6699', smscIdForms: null, replaced: false })
    cluster.apply(gateway(connectors('hex', 'dec')))
    t.match(await view(), {
      smscId: '6699',
      smscIdForms: {
        submit: { format: 'hex', id: '1a2b' },
        receipt: { format: 'dec', id: '6699' },
      },
    })
  },
)

void t.test('a message is cancelled, or the answer says why not', async t => {
  const { ask, ports } = await start(t)
  const remove = (id: string) => ask(`/api/v1/messages/${id}`, undefined, { method: 'DELETE' })
  const id = (await ask('/api/v1/messages', { to: '1', text: 'x' })).body['id'] as string
  t.match(await remove(id), { status: 200, body: { id, account: 'esme1' } })
  t.match(await remove('nobody'), { status: 404 })
  t.match(await remove('sent'), {
    status: 409,
    body: { title: 'ESME_RCANCELFAIL', detail: 'the SMSC has the message' },
  })
  t.match(await remove('held'), { status: 503, body: { type: '/problems/no-quorum' } })
  ports.cluster.readIndex = () => Promise.reject(new Error('no leader'))
  t.match(await remove(id), { status: 503 })
})

void t.test('bans are listed and lifted, all of an account or one', async t => {
  const { ask, cluster } = await start(t)
  const { number } = cluster.state.account('esme1')!
  const times = { sinceMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2026, 0, 2), failures: 20 }
  const bans = ['198.51.100.7', '::1', '::2'].map(address => ({
    account: number,
    address,
    ...times,
  }))
  await cluster.proposer.command({ kind: 'ban', bans })
  const listed = async (query = '') =>
    ((await ask(`/api/v1/bans${query}`)).body['items'] as { address: string }[]).map(
      ({ address }) => address,
    )
  t.match((await ask('/api/v1/bans')).body, {
    items: [
      {
        systemId: 'esme1',
        address: '198.51.100.7',
        failures: 20,
        since: '2026-01-01T00:00:00.000Z',
        until: '2026-01-02T00:00:00.000Z',
      },
      { address: '::1' },
      { address: '::2' },
    ],
    next: null,
  })
  t.same(await listed('?account=other'), [])
  const lift = (path: string) => ask(`/api/v1/bans/${path}`, undefined, { method: 'DELETE' })
  t.same(await lift('esme1?address=%3A%3A1'), { status: 200, body: { lifted: 1 } })
  t.same(await listed('?account=esme1'), ['198.51.100.7', '::2'])
  t.match(await lift('esme1?address=%3A%3A1'), {
    status: 404,
    body: { detail: 'no ban of esme1 from ::1' },
  })
  t.same(await lift('esme1'), { status: 200, body: { lifted: 2 } })
  t.match(await lift('esme1'), { status: 404 })
})

void t.test('what is not there is a problem document', async t => {
  const { ask, app } = await start(t)
  for (const url of ['/api/v1/messages/abc', `/api/v1/messages/${'0'.repeat(20)}`, '/api/v2/x']) {
    const answer = await app.inject({ url })
    t.equal(answer.statusCode, 404)
    t.match(answer.headers['content-type'], 'application/problem+json')
    t.match(answer.json(), { title: 'Not Found', status: 404 })
  }
  t.match(await ask('/api/v1/messages', { to: '1', text: 'x', account: 'nobody' }), {
    status: 404,
    body: { type: '/problems/refused', title: 'ESME_RINVSYSID' },
  })
})

void t.test('a message cannot be read up to date without a quorum', async t => {
  const { ask, cluster } = await start(t)
  cluster.setLeader('none')
  t.match(await ask(`/api/v1/messages/${'0'.repeat(20)}`), {
    status: 503,
    body: { type: '/problems/no-quorum' },
  })
})

void t.test('requests that are wrong say where', async t => {
  const { ask } = await start(t)
  const detail = async (url: string, body: unknown) => (await ask(url, body)).body['detail']
  t.match(await detail('/api/v1/messages', { text: 'x' }), /^to: /)
  t.match(await detail('/api/v1/messages', { to: '1', txt: 'x' }), /^txt: unknown key/)
  for (const at of ['tomorrow', '2026-12-24T18:00:00', '2026-12-32T18:00:00Z'])
    t.match(await detail('/api/v1/messages', { to: '1', text: 'x', at }), /^at: expected a time/)
  t.match(await detail('/api/v1/drain', { deadlineMs: 'soon' }), /^deadlineMs: /)
  t.match(await detail('/api/v1/transfer-leader', { to: 9 }), /no node 9/)
  t.equal((await ask('/api/v1/messages', { to: '1', text: 'x'.repeat(70_000) })).status, 413)
  const form = { headers: { 'content-type': 'text/plain' } }
  t.equal((await ask('/api/v1/messages', '{}', form)).status, 415)
})

void t.test('with API keys only /livez and /readyz are open', async t => {
  const { ask } = await start(t, ['first', 'second'])
  for (const url of ['/metrics', '/api/v1/cluster', '/api/v1/settings', '/nowhere'])
    t.equal((await ask(url)).status, 401, url)
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await ask('/api/v1/cluster', undefined, { headers })).status
  t.equal(await status({ authorization: 'Bearer second' }), 200)
  t.equal(await status({ 'x-api-key': 'first' }), 200)
  t.equal(await status({ authorization: 'Bearer secon' }), 401)
})

void t.test('without keys, web pages of other origins and names get nothing', async t => {
  const { ask } = await start(t)
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await ask('/api/v1/drain', {}, { headers })).status
  t.equal(await status({ host: '127.0.0.1:8081', origin: 'http://evil.example' }), 403)
  t.equal(await status({ host: 'rebound.example:8081' }), 403)
  t.equal(await status({ host: '127.0.0.1:8081', origin: 'http://127.0.0.1:8081' }), 202)
})

void t.test('settings: apply, the same again, dry run, history and rollback', async t => {
  const { ask, cluster } = await start(t)
  const next = gateway()
  next.accounts[0]!.window = 7
  const yaml = { headers: { 'content-type': 'application/yaml' } }
  const apply = (query = ''): ReturnType<Started['ask']> =>
    ask(`/api/v1/settings${query}`, JSON.stringify(next), yaml)
  const changes = [{ kind: 'changed', key: 'accounts.esme1.window', to: 7 }]

  t.match((await apply('?dryRun=true')).body, { revision: 1, changed: true, dryRun: true, changes })
  t.equal(cluster.state.revision, 1)
  t.match((await apply()).body, { revision: 2, changed: true, changes })
  t.match((await apply()).body, { revision: 2, changed: false, changes: [] })
  const history = (await ask('/api/v1/settings/history')).body['items'] as { index: number }[]
  t.match(history, [{ revision: 2, changes }, { revision: 1 }])
  t.equal(history[0]!.index, cluster.state.appliedIndex)
  t.match(await ask('/api/v1/settings/rollback', { revision: 1 }), {
    status: 200,
    body: { revision: 3, changed: true },
  })
  t.equal(cluster.state.settings.accounts[0]!.window, gateway().accounts[0]!.window)
  t.equal((await ask('/api/v1/settings/rollback', { revision: 99 })).status, 404)
})

void t.test('no answer shows a secret', async t => {
  const { ask, app } = await start(t)
  const next = gateway()
  next.accounts[0]!.password = { kind: 'argon2id', hash: '$argon2id$hunter2' }
  next.connectors[0]!.password = { kind: 'plain', value: 'hunter2' }
  next.accounts.push({ ...next.accounts[0]!, systemId: 'esme2' })
  const yaml = { headers: { 'content-type': 'application/yaml' } }
  const applied = await ask('/api/v1/settings', JSON.stringify(next), yaml)
  t.equal(applied.status, 200)
  t.notMatch(JSON.stringify(applied.body), /hunter2/)
  for (const url of ['/api/v1/settings', '/api/v1/settings/history']) {
    const { payload } = await app.inject({ url })
    t.match(payload, /\*\*\*/)
    t.notMatch(payload, /hunter2/)
  }
})

void t.test('mistakes in a gateway file come with their places', async t => {
  const { ask } = await start(t)
  const yaml = { headers: { 'content-type': 'application/yaml' } }
  t.match(await ask('/api/v1/settings', 'accounts: 5', yaml), {
    status: 400,
    body: { type: '/problems/settings', errors: [{ line: 3, key: 'accounts[0].windw' }] },
  })
})

void t.test('messages in doubt are listed, and an operator resolves them', async t => {
  const { ask, cluster } = await start(t)
  const sent = await ask('/api/v1/messages', { to: '4915112345678', text: 'hello' })
  const connector = cluster.state.connector('smsc-a')!
  const { number, epoch } = connector
  await cluster.proposer.command({ kind: 'claim', connector: number, epoch, count: 1 })
  const [ref = 0] = [...connector.claims.keys()]
  const doubt = { ref, attempt: 1, error: 0, retryAtMs: 0, smscId: '', result: 'doubt' as const }
  await cluster.proposer.command({ kind: 'outcomes', connector: number, epoch, items: [doubt] })
  const { items } = (await ask('/api/v1/in-doubt')).body as { items: { id: string }[] }
  t.match(items, [{ id: sent.body['id'], connector: 'smsc-a', account: 'esme1' }])
  const resolve = { ids: [items[0]!.id], action: 'drop' }
  t.same((await ask('/api/v1/in-doubt/resolve', resolve)).body, { resolved: 1 })
  t.same((await ask('/api/v1/in-doubt/resolve', resolve)).body, { resolved: 0 })
  t.match((await ask(`/api/v1/messages/${items[0]!.id}`)).body, { state: 'UNKNOWN' })
})

void t.test('members are listed, added, promoted and removed, or it says why not', async t => {
  const { ask } = await start(t)
  t.match(await ask('/api/v1/members'), { status: 200, body: { leader: 1, members: [{ id: 1 }] } })
  const four = { id: 4, address: '10.0.0.4:7101' }
  t.match(await ask('/api/v1/members', four), { status: 200, body: { members: [{}, four] } })
  for (const [body, detail] of [
    [{ id: 0, address: 'a:1' }, /^id: /],
    [{ id: 'x', address: 'a:1' }, /^id: /],
    [{ id: 4 }, /^address: /],
    [{ id: 4, address: '10.0.0.4' }, /^address: /],
    [{ id: 4, address: 'host:70000' }, /^address: /],
    [{ id: 4, address: 'host:1', role: 'voter' }, /^role: unknown key/],
  ] as const)
    t.match(await ask('/api/v1/members', body), { status: 400, body: { detail } })
  t.match(await ask('/api/v1/members', { id: 2, address: '[::1]:7101' }), {
    status: 409,
    body: { detail: /was a member before/ },
  })
  t.match(await ask('/api/v1/members/4/promote', {}), {
    status: 409,
    body: { detail: /has not caught up/ },
  })
  t.match(await ask('/api/v1/members/3', undefined, { method: 'DELETE' }), { status: 200 })
  t.match(await ask('/api/v1/members/9', undefined, { method: 'DELETE' }), { status: 404 })
  t.match(await ask('/api/v1/members/x', undefined, { method: 'DELETE' }), { status: 400 })
})

void t.test('sessions are listed by account and node, and with what they are doing', async t => {
  const { cluster, ask } = await start(t)
  cluster.apply(gateway({ accounts: [account('esme1'), account('esme2')] }))
  for (const [id, name] of [
    ['1.1.1', 'esme1'],
    ['1.1.2', 'esme2'],
  ] as const)
    await bindSession(cluster, id, name)
  const ids = async (query: string) =>
    (await ask(`/api/v1/sessions${query}`)).body['items'] as { id: string }[]
  t.same(
    (await ids('')).map(({ id }) => id),
    ['1.1.1', '1.1.2'],
  )
  t.notOk('activity' in (await ids(''))[0]!, 'other nodes are not asked where nobody asks for it')
  t.match(await ids('?account=esme2'), [{ id: '1.1.2' }])
  t.equal((await ids('?account=esme2')).length, 1)
  t.same(await ids('?node=2'), [])
  t.match(await ids('?node=1&activity=true&account=esme1'), [{ id: '1.1.1', activity: ACTIVITY }])
  t.equal((await ask('/api/v1/sessions?node=x')).status, 400)

  const gone = { method: 'DELETE' } as const
  t.match(await ask('/api/v1/sessions/1.1.1', undefined, gone), {
    status: 200,
    body: { id: '1.1.1', systemId: 'esme1', node: 1, answered: true, committed: true },
  })
  for (const id of ['9.9.9', 'nonsense'])
    t.match(await ask(`/api/v1/sessions/${id}`, undefined, gone), {
      status: 404,
      body: { detail: `there is no session ${id} (any more)` },
    })
})

void t.test('an account is disabled and enabled by revisions that say nothing else', async t => {
  const { cluster, ask } = await start(t)
  const disabled = await ask('/api/v1/accounts/esme1/disable', {})
  t.match(disabled, {
    status: 200,
    body: { revision: 2, changed: true, changes: [{ key: 'accounts.esme1.enabled', to: false }] },
  })
  t.match(await ask('/api/v1/accounts/esme1/disable', {}), {
    body: { revision: 2, changed: false },
  })
  t.match((await ask('/api/v1/accounts')).body['items'], [{ systemId: 'esme1', enabled: false }])
  t.match(await ask('/api/v1/accounts/nobody/disable', {}), { status: 404 })
  t.match(await ask('/api/v1/accounts/esme1/enable', {}), { body: { revision: 3, changed: true } })
  t.same(cluster.state.settings, gateway(), 'no trace of it is left')
  t.match((await ask('/api/v1/settings/history')).body['items'], [
    { revision: 3, origin: 'enable esme1 by 127.0.0.1' },
    { revision: 2, origin: 'disable esme1 by 127.0.0.1' },
    {},
  ])
  await ask('/api/v1/settings/rollback', { revision: 2 })
  t.match((await ask('/api/v1/accounts')).body['items'], [{ enabled: false }])
})

void t.test('a trace is asked for whole, and it is known who did', async t => {
  const { app, ask } = await start(t, ['first', 'second'])
  const headers = { authorization: 'Bearer second' }
  const url = '/api/v1/traces'
  const asked = (payload: object) => ask(url, payload, { headers })
  t.equal((await ask(url, { account: 'esme1' })).status, 401)
  t.match(await asked({ account: 'esme1', texts: true, forMs: 5 }), {
    status: 200,
    body: {
      ...{ kind: 'account', name: 'esme1', texts: true, forMs: 5, octetsMax: 10_000_000 },
      by: '127.0.0.1 with API key 2',
    },
  })
  t.match((await asked({ account: 'esme1' })).body, { texts: false, forMs: 60_000 })
  t.equal((await asked({ connector: 'smsc-a' })).status, 429)
  for (const { body, detail } of [
    { body: {}, detail: /account, or connector/ },
    { body: { account: 'esme1', connector: 'smsc-a' }, detail: /account, or connector/ },
    { body: { account: 'nobody' }, detail: /no account nobody/ },
    { body: { connector: 'none' }, detail: /no connector none/ },
    { body: { account: 'esme1', forMs: 3_600_001 }, detail: /forMs/ },
    { body: { account: 'esme1', octetsMax: 0 }, detail: /octetsMax/ },
    { body: { account: 'esme1', texts: 'yes' }, detail: /texts/ },
  ])
    t.match(await asked(body), { status: 400, body: { detail } })
  const nodes = await app.inject({ url: '/api/v1/nodes', headers })
  t.match(nodes.json(), [{ id: 1, http: 'http://127.0.0.1:8081' }])
})

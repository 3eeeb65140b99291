import t from 'tap'
import type { Messenger } from '../../cluster/types.js'
import { silentLogger } from '../base/logger.js'
import type { Journal } from '../journal/index.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { SessionsAnywhere } from './sessions-anywhere.js'

/** Nodes 1 and 2, of which node 2 has session `2.1.1`, and both know it. */
function nodes() {
  const time = new VirtualTime()
  const handlers = new Map<string, (from: number, body: Buffer) => void>()
  const net = { up: true, hears: true }
  const held = new Set(['2.1.1'])
  const messenger = (from: number): Messenger => ({
    send: (to, kind, body) => {
      if (net.up && net.hears) time.soon(() => handlers.get(`${to} ${kind}`)?.(from, body))
      return net.up
    },
    onMessage: (kind, handler) => void handlers.set(`${from} ${kind}`, handler),
  })
  const at = (node: number): SessionsAnywhere =>
    new SessionsAnywhere({
      messenger: messenger(node),
      clock: time,
      timers: time,
      logger: silentLogger,
      journal: {
        node,
        state: {
          sessions: {
            get: (id: string) =>
              held.has(id) ? { sessions: new Map([[id, { id, node: 2 }]]) } : undefined,
          },
        },
      } as unknown as Journal,
      members: () => MEMBERS,
      http: () => ({ host: node === 2 ? '0.0.0.0' : '127.0.0.1', port: 8080 + node }),
      front: () => ({
        activityOf: id => (node === 2 && held.has(id) ? ACTIVITY : undefined),
        kick: id =>
          node === 2 && held.has(id)
            ? new Promise(resolve =>
                time.after(300, () => {
                  held.delete(id)
                  resolve('unbound by us')
                }),
              )
            : undefined,
      }),
    })
  return { time, net, held, one: at(1), two: at(2) }
}

const MEMBERS = [1, 2].map(id => ({ id, address: `10.0.0.${id}:7101` }))

const ACTIVITY = {
  ...{ window: 100, unanswered: 1, delivering: 2, octetsWaiting: 3, pdusIn: 4, pdusOut: 5 },
  lastPduAtMs: 1000,
}

async function after<T>(time: VirtualTime, ms: number, promise: Promise<T>): Promise<T | 'waits'> {
  let said: T | 'waits' = 'waits'
  void promise.then(value => (said = value))
  // step by step: answers to answers come, too
  for (let passed = 0; passed < ms; passed += 10) await time.advanceAsync(10)
  return said
}

void t.test('the node that has a session says what it is doing, and kicks it', async t => {
  const { time, one, two } = nodes()
  for (const node of [one, two]) {
    const found = await after(time, 50, node.activity(['2.1.1', '9.9.9']))
    const { lastPduAtMs, ...rest } = ACTIVITY
    t.equal(lastPduAtMs, 1000)
    t.same(found, new Map([['2.1.1', { ...rest, lastPduAt: '1970-01-01T00:00:01.000Z' }]]))
  }
  const kicked = one.kick('2.1.1')
  t.equal(await after(time, 100, kicked), 'waits')
  t.same(await after(time, 500, kicked), {
    kind: 'ended',
    node: 2,
    reason: 'unbound by us',
    committed: true,
  })
  t.same(await one.kick('2.1.1'), { kind: 'unknown' })
})

void t.test('nodes say where their HTTP is', async t => {
  const { time, net, one } = nodes()
  t.same(await after(time, 50, one.nodes()), [
    { id: 1, http: 'http://127.0.0.1:8081' },
    { id: 2, http: 'http://10.0.0.2:8082' },
  ])
  net.hears = false
  t.match(await after(time, 1100, one.nodes()), [{ id: 1 }, { id: 2, http: null }])
})

void t.test('a node that hangs holds a list up for a second, and a kick for eight', async t => {
  const { time, net, one } = nodes()
  net.hears = false
  const activity = one.activity(['2.1.1'])
  t.equal(await after(time, 900, activity), 'waits')
  t.same(await after(time, 200, activity), new Map())
  const kick = one.kick('2.1.1')
  t.equal(await after(time, 7900, kick), 'waits')
  t.same(await after(time, 200, kick), { kind: 'noAnswer', node: 2 })
  net.up = false
  t.same(await after(time, 50, one.kick('2.1.1')), { kind: 'noAnswer', node: 2 })
})

import t from 'tap'
import { silentLogger } from '../base/logger.js'
import { noMetrics } from '../base/metrics.js'
import { SeededRandom } from '../base/random.js'
import type { Journal } from '../journal/index.js'
import { connectionPair } from '../link/testing/connection-pair.js'
import { EsmeClient } from './testing/esme-client.js'
import { FrontWorld } from './testing/front-world.js'
import { Outbinds, OUTBINDS_MAX } from './outbinds.js'
import type { OutbindTo } from './ports.js'
import { account, gateway } from '../testing/gateway.js'
import { VirtualTime } from '../testing/virtual-time.js'

const OUTBIND = {
  host: 'esme.example.net',
  port: 9000,
  systemId: 'carillon',
  password: { kind: 'plain', value: 'ours' } as const,
}

async function world(t: { teardown(fn: () => unknown): void }) {
  const calls: (OutbindTo & { atMs: number })[] = []
  const esmes: EsmeClient[] = []
  const is = { leading: true, answering: true, refusing: false }
  const front: FrontWorld = await FrontWorld.open(t, {
    settings: gateway({
      accounts: [
        account('esme1', {
          password: { kind: 'argon2id', hash: '$argon2id$secret1' },
          outbind: OUTBIND,
        }),
      ],
    }),
    front: {
      outbind: {
        leads: () => is.leading,
        openSecret: secret => (secret.kind === 'plain' ? secret.value : ''),
        connect: to => {
          calls.push({ ...to, atMs: front.time.monotonicMs() })
          if (is.refusing) return Promise.reject(new Error('connect ECONNREFUSED'))
          const [ours, theirs] = connectionPair(front.time, { remoteAddress: '192.0.2.9' })
          const esme = new EsmeClient(theirs, front.time)
          esme.onOutbind = () => {
            if (is.answering) esme.bind({}, 'bind_receiver')
          }
          esmes.push(esme)
          return Promise.resolve(ours)
        },
      },
    },
  })
  return { front, calls, esmes, is }
}

void t.test('an ESME for which something waits is called, binds, and gets it', async t => {
  const { front, calls, esmes } = await world(t)
  await front.time.advanceAsync(60_000)
  t.equal(calls.length, 0, 'nothing waits')
  front.mo(['one', 'two'])
  await front.time.advanceAsync(3000)
  t.match(calls, [{ host: 'esme.example.net', port: 9000, localAddress: null, tls: null }])
  const [esme] = esmes
  t.same(esme!.outbinds, [{ system_id: 'carillon', password: 'ours' }])
  t.match(esme!.binds, [/^ESME_ROK/])
  t.same(esme!.texts, ['one', 'two'])
  t.equal(front.account.owed, 0)
  front.mo(['three'])
  await front.time.advanceAsync(60_000)
  t.same(esme!.texts, ['one', 'two', 'three'], 'it is a session like any other')
  t.equal(calls.length, 1)
})

void t.test('an ESME that is bound already is not called; one that only transmits is', async t => {
  const { front, calls } = await world(t)
  const transmitter = front.connect().bind({}, 'bind_transmitter')
  const receiver = front.connect().bind({}, 'bind_receiver')
  receiver.answering = null
  await front.time.advanceAsync(1000)
  front.mo(['one'])
  await front.time.advanceAsync(5000)
  t.equal(calls.length, 0)
  receiver.link.close('gone')
  await front.time.advanceAsync(3000)
  t.equal(calls.length, 1)
  t.equal(transmitter.closedReason, undefined)
})

void t.test('it is called again, ever later, while it does not answer', async t => {
  const { front, calls, is } = await world(t)
  is.refusing = true
  front.mo(['one'])
  await front.time.advanceAsync(600_000)
  const gaps = calls.slice(1).map(({ atMs }, i) => atMs - calls[i]!.atMs)
  t.ok(calls.length >= 10 && calls.length <= 26, `${calls.length} calls`)
  t.ok(gaps[0]! <= 2600 && gaps.at(-1)! >= 30_000 && Math.max(...gaps) <= 61_000)
  is.refusing = false
  await front.time.advanceAsync(61_000)
  t.equal(front.account.owed, 0)
})

void t.test('one that connects and does not bind is left after the time for a bind', async t => {
  const { front, calls, esmes, is } = await world(t)
  is.answering = false
  front.mo(['one'])
  await front.time.advanceAsync(9000)
  t.equal(calls.length, 1, 'one at a time')
  await front.time.advanceAsync(10_000)
  t.type(esmes[0]!.closedReason, 'string')
  t.ok(calls.length >= 2)
})

void t.test('a bind with a wrong password is refused as on any connection', async t => {
  const { front, esmes } = await world(t)
  front.mo(['one'])
  await front.time.advanceAsync(0)
  front.passwords.verify = () => Promise.resolve(false)
  await front.time.advanceAsync(9000)
  t.match(esmes[0]!.binds, [/ESME_RINVPASWD/])
  t.equal(front.account.owed, 1)
})

void t.test('only the node that leads calls, and it lets go when it leads no more', async t => {
  const { front, calls, esmes, is } = await world(t)
  is.leading = false
  front.mo(['one'])
  await front.time.advanceAsync(30_000)
  t.equal(calls.length, 0)
  is.leading = true
  is.answering = false
  await front.time.advanceAsync(4000)
  t.equal(calls.length, 1)
  is.leading = false
  await front.time.advanceAsync(1000)
  t.type(esmes[0]!.closedReason, 'string')
})

void t.test('fifty are called at once, and no more', t => {
  const time = new VirtualTime()
  const settings = account('esme', { outbind: OUTBIND })
  const numbers = Array.from({ length: OUTBINDS_MAX + 20 }, (_, i) => i + 1)
  const accounts = new Map(
    numbers.map(number => [
      number,
      { number, systemId: `esme${number}`, owed: 1, sessions: new Map(), settings },
    ]),
  )
  let calls = 0
  const outbinds = new Outbinds({
    journal: { state: { accounts } } as unknown as Journal,
    clock: time,
    random: new SeededRandom(1),
    logger: silentLogger,
    metrics: noMetrics,
    connectTimeoutMs: 1000,
    ready: () => true,
    accept: () => t.fail('nobody was connected') as never,
    ports: {
      leads: () => true,
      openSecret: () => 'ours',
      connect: () => {
        calls++
        return new Promise(() => undefined)
      },
    },
  })
  for (let i = 0; i < 20; i++) {
    outbinds.look()
    time.advance(500)
  }
  t.equal(calls, OUTBINDS_MAX)
  outbinds.stop()
  t.end()
})

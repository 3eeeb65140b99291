import { once } from 'node:events'
import { createRequire } from 'node:module'
import t from 'tap'
import { assert } from '../base/assert.js'
import { systemClock, systemTimers } from '../base/clock.js'
import { silentLogger } from '../base/logger.js'
import { noMetrics } from '../base/metrics.js'
import { systemRandom } from '../base/random.js'
import { listenTcp } from '../link/tcp.js'
import { LIMITS } from '../link/testing/recorder.js'
import { encodeBody } from '../smpp/codec.js'
import { account, gateway } from '../testing/gateway.js'
import { SingleJournal } from '../testing/single-journal.js'
import { argon2Passwords, FrontEnd, hashPassword } from './index.js'

/** As much of the `smpp` package as is used here; it has no types. */
interface SmppSession extends NodeJS.EventEmitter {
  bind_transceiver(fields: object, done: (pdu: SmppPdu) => void): void
  submit_sm(fields: object, done: (pdu: SmppPdu) => void): void
  unbind(done: (pdu: SmppPdu) => void): void
  send(pdu: SmppPdu): void
  close(): void
}
interface SmppPdu {
  command_status: number
  message_id: string
  system_id: string
  short_message: { message: string }
  response(fields?: object): SmppPdu
}
const smpp = createRequire(import.meta.url)('smpp') as {
  connect(options: { host: string; port: number }): SmppSession
}

/** A front end on a port of its own, with a journal of its own. */
async function listening(t: {
  teardown(fn: () => unknown): void
}): Promise<{ cluster: SingleJournal; front: FrontEnd; connect: () => Promise<SmppSession> }> {
  const time = { ...systemClock, ...systemTimers }
  const password = { kind: 'argon2id' as const, hash: await hashPassword('secret1') }
  const settings = gateway({ accounts: [account('esme1', { password })] })
  const cluster = await SingleJournal.open({ time, settings })
  const front = new FrontEnd({
    journal: cluster.journal,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    logger: silentLogger,
    metrics: noMetrics,
    passwords: argon2Passwords,
    cluster: { leaderlessSinceMs: () => undefined, currentRead: () => Promise.resolve() },
    messenger: { send: () => true, onMessage: () => undefined },
    listen: [onConnection => listenTcp({ host: '127.0.0.1', port: 0, onConnection })],
    limits: LIMITS,
    submitTimeoutMs: 5000,
    isolationTimeoutMs: 10_000,
    receiptGuardMs: 500,
  })
  await front.start()
  front.begin(cluster.boot)
  t.teardown(async () => {
    await front.stop()
    await cluster.stop()
  })
  const connect = async (): Promise<SmppSession> => {
    const session = smpp.connect({ host: '127.0.0.1', port: front.listening[0]!.port })
    await once(session, 'connect')
    const bound = await new Promise<SmppPdu>(resolve =>
      session.bind_transceiver({ system_id: 'esme1', password: 'secret1' }, resolve),
    )
    assert(bound.command_status === 0 && bound.system_id === 'carillon', 'the bind was refused')
    return session
  }
  return { cluster, front, connect }
}

void t.test('another SMPP library binds, submits, takes an MO and unbinds over TCP', async t => {
  const { cluster, front, connect } = await listening(t)
  const session = await connect()
  session.on('error', error => t.fail(String(error)))
  const answers = await Promise.all(
    Array.from(
      { length: 50 },
      (_, i) =>
        new Promise<SmppPdu>(resolve =>
          session.submit_sm(
            { destination_addr: `4917012345${i}`, short_message: `message ${i}` },
            resolve,
          ),
        ),
    ),
  )
  t.ok(answers.every(({ command_status }) => command_status === 0))
  t.equal(new Set(answers.map(({ message_id }) => message_id)).size, 50)
  t.equal(cluster.state.connector('smsc-a')!.queued, 50)

  const delivered = new Promise<SmppPdu>(resolve => {
    session.once('deliver_sm', (pdu: SmppPdu) => {
      session.send(pdu.response())
      resolve(pdu)
    })
  })
  const esme1 = cluster.state.account('esme1')!
  cluster.decide({
    kind: 'inbound',
    connector: 1,
    epoch: 1,
    items: [
      {
        kind: 'mo',
        account: esme1.number,
        body: encodeBody('deliver_sm', { short_message: Buffer.from('hello back') }),
      },
    ],
  })
  t.equal((await delivered).short_message.message, 'hello back')
  while (esme1.owed > 0) await new Promise(resolve => setImmediate(resolve))

  await new Promise(resolve => session.unbind(resolve))
  session.close()
  while (esme1.sessions.size > 0) await new Promise(resolve => setImmediate(resolve))
  t.equal(front.counts.sessions, 0)
})

void t.test('submits that cross the unbind of a drain are taken and answered', async t => {
  const { cluster, front, connect } = await listening(t)
  cluster.delayMs = 50 // so that what crosses the unbind is not decided when its answer comes
  const session = await connect()
  const statuses: number[] = []
  let sent = 0
  let isBound = true
  const submit = (): void => {
    sent++
    session.submit_sm({ destination_addr: '491701234567', short_message: `${sent}` }, pdu => {
      statuses.push(pdu.command_status)
      if (isBound) submit()
    })
  }
  for (let i = 0; i < 20; i++) submit()
  const unbound = new Promise<void>(resolve => {
    session.on('unbind', (pdu: SmppPdu) => {
      for (let i = 0; i < 30; i++) submit()
      isBound = false
      session.send(pdu.response())
      resolve()
    })
  })
  const drained = front.drain(30_000)
  await unbound
  await once(session, 'close')
  await drained
  t.equal(statuses.length, sent, 'all were answered')
  t.same(new Set(statuses), new Set([0]), 'and accepted')
  t.equal(cluster.state.connector('smsc-a')!.queued, sent)
  t.equal(cluster.state.account('esme1')!.sessions.size, 0)
})

import { connect, type Socket } from 'node:net'
import { generate } from 'selfsigned'
import smpp, { type PDU } from 'smpp'
import t, { type Test } from 'tap'
import { encodeBody, encodePdu } from '../smpp/codec.js'
import { COMMAND_IDS } from '../smpp/command-ids.js'
import type { BindResult } from '../smpp/session-state.js'
import { connectTcp, listenTcp, type Listener, type ListenOptions } from './tcp.js'
import { waitFor } from '../testing/wait-for.js'
import { Recorder } from './testing/recorder.js'
import type { Connection, SessionLimits } from './types.js'

const BIND = encodePdu('bind_transceiver', { sequence_number: 1 }, { interface_version: 0x34 })
const SUBMIT = encodeBody('submit_sm', {
  destination_addr: '49170',
  short_message: Buffer.from('hi'),
})

void t.test('an ESME binds, submits and unbinds over TCP', async t => {
  const { listener, links } = await listen(t)
  const esme = await client(listener)
  t.equal((await bind(esme)).ok, true)
  for (let i = 0; i < 50; i++) esme.link.request(COMMAND_IDS.submit_sm, SUBMIT, i)
  await esme.until('response 49 ESME_ROK')
  t.equal(listener.connections, 1)
  t.equal(links[0]?.link.remoteAddress, '127.0.0.1')
  esme.link.unbind()
  await esme.until('closed: unbound by us')
  await links[0]!.until('closed: unbound by the peer')
})

void t.test('an ESME binds over TLS', async t => {
  const { cert, private: key } = await certificate()
  const { listener } = await listen(t, { tls: { cert, key } })
  const connection = await connectTcp({
    host: '127.0.0.1',
    port: listener.port,
    timeoutMs: 20_000,
    tls: { ca: cert, servername: 'localhost' },
  })
  const esme = new Recorder('esme', connection)
  t.equal((await bind(esme)).ok, true)
  esme.link.close('done')
  await esme.until('closed')
  await t.rejects(
    connectTcp({ host: '127.0.0.1', port: listener.port, timeoutMs: 20_000, tls: {} }),
    'a certificate that nobody vouches for',
  )
})

void t.test('what is no TLS is refused, and the listener goes on', async t => {
  const { cert, private: key } = await certificate()
  const refused: string[] = []
  const { listener } = await listen(t, {
    tls: { cert, key },
    onRefused: reason => refused.push(reason),
  })
  const socket = raw(t, listener)
  socket.write(BIND)
  await once(socket, 'close')
  t.match(refused, [/^TLS: /])
})

void t.test('a peer that never reads is cut off, and nobody else', async t => {
  const { listener, links } = await listen(
    t,
    {},
    { writeQueueOctetsMax: 256 * 1024, windowOut: 1e6 },
  )
  const socket = raw(t, listener)
  socket.write(BIND)
  await once(socket, 'data')
  socket.pause()
  const smsc = links[0]!
  const flood = encodePdu('submit_sm', { sequence_number: 1 }, { destination_addr: '49170' })
  const many = Buffer.concat(Array.from({ length: 4_000 }, () => flood))
  const pump = (error?: Error | null): void => {
    if (error == null) socket.write(many, pump)
  }
  pump()
  const esme = await client(listener)
  t.equal((await bind(esme)).ok, true)
  await smsc.until('closed')
  t.equal(smsc.closedReason, 'the peer does not read')
  esme.link.request(COMMAND_IDS.submit_sm, SUBMIT, 'still here')
  await esme.until('response still here')
  esme.link.close('done')
})

void t.test('garbage closes its own connection', async t => {
  const { listener, links } = await listen(t)
  const socket = raw(t, listener)
  const heard: Buffer[] = []
  socket.on('data', chunk => heard.push(chunk))
  socket.write('SSH-2.0-OpenSSH_9.2\r\n')
  await once(socket, 'close')
  t.match(Buffer.concat(heard).toString('hex'), /^000000108000000000000002/)
  await links[0]!.until('closed: command_length')
})

void t.test('octets that come one by one are heard', async t => {
  const { listener, links } = await listen(t)
  const socket = raw(t, listener)
  socket.setNoDelay(true)
  for (const octet of BIND) {
    socket.write(Buffer.of(octet))
    await new Promise<void>(resolve => setImmediate(resolve))
  }
  await once(socket, 'data')
  t.equal(links[0]?.link.state, 'BOUND_TRX')
})

void t.test('a silent peer is closed after the bind time-out', async t => {
  const { listener, links } = await listen(t, {}, { bindTimeoutMs: 100 })
  const socket = raw(t, listener)
  socket.resume()
  await once(socket, 'close')
  await links[0]!.until('closed: bind timeout')
})

void t.test('a peer that resets is told of, with what was outstanding', async t => {
  const { listener, links } = await listen(t)
  const socket = raw(t, listener)
  socket.write(BIND)
  await once(socket, 'data')
  links[0]!.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'a')
  socket.resetAndDestroy()
  await links[0]!.until('closed: ')
  t.ok(links[0]!.events.includes('closed a'))
})

void t.test('connections beyond the bound are closed at once', async t => {
  const refused: string[] = []
  const { listener } = await listen(t, {
    connectionsMax: 1,
    onRefused: reason => refused.push(reason),
  })
  const first = raw(t, listener)
  await once(first, 'connect')
  const second = raw(t, listener)
  second.resume()
  await once(second, 'close')
  t.same(refused, ['too many connections'])
})

void t.test(
  'connections of one address have a bound of their own, the PROXY header says whose they are',
  async t => {
    const refused: string[] = []
    const { listener } = await listen(t, {
      connectionsPerAddressMax: 2,
      proxy: { mode: 'accept', trustedProxies: ['127.0.0.1'] },
      onRefused: (reason, address) => refused.push(`${address} ${reason}`),
    })
    const from = (address: string): Socket => {
      const socket = raw(t, listener)
      socket.resume()
      socket.write(`PROXY TCP4 ${address} 192.0.2.1 1000 2775\r\n`)
      return socket
    }
    const [first] = [from('198.51.100.1'), from('198.51.100.1'), from('198.51.100.2')]
    await waitFor('three connections', () => listener.connections === 3)
    await once(from('198.51.100.1'), 'close')
    t.same(refused, ['198.51.100.1 too many connections from this address'])
    first.destroy()
    await waitFor('room again', () => listener.connections === 2)
    from('198.51.100.1')
    await waitFor('it is taken', () => listener.connections === 3)
    for (let i = 0; i < 3; i++) raw(t, listener) // the balancer looks after us
    await waitFor('all of them', () => listener.connections === 6)
    t.equal(refused.length, 1)
  },
)

void t.test(
  'a listener that allows some addresses closes the others, by the PROXY header too',
  async t => {
    const refused: string[] = []
    const { listener } = await listen(t, {
      allowFrom: ['198.51.100.0/24'],
      proxy: { mode: 'accept', trustedProxies: ['127.0.0.1'] },
      onRefused: (reason, address) => refused.push(`${address} ${reason}`),
    })
    const from = (address: string): Socket => {
      const socket = raw(t, listener)
      socket.resume()
      socket.write(`PROXY TCP4 ${address} 192.0.2.1 1000 2775\r\n`)
      return socket
    }
    await once(from('203.0.113.1'), 'close')
    t.same(refused, ['203.0.113.1 not from an address that is allowed'])
    from('198.51.100.1')
    await waitFor('the one that is allowed', () => listener.connections === 1)
    const { listener: closed } = await listen(t, { allowFrom: ['192.0.2.0/24'] })
    const socket = raw(t, closed)
    socket.resume()
    await once(socket, 'close')
    t.equal(refused.length, 1)
  },
)

void t.test('nobody there, or nobody answering: an error with its code', async t => {
  const { listener } = await listen(t)
  await listener.close()
  await t.rejects(connectTcp({ host: '127.0.0.1', port: listener.port, timeoutMs: 20_000 }), {
    code: 'ECONNREFUSED',
  })
  const gaveUp = new AbortController()
  gaveUp.abort()
  await t.rejects(
    connectTcp({ host: '127.0.0.1', port: 1, timeoutMs: 20_000, signal: gaveUp.signal }),
    /gave up/,
  )
})

void t.test('a peer that never finishes its handshake is given up, on either side', async t => {
  const { cert, private: key } = await certificate()
  const silent = await listen(t) // speaks no TLS, and waits for a bind
  await t.rejects(
    connectTcp({
      host: '127.0.0.1',
      port: silent.listener.port,
      timeoutMs: 100,
      tls: { ca: cert },
    }),
  )
  for (const options of [
    { tls: { cert, key } },
    { proxy: { mode: 'accept', trustedProxies: ['127.0.0.1'] } },
  ] as const) {
    const refused: string[] = []
    const { listener } = await listen(t, {
      ...options,
      handshakeTimeoutMs: 100,
      onRefused: reason => refused.push(reason),
    })
    const socket = raw(t, listener)
    socket.resume()
    await once(socket, 'close')
    t.match(refused, [/none came in time|handshake timeout/i])
  }
})

void t.test('the smpp package binds, submits, is delivered to and unbinds', async t => {
  const { listener, links } = await listen(t)
  const session = smpp.connect({ host: '127.0.0.1', port: listener.port })
  t.teardown(() => session.destroy())
  session.on('error', () => undefined)
  const ask = (send: (answered: (pdu: PDU) => void) => boolean) =>
    new Promise<PDU>(resolve => send(resolve))
  const bound = await ask(done =>
    session.bind_transceiver(
      { system_id: 'esme1', password: 'secret1', interface_version: 0x34 },
      done,
    ),
  )
  t.match(bound, { command_status: 0, system_id: 'carillon', sc_interface_version: 0x34 })
  const delivered = new Promise<PDU>(resolve => session.once('deliver_sm', resolve))
  const submitted = await ask(done =>
    session.submit_sm({ destination_addr: '49170', short_message: 'hi' }, done),
  )
  t.match(submitted, { command: 'submit_sm_resp', command_status: 0 })
  links[0]!.link.request(COMMAND_IDS.deliver_sm, SUBMIT, 'x')
  const pdu = await delivered
  t.match(pdu, { destination_addr: '49170' })
  session.send(pdu.response())
  await links[0]!.until('response x ESME_ROK')
  t.match(await ask(done => session.unbind(done)), { command: 'unbind_resp', command_status: 0 })
  await links[0]!.until('closed: unbound by the peer')
})

const V1 = 'PROXY TCP4 203.0.113.7 192.0.2.1 40000 2775\r\n'
const V2_LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex')

for (const { title, mode, trusted, head, expected } of [
  { title: 'version 1', mode: 'require', trusted: true, head: V1, expected: '203.0.113.7' },
  { title: 'LOCAL', mode: 'require', trusted: true, head: V2_LOCAL, expected: '127.0.0.1' },
  { title: 'no header', mode: 'accept', trusted: true, head: '', expected: '127.0.0.1' },
  { title: 'a header', mode: 'accept', trusted: true, head: V1, expected: '203.0.113.7' },
  { title: 'no header', mode: 'require', trusted: true, head: '', expected: undefined },
  { title: 'no header', mode: 'accept', trusted: false, head: '', expected: '127.0.0.1' },
  { title: 'a header', mode: 'accept', trusted: false, head: V1, expected: undefined },
  { title: 'a header', mode: 'off', trusted: true, head: V1, expected: undefined },
  { title: 'a header', mode: 'require', trusted: false, head: V1, expected: undefined },
  {
    title: 'a bad header',
    mode: 'accept',
    trusted: true,
    head: 'PROXY UDP\r\n',
    expected: undefined,
  },
] as const) {
  for (const secure of [false, true]) {
    const who = `${title} from ${trusted ? 'a trusted' : 'an unknown'} proxy, mode ${mode}`
    void t.test(`${who}${secure ? ', TLS' : ''}: ${expected ?? 'closed'}`, async t => {
      const { cert, private: key } = await certificate()
      const { listener, links } = await listen(t, {
        proxy: { mode, trustedProxies: trusted ? ['127.0.0.0/8'] : ['192.0.2.0/24'] },
        ...(secure ? { tls: { cert, key } } : {}),
      })
      const socket = raw(t, listener)
      const closed = once(socket, 'close') // perhaps before it is told that it is connected
      await Promise.race([once(socket, 'connect'), closed])
      socket.write(head)
      if (secure) {
        const { connect } = await import('node:tls')
        const over = connect({ socket, ca: cert, servername: 'localhost' })
        over.on('error', () => undefined)
        over.write(BIND)
        over.resume()
        await Promise.race([once(over, 'data'), once(over, 'close'), closed])
      } else {
        socket.write(BIND)
        await Promise.race([once(socket, 'data'), closed])
      }
      if (expected !== undefined) {
        t.equal(links[0]?.link.state, 'BOUND_TRX')
        t.equal(links[0]?.link.remoteAddress, expected)
      } else {
        t.not(links[0]?.link.state, 'BOUND_TRX')
      }
    })
  }
}

/** A listener of SMSC links that answer everything, gone with the test. */
async function listen(
  t: Test,
  options: Partial<ListenOptions> = {},
  limits: Partial<SessionLimits> = {},
) {
  const links: Recorder[] = []
  const open = new Set<Connection>()
  const listener = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    ...options,
    onConnection: connection => {
      open.add(connection)
      links.push(new Recorder('smsc', connection, { limits }))
    },
  })
  t.teardown(async () => {
    for (const connection of open) connection.destroy()
    await listener.close()
  })
  return { listener, links }
}

async function client(listener: Listener): Promise<Recorder> {
  const { port } = listener
  return new Recorder('esme', await connectTcp({ host: '127.0.0.1', port, timeoutMs: 20_000 }))
}

function bind(esme: Recorder): Promise<BindResult> {
  return new Promise(resolve => {
    esme.link.bind('bind_transceiver', { system_id: 'esme1' }, resolve)
  })
}

function raw(t: Test, listener: Listener): Socket {
  const socket = connect({ host: '127.0.0.1', port: listener.port })
  socket.on('error', () => undefined)
  t.teardown(() => socket.destroy())
  return socket
}

/** As in node:events, but an error on the way is not ours. */
function once(socket: Socket, event: string): Promise<void> {
  return new Promise(resolve => socket.once(event, () => resolve()))
}

let made: ReturnType<typeof generate> | undefined
function certificate() {
  made ??= generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 })
  return made
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import smpp, { type PDU, type Session } from 'smpp'
import t, { type Test } from 'tap'
import type { ConnectorView } from '../api/shapes.js'
import type { ConnectorTls } from '../policy/settings.js'
import { waitFor } from '../testing/wait-for.js'
import { bind, get, site, submit } from './testing/site.js'

const TLS: ConnectorTls = { ca: null, serverName: null, cert: null, key: null }

void t.test('a connector speaks TLS to an SMSC, and shows its own certificate', async t => {
  const { smscs, clients, path } = await certificates(t)
  const smsc = await secureSmsc(t, { ...smscs.leaf, ca: clients.ca })
  const { start } = await site(t, {
    connector: {
      port: smsc.port,
      binds: 1,
      tls: {
        ca: path('ca.pem', smscs.ca),
        serverName: 'smsc.example',
        cert: path('cert.pem', clients.leaf.cert),
        key: path('key.pem', clients.leaf.key),
      },
    },
  })
  const node = await start()
  const session = await bind(node)
  const receipts: string[] = []
  session.on('deliver_sm', (pdu: PDU) => {
    receipts.push(pdu['receipted_message_id'] as string)
    session.send(pdu.response())
  })
  const id = await submit(session, 'over TLS')
  await waitFor('its receipt', () => receipts.includes(id), { detail: () => smsc.told.join(', ') })
  t.match(smsc.told, ['TLSv1.3 client gateway'])
  session.destroy()
})

void t.test('a connector trusts only the CA it was given, and only the name', async t => {
  const { smscs, clients, path } = await certificates(t)
  const smsc = await secureSmsc(t, smscs.leaf)
  const ca = path('ca.pem', smscs.ca)
  for (const { title, tls, expected } of [
    {
      title: 'another CA',
      tls: { ...TLS, ca: path('other.pem', clients.ca), serverName: 'smsc.example' },
      expected: /^(UNABLE_TO_|SELF_SIGNED_)/,
    },
    {
      title: 'the CAs of Node.js',
      tls: { ...TLS, serverName: 'smsc.example' },
      expected: /^(UNABLE_TO_|SELF_SIGNED_)/,
    },
    {
      title: 'another name',
      tls: { ...TLS, ca, serverName: 'other.example' },
      expected: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    },
    {
      title: 'no name but an address',
      tls: { ...TLS, ca },
      expected: /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    },
    {
      title: 'a file that is not there',
      tls: { ...TLS, ca: join(ca, '..', 'gone.pem') },
      expected: /^tls\.ca: ENOENT.*gone\.pem/,
    },
  ])
    await t.test(title, async t => {
      const { start } = await site(t, { connector: { port: smsc.port, binds: 1, tls } })
      const node = await start()
      const error = await waitFor('the reason', async () => {
        const { items } = await get<{ items: ConnectorView[] }>(node, '/api/v1/connectors')
        return items[0]?.lastError ?? undefined
      })
      t.match(error, expected)
      t.same(smsc.told, [], 'nothing was said to it')
    })
})

interface Pem {
  cert: string
  key: string
}

/** CAs of SMSCs and of clients, a certificate of each, and a directory to put them in. */
async function certificates(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'carillon-tls-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const made = async (name: string, ca?: Pem): Promise<Pem> => {
    const pem = await generate([{ name: 'commonName', value: name }], {
      keySize: 2048,
      algorithm: 'sha256',
      ...(ca === undefined ? {} : { ca }),
      extensions: [
        ca === undefined
          ? { name: 'basicConstraints', cA: true, critical: true }
          : { name: 'subjectAltName', altNames: [{ type: 2, value: name }] },
      ],
    })
    return { cert: pem.cert, key: pem.private }
  }
  const signed = async (ca: string, name: string): Promise<{ ca: string; leaf: Pem }> => {
    const authority = await made(ca)
    return { ca: authority.cert, leaf: await made(name, authority) }
  }
  return {
    smscs: await signed('SMSCs', 'smsc.example'),
    clients: await signed('clients', 'gateway'),
    path: (name: string, text: string): string => {
      const file = join(directory, name)
      writeFileSync(file, text, { mode: 0o600 })
      return file
    },
  }
}

/** Another library's SMSC behind TLS; with `ca`, it wants a certificate of that CA. */
async function secureSmsc(t: Test, { cert, key, ca }: Pem & { ca?: string }) {
  /** What each bind came over. */
  const told: string[] = []
  const open = new Set<TLSSocket>()
  const plain = smpp.createServer({}, session => {
    session.on('bind_transceiver', () => {
      const socket = [...open].find(one => one === session.socket)
      const { subject } = (socket?.getPeerCertificate() ?? {}) as { subject?: { CN?: string } }
      told.push([socket?.getProtocol(), 'client', subject?.CN ?? 'unknown'].join(' '))
    })
    serve(session)
  })
  const server = createServer(
    { cert, key, ...(ca === undefined ? {} : { ca, requestCert: true, rejectUnauthorized: true }) },
    socket => {
      open.add(socket)
      socket.on('error', () => undefined)
      plain.emit('connection', socket)
    },
  )
  server.on('tlsClientError', () => undefined)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, told }
}

function serve(session: Session): void {
  let ids = 0
  session.on('error', () => undefined)
  session.on('bind_transceiver', (pdu: PDU) => session.send(pdu.response({ system_id: 'smsc' })))
  session.on('unbind', (pdu: PDU) => session.send(pdu.response()))
  session.on('submit_sm', (pdu: PDU) => {
    const id = String(++ids)
    session.send(pdu.response({ message_id: id }))
    session.deliver_sm({
      source_addr: pdu['destination_addr'],
      destination_addr: pdu['source_addr'],
      esm_class: 4,
      receipted_message_id: id,
      message_state: 2,
      short_message: `id:${id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:`,
    })
  })
}

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { generate } from 'selfsigned'
import t from 'tap'
import type { Connection } from '../link/types.js'
import { listenTcp } from '../link/tcp.js'
import { VirtualTime } from '../testing/virtual-time.js'
import { waitFor } from '../testing/wait-for.js'
import { LOOK_MS, readCertificates, watchCertificates } from './certificates.js'

const made = (name: string) =>
  generate([{ name: 'commonName', value: name }], { algorithm: 'sha256', keyType: 'ec' })

void t.test('a renewed certificate counts for new connections, and ends none', async t => {
  const directory = mkdtempSync(join(tmpdir(), 'certificates-'))
  t.teardown(() => rmSync(directory, { recursive: true }))
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem'), ca: null }
  const put = (path: string, text: string): void => {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
  const [old, renewed] = await Promise.all([made('old'), made('renewed')])
  put(files.cert, old.cert)
  put(files.key, old.private)

  const first = readCertificates(files)
  const held: Connection[] = []
  const listener = await listenTcp({
    host: '127.0.0.1',
    port: 0,
    tls: first,
    onConnection: connection => {
      connection.listen({
        data: () => undefined,
        drained: () => undefined,
        closed: () => undefined,
      })
      held.push(connection)
    },
  })
  const failures: string[] = []
  const time = new VirtualTime()
  const cancel = watchCertificates(files, first, time, {
    renewed: context => listener.renew(context),
    failed: error => failures.push(error.message),
  })
  const sockets: TLSSocket[] = []
  t.teardown(async () => {
    cancel()
    for (const socket of sockets) socket.destroy()
    for (const connection of held) connection.destroy()
    await listener.close()
  })
  const nameNow = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const to = { host: '127.0.0.1', port: listener.port, rejectUnauthorized: false }
      const socket = connect(to, () => resolve(socket.getPeerCertificate().subject.CN))
      socket.on('error', reject)
      sockets.push(socket)
    })
  const look = async (until: () => boolean | Promise<boolean>): Promise<void> => {
    await waitFor('the files to be looked at', async () => {
      time.advance(LOOK_MS)
      return until()
    })
  }
  t.equal(await nameNow(), 'old')

  put(files.cert, renewed.cert) // and not its key yet
  await look(() => failures.length > 0)
  t.match(failures[0], /make no certificate/)
  t.equal(await nameNow(), 'old')
  for (let i = 0; i < 3; i++) time.advance(LOOK_MS)
  put(files.key, renewed.private)
  await look(async () => (await nameNow()) === 'renewed')
  t.equal(failures.length, 1, 'said once')
  t.equal(sockets[0]!.destroyed, false)
  rmSync(files.key)
  await look(() => failures.length > 1)
  t.match(failures[1], /ENOENT/)
  t.equal(await nameNow(), 'renewed')
})

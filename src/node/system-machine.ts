import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { hash, verify } from '@node-rs/argon2'
import { openClusterNode } from '../../cluster/index.js'
import { systemClock, systemTimers, type Cancel } from '../base/clock.js'
import { systemRandom } from '../base/random.js'
import { connectTcp, listenTcp, type Listener } from '../link/tcp.js'
import { readCertificates, watchCertificates } from './certificates.js'
import { openDataFolder } from './data-folder.js'
import type { ConnectOptions, ListenOptions, Machine, OpenListener } from './machine.js'

/** OWASP's first recommendation for argon2id: 19 MiB, two passes; some 15 ms on one thread. */
const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** This computer. */
export const systemMachine: Machine = {
  clock: systemClock,
  timers: systemTimers,
  random: systemRandom,
  passwords: {
    hash: password => hash(password, ARGON2),
    verify: (phc, password) => verify(phc, password),
  },
  openFolder: openDataFolder,
  openCluster: openClusterNode,
  listen: async options => {
    const { tls } = options
    if (tls === null) return opened(options, await listenTcp({ ...options, tls: undefined }))
    const first = readCertificates(tls)
    const listener = await listenTcp({ ...options, tls: first })
    const cancelWatch = watchCertificates(tls, first, systemTimers, {
      renewed: context => {
        listener.renew(context)
        options.onCertificates(undefined)
      },
      failed: error => options.onCertificates(error),
    })
    return opened(options, listener, cancelWatch)
  },
  connect: async ({ tls, ...to }) =>
    connectTcp(tls === null ? to : { ...to, tls: await clientTlsOf(tls) }),
  serveHttp: async (app, { host, port }) => {
    await app.listen({ host, port })
    const bound = app.addresses().find(place => typeof place !== 'string')
    return {
      host,
      address: bound?.address ?? host,
      port: bound?.port ?? port,
      close: () => app.close(),
    }
  },
}

function opened(
  { host }: ListenOptions,
  listener: Listener,
  cancelWatch: Cancel = () => undefined,
): OpenListener {
  const { address, port } = listener
  const close = (): Promise<void> => {
    cancelWatch()
    return listener.close()
  }
  return { host, address, port, close }
}

async function clientTlsOf(files: NonNullable<ConnectOptions['tls']>): Promise<ConnectionOptions> {
  const pem = async (
    name: 'ca' | 'cert' | 'key',
  ): Promise<Partial<Record<typeof name, Buffer>>> => {
    const path = files[name]
    if (path === null) return {}
    try {
      return { [name]: await readFile(path) }
    } catch (error) {
      throw new Error(`tls.${name}: ${(error as Error).message}`, { cause: error })
    }
  }
  const { serverName } = files
  return {
    minVersion: 'TLSv1.2',
    ...(serverName === null ? {} : { servername: serverName }),
    ...(await pem('ca')),
    ...(await pem('cert')),
    ...(await pem('key')),
  }
}

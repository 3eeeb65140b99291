import { connect, createServer, isIP, type AddressInfo, type Socket } from 'node:net'
import tls from 'node:tls'
import { systemTimers, type Timers } from '../base/clock.js'
import type { ProxySource } from './proxy-protocol.js'
import { readProxyHeader, trustList } from './proxy-reader.js'
import { plainAddress, SocketConnection } from './socket-connection.js'
import type { Connection } from './types.js'

export interface ConnectOptions {
  host: string
  port: number
  /** The address to connect from; undefined or null: the system's choice. */
  localAddress?: string | null | undefined
  /** Until connected, TLS handshake included. */
  timeoutMs: number
  /** Present: TLS. `servername` defaults to the host. */
  tls?: tls.ConnectionOptions | undefined
  /** Gives up when aborted. */
  signal?: AbortSignal | undefined
}

/**
 * Connects, or rejects with an Error whose `code` is the system's (ECONNREFUSED, …), ETIMEDOUT after
 * `timeoutMs`, or TLS's. Nothing is left behind then.
 */
export async function connectTcp(options: ConnectOptions): Promise<Connection> {
  const { host, port, timeoutMs, signal } = options
  const target = {
    host,
    port,
    ...(options.localAddress == null ? {} : { localAddress: options.localAddress }),
  }
  const servername = options.tls?.servername ?? (isIP(host) === 0 ? host : '')
  const secure = options.tls !== undefined
  const socket = secure ? tls.connect({ ...options.tls, ...target, servername }) : connect(target)
  return new Promise<Connection>((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
      socket.removeListener('error', failed)
      socket.removeListener(secure ? 'secureConnect' : 'connect', connected)
    }
    const failed = (error: Error): void => {
      done()
      socket.on('error', () => undefined) // destroying may say it again
      socket.destroy()
      reject(error)
    }
    const connected = (): void => {
      done()
      resolve(new SocketConnection(socket, undefined))
    }
    const aborted = (): void => failed(new Error('gave up connecting'))
    const timer = setTimeout(() => {
      const error = new Error(`no connection to ${host}:${port} within ${timeoutMs} ms`)
      failed(Object.assign(error, { code: 'ETIMEDOUT' }))
    }, timeoutMs)
    socket.once('error', failed)
    socket.once(secure ? 'secureConnect' : 'connect', connected)
    signal?.addEventListener('abort', aborted, { once: true })
    if (signal?.aborted === true) aborted()
  })
}

export interface ListenOptions {
  host: string
  /** 0: any free one, see `Listener.port`. */
  port: number
  /** Present: TLS. */
  tls?: tls.TlsOptions | undefined
  /** Gets each connection, TLS handshake and PROXY header done; must call its `listen` in this turn. */
  onConnection: (connection: Connection) => void
  /** More are closed at once. Default 10,000. */
  connectionsMax?: number
  /** Of one address, which is the PROXY header's where there is one; trusted proxies' own count not. null: no limit. Default null. */
  connectionsPerAddressMax?: number | null
  /** CIDRs that may connect, by the PROXY header's address where there is one; empty or missing: all. */
  allowFrom?: readonly string[]
  proxy?: ProxyOptions | undefined
  /** Of PROXY header and TLS handshake. Default 10,000. */
  handshakeTimeoutMs?: number
  /** Told of connections that were not taken, and why. For a counter, or a log line now and then. */
  onRefused?: (reason: string, remoteAddress: string) => void
  timers?: Timers
}

/**
 * `off`: no header is expected. `accept`: a trusted proxy may send one. `require`: every connection must
 * come from a trusted proxy and begin with one. A header from anyone else is no SMPP and closes the link.
 */
export interface ProxyOptions {
  mode: 'off' | 'accept' | 'require'
  /** Addresses or CIDR ranges, IPv4 or IPv6. */
  trustedProxies: readonly string[]
}

export interface Listener {
  readonly address: string
  readonly port: number
  /** Open now, those still in their handshake included. */
  readonly connections: number
  /** With TLS: handshakes from now on are made with these. Connections that stand go on as they are. */
  renew(options: tls.SecureContextOptions): void
  /** Takes no more connections; those that are open stay. Resolves when the port is free. */
  close(): Promise<void>
}

/** Listens; rejects with the system's error (EADDRINUSE, …). */
export async function listenTcp(options: ListenOptions): Promise<Listener> {
  const { connectionsMax = 10_000, handshakeTimeoutMs = 10_000, timers = systemTimers } = options
  const { mode, trustedProxies } = options.proxy ?? { mode: 'off', trustedProxies: [] }
  const trusts = trustList(trustedProxies)
  const { allowFrom = [] } = options
  const allows = allowFrom.length === 0 ? undefined : trustList(allowFrom)
  const open = new Set<Socket>()

  const refuse = (socket: Socket, reason: string): void => {
    options.onRefused?.(reason, plainAddress(socket.remoteAddress))
    socket.destroy()
  }
  const secure = options.tls && secureServer(options.tls, handshakeTimeoutMs, options, refuse)
  const addresses = new AddressCounts(options.connectionsPerAddressMax ?? null)
  const begin = (socket: Socket, source: ProxySource | undefined): void => {
    const address = source?.address ?? plainAddress(socket.remoteAddress)
    if (allows?.(address) === false) {
      options.onRefused?.('not from an address that is allowed', address)
      socket.destroy()
      return
    }
    const counts = source !== undefined || !trusts(address)
    if (counts && !addresses.take(address, socket)) {
      options.onRefused?.('too many connections from this address', address)
      socket.destroy()
      return
    }
    if (secure === undefined) options.onConnection(new SocketConnection(socket, source))
    else secure.begin(socket, source)
  }
  const server = createServer(socket => {
    socket.on('error', () => undefined) // 'close' follows
    if (open.size >= connectionsMax) {
      refuse(socket, 'too many connections')
      return
    }
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    if (mode === 'off' || !trusts(plainAddress(socket.remoteAddress))) {
      if (mode === 'require') refuse(socket, 'not from a trusted proxy')
      else begin(socket, undefined)
      return
    }
    readProxyHeader(socket, timers, handshakeTimeoutMs, header => {
      if (header.kind === 'bad') refuse(socket, `PROXY header: ${header.reason}`)
      else if (header.kind === 'header') begin(socket, header.source)
      else if (mode === 'require') refuse(socket, 'PROXY header: there is none')
      else begin(socket, undefined)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: options.host, port: options.port }, () => {
      server.removeListener('error', reject)
      server.on('error', () => undefined) // one failed accept; the next may do
      resolve()
    })
  })
  const bound = server.address() as AddressInfo
  return {
    address: bound.address,
    port: bound.port,
    get connections() {
      return open.size
    },
    renew: context => secure?.renew(context),
    close: () =>
      new Promise<void>(resolve => {
        server.close() // would call back only when the last connection is gone
        setImmediate(resolve)
      }),
  }
}

/** How many connections each address has open. */
class AddressCounts {
  private readonly most: number | null
  private readonly open: Map<string, number> = new Map()

  constructor(most: number | null) {
    this.most = most
  }

  /** Counts it until the socket closes; false: there are as many as may be. */
  take(address: string, socket: Socket): boolean {
    if (this.most === null) return true
    const before = this.open.get(address) ?? 0
    if (before >= this.most) return false
    this.open.set(address, before + 1)
    socket.once('close', () => {
      const left = (this.open.get(address) ?? 1) - 1
      if (left > 0) this.open.set(address, left)
      else this.open.delete(address)
    })
    return true
  }
}

/** TLS over sockets that were accepted, and perhaps read from, elsewhere. */
function secureServer(
  options: tls.TlsOptions,
  handshakeTimeout: number,
  { onConnection }: Pick<ListenOptions, 'onConnection'>,
  refuse: (socket: Socket, reason: string) => void,
) {
  const server = tls.createServer({ ...options, handshakeTimeout })
  /** By the socket's endpoint, for TLS hands over a socket of its own. */
  const sources = new Map<string, ProxySource>()
  const endpoint = (socket: Socket) => `${socket.remoteAddress ?? ''} ${socket.remotePort ?? 0}`
  server.on('secureConnection', socket => {
    socket.on('error', () => undefined)
    onConnection(new SocketConnection(socket, sources.get(endpoint(socket))))
  })
  server.on('tlsClientError', (error, socket) => refuse(socket, `TLS: ${error.message}`))
  return {
    renew(context: tls.SecureContextOptions): void {
      server.setSecureContext(context)
    },
    begin(socket: Socket, source: ProxySource | undefined): void {
      if (source !== undefined) {
        const key = endpoint(socket)
        sources.set(key, source)
        socket.once('close', () => sources.delete(key))
      }
      server.emit('connection', socket)
    },
  }
}

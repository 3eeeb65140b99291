import {
  Client,
  Server,
  status,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type sendUnaryData,
} from '@grpc/grpc-js'
import type { Http2Server, ServerHttp2Session } from 'node:http2'

import type { Clock, Timers } from '../../src/base/clock.js'
import type { Logger } from '../../src/base/logger.js'
import type { Random } from '../../src/base/random.js'
import type { Member } from '../types.js'
import { GrpcPeer, type PeerContext } from './grpc-peer.js'
import {
  CHANNEL_OPTIONS,
  FLOW_CONTROL_WINDOW,
  METHODS,
  clientCredentials,
  closeClient,
  identityMetadata,
  nodeOfCertificate,
  readIdentity,
  readTry,
  serverCredentials,
  type TlsMaterial,
} from './grpc-service.js'
import { probePort } from './port-probe.js'
import {
  PROTOCOL_VERSION,
  type Identity,
  type Lane,
  type PeerView,
  type Sent,
  type Transport,
  type TransportHandler,
} from './transport.js'

const HELLO_TIMEOUT_MS = 2000
/** A snapshot frame that HTTP/2 does not take for so long ends the call. */
const SNAPSHOT_STALL_MS = 20_000

export interface GrpcTransportOptions {
  /** host:port; port 0 lets the system choose. */
  listen: string
  tls: TlsMaterial | undefined
  electionTimeoutMs: number
  clock: Clock
  timers: Timers
  random: Random
  logger: Logger
}

/** The transport over gRPC. DESIGN §4 */
export class GrpcTransport implements Transport {
  private readonly options: GrpcTransportOptions
  private readonly server: Server
  private readonly peers = new Map<number, GrpcPeer>()
  private identity: Identity | undefined
  private handler: TransportHandler | undefined
  private readonly run: string

  constructor(options: GrpcTransportOptions) {
    this.options = options
    this.run = options.random.octets(8).toString('hex')
    // without channelz, grpc-js 1.14 forgets to end the sessions in forceShutdown
    this.server = new Server({ ...CHANNEL_OPTIONS, 'grpc.enable_channelz': 1 })
  }

  async start(handler: TransportHandler): Promise<number> {
    this.handler = handler
    this.server.addService(METHODS, {
      append: (call: ServerDuplexStream<Buffer, Buffer>) => this.serveLane('append', call),
      control: (call: ServerDuplexStream<Buffer, Buffer>) => this.serveLane('control', call),
      snapshot: (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) =>
        void this.serveSnapshot(call, done),
      hello: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) =>
        this.serveHello(call, done),
    })
    const port = await new Promise<number>((resolve, reject) => {
      this.server.bindAsync(
        this.options.listen,
        serverCredentials(this.options.tls),
        (error, bound) => (error === null ? resolve(bound) : reject(error)),
      )
    })
    widenWindows(this.server)
    return port
  }

  identify(identity: Identity): void {
    this.identity = identity
    for (const peer of this.peers.values()) peer.start()
  }

  setPeers(members: readonly Member[]): void {
    const wanted = new Map(members.map(({ id, address }) => [id, address]))
    for (const [id, peer] of this.peers) {
      if (wanted.get(id) === peer.address) continue
      peer.stop()
      this.peers.delete(id)
    }
    for (const [id, address] of wanted) {
      if (this.peers.has(id)) continue
      const peer = new GrpcPeer(id, address, this.peerContext())
      this.peers.set(id, peer)
      if (this.identity !== undefined) peer.start()
    }
  }

  send(to: number, lane: Lane, record: Buffer): Sent {
    return this.peers.get(to)?.send(lane, record) ?? 'down'
  }

  async sendSnapshot(to: number, frames: AsyncIterable<Buffer>): Promise<void> {
    const address = this.peers.get(to)?.address
    if (address === undefined || this.identity === undefined) throw new Error(`no peer ${to}`)
    const client = this.client(address, to)
    const { path, requestSerialize, responseDeserialize } = METHODS.snapshot
    try {
      await new Promise<void>((resolve, reject) => {
        const call = client.makeClientStreamRequest(
          path,
          requestSerialize,
          responseDeserialize,
          identityMetadata(this.identity!),
          error => (error === null ? resolve() : reject(error)),
        )
        const write = (frame: Buffer): Promise<void> =>
          new Promise((taken, stalled) => {
            const cancel = this.options.timers.after(SNAPSHOT_STALL_MS, () =>
              stalled(new Error('the receiver of a snapshot stalls')),
            )
            call.write(frame, (error: Error | null | undefined) => {
              cancel()
              if (error) stalled(error)
              else taken()
            })
          })
        const pump = async (): Promise<void> => {
          for await (const frame of frames) await write(frame)
          call.end()
        }
        pump().catch((error: unknown) => {
          call.cancel()
          reject(error instanceof Error ? error : new Error(String(error)))
        })
      })
    } finally {
      closeClient(client)
    }
  }

  hello(address: string, request: Buffer): Promise<Buffer> {
    const client = this.client(address, undefined)
    const { path, requestSerialize, responseDeserialize } = METHODS.hello
    return new Promise<Buffer>((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        { deadline: Date.now() + HELLO_TIMEOUT_MS },
        (error, response) => {
          closeClient(client)
          if (error !== null || response === undefined) reject(error ?? new Error('no answer'))
          else resolve(response)
        },
      )
    })
  }

  look(id: number): void {
    void this.peers.get(id)?.look()
  }

  peer(id: number): PeerView {
    return this.peers.get(id)?.view ?? { state: 'silent', sinceMs: 0, heardAtMs: -Infinity }
  }

  stop(): Promise<void> {
    for (const peer of this.peers.values()) peer.stop()
    this.peers.clear()
    this.server.forceShutdown()
    return Promise.resolve()
  }

  private peerContext(): PeerContext {
    const { clock, timers, random, logger, tls, electionTimeoutMs } = this.options
    return {
      clock,
      timers,
      random,
      logger,
      tls,
      silenceMs: Math.max(4000, 8 * electionTimeoutMs),
      identity: () => this.identity,
      run: this.run,
      probe: probePort,
      onRecord: (from, lane, record) => this.handler?.onRecord(from, lane, record),
      onPeer: (id, event) => this.handler?.onPeer(id, event),
    }
  }

  private client(address: string, expected: number | undefined): Client {
    return new Client(address, clientCredentials(this.options.tls, expected), CHANNEL_OPTIONS)
  }

  private serveLane(lane: Lane, call: ServerDuplexStream<Buffer, Buffer>): void {
    const refusal = this.refusal(call)
    if (typeof refusal !== 'number') {
      call.on('error', () => undefined)
      call.emit('error', refusal)
      return
    }
    const abort = (): void => {
      call.on('error', () => undefined)
      call.emit('error', { code: status.ABORTED, details: 'stream given up' })
    }
    const peer = this.peers.get(refusal)!
    const made = readTry(call.metadata)
    if (!peer.takes(lane, made)) {
      abort()
      return
    }
    call.sendMetadata(identityMetadata(this.identity!))
    peer.accept(lane, call, abort, made)
  }

  private async serveSnapshot(
    call: ServerReadableStream<Buffer, Buffer>,
    done: sendUnaryData<Buffer>,
  ): Promise<void> {
    const refusal = this.refusal(call)
    if (typeof refusal !== 'number') {
      done(refusal)
      return
    }
    try {
      await this.handler!.onSnapshot(refusal, call as AsyncIterable<Buffer>)
      done(null, Buffer.alloc(0))
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error)
      done({ code: status.ABORTED, details })
    }
  }

  private serveHello(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
    try {
      done(null, this.handler!.onHello(call.request, this.certifiedId(call)))
    } catch (error) {
      const details = error instanceof Error ? error.message : String(error)
      done({ code: status.FAILED_PRECONDITION, details })
    }
  }

  /** The sender's id, or why it is not spoken with. */
  private refusal(call: Calling): number | { code: status; details: string } {
    const no = (details: string, code = status.FAILED_PRECONDITION) => {
      this.options.logger.debug('stream refused', { details })
      return { code, details }
    }
    const own = this.identity
    const peer = readIdentity(call.metadata)
    if (own === undefined) return no('this node has not started yet', status.UNAVAILABLE)
    if (peer.version !== PROTOCOL_VERSION) return no(`version ${PROTOCOL_VERSION} is spoken here`)
    if (peer.clusterId !== own.clusterId) return no(`this is cluster ${own.clusterId}`)
    if (!this.peers.has(peer.id)) return no(`node ${peer.id} is no member known here`)
    if (this.options.tls !== undefined && this.certifiedId(call) !== peer.id) {
      return no(`the certificate is not for node ${peer.id}`, status.UNAUTHENTICATED)
    }
    if (!this.handler!.accepts(peer.id, peer.nonce)) {
      return no(`data of node ${peer.id} is gone; add it under a new id`)
    }
    return peer.id
  }

  private certifiedId(call: Calling): number | undefined {
    return nodeOfCertificate(call.getAuthContext().sslPeerCertificate)
  }
}

type Calling = Pick<ServerUnaryCall<Buffer, Buffer>, 'metadata' | 'getAuthContext'>

/**
 * Raises the receive windows of a bound server: grpc-js has the option for clients only, and a
 * window of 64 KB a round trip would bound what a peer may send. Does nothing where a later
 * grpc-js looks different inside.
 */
function widenWindows(server: Server): void {
  const inside = server as unknown as { http2Servers?: Map<Http2Server, unknown> }
  for (const http2Server of inside.http2Servers?.keys() ?? []) {
    http2Server.on('session', (session: ServerHttp2Session) => {
      session.settings({ initialWindowSize: FLOW_CONTROL_WINDOW })
      session.setLocalWindowSize(FLOW_CONTROL_WINDOW)
    })
  }
}

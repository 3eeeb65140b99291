import { connectivityState, credentials, Metadata, ServerCredentials } from '@grpc/grpc-js'
import type {
  ChannelCredentials,
  ChannelOptions,
  Client,
  MethodDefinition,
  ServiceDefinition,
} from '@grpc/grpc-js'
import { readFileSync } from 'node:fs'
import type { PeerCertificate } from 'node:tls'

import type { ClusterOptions } from '../types.js'
import { PROTOCOL_VERSION, type Identity } from './transport.js'

type Octets = MethodDefinition<Buffer, Buffer>

const same = (octets: Buffer): Buffer => octets

function method(name: string, requestStream: boolean, responseStream: boolean): Octets {
  return {
    path: `/carillon.raft.v1.Peer/${name}`,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
}

/** Written by hand; documented in proto/raft/v1/peer.proto. Octets pass through as they are. */
export const METHODS = {
  append: method('Append', true, true),
  control: method('Control', true, true),
  snapshot: method('Snapshot', true, false),
  hello: method('Hello', false, false),
} as const satisfies ServiceDefinition

/** HTTP/2's receive window: 64 KB would bound a stream to one window a round trip. */
export const FLOW_CONTROL_WINDOW = 8 * 1024 * 1024
const FRAME_BYTES_MAX = 64 * 1024 * 1024

/** The name in a certificate's stead: peers are known by their URI, and an address is no server name. */
const TLS_NAME = 'carillon.peer'

export const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.max_receive_message_length': FRAME_BYTES_MAX,
  'grpc.max_send_message_length': FRAME_BYTES_MAX,
  'grpc.ssl_target_name_override': TLS_NAME,
  'grpc.use_local_subchannel_pool': 1, // a connection of its own for every lane
  'grpc.enable_retries': 0,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_channelz': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
  'grpc.initial_reconnect_backoff_ms': 20,
  'grpc.max_reconnect_backoff_ms': 250,
  'grpc.dns_min_time_between_resolutions_ms': 1000,
  'grpc.max_connection_idle_ms': 10_000, // for servers: a client may have given up while it connected
}

const CLOSE_WAIT_MS = 3000

/** Closes a client. grpc-js leaks the connection of one that is closed while it connects. */
export function closeClient(client: Client): void {
  const channel = client.getChannel()
  const { CONNECTING } = connectivityState
  if (channel.getConnectivityState(false) !== CONNECTING) client.close()
  else {
    const deadline = Date.now() + CLOSE_WAIT_MS
    channel.watchConnectivityState(CONNECTING, deadline, () => client.close())
  }
}

/** Says on every stream who speaks, and of which cluster. */
export function identityMetadata(identity: Identity): Metadata {
  const metadata = new Metadata()
  metadata.set('carillon-version', PROTOCOL_VERSION)
  metadata.set('carillon-cluster', identity.clusterId)
  metadata.set('carillon-node', String(identity.id))
  metadata.set('carillon-nonce', identity.nonce)
  return metadata
}

/** Which try of a node to dial a lane a stream is of: `number` counts the tries that its process `run` has made. */
export interface Try {
  run: string
  number: number
}

export function setTry(metadata: Metadata, { run, number }: Try): Metadata {
  metadata.set('carillon-try', `${run}.${number}`)
  return metadata
}

/** undefined: the sender does not say. */
export function readTry(metadata: Metadata): Try | undefined {
  const said = /^([0-9a-f]+)\.(\d+)$/.exec(String(metadata.get('carillon-try')[0] ?? ''))
  return said === null ? undefined : { run: said[1]!, number: Number(said[2]) }
}

export function readIdentity(metadata: Metadata): Identity & { version: string } {
  const text = (name: string): string => String(metadata.get(name)[0] ?? '')
  return {
    version: text('carillon-version'),
    clusterId: text('carillon-cluster'),
    id: Number(text('carillon-node')),
    nonce: text('carillon-nonce'),
  }
}

export type TlsFiles = NonNullable<ClusterOptions['tls']>

export interface TlsMaterial {
  cert: Buffer
  key: Buffer
  ca: Buffer
}

/** `tls` holds file names. */
export function readTls(tls: TlsFiles): TlsMaterial {
  return { cert: readFileSync(tls.cert), key: readFileSync(tls.key), ca: readFileSync(tls.ca) }
}

export function serverCredentials(tls: TlsMaterial | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const pair = { private_key: tls.key, cert_chain: tls.cert }
  return ServerCredentials.createSsl(tls.ca, [pair], true)
}

/** `expected`: the node that must answer; undefined where its id is not known yet. */
export function clientCredentials(
  tls: TlsMaterial | undefined,
  expected: number | undefined,
): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure()
  return credentials.createSsl(tls.ca, tls.key, tls.cert, {
    // the certificate names the node, not the host: peers move
    checkServerIdentity: (_host, certificate) => {
      const id = nodeOfCertificate(certificate)
      if (id !== undefined && (expected === undefined || id === expected)) return undefined
      return new Error(`the certificate is for node ${id ?? 'none'}, not ${expected ?? 'a node'}`)
    },
  })
}

/** The id in the certificate's URI carillon://node/ID; undefined where there is none. */
export function nodeOfCertificate(
  certificate: Pick<PeerCertificate, 'subjectaltname'> | undefined,
): number | undefined {
  const uri = /URI:carillon:\/\/node\/(\d+)(?=,|$)/.exec(certificate?.subjectaltname ?? '')
  return uri === null ? undefined : Number(uri[1])
}

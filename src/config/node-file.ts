import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { addressText, type Address } from '../base/address.js'
import { readDocument } from './document.js'
import { overrideFromEnvironment } from './environment.js'
import { ConfigError, keyText, type FileError } from './file-error.js'
import { readBy } from './problems.js'
import * as v from './values.js'

/** One node's own settings; what all nodes share is in the gateway file. Paths are absolute. */
export interface NodeConfig {
  node: {
    /** 1–65535, never given to another node later. Default 1. */
    id: number
    /** Everything this node remembers. Default ./data/ID. */
    dataDir: string
    /** 32 octets, the same on every node, that seal connectors' passwords; null: they lie plain. */
    secretKeyFile: string | null
    /** After SIGTERM: how long windows may take to empty. Default 30 s. */
    drainTimeoutMs: number
  }
  cluster: {
    /** host:port for the other nodes. Default 127.0.0.1:7101. */
    listen: string
    /** The first members, this node too; afterwards the replicated membership counts. Default: this node alone. */
    peers: { id: number; address: string }[]
    /** Mutual TLS between nodes: both sides show a certificate of `ca`. */
    tls: { cert: string; key: string; ca: string } | null
    /** Default 50. Much less is work without use, much more delays the notice of a dead node. */
    heartbeatMs: number
    /** Default 500, at least 5 heartbeats. Too little elects leaders for nothing when a disk stalls. */
    electionTimeoutMs: number
    /** Cut off from the leader for this long, a node unbinds its ESMEs. Default 10 s. */
    isolationTimeoutMs: number
  }
  smpp: {
    /** Default 127.0.0.1:2775. */
    listen: Address
    /** A second listener; with `ca`, ESMEs show a certificate of it. The files are looked at again every 30 s. */
    tls: { listen: Address; cert: string; key: string; ca: string | null } | null
    /** A submit that is not committed by then is answered ESME_RSYSERR. Default 5,000. */
    submitTimeoutMs: number
    proxyProtocol: 'off' | 'accept' | 'require'
    /** CIDRs that may send a PROXY header. */
    trustedProxies: string[]
    /** CIDRs that may connect, by the PROXY header's address where there is one; empty: all. An account has its own besides. */
    allowFrom: string[]
    /** A receipt waits this long for its submit_sm_resp to be written elsewhere. Default 500. */
    receiptGuardMs: number
    /** From connection to bind. Default 10,000. */
    bindTimeoutMs: number
    /** Silence after which we ask whether the ESME is there. Default 30,000. */
    enquireLinkMs: number
    /** Silence after which the session is closed; more than enquireLinkMs. Default 90,000. */
    inactivityTimeoutMs: number
    /** From our deliver_sm to its response. Default 10,000. */
    responseTimeoutMs: number
    /** A longer PDU closes its connection. Default 64 KiB. */
    pduOctetsMax: number
    /** Connections at once; more are closed at once. Default 10,000. */
    connectionsMax: number
    /**
     * Of one address at once, on each listener; null: no limit. Behind a balancer that hides addresses all are one:
     * use it with `proxyProtocol`. Default null.
     */
    connectionsPerAddressMax: number | null
    /** More of them, in this order, each with limits of its own. Default: none. */
    listeners: SmppListener[]
  }
  http: {
    /** Default 127.0.0.1:8081. */
    listen: Address
    /** Any of them opens the API (`Authorization: Bearer KEY`); none: it is open. */
    apiKeys: string[]
  }
  /** First contents of the replicated settings; null: none given and no gateway.yaml beside the node file. */
  gateway: string | null
  /** Lets a node listen beyond loopback without keys and certificates. */
  insecure: boolean
}

/** One more SMPP listener. What its entry leaves out is as `smpp` has it, but for TLS, which it has of its own or not at all. */
export interface SmppListener {
  listen: Address
  /** As `smpp.tls`. */
  tls: { cert: string; key: string; ca: string | null } | null
  proxyProtocol: 'off' | 'accept' | 'require'
  trustedProxies: string[]
  allowFrom: string[]
  connectionsMax: number
  connectionsPerAddressMax: number | null
}

export interface NodeFileOptions {
  /** As the user gave it, for messages; relative paths in it count from its directory. */
  file: string
  environment: NodeJS.ProcessEnv
  /** Whether a file is there; for the default of `gateway`. */
  exists: (path: string) => boolean
}

/**
 * Reads a node file.
 *
 * @returns  the settings, and sentences for what is odd but no mistake
 * @throws ConfigError with every mistake
 */
export function parseNodeFile(
  text: string,
  options: NodeFileOptions,
): { config: NodeConfig; warnings: string[] } {
  const directory = dirname(resolve(options.file))
  const schema = nodeSchema(directory)
  const document = readDocument(text, options.file)
  const { content, variableAt, warnings } = overrideFromEnvironment(
    schema,
    document.content,
    options.environment,
  )
  const placed = (path: readonly PropertyKey[], message: string): FileError => {
    const variable = variableAt(path)
    return variable === undefined
      ? document.errorAt(path, message)
      : { file: 'environment', line: 0, column: 0, key: variable, message }
  }
  const { node, cluster, smpp, gateway, ...rest } = readBy(schema, document, content, placed)
  const config: NodeConfig = {
    ...rest,
    node: { ...node, dataDir: node.dataDir ?? resolve(directory, `data/${node.id}`) },
    cluster: {
      ...cluster,
      listen: addressText(cluster.listen),
      peers: peersOf(node.id, cluster),
    },
    smpp: { ...smpp, listeners: smpp.listeners.map(given => listenerOf(given, smpp)) },
    gateway: gateway ?? defaultGateway(directory, options.exists),
  }
  const errors = contradictions(config).map(([path, message]) => placed(path, message))
  if (errors.length > 0) throw new ConfigError(errors)
  const listening = [config.smpp, ...config.smpp.listeners]
  listening.forEach(({ proxyProtocol, trustedProxies }, i) => {
    if (proxyProtocol === 'off' || trustedProxies.length > 0) return
    const key = i === 0 ? 'smpp' : `smpp.listeners[${i - 1}]`
    warnings.push(`${key}.trustedProxies is empty: every connection with a PROXY header is closed`)
  })
  return { config, warnings }
}

function nodeSchema(directory: string) {
  const path = v.path(directory)
  const ranges = v.list(v.cidr, { expected: 'a list of address ranges' })
  return v.section({
    node: v.section({
      id: v.count(1, 65_535).default(1),
      dataDir: v.orNull(path),
      secretKeyFile: v.orNull(path),
      drainTimeoutMs: v.count(0, 3_600_000).default(30_000),
    }),
    cluster: v.section({
      listen: v.address.default({ host: '127.0.0.1', port: 7101 }),
      peers: v.list(v.section({ id: v.count(1, 65_535), address: v.address }), {
        expected: 'a list of {id, address}',
      }),
      tls: v.optionalSection({ cert: path, key: path, ca: path }),
      heartbeatMs: v.count(5, 10_000).default(50),
      electionTimeoutMs: v.count(50, 60_000).default(500),
      isolationTimeoutMs: v.count(1000, 3_600_000).default(10_000),
    }),
    smpp: v.section({
      listen: v.address.default({ host: '127.0.0.1', port: 2775 }),
      tls: v.optionalSection({ listen: v.address, cert: path, key: path, ca: v.orNull(path) }),
      submitTimeoutMs: v.count(100, 600_000).default(5000),
      proxyProtocol: v.choice('off', 'accept', 'require').default('off'),
      trustedProxies: ranges,
      allowFrom: ranges,
      receiptGuardMs: v.count(0, 60_000).default(500),
      bindTimeoutMs: v.count(100, 600_000).default(10_000),
      enquireLinkMs: v.count(100, 3_600_000).default(30_000),
      inactivityTimeoutMs: v.count(200, 7_200_000).default(90_000),
      responseTimeoutMs: v.count(100, 600_000).default(10_000),
      pduOctetsMax: v.size(1024, 16 * 1024 * 1024).default(65_536),
      connectionsMax: v.count(1, 1_000_000).default(10_000),
      connectionsPerAddressMax: v.orNull(v.count(1, 1_000_000)),
      listeners: v.list(
        v.section({
          listen: v.address,
          tls: v.optionalSection({ cert: path, key: path, ca: v.orNull(path) }),
          proxyProtocol: v.choice('off', 'accept', 'require').optional(),
          trustedProxies: ranges.optional(),
          allowFrom: ranges.optional(),
          connectionsMax: v.count(1, 1_000_000).optional(),
          connectionsPerAddressMax: v.orNull(v.count(1, 1_000_000)).optional(),
        }),
        { expected: 'a list of listeners' },
      ),
    }),
    http: v.section({
      listen: v.address.default({ host: '127.0.0.1', port: 8081 }),
      apiKeys: v.list(v.secretText(1, 512), { expected: 'a list of keys' }),
    }),
    gateway: v.orNull(path),
    insecure: v.flag.default(false),
  }) satisfies z.ZodType
}

type Given<T> = { [K in keyof T]?: T[K] | undefined }

function listenerOf(
  { listen, tls, ...given }: Given<SmppListener> & Pick<SmppListener, 'listen' | 'tls'>,
  smpp: Omit<SmppListener, 'listen' | 'tls'>,
): SmppListener {
  return {
    listen,
    tls,
    proxyProtocol: given.proxyProtocol ?? smpp.proxyProtocol,
    trustedProxies: given.trustedProxies ?? smpp.trustedProxies,
    allowFrom: given.allowFrom ?? smpp.allowFrom,
    connectionsMax: given.connectionsMax ?? smpp.connectionsMax,
    connectionsPerAddressMax:
      given.connectionsPerAddressMax === undefined
        ? smpp.connectionsPerAddressMax
        : given.connectionsPerAddressMax,
  }
}

function peersOf(
  id: number,
  { listen, peers }: { listen: Address; peers: { id: number; address: Address }[] },
): NodeConfig['cluster']['peers'] {
  const all = peers.length > 0 ? peers : [{ id, address: listen }]
  return all.map(peer => ({ id: peer.id, address: addressText(peer.address) }))
}

function defaultGateway(directory: string, exists: (path: string) => boolean): string | null {
  const beside = resolve(directory, 'gateway.yaml')
  return exists(beside) ? beside : null
}

type Place = [PropertyKey[], Address]

/** What each value alone does not show. */
function contradictions({ node, cluster, smpp }: NodeConfig): [PropertyKey[], string][] {
  const found: [PropertyKey[], string][] = []
  const ids = cluster.peers.map(peer => peer.id)
  const addresses = cluster.peers.map(peer => peer.address)
  ids.forEach((id, i) => {
    if (ids.indexOf(id) < i)
      found.push([['cluster', 'peers', i, 'id'], `node ${id} is listed twice`])
  })
  addresses.forEach((address, i) => {
    if (addresses.indexOf(address) < i) {
      found.push([['cluster', 'peers', i, 'address'], `${address} is listed twice`])
    }
  })
  if (!ids.includes(node.id)) {
    found.push([
      ['cluster', 'peers'],
      `this node, ${node.id}, is not among them: ${ids.join(', ')}`,
    ])
  }
  if (cluster.electionTimeoutMs < 5 * cluster.heartbeatMs) {
    const least = 5 * cluster.heartbeatMs
    found.push([['cluster', 'electionTimeoutMs'], `expected at least 5 heartbeats: ${least}`])
  }
  const taken = new Map<string, string>()
  const places: Place[] = [
    [['smpp', 'listen'], smpp.listen],
    ...(smpp.tls === null ? [] : [[['smpp', 'tls', 'listen'], smpp.tls.listen] as Place]),
    ...smpp.listeners.map(({ listen }, i): Place => [['smpp', 'listeners', i, 'listen'], listen]),
  ]
  for (const [path, address] of places) {
    const text = addressText(address)
    const first = taken.get(text)
    if (first === undefined || address.port === 0) taken.set(text, keyText(path))
    else found.push([path, `${text} is used already, by ${first}`])
  }
  if (smpp.inactivityTimeoutMs <= smpp.enquireLinkMs) {
    found.push([['smpp', 'inactivityTimeoutMs'], 'expected more than smpp.enquireLinkMs'])
  }
  return found
}

import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { ClusterView } from '../api/shapes.js'
import { freePorts } from './free-ports.js'
import { ProcessNode } from './process-node.js'
import { waitFor } from './wait-for.js'

export interface ProcessClusterOptions {
  /** Default 3. */
  size?: number
  /** Contents of the gateway file: YAML, or an object in its shape. See `gatewayTo`. */
  gateway: string | object
  /** Settings of every node file beside what is set here, by section: `{ smpp: { submitTimeoutMs: 800 } }`. */
  settings?: Readonly<Record<string, object>>
  /** The program of the nodes, another build's main.js; undefined for this one's. */
  main?: URL | undefined
  /** Flags of node itself: `--cpu-prof`. */
  flags?: (id: number) => readonly string[]
  env?: Readonly<Record<string, string>>
  /** Where each node listens, and what its process is started within, asked at each start; undefined: all on 127.0.0.1. */
  hosts?: ((id: number) => NodeHost) | undefined
  /** PEM files: nodes take SMPP by TLS as well, see `smppTlsAddresses`. */
  smppTls?: { cert: string; key: string } | undefined
  /** Where configuration, data and logs go; a temporary directory otherwise, removed by `stop`. */
  directory?: string
}

export interface NodeHost {
  host: string
  within: () => readonly string[]
}

/**
 * A cluster of real node processes on free ports of this machine, for tests, drills and the bench.
 *
 *     const cluster = await ProcessCluster.start({ gateway: gatewayTo(simulator.port) })
 *     const leader = await cluster.leader()
 *     await leader.kill()
 *     leader.start()
 *     await cluster.ready()
 *     await cluster.stop()
 */
export class ProcessCluster {
  readonly directory: string
  readonly nodes: ProcessNode[]
  private readonly options: ProcessClusterOptions

  /** Writes the files and starts all nodes; resolves when all are ready. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.prepare(options)
    for (const node of cluster.nodes) node.start()
    try {
      await cluster.ready()
    } catch (error) {
      await cluster.stop()
      throw error
    }
    return cluster
  }

  /** Writes the files; starts nothing. */
  static async prepare(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const { size = 3, gateway } = options
    const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'carillon-cluster-')))
    await mkdir(directory, { recursive: true })
    const yaml = typeof gateway === 'string' ? gateway : stringify(gateway)
    await writeFile(join(directory, 'gateway.yaml'), yaml)
    const cluster = new ProcessCluster(directory, options)
    const ports = await freePorts(PORTS * size)
    const all = Array.from({ length: size }, (_, i) => placeOf(i + 1, ports.slice(PORTS * i)))
    for (const place of all) cluster.nodes.push(await cluster.prepareNode(place, all))
    return cluster
  }

  /** Writes the file of one more node, whose `peers` name itself and those that are there; starts nothing. */
  async addNode(id: number): Promise<ProcessNode> {
    const place = placeOf(id, await freePorts(PORTS))
    const node = await this.prepareNode(place, [...this.nodes, place])
    this.nodes.push(node)
    return node
  }

  private constructor(directory: string, options: ProcessClusterOptions) {
    this.directory = directory
    this.nodes = []
    this.options = options
  }

  private async prepareNode(
    place: Place,
    members: readonly { id: number; peerPort: number }[],
  ): Promise<ProcessNode> {
    const { settings = {}, flags, env = {}, main, smppTls, hosts = () => LOOPBACK } = this.options
    const { id, peerPort, smppPort, httpPort, smppTlsPort } = place
    const { host, within } = hosts(id)
    const tls = { listen: `${host}:${smppTlsPort}`, ...smppTls }
    const peers = members.map(one => ({
      id: one.id,
      address: `${hosts(one.id).host}:${one.peerPort}`,
    }))
    const sections: Record<string, unknown> = {
      ...settings,
      ...(this.options.hosts === undefined ? {} : { insecure: true }), // beyond loopback
      node: { ...settings['node'], id, dataDir: this.dataDir(id) },
      cluster: { ...settings['cluster'], listen: `${host}:${peerPort}`, peers },
      smpp: {
        ...settings['smpp'],
        listen: `${host}:${smppPort}`,
        ...(smppTls === undefined ? {} : { tls }),
      },
      http: { ...settings['http'], listen: `${host}:${httpPort}` },
      gateway: './gateway.yaml',
    }
    const configFile = join(this.directory, `node-${id}.yaml`)
    await writeFile(configFile, stringify(sections))
    const logFile = join(this.directory, `node-${id}.log`)
    return new ProcessNode({
      ...{ ...place, host, within, configFile, logFile, env, main },
      flags: flags?.(id) ?? [],
    })
  }

  dataDir(id: number): string {
    return join(this.directory, `data-${id}`)
  }

  node(id: number): ProcessNode {
    const node = this.nodes.find(node => node.id === id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  get running(): ProcessNode[] {
    return this.nodes.filter(node => node.isRunning)
  }

  /** SMPP addresses of all nodes, for `esme --connect`. */
  get smppAddresses(): string[] {
    return this.nodes.map(node => node.smppAddress)
  }

  /** The same by TLS, where `smppTls` was given. */
  get smppTlsAddresses(): string[] {
    return this.nodes.map(node => node.smppTlsAddress)
  }

  /** Waits until all nodes that run are ready. */
  async ready(timeoutMs = 60_000): Promise<void> {
    await Promise.all(this.running.map(node => node.ready(timeoutMs)))
  }

  /** Waits until there is a leader: see leadIn. */
  async leader(timeoutMs?: number): Promise<ProcessNode> {
    return (await this.lead(timeoutMs)).node
  }

  /** The same, with its term, both of one answer. */
  async lead(timeoutMs = 30_000): Promise<{ node: ProcessNode; term: number }> {
    const { id, term } = await waitFor('a leader', async () => leadIn(await this.views()), {
      timeoutMs,
    })
    return { node: this.node(id), term }
  }

  /** What each running node says; those that do not answer are left out. */
  async views(): Promise<ClusterView[]> {
    const answers = await Promise.all(this.running.map(node => node.cluster()))
    return answers.filter(view => view !== undefined)
  }

  /**
   * Waits until nothing is queued or in flight, and all running nodes show the same state hash at the
   * same index; returns what they say.
   */
  async settled(timeoutMs = 60_000): Promise<ClusterView[]> {
    let last: ClusterView[] = []
    return waitFor(
      'the nodes agree and have nothing left to do',
      async () => {
        last = await this.views()
        const [first] = last
        if (first === undefined || last.length < this.running.length) return undefined
        const idle = last.every(view => view.queued + view.inFlight + view.receiptsQueued === 0)
        const agree = last.every(
          view =>
            view.stateHash === first.stateHash && view.stateHashIndex === first.stateHashIndex,
        )
        return idle && agree && first.stateHashIndex >= first.commitIndex ? last : undefined
      },
      { timeoutMs, everyMs: 200, detail: () => JSON.stringify(last, null, 1) },
    )
  }

  /** Ends all nodes (SIGTERM, then SIGKILL after `deadlineMs`) and removes a temporary directory. */
  async stop(options: { deadlineMs?: number; keepFiles?: boolean } = {}): Promise<void> {
    const { deadlineMs = 5_000, keepFiles = false } = options
    await Promise.all(this.running.map(node => node.terminate(deadlineMs)))
    if (this.options.directory === undefined && !keepFiles) await this.removeFiles()
  }

  /** SIGKILL for all that run, at once. */
  async killAll(): Promise<void> {
    await Promise.all(this.running.map(node => node.kill()))
  }

  async removeFiles(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true })
  }
}

interface Place {
  id: number
  peerPort: number
  smppPort: number
  httpPort: number
  smppTlsPort: number
}

const LOOPBACK: NodeHost = { host: '127.0.0.1', within: () => [] }

/** Of each node. */
const PORTS = 4

const placeOf = (id: number, ports: readonly number[]): Place => ({
  id,
  peerPort: ports[0]!,
  smppPort: ports[1]!,
  httpPort: ports[2]!,
  smppTlsPort: ports[3]!,
})

export interface GatewayToOptions {
  /** Of the one connector, smsc-a. */
  connector?: object
  /** Of the one account, esme1 with the password secret1. */
  account?: object
  distributionLists?: object[]
}

/** A gateway file with one account, one connector to an SMSC on this machine, and routes both ways. */
export function gatewayTo(smscPort: number, options: GatewayToOptions = {}): object {
  return {
    accounts: [
      {
        systemId: 'esme1',
        password: 'secret1',
        maxSessions: 100,
        window: 1000,
        ...options.account,
      },
    ],
    connectors: [
      {
        id: 'smsc-a',
        host: '127.0.0.1',
        port: smscPort,
        systemId: 'carillon',
        password: 'secret',
        ...options.connector,
      },
    ],
    routes: [{ name: 'default', match: { destination: { prefix: '' } }, to: ['smsc-a'] }],
    moRoutes: [
      { name: 'all', match: { connector: 'smsc-a', destination: { prefix: '' } }, to: 'esme1' },
    ],
    distributionLists: options.distributionLists ?? [],
  }
}

/**
 * Who leads, and in which term, where a node says so of itself and a majority of the views, which are those
 * of one look, agrees. A candidate's term is no leader's.
 */
export function leadIn(views: readonly ClusterView[]): { id: number; term: number } | undefined {
  const claims = views.filter(view => view.leader === view.id)
  const claim = claims.toSorted((a, b) => b.term - a.term)[0]
  if (claim === undefined) return undefined
  const { id, term } = claim
  const agreeing = views.filter(view => view.leader === id && view.term === term)
  return 2 * agreeing.length > views.length ? { id, term } : undefined
}

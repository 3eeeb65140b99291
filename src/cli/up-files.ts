import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { NeededPort } from './ports.js'

/** First ports of each kind; node N uses the N-th. */
export interface UpPorts {
  peer: number
  smpp: number
  http: number
  /** SMPP of the simulator; its HTTP is the next. */
  smsc: number
}

export interface UpNode {
  id: number
  file: string
  log: string
  /** `http://127.0.0.1:8081` */
  url: string
  smppPort: number
}

/** What `up` has laid out on disk. */
export interface UpLayout {
  directory: string
  nodes: UpNode[]
  gateway: string
  smscLog: string
  /** Who is running: a later `up` ends what a killed one left behind. */
  record: string
}

export const UP_PORTS: UpPorts = { peer: 7101, smpp: 2775, http: 8081, smsc: 2785 }
const IDS = [1, 2, 3]

/**
 * Writes the three node files, and the gateway file where there is none yet.
 *
 * @param fresh  first throws the nodes' data away, and the gateway file
 */
export function writeUpFiles(data: string, ports: UpPorts, fresh: boolean): UpLayout {
  const directory = resolve(data)
  const gateway = join(directory, 'gateway.yaml')
  if (fresh) {
    // Only what `up` itself makes: the directory may be somebody's.
    for (const name of ['data', 'gateway.yaml']) {
      rmSync(join(directory, name), { recursive: true, force: true })
    }
  }
  mkdirSync(directory, { recursive: true })
  const nodes = IDS.map((id): UpNode => {
    const file = join(directory, `node-${id}.yaml`)
    writeFileSync(file, nodeYaml(id, ports), { mode: 0o600 })
    return {
      id,
      file,
      log: join(directory, `node-${id}.log`),
      url: `http://127.0.0.1:${ports.http + id - 1}`,
      smppPort: ports.smpp + id - 1,
    }
  })
  if (!existsSync(gateway)) writeFileSync(gateway, gatewayYaml(ports), { mode: 0o600 })
  const smscLog = join(directory, 'smsc-sim.log')
  return { directory, nodes, gateway, smscLog, record: join(directory, 'up.json') }
}

/** Every port that `up` listens on. */
export function neededPorts(ports: UpPorts): NeededPort[] {
  return [
    ...IDS.flatMap(id => [
      { port: ports.peer + id - 1, purpose: `peers of node ${id}` },
      { port: ports.smpp + id - 1, purpose: `SMPP of node ${id}` },
      { port: ports.http + id - 1, purpose: `HTTP of node ${id}` },
    ]),
    { port: ports.smsc, purpose: 'SMPP of the SMSC simulator' },
    { port: ports.smsc + 1, purpose: 'HTTP of the SMSC simulator' },
  ]
}

function nodeYaml(id: number, ports: UpPorts): string {
  const at = (first: number, n: number): string => `127.0.0.1:${first + n - 1}`
  return `# Written by ./carillon up at every start.
node: { id: ${id}, dataDir: ./data/${id}, drainTimeoutMs: 1000 }
cluster:
  listen: ${at(ports.peer, id)}
  peers:
${IDS.map(n => `    - { id: ${n}, address: ${at(ports.peer, n)} }`).join('\n')}
smpp: { listen: ${at(ports.smpp, id)} }
http: { listen: ${at(ports.http, id)} }
gateway: ./gateway.yaml
`
}

function gatewayYaml(ports: UpPorts): string {
  return `# First settings of the cluster that ./carillon up starts. Change it, then: ./carillon apply -f FILE
accounts:
  - { systemId: esme1, password: secret1, maxSessions: 100, window: 1000 }
connectors:
  # The SMSC simulator that ./carillon up starts too.
  - { id: smsc-a, host: 127.0.0.1, port: ${ports.smsc}, systemId: carillon, password: secret,
      bindType: trx, binds: 4, window: 500 }
routes:
  - { name: default, match: { destination: { prefix: '' } }, to: [smsc-a] }
moRoutes:
  - { name: all, match: { connector: smsc-a, destination: { prefix: '' } }, to: esme1 }
`
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { probePort } from '../cluster/transport/port-probe.js'
import { freePorts } from '../src/testing/free-ports.js'
import { OwnProcess } from '../src/testing/own-process.js'
import type { ProcessCluster } from '../src/testing/process-cluster.js'
import { BRIDGE_HOST } from './network/rules.js'
import { waitFor } from '../src/testing/wait-for.js'

const PROGRAM = '/usr/sbin/haproxy'
const FILE = new URL('../../deploy/haproxy/haproxy.cfg', import.meta.url)
/** Nodes that the shipped file names. */
const NODES = 3

/** Why it cannot run here; undefined where it can. */
export function noHaproxy(): string | undefined {
  return existsSync(PROGRAM) ? undefined : 'haproxy is not installed'
}

/** What nodes behind it have in `smpp`: it comes from this machine, or from the bridge of a drill in namespaces. */
export const behindHaproxy = {
  proxyProtocol: 'require',
  trustedProxies: ['127.0.0.0/8', BRIDGE_HOST],
} as const

/** HAProxy before three nodes, with the shipped file: PROXY protocol v2. It ends with this process, however that ends. */
export class Haproxy {
  /** host:port where it listens. */
  readonly address: string
  private readonly process: OwnProcess

  /** Resolves when it listens. */
  static async start(cluster: ProcessCluster): Promise<Haproxy> {
    if (cluster.nodes.length !== NODES) throw new Error(`haproxy.cfg is for ${NODES} nodes`)
    const [port] = await freePorts(1)
    const address = `127.0.0.1:${port!}`
    const env: Record<string, string> = { CARILLON_BALANCER: address }
    for (const { id, smppAddress, httpPort } of cluster.nodes) {
      env[`CARILLON_NODE${id}_SMPP`] = smppAddress
      env[`CARILLON_NODE${id}_HTTP`] = String(httpPort)
    }
    const process = new OwnProcess({
      name: 'haproxy',
      script: PROGRAM,
      args: ['-db', '-f', fileURLToPath(FILE)],
      logFile: join(cluster.directory, 'haproxy.log'),
      env,
    })
    const haproxy = new Haproxy(address, process)
    await waitFor('HAProxy listens', async () => {
      if (!process.isRunning) throw new Error(`HAProxy ended: ${process.logTail(1_000)}`)
      return (await probePort(address, 1_000)) === 'accepts'
    })
    return haproxy
  }

  private constructor(address: string, process: OwnProcess) {
    this.address = address
    this.process = process
  }

  get cpuMs(): number {
    return this.process.cpuMs
  }

  async stop(): Promise<void> {
    await this.process.kill()
  }
}

import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { once } from 'node:events'
import type { NodeHost } from '../../src/testing/process-cluster.js'
import type { FaultNetwork, HostPower } from './fault-network.js'
import { isInOwn } from './own-namespace.js'
import {
  BRIDGE_SCRIPT,
  delayScript,
  filterText,
  HEALTHY,
  hostOf,
  NO_BRIDGE_SCRIPT,
  nodeScript,
  NODES_MAX,
  noNodeScript,
  type Line,
} from './rules.js'

/**
 * A network namespace for each node, connected to a bridge in the drill's own:
 *
 *     drill's namespace: ESMEs, SMSC ── bridge ─┬─ veth ── eth0, node 1
 *                                               ├─ veth ── eth0, node 2
 *                                               └─ veth ── eth0, node 3
 *
 * The namespaces have no names. They are held by this process's descriptors and by the nodes' processes, and are gone
 * with these, however they end.
 */
export class NamespaceNetwork implements FaultNetwork {
  readonly hosts: HostPower = {
    cut: id => this.cut(id),
    restore: id => this.restore(id),
  }
  private readonly nodes = new Map<number, Namespace>()
  private readonly lines = new Map<number, Map<number, Line>>()
  private readonly dead = new Set<number>()

  /**
   * @param size  nodes, from 1 on
   * @throws Error where this is no namespace of a drill, or with what ip, iptables or tc say
   */
  static async open(size: number): Promise<NamespaceNetwork> {
    if (!isInOwn()) throw new Error('the network of the machine is not touched')
    if (size > NODES_MAX) throw new Error(`at most ${NODES_MAX} nodes`)
    const network = new NamespaceNetwork(Array.from({ length: size }, (_, i) => i + 1))
    await perform('sh', ['-e'], BRIDGE_SCRIPT)
    try {
      for (const id of network.lines.keys()) await network.make(id)
    } catch (error) {
      await network.close()
      throw error
    }
    return network
  }

  private constructor(ids: readonly number[]) {
    for (const to of ids) {
      const others = ids.filter(id => id !== to)
      this.lines.set(to, new Map(others.map(from => [from, { ...HEALTHY }])))
    }
  }

  /** Where a node listens, and what its process is started within. */
  hostOf(id: number): NodeHost {
    const within = (): string[] => ['setpriv', '--pdeathsig', 'KILL', '--', ...this.enter(id)]
    return { host: hostOf(id), within }
  }

  block(from: number, to: number): Promise<void> {
    return this.change({ blocked: true }, (a, b) => a === from && b === to)
  }

  isolate(nodes: readonly number[]): Promise<void> {
    return this.change({ blocked: true }, (a, b) => nodes.includes(a) !== nodes.includes(b))
  }

  lose(share: number): Promise<void> {
    return this.change({ loss: share })
  }

  async delay(delayMs: number, jitterMs: number): Promise<void> {
    await this.change({ delayMs, jitterMs })
    await this.applyDelays()
  }

  async heal(): Promise<void> {
    const delayed = [...this.lines.values()].some(from =>
      [...from.values()].some(({ delayMs, jitterMs }) => delayMs + jitterMs > 0),
    )
    await this.change(HEALTHY)
    if (delayed) await this.applyDelays()
  }

  async close(): Promise<void> {
    for (const { fd } of this.nodes.values()) closeSync(fd)
    for (const id of this.nodes.keys()) await perform('sh', ['-e'], noNodeScript(id))
    this.nodes.clear()
    await perform('sh', ['-e'], NO_BRIDGE_SCRIPT)
  }

  private async cut(id: number): Promise<void> {
    this.dead.add(id)
    await this.filter(id)
  }

  /** Its sockets stay with the old namespace, whose kernel would send FIN and RST for them: a machine that boots has none. */
  private async restore(id: number): Promise<void> {
    const old = this.nodes.get(id)
    if (old === undefined) throw new Error(`there is no node ${id}`)
    await perform('sh', ['-e'], noNodeScript(id))
    closeSync(old.fd)
    this.nodes.delete(id)
    await this.make(id)
    this.dead.delete(id)
    await this.filter(id)
  }

  private async change(
    to: Partial<Line>,
    which: (from: number, to: number) => boolean = () => true,
  ): Promise<void> {
    const changed = new Set<number>()
    for (const [node, lines] of this.lines) {
      for (const [from, line] of lines) {
        if (!which(from, node)) continue
        Object.assign(line, to)
        changed.add(node)
      }
    }
    await Promise.all([...changed].map(id => this.filter(id)))
  }

  private async filter(id: number): Promise<void> {
    const text = filterText(this.lines.get(id)!, this.dead.has(id))
    const [command, ...args] = [...this.enter(id), 'iptables-restore', '-w', '5']
    await perform(command, args, text)
  }

  private async applyDelays(): Promise<void> {
    const ids = [...this.lines.keys()]
    await Promise.all(
      ids.map(async from => {
        const to = ids.flatMap(id => {
          const line = this.lines.get(id)?.get(from)
          return line === undefined ? [] : [[id, line] as const]
        })
        const [command, ...args] = [...this.enter(from), 'sh', '-e']
        await perform(command, args, delayScript(new Map(to)))
      }),
    )
  }

  private async make(id: number): Promise<void> {
    const namespace = await newNamespace()
    this.nodes.set(id, namespace)
    await perform('sh', ['-e'], nodeScript(id, namespace.file))
  }

  private enter(id: number): string[] {
    const namespace = this.nodes.get(id)
    if (namespace === undefined) throw new Error(`node ${id} has no network`)
    return ['nsenter', `--net=${namespace.file}`, '--']
  }
}

interface Namespace {
  /** Holds it. */
  fd: number
  /** Names it for other processes, while this one lives. */
  file: string
}

/** A process is in it until we hold it. */
async function newNamespace(): Promise<Namespace> {
  const args = [
    '--pdeathsig',
    'KILL',
    '--',
    'unshare',
    '--net',
    '--',
    'sh',
    '-c',
    'echo in; read _',
  ]
  const holder = spawn('setpriv', args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(holder, 'close')
  try {
    await Promise.race([once(holder.stdout, 'data'), ended])
    const fd = openSync(`/proc/${holder.pid}/ns/net`, 'r')
    return { fd, file: `/proc/${process.pid}/fd/${fd}` }
  } finally {
    holder.stdin.end()
    await ended
  }
}

/** @throws Error with what the program says, where it does not end with 0 */
async function perform(command: string, args: readonly string[], input: string): Promise<void> {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (octets: Buffer) => (said += octets.toString()))
  child.stdin.on('error', () => undefined) // it ended before it had read all
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${[command, ...args].join(' ')}: ${said.trim().slice(-500)}`)
}

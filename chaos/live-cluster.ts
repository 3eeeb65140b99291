import type {
  AccountView,
  ClusterView,
  ConnectorView,
  List,
  SettingsView,
} from '../src/api/shapes.js'
import { leadIn } from '../src/testing/process-cluster.js'
import { waitFor } from '../src/testing/wait-for.js'
import { sessionsOf } from './load.js'
import { LiveNode } from './live-node.js'
import type { NodesFile } from './nodes-file.js'
import type { DrillCluster } from './subject.js'

/** A running cluster. `stop` and `killAll` leave it running: they mend what the drill has broken. */
export class LiveCluster implements DrillCluster {
  readonly directory: string
  readonly nodes: readonly LiveNode[]
  private readonly file: NodesFile

  /** @param evidence  where the output of start commands goes */
  constructor(file: NodesFile, evidence: string) {
    this.file = file
    this.directory = evidence
    this.nodes = file.nodes.map(entry => new LiveNode(entry, file.directory, evidence))
  }

  get running(): LiveNode[] {
    return this.nodes.filter(node => node.isRunning)
  }

  get smppAddresses(): string[] {
    return this.nodes.map(node => node.smppAddress)
  }

  node(id: number): LiveNode {
    const node = this.nodes.find(node => node.id === id)
    if (node === undefined) throw new Error(`there is no node ${id}`)
    return node
  }

  /** Everything that speaks against a drill here, a sentence each; empty: it may begin. */
  async problems(): Promise<string[]> {
    const found = await Promise.all(this.nodes.map(node => node.problem()))
    const problems = found.filter(problem => problem !== undefined)
    if (problems.length > 0) return problems
    const views = await this.views()
    const ids = new Set(views.map(({ clusterId }) => clusterId))
    if (ids.size > 1) return [`the nodes belong to ${ids.size} clusters`]
    const listed = new Set(this.nodes.map(({ id }) => id))
    const others = (views[0]?.members ?? []).filter(({ id }) => !listed.has(id))
    if (others.length > 0) {
      const names = others.map(({ id }) => id).join(', ')
      problems.push(`node ${names} belongs to the cluster and is not in ${this.file.file}`)
    }
    if (views.every(({ leader }) => leader === null)) problems.push('there is no leader')
    problems.push(...(await this.accountProblems()), ...(await this.connectorProblems()))
    return problems
  }

  /** The connector that carries the load, as in the gateway settings, secrets masked. */
  async gateway(): Promise<{ connectors: { id: string; window: number }[] }> {
    const view = await this.nodes[0]?.get<SettingsView>('/api/v1/settings')
    const { connectors = [] } = view?.settings ?? {}
    const wanted = this.file.connector ?? connectors[0]?.id
    return { connectors: connectors.filter(({ id }) => id === wanted) }
  }

  async ready(timeoutMs?: number): Promise<void> {
    await Promise.all(this.nodes.map(node => node.ready(timeoutMs)))
  }

  async views(): Promise<ClusterView[]> {
    const answers = await Promise.all(this.running.map(node => node.cluster()))
    return answers.filter(view => view !== undefined)
  }

  async lead(timeoutMs = 30_000): Promise<{ node: LiveNode; term: number }> {
    const { id, term } = await waitFor('a leader', async () => leadIn(await this.views()), {
      timeoutMs,
    })
    return { node: this.node(id), term }
  }

  /**
   * Waits until all nodes have shown the same state hash at one index that is not before what is committed
   * now. Others may send meanwhile, so queues need not be empty, and the nodes are seldom at one index at once.
   */
  async settled(timeoutMs = 60_000): Promise<ClusterView[]> {
    const first = await this.views()
    const from = Math.max(1, ...first.map(({ commitIndex }) => commitIndex))
    const hashes = new Map<number, Map<number, string>>()
    let last: ClusterView[] = first
    const agreed = async (): Promise<ClusterView[] | undefined> => {
      last = await this.views()
      for (const { id, stateHash, stateHashIndex } of last) {
        if (stateHashIndex < from) continue
        const at = hashes.get(stateHashIndex) ?? new Map<number, string>()
        hashes.set(stateHashIndex, at.set(id, stateHash))
        if (new Set(at.values()).size > 1) {
          throw new Error(`state hashes differ at ${stateHashIndex}: ${JSON.stringify([...at])}`)
        }
        if (at.size < this.nodes.length) continue
        return last.map(view => ({ ...view, stateHash, stateHashIndex }))
      }
      if (hashes.size > HASHES_MAX) hashes.delete(Math.min(...hashes.keys()))
      return undefined
    }
    const detail = (): string => JSON.stringify(last, null, 1)
    return waitFor('the nodes have the same state', agreed, { timeoutMs, everyMs: 200, detail })
  }

  async mend(): Promise<void> {
    await Promise.allSettled(this.nodes.map(node => node.mend()))
  }

  async leftBroken(timeoutMs: number): Promise<string[]> {
    const found = await Promise.all(this.nodes.map(node => node.leftBroken(timeoutMs)))
    return found.filter(problem => problem !== undefined)
  }

  async stop(): Promise<void> {
    await this.mend()
  }

  async killAll(): Promise<void> {
    await this.mend()
  }

  private async accountProblems(): Promise<string[]> {
    const { resident, roaming } = this.file.accounts
    const list = await this.nodes[0]?.get<List<AccountView>>('/api/v1/accounts')
    if (list === undefined) return []
    const need = sessionsOf(this.nodes.length)
    return [
      { systemId: resident.systemId, sessions: need.resident },
      ...(roaming === null ? [] : [{ systemId: roaming.systemId, sessions: need.roaming }]),
    ].flatMap(({ systemId, sessions }) => {
      const account = list.items.find(account => account.systemId === systemId)
      if (account === undefined) {
        return list.next === null ? [`the cluster has no account ${systemId}`] : []
      }
      const room = account.maxSessions - account.sessions
      return room < sessions
        ? [`account ${systemId} has room for ${room} sessions, the load needs ${sessions}`]
        : []
    })
  }

  private async connectorProblems(): Promise<string[]> {
    const { connector } = this.file
    const list = await this.nodes[0]?.get<List<ConnectorView>>('/api/v1/connectors')
    if (connector === null || list === undefined) return []
    const there = list.next !== null || list.items.some(({ id }) => id === connector)
    return there ? [] : [`the cluster has no connector ${connector}`]
  }
}

const HASHES_MAX = 64

import type { ClusterView } from '../src/api/shapes.js'
import type { DrillCluster, DrillNode } from './subject.js'

/** What a node is, seen from outside. `silent`: its process is there, but does not answer. */
export type Role = 'leader' | 'follower' | 'no leader' | 'silent' | 'down'

/** A node became something, ms since the Unix epoch. */
export interface RoleChange {
  node: number
  atMs: number
  role: Role
}

/** Asks every node four times a second what it is, and notes when that changes. */
export class Watch {
  readonly roles: RoleChange[] = []
  /** The highest resident memory seen, by node. */
  readonly rssMax = new Map<number, number>()
  private readonly cluster: DrillCluster
  private readonly stopping = new AbortController()
  private readonly loops: Promise<void>[]

  constructor(cluster: DrillCluster) {
    this.cluster = cluster
    this.loops = cluster.nodes.map(node => this.follow(node))
  }

  async stop(): Promise<void> {
    this.stopping.abort()
    await Promise.all(this.loops)
  }

  /** What a node was last. */
  roleOf(id: number): Role | undefined {
    return this.roles.findLast(({ node }) => node === id)?.role
  }

  private async follow(node: DrillNode): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const askedAtMs = Date.now()
      const silent = setTimeout(() => {
        if (node.isRunning) this.note(node.id, askedAtMs, 'silent')
      }, SILENT_MS)
      const view = await node.cluster()
      clearTimeout(silent)
      this.note(node.id, askedAtMs, roleIn(node, view))
      this.rssMax.set(node.id, Math.max(this.rssMax.get(node.id) ?? 0, node.rssOctets))
      await pause(EVERY_MS)
    }
  }

  private note(node: number, atMs: number, role: Role): void {
    if (this.roleOf(node) !== role) this.roles.push({ node, atMs, role })
  }
}

/** Who leads, in which term, and the others that run: of one look, for an election may come before the next. */
export interface Roles {
  leader: DrillNode
  term: number
  followers: DrillNode[]
}

export async function rolesIn(cluster: DrillCluster): Promise<Roles> {
  const { node: leader, term } = await cluster.lead()
  return { leader, term, followers: cluster.running.filter(({ id }) => id !== leader.id) }
}

/** A node that answers, that leads, and in a later term than `term`; asked every 20 ms. */
export async function newLeader(
  cluster: DrillCluster,
  term: number,
  without: ReadonlySet<number>,
  timeoutMs: number,
): Promise<{ view: ClusterView; atMs: number } | undefined> {
  const endMs = performance.now() + timeoutMs
  while (performance.now() < endMs) {
    const asked = cluster.running.filter(({ id }) => !without.has(id))
    const answers = await Promise.all(asked.map(node => node.cluster()))
    const view = answers.find(view => view?.leader === view?.id && (view?.term ?? 0) > term)
    if (view !== undefined) return { view, atMs: Date.now() }
    await pause(20)
  }
  return undefined
}

/** Resolves after so long, or when the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal?.addEventListener('abort', end)
  })
}

function roleIn(node: DrillNode, view: ClusterView | undefined): Role {
  if (!node.isRunning) return 'down'
  if (view === undefined) return 'silent'
  if (view.leader === null) return 'no leader'
  return view.leader === view.id ? 'leader' : 'follower'
}

const EVERY_MS = 250
const SILENT_MS = 800

import { readdirSync, readFileSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ConnectorView, List } from '../src/api/shapes.js'
import type { Address } from '../src/base/address.js'
import { SeededRandom } from '../src/base/random.js'
import type { EsmeSession } from '../src/tools/esme-session.js'
import { SmscSimulator } from '../src/tools/smsc-sim.js'
import { gatewayTo, ProcessCluster } from '../src/testing/process-cluster.js'
import { waitFor } from '../src/testing/wait-for.js'
import {
  CONNECTOR,
  UNLIMITED_WINDOW,
  type Drill,
  type DrillSetup,
  type InsideFaults,
} from './drill.js'
import type { Check, FaultSample, Mark } from './evidence.js'
import { longestGap } from './gaps.js'
import { LiveCluster } from './live-cluster.js'
import { LiveSmsc } from './live-smsc.js'
import { ACCOUNTS, Load } from './load.js'
import type { NetworkKind } from './network/choice.js'
import type { FaultNetwork, HostPower } from './network/fault-network.js'
import { ProxyMesh } from './network/fault-proxy.js'
import { NamespaceNetwork } from './network/namespaces.js'
import { BRIDGE_HOST } from './network/rules.js'
import type { NodesFile } from './nodes-file.js'
import type { DrillCluster, DrillNode, DrillSmsc } from './subject.js'
import { newLeader, pause, rolesIn, Watch, type Roles } from './watch.js'

export interface SceneOptions {
  /** Where the evidence of this run goes. */
  directory: string
  /** Messages a second; null: as many as come back. */
  rate: number | null
  seed: number
  /** Hears what happens, a sentence each. */
  say: (text: string) => void
  signal: AbortSignal
  /** A running cluster, to be left running; undefined: one of its own. */
  live: NodesFile | undefined
  /** By what the nodes of its own are connected. */
  network: NetworkKind
}

/** Where a drill takes place. */
interface Place {
  cluster: DrillCluster
  counter: DrillSmsc | undefined
  network: FaultNetwork | undefined
  gateway: object
  addresses: readonly string[]
}

/** A cluster, an SMSC and a load that run, and what drills do to them and note. */
export class Scene {
  readonly cluster: DrillCluster
  /** What counts messages upstream; undefined: a real SMSC, which tells nothing. */
  readonly counter: DrillSmsc | undefined
  readonly load: Load
  readonly watch: Watch
  readonly random: SeededRandom
  /** Between the nodes, where it can be broken. */
  private readonly between: FaultNetwork | undefined
  readonly gateway: object
  readonly marks: Mark[] = []
  readonly faults: FaultSample[] = []
  readonly checks: Check[] = []
  readonly measured: Record<string, number | string | null> = {}
  readonly events: { atMs: number; text: string }[]
  /** Messages that the drill's own faults may have made doubtful, beside those of broken binds. */
  doubtsAllowed = 0
  /** Nodes that the fault in force hits; undefined while there is none. */
  private broken: ReadonlySet<number> | undefined
  private wholeSinceMs = performance.now()
  private readonly options: SceneOptions
  private readonly setup: DrillSetup
  private readonly cleanups: Cleanup[]

  /** Starts everything; resolves when all nodes are ready, all sessions bound and messages flow. */
  static async start(drill: Drill, options: SceneOptions): Promise<Scene> {
    const { setup = {} } = drill
    const cleanups: Cleanup[] = []
    try {
      return await Scene.build(setup, options, cleanups)
    } catch (error) {
      await cleanUp(cleanups)
      throw error
    }
  }

  private static async build(
    setup: DrillSetup,
    options: SceneOptions,
    cleanups: Cleanup[],
  ): Promise<Scene> {
    const { directory, seed, rate, signal, live } = options
    const random = new SeededRandom(seed)
    const onEnd = (cleanup: Cleanup): void => void cleanups.push(cleanup)
    const place =
      live === undefined
        ? await ownPlace(setup, options, random, onEnd)
        : await livePlace(live, directory, onEnd)
    const { cluster, counter, addresses } = place
    const watch = new Watch(cluster)
    cleanups.push(() => watch.stop())
    await cluster.ready(START_MS)
    signal.throwIfAborted()
    const events: Scene['events'] = []
    const load = new Load({
      addresses,
      accounts: live?.accounts ?? ACCOUNTS,
      ...(live === undefined ? {} : { messages: live.load }),
      esme: setup.esme,
      rate,
      journalOf: client => join(directory, `esme-${client}.tsv`),
      onEvent: text => {
        if (events.length < EVENTS_MAX) events.push({ atMs: Date.now(), text })
      },
    })
    cleanups.push(async () => {
      await load.giveUp()
    })
    counter?.follow?.(load.clients.map(({ client }) => client.runNumber))
    load.start()
    const parts = {
      ...place,
      load,
      watch,
      random,
      events,
      options,
      setup,
      cleanups,
    }
    const scene = new Scene(parts)
    const waits = {
      timeoutMs: START_MS,
      detail: () =>
        events
          .slice(-5)
          .map(({ text }) => text)
          .join('\n'),
    }
    const going = <T>(probe: () => T): T => {
      signal.throwIfAborted()
      return probe()
    }
    await waitFor('all sessions are bound', () => going(() => scene.load.allUp), waits)
    const passed = (): boolean =>
      (counter === undefined ? load.acknowledged : counter.stats().accepted) > 20
    await waitFor('messages reach the SMSC', () => going(passed), waits)
    return scene
  }

  private constructor(
    parts: Pick<Scene, 'cluster' | 'counter' | 'load' | 'watch' | 'random'> &
      Pick<Scene, 'gateway' | 'events'> & {
        network: FaultNetwork | undefined
        options: SceneOptions
        setup: DrillSetup
        cleanups: Cleanup[]
      },
  ) {
    this.cluster = parts.cluster
    this.counter = parts.counter
    this.load = parts.load
    this.watch = parts.watch
    this.between = parts.network
    this.random = parts.random
    this.gateway = parts.gateway
    this.events = parts.events
    this.options = parts.options
    this.setup = parts.setup
    this.cleanups = parts.cleanups
  }

  /** The SMSC of a drill that breaks it. @throws Error where it is a real one: Drill.needs keeps that out */
  get smsc(): DrillSmsc {
    if (this.counter === undefined) throw new Error('the SMSC is not our simulator')
    return this.counter
  }

  /** What a drill breaks that has `breaks` in its setup. @throws Error where nothing of it can be broken */
  get network(): FaultNetwork {
    if (this.between === undefined) throw new Error('the network between the nodes is not ours')
    return this.between
  }

  /** Power of the nodes' machines. @throws Error where they have no network of their own */
  get power(): HostPower {
    const { hosts } = this.network
    if (hosts === undefined) throw new Error('the nodes have no network of their own')
    return hosts
  }

  roles(): Promise<Roles> {
    return rolesIn(this.cluster)
  }

  /** The connector as a node that answers sees it. */
  async connector(): Promise<ConnectorView | undefined> {
    for (const node of this.cluster.running) {
      if (this.watch.roleOf(node.id) === 'silent') continue
      const list = await node.get<List<ConnectorView>>('/api/v1/connectors')
      const wanted = this.options.live?.connector ?? list?.items[0]?.id
      const found = list?.items.find(({ id }) => id === wanted)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** The load goes on for so long. */
  async steady(ms: number): Promise<void> {
    const { signal } = this.options
    signal.throwIfAborted()
    await pause(ms, signal)
    signal.throwIfAborted()
  }

  /**
   * Takes back what can be taken back at once: blocked networks, frozen processes, faults inside nodes; of a
   * running cluster all that the drill has done.
   */
  async heal(): Promise<void> {
    await this.between?.heal()
    await this.counter?.mend?.().catch(() => undefined) // the end tries again
    if (this.cluster.mend !== undefined) return this.cluster.mend()
    for (const node of this.cluster.running) await node.thaw()
    if (this.setup.inside === undefined) return
    for (const node of this.cluster.running) this.inside(node, this.setup.inside)
  }

  mark(kind: Mark['kind'], text: string): number {
    const atMs = Date.now()
    this.marks.push({ atMs, text, kind })
    this.options.say(text)
    return atMs
  }

  check(name: string, ok: boolean, found: string, expected: string): void {
    this.checks.push({ kind: 'must', name, ok, found, expected })
  }

  /** For the guards: see Health. */
  health(): {
    wholeSinceMs: number | undefined
    acknowledged: number
    nodesDown: number[]
    diskFreeShare: number
  } {
    const down = this.cluster.nodes.filter(node => !node.isRunning && !this.broken?.has(node.id))
    const { bavail, blocks } = statfsSync(this.options.directory)
    return {
      wholeSinceMs: this.broken === undefined ? this.wholeSinceMs : undefined,
      acknowledged: this.load.acknowledged,
      nodesDown: down.map(({ id }) => id),
      diskFreeShare: blocks === 0 ? 1 : bavail / blocks,
    }
  }

  /** Cleans up when the scene ends, the last first. */
  onEnd(cleanup: Cleanup): void {
    this.cleanups.push(cleanup)
  }

  /** Orders faults inside a node (setup.inside); they come into force within a moment. */
  inside(node: DrillNode, faults: InsideFaults): void {
    orderInside(this.cluster, node.id, faults)
    if (node.pid !== undefined) process.kill(node.pid, 'SIGUSR2')
  }

  /**
   * Does something to nodes and measures what it did to the others. `recover` runs when the effect has
   * been seen: a leader that was hit has a successor, or `effectMs` have passed.
   */
  async fault(options: {
    what: string
    nodes: readonly DrillNode[]
    /** For how long the fault lasts at least, ms. */
    effectMs: number
    act: () => Promise<void> | void
    /** What is said of it: `node 2 started again`. */
    recovery: string
    recover: () => Promise<void> | void
    /** Another node will lead, in a later term than this one, in which the leader that is hit was seen to lead. */
    electsAfter?: number | undefined
  }): Promise<FaultSample> {
    const { what, nodes, effectMs, act, recover, recovery, electsAfter } = options
    const hit = new Set(nodes.map(({ id }) => id))
    const home = (await this.connector())?.home ?? null
    const breaks = new Map(this.load.sessions.map(session => [session, session.breaks]))
    const at = new Map(this.load.sessions.map(session => [session, session.bind?.address]))
    const addresses = new Set<string | undefined>(nodes.map(({ smppAddress }) => smppAddress))

    this.options.signal.throwIfAborted()
    this.broken = hit
    const atMs = this.mark('fault', what)
    await act()
    const led =
      electsAfter === undefined ? undefined : newLeader(this.cluster, electsAfter, hit, ELECTION_MS)
    await this.steady(effectMs)
    const leader = await led
    const recoveryAtMs = this.mark('recovery', recovery)
    await recover()
    this.broken = undefined
    this.wholeSinceMs = performance.now()
    await this.caughtUp()
    const untilMs = Date.now()

    const all = this.load.sessions
    const affected = new Set(
      all.filter(
        session => addresses.has(at.get(session)) || session.breaks > breaks.get(session)!,
      ),
    )
    const surviving = new Set(all.filter(session => !affected.has(session)))
    const gapOf = (sessions: ReadonlySet<EsmeSession>, toMs = untilMs): number | null => {
      if (sessions.size === 0) return null
      const times = this.load.answers(sessions, atMs - BEFORE_MS, untilMs)
      return longestGap(times, atMs, toMs)?.ms ?? null
    }
    const homeHit = home !== null && hit.has(home)
    const upstream = longestGap(this.upstreamTimes(atMs - BEFORE_MS), atMs, untilMs)
    const sample: FaultSample = {
      what,
      atMs,
      nodes: [...hit],
      newLeaderMs: leader === undefined ? null : leader.atMs - atMs,
      homeHit,
      upstreamMs: upstream === null || !homeHit ? null : upstream.atMs + upstream.ms - atMs,
      surviving: {
        sessions: surviving.size,
        gapMs: gapOf(surviving),
        untilRecoveryMs: gapOf(surviving, recoveryAtMs),
      },
      affected: { sessions: affected.size, gapMs: gapOf(affected) },
      rebinds: [], // the journals tell, when they are complete
    }
    this.faults.push(sample)
    this.options.say(sampleText(sample))
    if (electsAfter !== undefined) {
      this.check(
        'a new leader was found',
        leader !== undefined,
        leader === undefined ? 'none' : `node ${leader.view.id} after ${sample.newLeaderMs!} ms`,
        `within ${ELECTION_MS / 1000} s`,
      )
    }
    return sample
  }

  /** Waits until all nodes run, are ready, have what the leader had committed, and all sessions are bound. */
  async caughtUp(timeoutMs = 60_000): Promise<void> {
    await this.cluster.ready(timeoutMs)
    const { node } = await this.cluster.lead(timeoutMs)
    const committed = (await node.cluster())?.commitIndex ?? 0
    await waitFor(
      'all nodes have caught up, and all sessions are bound',
      async () => {
        this.options.signal.throwIfAborted()
        const views = await this.cluster.views()
        const level = views.every(({ appliedIndex }) => appliedIndex >= committed)
        return this.load.allUp && level && views.length === this.cluster.running.length
      },
      { timeoutMs, everyMs: 100 },
    )
  }

  /** When the SMSC took messages, ms since the Unix epoch, in order. */
  upstreamTimes(fromMs = 0): number[] {
    return (this.counter?.acceptedSince(0, 1 << 20) ?? [])
      .map(({ atMs }) => atMs)
      .filter(atMs => atMs >= fromMs)
  }

  /** Octets in the directory of a node's data. */
  diskOf(node: DrillNode): number {
    return folderOctets(join(this.cluster.directory, `data-${node.id}`))
  }

  async end(): Promise<void> {
    await cleanUp(this.cleanups)
  }
}

type Cleanup = () => Promise<void> | void

const INSIDE = new URL('./inside/faults.js', import.meta.url)
const START_MS = 60_000
const ELECTION_MS = 30_000
/** Gaps may have begun so long before a fault. */
const BEFORE_MS = 2_000
const EVENTS_MAX = 2_000

/** A cluster of its own, from an empty directory. */
async function ownPlace(
  setup: DrillSetup,
  { directory, rate, network: kind }: SceneOptions,
  random: SeededRandom,
  onEnd: (cleanup: Cleanup) => void,
): Promise<Place> {
  const { size = 3, inside } = setup
  const namespaces = kind === 'namespaces' ? await NamespaceNetwork.open(size) : undefined
  if (namespaces !== undefined) onEnd(() => namespaces.close())
  const host = namespaces === undefined ? '127.0.0.1' : BRIDGE_HOST
  const smsc = new SmscSimulator({ host, port: 0, behaviour: setup.behaviour ?? {} })
  await smsc.start()
  onEnd(() => smsc.stop())
  const gateway = gatewayWith({ host, port: smsc.port }, setup, rate)
  const cluster = await ProcessCluster.prepare({
    size,
    gateway,
    hosts: namespaces && (id => namespaces.hostOf(id)),
    settings: setup.settings ?? {},
    directory: join(directory, 'cluster'),
    ...(inside === undefined ? {} : { flags: () => ['--import', INSIDE.href] }),
  })
  onEnd(() => cluster.stop({ deadlineMs: 3_000 }))
  if (inside !== undefined) for (const { id } of cluster.nodes) orderInside(cluster, id, inside)
  const proxies = kind === 'proxy' ? await ProxyMesh.between(cluster, random) : undefined
  if (proxies !== undefined) onEnd(() => proxies.close())
  const addresses = (await setup.before?.(cluster, onEnd)) ?? cluster.smppAddresses
  for (const node of cluster.nodes) node.start()
  return { cluster, counter: smsc, network: namespaces ?? proxies, gateway, addresses }
}

/** A running one; what the drill took down is started again at the end. */
async function livePlace(
  live: NodesFile,
  directory: string,
  onEnd: (cleanup: Cleanup) => void,
): Promise<Place> {
  const cluster = new LiveCluster(live, directory)
  const problems = await cluster.problems()
  if (problems.length > 0) throw new Error(problems.join('\n'))
  onEnd(() => cluster.stop())
  const counter = live.smsc === null ? undefined : await LiveSmsc.find(live.smsc)
  onEnd(() => counter?.stop())
  const gateway = await cluster.gateway()
  return { cluster, counter, network: undefined, gateway, addresses: cluster.smppAddresses }
}

function gatewayWith(smsc: Address, setup: DrillSetup, rate: number | null): object {
  const { connector = {}, account = {}, accounts = [] } = setup
  const usual = rate === null ? { ...CONNECTOR, window: UNLIMITED_WINDOW } : CONNECTOR
  const { host, port } = smsc
  const gateway = gatewayTo(port, { connector: { ...usual, ...connector, host }, account }) as {
    accounts: object[]
  }
  // An account each: receipts go to any session of their account, and each client keeps its own books.
  const roaming = { ...gateway.accounts[0], systemId: ACCOUNTS.roaming.systemId }
  return { ...gateway, accounts: [...gateway.accounts, roaming, ...accounts] }
}

/** Read by inside/faults.ts, beside the node file. */
function orderInside(cluster: DrillCluster, id: number, faults: InsideFaults): void {
  writeFileSync(join(cluster.directory, `node-${id}.yaml.faults`), JSON.stringify(faults))
}

async function cleanUp(cleanups: Cleanup[]): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) {
    try {
      await cleanup()
    } catch {
      // What ends after it must end too.
    }
  }
}

function sampleText({ newLeaderMs, upstreamMs, surviving, affected }: FaultSample): string {
  const ms = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} ms`)
  return (
    `  new leader ${ms(newLeaderMs)} · SMSC again ${ms(upstreamMs)} · longest gap: surviving sessions ` +
    `(${surviving.sessions}) ${ms(surviving.gapMs)}, until the recovery ${ms(surviving.untilRecoveryMs ?? null)}, affected (${affected.sessions}) ${ms(affected.gapMs)}`
  )
}

function folderOctets(path: string): number {
  try {
    return readdirSync(path, { recursive: true, withFileTypes: true }).reduce((sum, entry) => {
      if (!entry.isFile()) return sum
      const stat = statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })
      return sum + (stat?.size ?? 0)
    }, 0)
  } catch {
    return 0
  }
}

/** Lines of a node's log whose event is this one. */
export function logged(node: DrillNode, event: string): number {
  try {
    return readFileSync(node.logFile, 'utf8').split(`"event":"${event}"`).length - 1
  } catch {
    return 0
  }
}

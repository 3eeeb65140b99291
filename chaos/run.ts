import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemTimers } from '../src/base/clock.js'
import { buildId } from './build-id.js'
import { verdicts } from './checks.js'
import { CONNECTOR, UNLIMITED_WINDOW, type Drill } from './drill.js'
import { failed, NO_SPREADS, type Evidence, type NodeUse } from './evidence.js'
import { watchHealth } from './guards.js'
import { longestGap, spread } from './gaps.js'
import { cannotRunOn } from './live.js'
import { AWAITED_MAX } from './load.js'
import {
  connectedFor,
  NO_NAMESPACES,
  type Connected,
  type Namespaces,
  type NetworkChoice,
} from './network/choice.js'
import type { NodesFile } from './nodes-file.js'
import { rebindsOf } from './rebinds.js'
import { readJournal, reconcile, type ClientBook } from './reconcile.js'
import { reportHtml } from './report-html.js'
import { Scene } from './scene.js'
import type { DrillSmsc } from './subject.js'
import { drawTimeline } from './timeline.js'

export interface RunOptions {
  /** The evidence of this run goes into a directory of its own in here. */
  out: string
  /** Messages a second; null: as many as come back. */
  rate: number | null
  seed: number
  /** How often the fault comes, in one running cluster. */
  times: number
  /** Keeps the nodes' data too; their logs are kept where a check failed. */
  keep: boolean
  say: (text: string) => void
  /** Ends the drill where it stands: its faults are healed, and it counts as stopped, with the reason given. */
  signal: AbortSignal
  /** How long the load goes on before the first fault, and after the last one. Default PAUSES. */
  pauses?: Pauses
  /** A running cluster (--cluster); undefined: one of its own. */
  live?: NodesFile | undefined
  /** What is asked for of the network, and what can be had. Default: no namespaces. */
  network?: { choice: NetworkChoice; namespaces: Namespaces }
}

interface Pauses {
  beforeMs: number
  afterMs: number
}

export interface DrillResult {
  evidence: Evidence
  /** Directory of report.html, report.json and the load's journals. */
  directory: string
}

/** Start included. A repetition gets ten seconds more. */
export const BUDGET_MS = 180_000
const REPETITION_MS = 10_000
/** Kept back for settling, reconciling and ending. */
const CLOSING_MS = 12_000
const HARD_STOP_MS = 3_000

/** Runs a drill from an empty directory to its report; resolves within its budget. */
export async function runDrill(drill: Drill, options: RunOptions): Promise<DrillResult> {
  const startedAtMs = Date.now()
  const stamp = new Date(startedAtMs).toISOString().replace(/[-:]|\.\d+/g, '')
  const directory = join(options.out, `${stamp}-${drill.name}`)
  mkdirSync(directory, { recursive: true })
  const evidence = blank(drill, options, startedAtMs)
  const { live } = options
  const reason =
    (live === undefined ? undefined : cannotRunOn(drill, live)) ?? (await drill.cannotRun?.())
  const { choice = 'auto', namespaces = NO_NAMESPACES } = options.network ?? {}
  const connected = live === undefined ? connectedFor(drill, choice, namespaces) : undefined
  if (reason !== undefined) evidence.reason = reason
  else if (typeof connected === 'string') evidence.reason = connected
  else {
    if (connected !== undefined) noteNetwork(evidence, connected, options.say)
    await inTime(drill, options, directory, evidence)
    evidence.result = failed(evidence.checks) ? 'failed' : 'passed'
    if (options.signal.aborted) {
      evidence.result = 'stopped'
      evidence.reason = messageOf(options.signal.reason)
    }
  }
  evidence.tookMs = Date.now() - startedAtMs
  evidence.machine.loadAfter = loadavg()[0]!
  const cluster = join(directory, 'cluster')
  if (!options.keep) {
    if (evidence.result === 'passed') rmSync(cluster, { recursive: true, force: true })
    for (let id = 1; id <= evidence.settings.size; id++) {
      rmSync(join(cluster, `data-${id}`), { recursive: true, force: true })
    }
  }
  writeFileSync(join(directory, 'report.json'), `${JSON.stringify(evidence, null, 1)}\n`)
  writeFileSync(join(directory, 'report.html'), reportHtml(evidence))
  return { evidence, directory }
}

function noteNetwork(evidence: Evidence, { kind, says }: Connected, say: RunOptions['say']): void {
  evidence.settings.network = kind
  evidence.says.push(...says)
  for (const text of says) say(text)
}

/** Performs the drill; where it does not end in time, kills the nodes and says so. */
async function inTime(
  drill: Drill,
  options: RunOptions,
  directory: string,
  evidence: Evidence,
): Promise<void> {
  const { repetitionMs = REPETITION_MS } = drill
  const budgetMs = BUDGET_MS + (options.times - 1) * repetitionMs
  const stage: Stage = { scene: undefined }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'late'>(resolve => {
    timer = setTimeout(() => resolve('late'), budgetMs - HARD_STOP_MS)
  })
  const ended = await Promise.race([
    perform(drill, options, { directory, evidence, budgetMs, stage }),
    late,
  ])
  clearTimeout(timer)
  if (ended !== 'late') return
  await stage.scene?.cluster.killAll()
  evidence.checks.push({
    kind: 'must',
    name: 'the drill ended in time',
    ok: false,
    found: 'it had to be stopped',
    expected: `within ${budgetMs / 1000} s`,
  })
}

/** What has to be cleared away when time is over. */
interface Stage {
  scene: Scene | undefined
}

async function perform(
  drill: Drill,
  options: RunOptions,
  run: { directory: string; evidence: Evidence; budgetMs: number; stage: Stage },
): Promise<void> {
  const { rate, seed, times, say, live, pauses = PAUSES } = options
  const { directory, evidence, budgetMs, stage } = run
  const startedMs = performance.now()
  const leftMs = (): number => budgetMs - (performance.now() - startedMs)
  const outOfTime = new AbortController()
  const timer = setTimeout(
    () => outOfTime.abort(new Error('out of time')),
    budgetMs - CLOSING_MS - SETTLE_MS_LEAST,
  )
  const guard = new AbortController()
  const signal = AbortSignal.any([outOfTime.signal, options.signal, guard.signal])
  let unguard = (): void => undefined
  let scene: Scene | undefined
  try {
    say(live === undefined ? `starting ${drill.setup?.size ?? 3} nodes` : 'looking at the cluster')
    const network = evidence.settings.network ?? 'loopback'
    scene = await Scene.start(drill, { directory, rate, seed, say, signal, live, network })
    stage.scene = scene
    const before = usesOf(scene)
    const fromMs = Date.now()
    unguard = watchHealth(
      () => stage.scene!.health(),
      reason => guard.abort(new Error(`a guard tripped: ${reason}`)),
      { clock: systemClock, timers: systemTimers },
    )
    try {
      await scene.steady(pauses.beforeMs)
      for (let i = 0; i < times; i++) {
        if (times > 1) say(`${i + 1} of ${times}`)
        await orAborted(drill.run(scene), signal)
        await scene.steady(i + 1 < times ? BETWEEN_MS : pauses.afterMs)
      }
    } catch (error) {
      say(`ended early, faults are healed: ${messageOf(error)}`)
      await scene.heal()
      scene.check('the drill ran to its end', false, messageOf(error), 'no error')
    }
    clearTimeout(timer)
    unguard()
    // Messages in a cluster that goes on get their receipts, if there is time.
    const stoppedMs = options.live === undefined ? STOPPED_MS : STOPPED_LIVE_MS
    const closingMs = (): number =>
      options.signal.aborted || guard.signal.aborted ? Math.min(stoppedMs, leftMs()) : leftMs()
    await close(scene, evidence, { before, fromMs, leftMs: closingMs, directory, say })
  } catch (error) {
    evidence.checks.push({
      kind: 'must',
      name: 'cluster and load started',
      ok: false,
      found: messageOf(error),
      expected: 'all nodes ready, all sessions bound, messages reach the SMSC',
    })
  } finally {
    clearTimeout(timer)
    unguard()
    await scene?.end()
  }
}

/** Lets everything come to rest, and compares the books. */
async function close(
  scene: Scene,
  evidence: Evidence,
  options: {
    before: ReadonlyMap<number, { rss: number; disk: number }>
    fromMs: number
    leftMs: () => number
    directory: string
    say: (text: string) => void
  },
): Promise<void> {
  const { before, fromMs, leftMs, directory, say } = options
  const { cluster, counter, load } = scene
  const isOwn = cluster.leftBroken === undefined
  say('settling: no more messages; waiting for answers, receipts and equal state hashes')
  const sentUntilMs = Date.now()
  const settleMs = Math.max(5_000, leftMs() - CLOSING_MS)
  const giveUp = setTimeout(() => void load.giveUp(), settleMs)
  const reports = await load.finish()
  clearTimeout(giveUp)
  const settled = await cluster.settled(Math.max(5_000, leftMs() - CLOSING_MS / 2)).then(
    views => ({ ok: true, views, found: `${views[0]!.stateHash} at ${views[0]!.stateHashIndex}` }),
    async (error: unknown) => ({
      ok: false,
      views: await cluster.views(),
      found: messageOf(error).slice(0, 2_000),
    }),
  )
  scene.check(
    `all nodes have the same state hash${isOwn ? ', and nothing left to do' : ''}`,
    settled.ok && settled.views.length === cluster.nodes.length,
    settled.ok ? `${settled.views.length} nodes: ${settled.found}` : settled.found,
    `${cluster.nodes.length} nodes agree${isOwn ? ', nothing queued, in flight or undelivered' : ''}`,
  )
  const left = await cluster.leftBroken?.(Math.max(5_000, leftMs() - CLOSING_MS / 2))
  if (left !== undefined) {
    const found = left.length === 0 ? 'all nodes are ready' : left.join('\n')
    scene.check('the cluster is as it was found', left.length === 0, found, 'all nodes are ready')
  }

  const books = new Map<string, ClientBook>()
  for (const { name, journal } of load.clients) {
    books.set(name, readJournal(readFileSync(journal, 'utf8')))
  }
  const booked = load.clients.map(({ name, client }) => ({
    name,
    book: books.get(name)!,
    startedAtMs: client.startedAtMs,
  }))
  const runs = new Map(load.clients.map(({ name, client }) => [name, client.runNumber]))
  await counter?.refresh?.()
  evidence.books = reconcile(
    books,
    counter && ((client, n) => counter.tags.count(runs.get(client)!, n)),
  )
  evidence.duplicateBound = counter === undefined ? null : boundOf(scene, counter)
  evidence.settings.gateway = withoutSecrets(scene.gateway)
  const rebinds = rebindsOf(
    booked,
    scene.faults.map(({ atMs }) => atMs),
  )
  evidence.faults = scene.faults.map((fault, i) => ({ ...fault, rebinds: rebinds[i]! }))
  evidence.marks = scene.marks
  evidence.roles = scene.watch.roles
  evidence.events = scene.events
  evidence.measured = scene.measured
  evidence.spreads = {
    survivingGapMs: spread(present(scene.faults.map(({ surviving }) => surviving.gapMs))),
    affectedGapMs: spread(present(scene.faults.map(({ affected }) => affected.gapMs))),
    newLeaderMs: spread(present(scene.faults.map(({ newLeaderMs }) => newLeaderMs))),
    upstreamMs: spread(present(scene.faults.map(({ upstreamMs }) => upstreamMs))),
    okAfterConnectMs: spread(present(rebinds.flat().map(one => one.okAfterConnectMs))),
    okAfterBindMs: spread(present(rebinds.flat().map(one => one.okAfterBindMs))),
  }
  const all = load.answers(new Set(load.sessions), fromMs, sentUntilMs)
  evidence.gaps = {
    all: longestGap(all, fromMs, sentUntilMs)?.ms ?? null,
    sessionsThatBroke: load.sessions.filter(({ breaks }) => breaks > 0).length,
  }
  evidence.nodes = cluster.nodes.map((node): NodeUse => {
    const { rss = 0, disk = 0 } = before.get(node.id) ?? {}
    const view = settled.views.find(({ id }) => id === node.id)
    return {
      node: node.id,
      rssBefore: rss,
      rssMax: scene.watch.rssMax.get(node.id) ?? 0,
      rssAfter: node.rssOctets,
      diskBefore: disk,
      diskAfter: scene.diskOf(node),
      stateHash: view?.stateHash ?? null,
      stateHashIndex: view?.stateHashIndex ?? null,
    }
  })
  const upstreamTimes = scene.upstreamTimes()
  evidence.timeline = drawTimeline(
    booked,
    upstreamTimes,
    Math.min(...load.clients.map(({ client }) => client.startedAtMs)),
    upstreamTimes.reduce((a, b) => Math.max(a, b), sentUntilMs + 1_000),
  )
  evidence.latencyMs = latencyOf(books)
  evidence.checks = [...scene.checks, ...verdicts(evidence)]
  writeFileSync(join(directory, 'load.json'), `${JSON.stringify(reports, null, 1)}\n`)
}

/** Rejects when the signal is aborted, whatever the work does; each of its next steps finds that too. */
async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let stop = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop)
  })
  try {
    await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
    work.catch(() => undefined) // it ends later, with the same reason
  }
}

const PAUSES: Pauses = { beforeMs: 3_000, afterMs: 2_000 }
/** What was stopped is not waited for. */
const STOPPED_MS = CLOSING_MS + 5_000
const STOPPED_LIVE_MS = CLOSING_MS + 30_000
const BETWEEN_MS = 1_000
const SETTLE_MS_LEAST = 40_000

function usesOf(scene: Scene): Map<number, { rss: number; disk: number }> {
  return new Map(
    scene.cluster.nodes.map(node => [node.id, { rss: node.rssOctets, disk: scene.diskOf(node) }]),
  )
}

function boundOf(scene: Scene, counter: DrillSmsc): Evidence['duplicateBound'] {
  const stats = counter.stats()
  const bindsEnded = stats.binds - stats.sessions.length
  const window = windowOf(scene)
  return { bindsEnded, window, bound: bindsEnded * window + scene.doubtsAllowed }
}

function windowOf({ gateway }: Scene): number {
  const { connectors } = gateway as { connectors: { window?: number }[] }
  return connectors[0]?.window ?? CONNECTOR.window
}

function latencyOf(books: ReadonlyMap<string, ClientBook>): Evidence['latencyMs'] {
  const all = [...books.values()].flatMap(({ acknowledged }) =>
    [...acknowledged.values()].map(({ sentMs, answeredMs }) => answeredMs - sentMs),
  )
  if (all.length === 0) return null
  const sorted = Float64Array.from(all).sort()
  const at = (share: number): number =>
    Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]! * 10) / 10
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) }
}

function present(values: readonly (number | null)[]): number[] {
  return values.filter(value => value !== null)
}

function withoutSecrets(settings: object): unknown {
  return JSON.parse(
    JSON.stringify(settings, (key, value: unknown) => (key === 'password' ? '***' : value)),
  )
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function blank(drill: Drill, options: RunOptions, startedAtMs: number): Evidence {
  const { rate, seed, times, live } = options
  return {
    version: 1,
    drill: drill.name,
    summary: drill.summary,
    says: [
      ...(live === undefined
        ? ['messages in doubt are resent after 3 s (inDoubt: wait 3s)']
        : [RUNNING, ...(live.smsc === null ? [FOREIGN] : [])]),
      ...(rate === null ? [CLOSED_LOOP] : []),
      ...(drill.says ?? []),
    ],
    startedAt: new Date(startedAtMs).toISOString(),
    tookMs: 0,
    carillon: version(),
    build: live === undefined ? buildId() : { commit: null, hash: 'of a running cluster' },
    machine: {
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      cpus: cpus().length,
      loadBefore: loadavg()[0]!,
      loadAfter: 0,
    },
    seed,
    settings: {
      size: live?.nodes.length ?? drill.setup?.size ?? 3,
      rate: rate ?? 'unlimited',
      times,
      gateway: null,
      node: drill.setup?.settings ?? {},
    },
    result: 'not run',
    checks: [],
    faults: [],
    spreads: NO_SPREADS,
    books: null,
    duplicateBound: null,
    gaps: { all: null, sessionsThatBroke: 0 },
    latencyMs: null,
    nodes: [],
    marks: [],
    roles: [],
    measured: {},
    events: [],
    timeline: null,
  }
}

const RUNNING =
  'a running cluster, with a build and settings of its own; others may send meanwhile, so its queues need not be ' +
  'empty at the end. Memory is known of nodes with a pidFile, disks are not'
const FOREIGN =
  'not checked, for the SMSC is not our simulator: messages sent twice upstream, and what was refused or not ' +
  'answered and sent nevertheless. What was lost is told by receipts alone'
const CLOSED_LOOP =
  `the load has no rate: it is a closed loop, with at most ${AWAITED_MAX} messages on their way or waiting ` +
  `for their receipts; the connector's window is ${UNLIMITED_WINDOW}`

function version(): string {
  const file = new URL('../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

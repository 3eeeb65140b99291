import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { flameGraphHtml } from './flame-html.js'
import type { LoadOptions, Measurement, Path } from './load.js'
import { readProfile, summarise, type Span } from './profile.js'
import type { NodeProfile } from './report.js'
import { Scenario } from './scenario.js'

export interface GatewayProfileOptions {
  nodes: number
  path: Path
  load: LoadOptions
  /** Where the profiles and the flame graph are kept. */
  results: string
}

/**
 * One run, closed loop, with V8's profiler on every node. Leaves `node-1.cpuprofile` … and `flame.html`, a graph a node, the
 * leader's first; start and warm-up are cut away from the graph and the shares.
 */
export async function profileGateway(options: GatewayProfileOptions): Promise<NodeProfile> {
  const { nodes, path, results } = options
  const directory = await mkdtemp(join(tmpdir(), 'carillon-profile-'))
  try {
    const { measured, leader, cpuMs, span, loaded } = await run(options, directory)
    const written = await readdir(directory)
    if (written.length < nodes) throw new Error(`only ${written.join(', ')} were profiled`)
    await mkdir(results, { recursive: true })
    for (const name of written) await copyFile(join(directory, name), join(results, name))
    const ids = Array.from({ length: nodes }, (_, i) => i + 1).sort(
      (a, b) => Number(b === leader) - Number(a === leader),
    )
    const profiles = ids.map(id => readProfile(join(directory, nameOf(id))))
    const flameGraph = join(results, 'flame.html')
    const title = `${nodes} nodes, ${path}, closed loop`
    await writeFile(
      flameGraph,
      flameGraphHtml(
        title,
        profiles.map((profile, i) => ({
          title: ids[i] === leader ? `node ${leader}, leader` : `node ${ids[i]}`,
          profile,
          span,
        })),
      ),
    )
    return {
      nodes,
      path,
      acceptedPerSecond: measured.acceptedPerSecond,
      leader: summarise(profiles.slice(0, 1), span),
      all: summarise(profiles, span),
      cpuOverMainThread: Math.round((cpuMs * 100) / summarise(profiles, loaded).busyMs) / 100,
      flameGraph,
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

interface ProfiledRun {
  measured: Measurement
  leader: number
  cpuMs: number
  /** What is shown (without the warm-up), and what CPU time was counted over. */
  span: Span
  loaded: Span
}

async function run(options: GatewayProfileOptions, directory: string): Promise<ProfiledRun> {
  const { nodes, path, load } = options
  const flags = (id: number): string[] => [
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    `--cpu-prof-name=${nameOf(id)}`,
  ]
  const scenario = await Scenario.start({ nodes, path, load, flags })
  try {
    const cpuBeforeMs = scenario.cpuMs
    const beganUs = monotonicUs()
    const measured = await scenario.measure(null)
    const fromUs = beganUs + load.warmUpMs * 1_000
    return {
      measured,
      leader: (await scenario.cluster.leader()).id,
      cpuMs: scenario.cpuMs - cpuBeforeMs,
      span: { fromUs, toUs: fromUs + load.durationMs * 1_000 },
      loaded: { fromUs: beganUs, toUs: monotonicUs() },
    }
  } finally {
    await scenario.stop()
  }
}

function nameOf(id: number): string {
  return `node-${id}.cpuprofile`
}

/** What process.hrtime() reads, and V8's profiles are dated by. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

import { copyFile, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import { outputOption } from '../src/tools/smsc-sim-main.js'
import { duration, grouped, option, perSecond, whole } from '../src/tools/units.js'
import { listOf, path } from './arguments.js'
import { ALL_ATTACKS, benchHostile, hostileText } from './hostile.js'
import type { LoadOptions, Measurement, Path } from './load.js'
import { describeMachine, machineText } from './machine.js'
import { readProfile, summarise } from './profile.js'
import {
  memoryText,
  measurementsText,
  profileText,
  reportText,
  type BenchReport,
  type MemoryReport,
  type NodeProfile,
} from './report.js'
import { Scenario } from './scenario.js'

const EXAMPLES = `
Examples:
  Everything: one node and three, every path, closed loop and open loop, and where the time goes:
    carillon bench
  A first impression in two minutes:
    carillon bench --nodes 3 --paths dispatch --rates 2000 --duration 5s --no-profile
  Does memory stay bounded? RSS after 100,000 and after 1,000,000 messages:
    carillon bench --memory
  Decoding and encoding, beside the smpp package, in half a minute:
    carillon bench --codec
  Beside etcd, NATS JetStream, Redis, Kannel and others, as ratios:
    carillon bench --peers
  Do other sessions notice floods, slow and broken peers, and 10,000 idle sessions?
    carillon bench --hostile --idle 10000 --duration 5s

It starts nodes, SMSC simulator and load client as processes of their own, in a temporary directory
and on free ports. Results go to bench/results/ too. How it is measured: bench/README.md.
`

interface Flags {
  nodes: number[]
  paths: Path[]
  rates: number[]
  duration: number
  warmup: number
  sessions: number
  window: number
  octets: number
  profile: boolean
  codec: boolean
  hostile: boolean
  idle: number
  memory: boolean
  memoryCounts: number[]
  results: string
  output: 'table' | 'json'
}

/**
 * `carillon bench`.
 * @returns the exit status: 0; 1 where a run showed a problem (lost receipts, repeated ids, memory that
 *          grew by over a fifth) or failed; 2 where the arguments are wrong
 */
export async function main(argv: string[]): Promise<number> {
  if (argv.some(word => /^--peers(=|$)/.test(word))) return comparePeers(argv)
  const command = benchCommand()
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  try {
    return await run(command.opts<Flags>())
  } catch (error) {
    // What a node or a tool said when it ended is in the message.
    process.stderr.write(`bench: ${(error as Error).message}\n`)
    return 1
  }
}

async function run(flags: Flags): Promise<number> {
  if (flags.codec) return compareCodecs(flags.output)
  if (flags.hostile) return attack(flags)
  const report: BenchReport = {
    machine: describeMachine(tmpdir()),
    settings: { ...flags },
    measurements: [],
    profile: null,
    memory: null,
  }
  note(machineText(report.machine))
  if (flags.memory) {
    report.memory = await measureMemory(flags)
  } else {
    await measureAll(flags, report.measurements)
    if (flags.profile) report.profile = await profileNodes(flags)
  }
  await writeResults(flags.results, report)
  process.stdout.write(
    flags.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : `${reportText(report)}\n`,
  )
  const grew = report.memory !== null && report.memory.growth > GROWTH_MAX
  return grew || report.measurements.some(one => one.problems.length > 0) ? 1 : 0
}

/** Imported here alone: the `smpp` package is there for development, and not where a node is installed. */
async function compareCodecs(output: Flags['output']): Promise<number> {
  const { benchCodec, codecText } = await import('./codec.js')
  const rows = benchCodec({ rounds: 7, roundMs: 60 })
  process.stdout.write(output === 'json' ? `${JSON.stringify(rows, null, 2)}\n` : codecText(rows))
  return 0
}

/** Its options are its own: `--peers --help`. */
async function comparePeers(argv: string[]): Promise<number> {
  const { main } = await import('./peers/main.js')
  return main(argv, resultsDirectory())
}

async function attack({ output, duration, idle }: Flags): Promise<number> {
  const rows = await benchHostile({
    attacks: ALL_ATTACKS,
    ms: duration,
    idleSessions: idle,
    progress: row => note(hostileText([row])),
  })
  process.stdout.write(output === 'json' ? `${JSON.stringify(rows, null, 2)}\n` : hostileText(rows))
  return rows.some(row => row.refused > 0) ? 1 : 0
}

function benchCommand(): Command {
  return new Command('carillon bench')
    .description('Throughput, latency and memory of one node and of three, driven from outside.')
    .exitOverride()
    .addOption(option('--nodes <n,…>', 'sizes of the cluster', listOf(whole(1, 9)), [1, 3], '1,3'))
    .addOption(
      option(
        '--paths <path,…>',
        'accept (connector down), dispatch, receipts',
        listOf(path),
        ['accept', 'dispatch', 'receipts'] satisfies Path[],
        'accept,dispatch,receipts',
      ),
    )
    .addOption(
      option(
        '--rates <rate,…>',
        'open-loop rates; those above 90 % of the maximum found are left out',
        listOf(perSecond),
        [1_000, 5_000, 10_000, 20_000],
        '1000,5000,10000,20000',
      ),
    )
    .addOption(option('--duration <duration>', 'of each run', duration('s'), 10_000, '10s'))
    .addOption(option('--warmup <duration>', 'before it, not measured', duration('s'), 3_000, '3s'))
    .option('--sessions <n>', 'of the load client', whole(1, 1_000), 6)
    .option('--window <n>', 'of each session', whole(1, 100_000), 250)
    .option('--octets <n>', 'of the text', whole(18, 254), 140)
    .option('--no-profile', 'do not run once more with --cpu-prof on the nodes')
    .option('--codec', 'our codec beside the smpp package, instead of all else', false)
    .option(
      '--peers [system,…]',
      'Carillon beside etcd, NATS, Redis, Kannel and others; --peers --help',
    )
    .option('--hostile', 'what others see while peers mean harm, instead of all else', false)
    .option(
      '--idle <n>',
      'with --hostile: so many idle sessions at the end',
      whole(0, 100_000),
      1_000,
    )
    .option('--memory', 'RSS of all nodes after many messages, instead of all else', false)
    .addOption(
      option(
        '--memory-counts <n,…>',
        'after how many',
        listOf(whole(1, 1e8)),
        [100_000, 1_000_000],
        '100000,1000000',
      ),
    )
    .addOption(
      option(
        '--results <directory>',
        'where results are kept',
        text => text,
        resultsDirectory(),
        'bench/results',
      ),
    )
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
}

/** bench/results of the checkout that this build belongs to. */
function resultsDirectory(): string {
  return fileURLToPath(new URL('../../bench/results', import.meta.url))
}

function loadOf(flags: Flags): LoadOptions {
  const { sessions, window, octets } = flags
  return { durationMs: flags.duration, warmUpMs: flags.warmup, sessions, window, octets }
}

async function measureAll(flags: Flags, into: Measurement[]): Promise<void> {
  for (const nodes of flags.nodes) {
    for (const path of flags.paths) {
      const scenario = await Scenario.start({ nodes, path, load: loadOf(flags) })
      try {
        const most = await scenario.measure(null)
        show(into, most)
        for (const rate of flags.rates) {
          if (rate <= 0.9 * most.acceptedPerSecond) show(into, await scenario.measure(rate))
        }
      } finally {
        await scenario.stop()
      }
    }
  }
}

function show(into: Measurement[], measurement: Measurement): void {
  into.push(measurement)
  note(measurementsText([measurement]))
}

/** The largest cluster and the longest path once more, with the profiler on. */
async function profileNodes(flags: Flags): Promise<NodeProfile> {
  const directory = await mkdtemp(join(tmpdir(), 'carillon-profile-'))
  const nodes = Math.max(...flags.nodes)
  const path = flags.paths.includes('dispatch') ? 'dispatch' : flags.paths[0]!
  const profileFlags = (id: number): string[] => [
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    `--cpu-prof-name=node-${id}.cpuprofile`,
  ]
  try {
    const load = loadOf(flags)
    const scenario = await Scenario.start({ nodes, path, load, flags: profileFlags })
    let measured: Measurement
    let leader: number
    let cpuMs: number
    /** What is shown (without the warm-up), and what CPU time was counted over. */
    const span = { fromUs: 0, toUs: 0 }
    const loaded = { fromUs: 0, toUs: 0 }
    try {
      span.fromUs = monotonicUs() + flags.warmup * 1_000
      const cpuBefore = scenario.cpuMs
      loaded.fromUs = monotonicUs()
      measured = await scenario.measure(null)
      loaded.toUs = monotonicUs()
      span.toUs = span.fromUs + flags.duration * 1_000
      cpuMs = scenario.cpuMs - cpuBefore
      leader = (await scenario.cluster.leader()).id
    } finally {
      await scenario.stop()
    }
    const written = await readdir(directory)
    if (written.length < nodes) throw new Error(`only ${written.join(', ')} were profiled`)
    const profiles = written.map(name => readProfile(join(directory, name)))
    await mkdir(flags.results, { recursive: true })
    for (const name of written) await copyFile(join(directory, name), join(flags.results, name))
    const all = summarise(profiles, span)
    const result: NodeProfile = {
      nodes,
      path,
      acceptedPerSecond: measured.acceptedPerSecond,
      leader: summarise([readProfile(join(directory, `node-${leader}.cpuprofile`))], span),
      all,
      cpuOverMainThread: Math.round((cpuMs * 100) / summarise(profiles, loaded).busyMs) / 100,
    }
    note(profileText(result))
    return result
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** RSS after the most messages over RSS after the fewest: beyond it memory is not bounded. */
const GROWTH_MAX = 1.2

/** What process.hrtime() reads, and V8's profiles are dated by. */
function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

async function measureMemory(flags: Flags): Promise<MemoryReport> {
  const nodes = Math.max(...flags.nodes)
  const scenario = await Scenario.start({ nodes, path: 'receipts', load: loadOf(flags) })
  const points: MemoryReport['points'] = []
  try {
    let through = 0
    for (const messages of flags.memoryCounts.toSorted((a, b) => a - b)) {
      const report = await scenario.pass(messages - through)
      through = messages
      const rssMiB = await settledRss(scenario)
      points.push({ messages, rssMiB, acceptedPerSecond: report.throughput })
      note(`${grouped(messages)} through: RSS ${rssMiB.join(', ')} MiB`)
    }
  } finally {
    await scenario.stop()
  }
  const sums = points.map(({ rssMiB }) => rssMiB.reduce((a, b) => a + b, 0))
  const growth = Math.round(((sums.at(-1) ?? 0) * 100) / Math.max(1, sums[0] ?? 0)) / 100
  const memory = { nodes, points, growth }
  note(memoryText(memory))
  return memory
}

/** The median of each node's RSS over five seconds of rest, MiB. */
async function settledRss(scenario: Scenario): Promise<number[]> {
  const samples: number[][] = []
  for (let i = 0; i < 11; i++) {
    samples.push(scenario.rssOctets)
    await new Promise(resolve => setTimeout(resolve, 500))
  }
  return scenario.rssOctets.map((_, node) => {
    const sorted = samples.map(sample => sample[node] ?? 0).sort((a, b) => a - b)
    return Math.round(sorted[5]! / 2 ** 20)
  })
}

async function writeResults(directory: string, report: BenchReport): Promise<void> {
  await mkdir(directory, { recursive: true })
  const name = report.machine.at.replaceAll(':', '').replace(/\..*/, '')
  const kind = report.memory === null ? 'bench' : 'memory'
  await writeFile(join(directory, `${name}-${kind}.json`), JSON.stringify(report, null, 2))
  await writeFile(join(directory, `${name}-${kind}.txt`), `${reportText(report)}\n`)
}

/** Progress goes to stderr, so that stdout is the result alone. */
function note(text: string): void {
  process.stderr.write(`${text}\n\n`)
}

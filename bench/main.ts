import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import { outputOption } from '../src/tools/smsc-sim-main.js'
import { duration, option, perSecond, whole } from '../src/tools/units.js'
import { listOf, path } from './arguments.js'
import { profileGateway } from './gateway-profile.js'
import { measureGateway } from './gateway.js'
import { ALL_ATTACKS, benchHostile, hostileText } from './hostile.js'
import type { LoadOptions, Measurement, Path } from './load.js'
import { describeMachine, machineText } from './machine.js'
import { GROWTH_MAX, measureMemory } from './memory.js'
import {
  memoryText,
  measurementsText,
  profileText,
  reportText,
  type BenchReport,
} from './report.js'

const EXAMPLES = `
Examples:
  Everything: one node and three, every path, closed loop and open loop, and where the time goes:
    carillon bench
  A first impression in two minutes:
    carillon bench --nodes 3 --paths dispatch --rates 2000 --duration 5s --no-profile
  Where does the time go? A flame graph of each node, and the share of each room:
    carillon bench --profile --nodes 3 --paths dispatch
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
  /** true: only the run with the profiler; undefined: it too. */
  profile?: boolean
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
  const load = loadOf(flags)
  const nodes = Math.max(...flags.nodes)
  if (flags.memory) {
    report.memory = await measureMemory({
      nodes,
      counts: flags.memoryCounts,
      load,
      progress: note,
    })
    note(memoryText(report.memory))
  } else {
    const progress = (measured: Measurement): void => note(measurementsText([measured]))
    if (flags.profile !== true)
      report.measurements = await measureGateway({ ...flags, load, progress })
    if (flags.profile !== false) {
      // the largest cluster and the longest path that is not all receipts
      const path = flags.paths.includes('dispatch') ? 'dispatch' : flags.paths[0]!
      report.profile = await profileGateway({ nodes, path, load, results: flags.results })
      note(profileText(report.profile))
    }
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
    .option('--profile', 'only the run with the profiler on: shares by room, and flame.html')
    .option('--no-profile', 'all but that run')
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

async function writeResults(directory: string, report: BenchReport): Promise<void> {
  await mkdir(directory, { recursive: true })
  const name = report.machine.at.replaceAll(':', '').replace(/\..*/, '')
  const kind = report.memory === null ? 'bench' : 'memory'
  await writeFile(join(directory, `${name}-${kind}.json`), JSON.stringify(report, null, 2))
  await writeFile(join(directory, `${name}-${kind}.txt`), `${reportText(report)}\n`)
}

function loadOf(flags: Flags): LoadOptions {
  const { sessions, window, octets } = flags
  return { durationMs: flags.duration, warmUpMs: flags.warmup, sessions, window, octets }
}

/** Progress goes to stderr, so that stdout is the result alone. */
function note(text: string): void {
  process.stderr.write(`${text}\n\n`)
}

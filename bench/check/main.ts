import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, CommanderError } from 'commander'
import { duration, grouped, option, whole } from '../../src/tools/units.js'
import { listOf, path } from '../arguments.js'
import type { LoadOptions, Measurement, Path } from '../load.js'
import { describeMachine, machineText } from '../machine.js'
import { plainTable, trimmed } from '../report.js'
import { Scenario } from '../scenario.js'
import { readHistory, writeEntry, type Entry } from './history.js'
import { buildCommit, commitOf, hasChanges } from './other-build.js'
import { trendSvg } from './trend.js'
import { judge, type Pair, type PathVerdict } from './verdict.js'

const EXAMPLES = `
Examples:
  This build beside the newest commit in bench/history/:
    npm run bench:check
  Beside another commit, one path, more rounds:
    npm run bench:check -- --before v0.1.0 --paths dispatch --rounds 5
  Keep the result of a clean checkout, and draw the trend anew:
    npm run bench:check -- --record

Both builds run on this machine in turn, round by round, under the same load client; what counts are the ratios.
Exit status: 0; 1 where this build is slower in every round, and in the median by more than 10 %; 2 where the arguments
are wrong.
`

interface Flags {
  before?: string
  paths: Path[]
  rounds: number
  duration: number
  warmup: number
  nodes: number
  record: boolean
}

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const HISTORY = join(ROOT, 'bench/history')

/** `npm run bench:check`. */
async function main(argv: string[]): Promise<number> {
  const command = checkCommand()
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  const directory = await mkdtemp(join(tmpdir(), 'carillon-check-'))
  const clean = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
  process.once('exit', clean)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(130))
  try {
    return await check(command.opts<Flags>(), directory)
  } catch (error) {
    process.stderr.write(`bench:check: ${(error as Error).message}\n`)
    return 1
  }
}

async function check(flags: Flags, directory: string): Promise<number> {
  const now = await commitOf(ROOT, 'HEAD')
  const before = await commitOf(ROOT, flags.before ?? (await newestOf(now.hash)))
  if (flags.record && (await hasChanges(ROOT)))
    throw new Error('--record keeps what a commit did, and there are changes: commit them first')
  const machine = describeMachine(directory)
  note(machineText(machine))
  note(`building ${before.hash.slice(0, 7)}, to run beside ${now.hash.slice(0, 7)}`)
  const source = join(directory, 'before')
  await mkdir(source)
  const main = await buildCommit(ROOT, before.hash, source)
  const paths: PathVerdict[] = []
  for (const path of flags.paths) paths.push(await comparePath(path, main, flags))
  process.stdout.write(`${verdictText(paths)}\n`)
  const { rounds, duration: durationMs, warmup: warmUpMs, nodes } = flags
  if (flags.record) {
    const entry: Entry = {
      commit: now.hash,
      committedAt: now.at,
      before: before.hash,
      machine,
      settings: { rounds, durationMs, warmUpMs, nodes },
      paths,
    }
    await writeEntry(HISTORY, entry)
    await writeFile(join(HISTORY, 'trend.svg'), trendSvg(await readHistory(HISTORY)))
  }
  return paths.some(({ slower }) => slower !== '') ? 1 : 0
}

/** The newest commit that was compared, other than this one; the one before this where there is none. */
async function newestOf(now: string): Promise<string> {
  const earlier = (await readHistory(HISTORY)).filter(({ commit }) => commit !== now)
  return earlier.at(-1)?.commit ?? 'HEAD~1'
}

async function comparePath(path: Path, main: URL, flags: Flags): Promise<PathVerdict> {
  const pairs: Pair[] = []
  for (let round = 1; round <= flags.rounds; round++) {
    // in turn, so that neither is always the one on the warmer machine
    const first = round % 2 === 1
    const one = await measure(path, first ? main : undefined, flags)
    const other = await measure(path, first ? undefined : main, flags)
    const pair = first ? { before: one, now: other } : { before: other, now: one }
    pairs.push(pair)
    const figures = ({ acceptedPerSecond, cpuUsPerMessage }: Pair['now']): string =>
      `${grouped(acceptedPerSecond)}/s, ${cpuUsPerMessage} µs`
    note(`${path}, round ${round}: before ${figures(pair.before)}; now ${figures(pair.now)}`)
  }
  return judge(path, pairs)
}

/** @param main  the program of the nodes; undefined for this build's */
async function measure(path: Path, main: URL | undefined, flags: Flags): Promise<Measurement> {
  const load: LoadOptions = {
    durationMs: flags.duration,
    warmUpMs: flags.warmup,
    ...{ sessions: 6, window: 250, octets: 140 },
  }
  const scenario = await Scenario.start({ nodes: flags.nodes, path, load, main })
  try {
    const measured = await scenario.measure(null)
    if (measured.problems.length > 0) throw new Error(measured.problems.join('; '))
    return measured
  } finally {
    await scenario.stop()
  }
}

function verdictText(paths: readonly PathVerdict[]): string {
  const ratio = ({ median, min, max }: PathVerdict['cpu']): string =>
    `× ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
  const table = plainTable(['path', 'a second', 'now ÷ before', 'µs CPU/msg', 'now ÷ before', ''])
  for (const { path, perSecond, cpuUs, throughput, cpu, slower } of paths)
    table.push([
      path,
      grouped(Math.round(perSecond)),
      ratio(throughput),
      cpuUs.toFixed(1),
      ratio(cpu),
      slower === '' ? '' : `slower: ${slower}`,
    ])
  return trimmed(table)
}

function checkCommand(): Command {
  return new Command('npm run bench:check --')
    .description('This build beside an earlier commit, in the same run, as ratios.')
    .exitOverride()
    .option('--before <commit>', 'default: the newest in bench/history/, else HEAD~1')
    .addOption(
      option(
        '--paths <path,…>',
        'accept, dispatch, receipts',
        listOf(path),
        ['accept', 'dispatch', 'receipts'] satisfies Path[],
        'accept,dispatch,receipts',
      ),
    )
    .option(
      '--rounds <n>',
      'of both builds; even, for whoever is first in a round may be faster',
      whole(1, 100),
      4,
    )
    .addOption(option('--duration <duration>', 'of each run', duration('s'), 8_000, '8s'))
    .addOption(option('--warmup <duration>', 'before it, not measured', duration('s'), 6_000, '6s'))
    .option('--nodes <n>', 'of the cluster', whole(1, 9), 3)
    .option('--record', 'keep the result in bench/history/', false)
    .addHelpText('after', EXAMPLES)
}

/** Progress goes to stderr, so that stdout is the result alone. */
function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

process.exitCode = await main(process.argv.slice(2))

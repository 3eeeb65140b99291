import { readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { CommandFailed } from '../src/cli/failure.js'
import { processIo, type Io } from '../src/cli/io.js'
import { tableText } from '../src/cli/table.js'
import { suggestion } from '../src/config/nearest.js'
import { outputOption } from '../src/tools/smsc-sim-main.js'
import { limit, option, whole } from '../src/tools/units.js'
import { buildId } from './build-id.js'
import { goodRuns, plan, type PlannedRun } from './campaign.js'
import type { Drill } from './drill.js'
import { DRILLS } from './drills/index.js'
import { addGameDays } from './game-days.js'
import { readHistory, readSummaries } from './history.js'
import { runsText, trend, trendsText } from './history-text.js'
import { terminalAsk } from './live.js'
import { enterOwn, isInOwn, namespacesHere } from './network/own-namespace.js'
import { OUT, runAll, withFlags, type DrillWorld, type Flags } from './running.js'
import { resultsTable, withResults } from './results-table.js'
import { runDrill } from './run.js'

const EXAMPLES = `
Examples:
  What there is, and what cannot run here:
    ./carillon drill list
  One drill, about a minute; its report is named at the end:
    ./carillon drill run leader-kill
  The same fault 20 times in one running cluster, with the distribution of gaps:
    ./carillon drill run leader-kill --times 20
  Every drill three times, a fresh cluster each; again after a break, without what is done:
    ./carillon drill suite --repeat 3 --record chaos/history
    ./carillon drill suite --repeat 3 --record chaos/history --resume
  A cluster that runs already (deploy/example/nodes.yaml says how to write the file); it asks first:
    ./carillon drill run leader-kill --cluster nodes.yaml --rate 50
    ./carillon drill suite leader-kill leader-pause --repeat 3 --cluster nodes.yaml --yes
  How the times of earlier runs went:
    ./carillon drill history
    ./carillon drill history leader-kill
  Game days, and the hard stop:
    ./carillon drill schedule '0 14 * * TUE' leader-kill smsc-outage
    ./carillon drill stop

A drill starts its own cluster of real processes on free ports, an SMSC simulator and two load clients,
breaks something, and compares the books message by message. Evidence: report.html and report.json in a
directory for each run under --out, and a line of history.jsonl. Ctrl-C heals what is broken and ends the
drill; a second one ends it at once.

Drills that break the network run where one is root, and iptables is installed, in network namespaces, one for each node,
and iptables drops their packets (--network namespaces: other drills too). Elsewhere, or with --network proxy, a TCP
proxy stands between the nodes; the report says which. What is made for it lies in a namespace without a name, and is
gone with the drill's processes, however they end; interfaces and rules of this machine are not touched.

With --cluster it breaks the nodes of a cluster that runs, as nodes.yaml says, and leaves it as it was found:
nodes that it took down are started, paused ones continued, also when it fails or is stopped. A drill that
needs what such a cluster has not (proxies between nodes, orders inside them) says so and sends nothing.

Exit status: 0; 1 where a check failed, a drill was stopped or not agreed to; 2 where the arguments or
nodes.yaml are wrong; 3 where the cluster is not as nodes.yaml says. A drill that cannot run on this
machine, or on this cluster, says why; that is no failure.
`

interface RunFlags extends Flags {
  all: boolean
  times: number
}

interface SuiteFlags extends Flags {
  repeat: number
  times: ReadonlyMap<string, number>
  resume: boolean
}

interface HistoryFlags {
  out: string
  kept: string
  markdown: boolean
  into?: string
  output: 'table' | 'json'
}

/** `carillon drill`. @returns the exit status, see EXAMPLES */
export async function main(
  argv: string[],
  world: DrillWorld = {
    ...{ io: processIo(), drills: DRILLS, perform: runDrill, ask: terminalAsk() },
    network: { isInOwn, here: namespacesHere, enter: () => enterOwn(argv) },
  },
): Promise<number> {
  const { io, drills } = world
  let exitStatus = 0
  const program = new Command('carillon drill')
    .description('Breaks a cluster on purpose, and counts what became of its messages.')
    .exitOverride()
    .configureOutput({
      writeOut: text => io.out(text.trimEnd()),
      writeErr: text => io.note(text.trimEnd()),
    })
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLES)
  const known = (name: string): string => {
    if (drills.some(drill => drill.name === name)) return name
    const near = suggestion(
      name,
      drills.map(drill => drill.name),
    )
    throw new InvalidArgumentError(`there is no drill ${name}${near}`)
  }

  program
    .command('list')
    .description('what there is')
    .addOption(outputOption())
    .action(async ({ output }: Pick<Flags, 'output'>) => {
      io.out(await listText(world, output))
    })
  withFlags(program.command('run'))
    .description('run one drill, or all of them one after the other')
    .argument('[name]', 'which one', known)
    .option('--all', 'every drill', false)
    .option('--times <n>', 'repeat the fault in one running cluster', whole(1, 1_000), 1)
    .addHelpText(
      'after',
      '\nExample:\n  ./carillon drill run partition-leader --times 5 --rate 500',
    )
    .action(async (name: string | undefined, flags: RunFlags, command: Command) => {
      if ((name === undefined) !== flags.all) {
        command.error(name === undefined ? 'error: name a drill, or give --all' : BOTH)
      }
      const chosen = drills.filter(drill => flags.all || drill.name === name)
      const runs = chosen.map((drill): PlannedRun => ({ drill, times: flags.times }))
      exitStatus = await runAll(runs, flags, world)
    })
  withFlags(program.command('suite'))
    .description('run drills several times, each time from an empty directory')
    .argument('[names...]', 'which ones (default: all)', (name, names: string[] | undefined) => [
      ...(names ?? []),
      known(name),
    ])
    .requiredOption('--repeat <n>', 'how often', whole(1, 1_000))
    .addOption(
      option(
        '--times <list>',
        'faults in one run, by drill',
        timesList(known),
        new Map(),
        '1 each',
      ),
    )
    .option('--resume', 'leave out what has enough good runs of this build and rate', false)
    .addHelpText(
      'after',
      `\nExample:\n  ./carillon drill suite --repeat 3 --times leader-kill=34,leader-pause=7,partition-leader=7`,
    )
    .action(async (names: string[], flags: SuiteFlags) => {
      const chosen = drills.filter(({ name }) => names.length === 0 || names.includes(name))
      exitStatus = await suite(chosen, flags, world)
    })
  addGameDays(program, { world, known, done: status => (exitStatus = status) })
  program
    .command('history')
    .description('earlier runs: trends, or each run of one drill, the latest last')
    .argument('[name]', 'of one drill', known)
    .option('--out <dir>', 'where the evidence lies', OUT)
    .option('--markdown', 'the table of results, from summaries that were kept (--record)', false)
    .option('--kept <dir>', 'where those lie', KEPT)
    .option('--into <file>', 'with --markdown: put the table into this page, between its marks')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExample:\n  ./carillon drill history --markdown --into chaos/README.md',
    )
    .action((name: string | undefined, flags: HistoryFlags) => {
      io.out(flags.markdown ? markdown(flags, world) : historyText(name, flags, io))
    })

  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof CommandFailed) {
      io.note(`error: ${error.message}`)
      return error.exitStatus
    }
    throw error
  }
  return exitStatus
}

const KEPT = 'chaos/history'
const BOTH = 'error: a name or --all, not both'
async function listText({ drills, io }: DrillWorld, output: Flags['output']): Promise<string> {
  const rows = await Promise.all(
    drills.map(async ({ name, summary, cannotRun }) => ({
      name,
      summary,
      notHere: (await cannotRun?.()) ?? null,
    })),
  )
  if (output === 'json') return JSON.stringify(rows, null, 1)
  const what = ({ summary, notHere }: (typeof rows)[number]): string =>
    notHere === null ? summary : `${summary} (not here: ${notHere})`
  return tableText(rows, { drill: row => row.name, 'what it does': what }, io.paint)
}

async function suite(
  drills: readonly Drill[],
  flags: SuiteFlags,
  world: DrillWorld,
): Promise<number> {
  const history = readHistory(resolve(flags.out))
  const build = buildId().hash
  const rate = limit(flags.rate)
  const runs = plan(drills, {
    repeat: flags.repeat,
    timesOf: drill => flags.times.get(drill) ?? 1,
    done: (drill, times) => (flags.resume ? goodRuns(history, { drill, times, build, rate }) : 0),
  })
  const done = flags.repeat * drills.length - runs.length
  if (flags.resume) world.io.note(`${done} good runs of this build (${build}) are there already`)
  return runAll(runs, flags, world)
}

function historyText(name: string | undefined, { out, output }: HistoryFlags, io: Io): string {
  const lines = readHistory(resolve(out)).filter(({ drill }) => drill === (name ?? drill))
  if (output === 'json') return JSON.stringify(lines, null, 1)
  if (name === undefined) return trendsText(lines, io.paint)
  const gaps = lines.flatMap(({ spreads }) => spreads.survivingGapMs?.p50 ?? [])
  return `${runsText(lines, io.paint)}\ngap of surviving sessions, p50, ms: ${trend(gaps)}`
}

function markdown({ kept, into }: HistoryFlags, { drills }: DrillWorld): string {
  const summaries = readSummaries(resolve(kept))
  const table = resultsTable(
    summaries,
    drills.map(({ name }) => name),
  )
  if (into === undefined) return table.trimEnd()
  writeFileSync(into, withResults(readFileSync(into, 'utf8'), table))
  return `${into}: ${summaries.length} runs`
}

function timesList(known: (name: string) => string) {
  const count = whole(1, 1_000)
  return (text: string): ReadonlyMap<string, number> =>
    new Map(
      text.split(',').map(part => {
        const [name = '', times = ''] = part.split('=')
        return [known(name), count(times)]
      }),
    )
}

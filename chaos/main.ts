import { resolve } from 'node:path'
import { Command, CommanderError } from 'commander'
import { systemRandom } from '../src/base/random.js'
import { processIo, type Io } from '../src/cli/io.js'
import { tableText } from '../src/cli/table.js'
import { perSecond, whole } from '../src/tools/units.js'
import type { Drill } from './drill.js'
import { DRILLS } from './drills/index.js'
import type { Check } from './evidence.js'
import type { Spread } from './gaps.js'
import { appendHistory, historyLine, readHistory, type HistoryLine } from './history.js'
import { runDrill, type RunOptions } from './run.js'

const EXAMPLES = `
Examples:
  $ ./carillon drill list
  $ ./carillon drill run leader-kill
  $ ./carillon drill run leader-kill --times 20     # in one running cluster, with the distribution of gaps
  $ ./carillon drill run --all
  $ ./carillon drill suite --repeat 3               # every drill so often, a fresh cluster each
  $ ./carillon drill history leader-kill

A drill starts its own cluster of real processes on free ports, an SMSC simulator and two load clients,
breaks something, and compares the books message by message. Evidence: report.html and report.json in a
directory for each run under --out, and a line of history.jsonl.

Exit status: 0; 1 where a check failed; 2 where the arguments are wrong. A drill that cannot run on this
machine says why; that is no failure.
`

interface Flags {
  out: string
  rate: number | null
  seed?: number
  times: number
  keep: boolean
  output: 'table' | 'json'
}

/** `carillon drill`. @returns the exit status, see EXAMPLES */
export async function main(argv: string[]): Promise<number> {
  const io = processIo()
  let exitStatus = 0
  const program = new Command('carillon drill')
    .description('Breaks a cluster on purpose, and counts what became of its messages.')
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLES)

  program
    .command('list')
    .description('what there is')
    .action(async () => {
      exitStatus = await list(io)
    })
  withFlags(program.command('run'))
    .description('run one drill, or all of them one after the other')
    .argument('[name]', 'which one')
    .option('--all', 'every drill', false)
    .option('--times <n>', 'repeat the fault in one running cluster', whole(1, 1_000), 1)
    .action(async (name: string | undefined, flags: Flags & { all: boolean }) => {
      const drills = flags.all ? DRILLS : DRILLS.filter(drill => drill.name === name)
      if (drills.length === 0) {
        exitStatus = unknown(name, io)
        return
      }
      exitStatus = await runAll(drills, flags, io)
    })
  withFlags(program.command('suite'))
    .description('run drills several times, each time from an empty directory')
    .argument('[names...]', 'which ones (default: all)')
    .requiredOption('--repeat <n>', 'how often', whole(1, 1_000))
    .action(async (names: string[], flags: Flags & { repeat: number }) => {
      const wrong = names.find(name => !DRILLS.some(drill => drill.name === name))
      if (wrong !== undefined) {
        exitStatus = unknown(wrong, io)
        return
      }
      const chosen = DRILLS.filter(({ name }) => names.length === 0 || names.includes(name))
      const drills = Array.from({ length: flags.repeat }, () => chosen).flat()
      exitStatus = await runAll(drills, { ...flags, times: 1 }, io)
    })
  program
    .command('history')
    .description('earlier runs, the latest last')
    .argument('[name]', 'of one drill')
    .option('--out <dir>', 'where the evidence lies', OUT)
    .option('--output <form>', 'table or json', 'table')
    .action((name: string | undefined, { out, output }: Pick<Flags, 'out' | 'output'>) => {
      const lines = readHistory(resolve(out)).filter(({ drill }) => drill === (name ?? drill))
      io.out(output === 'json' ? JSON.stringify(lines, null, 1) : historyText(lines, io))
    })

  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  return exitStatus
}

function withFlags(command: Command): Command {
  return command
    .option('--out <dir>', 'where the evidence goes', OUT)
    .option('--rate <rate>', 'messages a second', perSecond, RATE)
    .option('--seed <n>', "of the drill's own chance (default: drawn)", whole(0, 2 ** 32 - 1))
    .option('--keep', "keep the nodes' data and logs", false)
    .option('--output <form>', 'table or json', 'table')
}

async function list(io: Io): Promise<number> {
  const rows = await Promise.all(
    DRILLS.map(async ({ name, summary, cannotRun }) => ({
      name,
      summary: summary + ((await cannotRun?.().then(why => why && ` (not here: ${why})`)) ?? ''),
    })),
  )
  io.out(tableText(rows, { drill: row => row.name, 'what it does': row => row.summary }, io.paint))
  return 0
}

async function runAll(drills: readonly Drill[], flags: Flags, io: Io): Promise<number> {
  const out = resolve(flags.out)
  const lines: HistoryLine[] = []
  for (const drill of drills) {
    const options: RunOptions = {
      out,
      rate: flags.rate ?? RATE,
      seed: flags.seed ?? systemRandom.below(2 ** 32),
      times: flags.times,
      keep: flags.keep,
      say: text => io.note(`${io.paint.dim(new Date().toISOString().slice(11, 23))} ${text}`),
    }
    io.note(`${io.paint.bold(drill.name)}: ${drill.summary}`)
    const { evidence, directory } = await runDrill(drill, options)
    const line = historyLine(evidence, directory)
    appendHistory(out, line)
    lines.push(line)
    if (flags.output === 'json') io.out(JSON.stringify(evidence))
    else {
      for (const check of evidence.checks) io.out(checkText(check, io))
      if (flags.times > 1) io.out(spreadsText(line))
      const { result, reason } = evidence
      const paint = result === 'passed' ? io.paint.green : io.paint.red
      const why = reason === undefined ? '' : `: ${reason}`
      io.out(`${drill.name} ${paint(result)}${why} · ${directory}/report.html`)
    }
  }
  if (lines.length > 1 && flags.output === 'table') io.out(`\n${historyText(lines, io)}`)
  return lines.some(({ result }) => result === 'failed') ? 1 : 0
}

function checkText({ kind, ok, name, found, expected }: Check, io: Io): string {
  const word = ok ? io.paint.green('ok') : kind === 'goal' ? 'missed' : io.paint.red('FAILED')
  return `  ${word} ${name}: ${found}${ok ? '' : ` (expected: ${expected})`}`
}

function spreadsText({ spreads }: HistoryLine): string {
  const lines = [
    ['gap, surviving sessions', spreads.survivingGapMs],
    ['gap, affected sessions', spreads.affectedGapMs],
    ['new leader', spreads.newLeaderMs],
    ['SMSC served again', spreads.upstreamMs],
  ] as const
  return lines.map(([name, spread]) => `  ${name}: ${spreadText(spread)}`).join('\n')
}

function historyText(lines: readonly HistoryLine[], io: Io): string {
  return tableText(
    lines,
    {
      drill: line => line.drill,
      started: line => line.startedAt.slice(0, 19),
      result: line => line.result,
      s: line => Math.round(line.tookMs / 1000),
      faults: line => line.faults,
      acknowledged: line => line.acknowledged,
      lost: line => line.lost,
      'twice/bound': line => `${line.duplicatedUpstream}/${line.duplicateBound}`,
      'gap surviving': line => spreadText(line.spreads.survivingGapMs),
      'new leader': line => spreadText(line.spreads.newLeaderMs),
      'failed, missed': line => line.reason ?? [...line.failed, ...line.missed].join('; '),
    },
    io.paint,
  )
}

function spreadText(spread: Spread | null): string {
  if (spread === null) return '-'
  const { count, p50, p95, max } = spread
  const ms = (value: number): string => String(Math.round(value))
  return count === 1 ? `${ms(p50)} ms` : `${ms(p50)}/${ms(p95)}/${ms(max)} ms of ${count}`
}

function unknown(name: string | undefined, io: Io): number {
  const known = DRILLS.map(drill => drill.name).join(', ')
  io.note(name === undefined ? 'drill run: name one, or --all' : `there is no drill ${name}`)
  io.note(`There are: ${known}`)
  return 2
}

const OUT = '.carillon/drills'
/** Low enough for three nodes, an SMSC and the load on two processors. */
const RATE = 200

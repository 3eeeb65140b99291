import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { buildId } from '../chaos/build-id.js'
import { benchCommand, resultsDirectory, suitesOf } from './command.js'
import type { Flags } from './flags.js'
import { describeMachine, machineText } from './machine.js'
import { reportText, type BenchReport } from './report.js'
import { SUITES } from './suites/index.js'

/**
 * `carillon bench`.
 * @returns the exit status: 0; 1 where a suite showed a problem (lost receipts, repeated ids, memory that
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
  const names = suitesOf(flags)
  const machine = describeMachine(tmpdir())
  const report: BenchReport = {
    machine,
    build: buildId(),
    settings: { ...flags, suite: names },
    suites: {},
  }
  note(machineText(machine))
  for (const name of names) {
    const suite = await SUITES[name].load()
    report.suites[name] = await suite({ flags, note })
  }
  await writeResults(flags.results, report)
  process.stdout.write(flags.output === 'json' ? `${jsonOf(report)}\n` : `${reportText(report)}\n`)
  return Object.values(report.suites).some(({ problems }) => problems.length > 0) ? 1 : 0
}

/** Figures without their tables. */
function jsonOf(report: BenchReport): string {
  const suites = Object.entries(report.suites).map(([name, { figures, problems }]) => [
    name,
    { figures, problems },
  ])
  return JSON.stringify({ ...report, suites: Object.fromEntries(suites) as unknown }, null, 2)
}

/** Its options are its own: `--peers --help`. */
async function comparePeers(argv: string[]): Promise<number> {
  const { main } = await import('./peers/main.js')
  return main(argv, resultsDirectory())
}

async function writeResults(directory: string, report: BenchReport): Promise<void> {
  await mkdir(directory, { recursive: true })
  const at = report.machine.at.replaceAll(':', '').replace(/\..*/, '')
  const name = join(directory, `${at}-${Object.keys(report.suites).join('-')}`)
  await writeFile(`${name}.json`, `${jsonOf(report)}\n`)
  await writeFile(`${name}.txt`, `${reportText(report)}\n`)
}

/** Progress goes to stderr, so that stdout is the result alone. */
function note(text: string): void {
  process.stderr.write(`${text.trimEnd()}\n\n`)
}

import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { systemClock, systemTimers } from '../base/clock.js'
import { ConfigError } from '../config/file-error.js'
import { suggestion } from '../config/nearest.js'
import { addCluster } from './commands/cluster.js'
import { addLocal } from './commands/local.js'
import { addMessages } from './commands/messages.js'
import type { CommandRun } from './commands/options.js'
import { addSessions } from './commands/sessions.js'
import { addSettings } from './commands/settings.js'
import { CommandFailed, EXIT } from './failure.js'
import type { Io } from './io.js'
import { isTool, runTool, TOOLS } from './rooms.js'

/**
 * Runs one command line.
 *
 * @param argv  without node and script
 * @returns     the exit status (failure.ts)
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const [first = '', ...rest] = argv
  try {
    // Tools read their own arguments, `--help` too.
    if (isTool(first)) return await runTool(first, rest)
    return await parse(argv, io)
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    if (error instanceof CommandFailed || error instanceof ConfigError) {
      io.note(`${io.paint.red('carillon:')} ${error.message}`)
      return error instanceof CommandFailed ? error.exitStatus : EXIT.usage
    }
    throw error
  }
}

async function parse(argv: readonly string[], io: Io): Promise<number> {
  let exitStatus: number = EXIT.done
  const program = new Command('carillon')
    .description('A clustered SMPP gateway: what it has accepted, a majority has on disk.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({
      writeOut: text => io.out(text.trimEnd()),
      writeErr: text => io.note(text.trimEnd()),
    })
    .showSuggestionAfterError()
    .addHelpText('after', AFTER_HELP)
  const run: CommandRun = {
    io,
    waiting: { clock: systemClock, timers: systemTimers },
    ended: status => (exitStatus = status),
  }
  addLocal(program, run)
  addMessages(program, run)
  addCluster(program, run)
  addSettings(program, run)
  addSessions(program, run)
  for (const [name, { description }] of Object.entries(TOOLS)) {
    program.command(name).description(`${description} (${name} --help)`)
  }
  if (argv.length === 0) program.outputHelp()
  else
    try {
      await program.parseAsync([...argv], { from: 'user' })
    } catch (error) {
      const mistyped = mistypedOption(program, argv)
      if (error instanceof CommanderError && error.code === MISSING && mistyped !== undefined)
        io.note(mistyped)
      throw error
    }
  return exitStatus
}

/** Commander names an option that is missing before one that is not known, and may be meant. */
const MISSING = 'commander.missingMandatoryOptionValue'

function mistypedOption(program: Command, [first, ...rest]: readonly string[]): string | undefined {
  const command = program.commands.find(one => one.name() === first)
  const known = command?.options.flatMap(({ long }) => long ?? []) ?? []
  const given = rest.filter(word => word.startsWith('--')).map(word => word.split('=')[0]!)
  const unknown = given.find(word => !known.includes(word))
  return unknown === undefined
    ? undefined
    : `unknown option ${unknown}${suggestion(unknown, known)}`
}

const AFTER_HELP = `
Begin with:
  $ ./carillon up
  $ ./carillon send --to 491701234567 --text 'Hello'
  $ ./carillon status

Exit status:
  0   done; send: DELIVRD
  1   it ran and the answer is no: not delivered in time, files differ, a node did not start
  2   the command line or a file is wrong
  3   no node answers
  4   the node refused
  70  something is broken: please report it`

function version(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

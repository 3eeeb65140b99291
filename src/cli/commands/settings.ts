import type { Command } from 'commander'
import { EXIT } from '../failure.js'
import { client, examples, number, overHttp, type CommandRun, type HttpFlags } from './options.js'

/** Loaded when needed: reading gateway files takes a schema library. */
const settings = () => import('../settings.js')

/** Those about the settings of all nodes. */
export function addSettings(program: Command, run: CommandRun): void {
  const { io } = run

  overHttp(program.command('apply'))
    .description('make a gateway file the settings of all nodes')
    .requiredOption('-f, --file <file>', 'gateway file (YAML); - reads standard input')
    .option('--dry-run', 'check it, show what would change, change nothing', false)
    .addHelpText('after', examples('apply -f gateway.yaml', 'apply -f gateway.yaml --dry-run'))
    .action(async (o: HttpFlags & { file: string; dryRun: boolean }) => {
      const { apply } = await settings()
      await apply(client(o), o.file, o, io)
    })

  overHttp(program.command('diff'))
    .description('show what apply would change; exit status 1 where there is something')
    .requiredOption('-f, --file <file>', 'gateway file (YAML); - reads standard input')
    .addHelpText('after', examples('diff -f gateway.yaml'))
    .action(async (o: HttpFlags & { file: string }) => {
      const { diff } = await settings()
      if (await diff(client(o), o.file, o.output, io)) run.ended(EXIT.negative)
    })

  overHttp(program.command('history'))
    .description('revisions of the settings, newest first')
    .addHelpText('after', examples('history', 'history --output json'))
    .action(async (o: HttpFlags) => {
      const { history } = await settings()
      await history(client(o), o.output, io)
    })

  overHttp(program.command('rollback'))
    .description('make a new revision with the contents of an earlier one')
    .argument('<revision>', 'its number, from ./carillon history', number)
    .addHelpText('after', examples('rollback 3'))
    .action(async (revision: number, o: HttpFlags) => {
      const { rollback } = await settings()
      await rollback(client(o), revision, o.output, io)
    })
}

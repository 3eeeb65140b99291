import { Argument, type Command } from 'commander'
import { EXIT } from '../failure.js'
import { cancel, resolveInDoubt } from '../operate.js'
import { schedule, send } from '../send.js'
import {
  client,
  durationOption,
  examples,
  overHttp,
  type CommandRun,
  type HttpFlags,
} from './options.js'

interface SendFlags {
  to: string
  text: string
  from?: string
  account?: string
  at?: string
  timeout: number
}

/** Those about single messages. */
export function addMessages(program: Command, run: CommandRun): void {
  const { io, waiting } = run

  overHttp(program.command('send'))
    .description('send one message and wait for its receipt')
    .requiredOption('--to <number>', 'destination_addr')
    .requiredOption('--text <text>', 'text; what GSM 03.38 cannot say goes as UCS-2')
    .option('--from <address>', 'source_addr')
    .option('--account <systemId>', 'on whose behalf; default: the first account')
    .option('--at <time>', 'not to be sent before, such as 2026-12-24T18:00:00Z; does not wait')
    .addOption(durationOption('--timeout', 'how long to wait for the receipt', '60s'))
    .addHelpText(
      'after',
      examples(
        "send --to 491701234567 --text 'Hello'",
        "send --to 491701234567 --text 'Tomorrow' --at 2026-12-24T18:00:00+01:00",
        "send --to 491701234567 --text 'Hello' --http http://127.0.0.1:8082 --timeout 10s",
      ),
    )
    .action(async (o: HttpFlags & SendFlags) => {
      const { to, text, from, account, at, timeout, output } = o
      const request = {
        to,
        text,
        ...(from === undefined ? {} : { from }),
        ...(account === undefined ? {} : { account }),
      }
      if (at !== undefined) return schedule(client(o), { ...request, at }, output, io)
      const stat = await send(client(o), { ...request, timeoutMs: timeout, output }, io, waiting)
      run.ended(stat === 'DELIVRD' ? EXIT.done : EXIT.negative)
    })

  overHttp(program.command('cancel'))
    .description('end a message that waits, as its cancel_sm would; what may be sent is left alone')
    .argument('<id>', 'its message id')
    .addHelpText('after', examples('cancel 1a2b0000000000001000'))
    .action((id: string, o: HttpFlags) => cancel(client(o), id, o.output, io))

  overHttp(program.command('resolve'))
    .description('decide about messages in doubt')
    .addArgument(new Argument('<action>', 'what to do with them').choices(['resend', 'drop']))
    .argument('<ids...>', 'message ids, from ./carillon get in-doubt')
    .addHelpText('after', examples('resolve resend 1a2b0000000000001000'))
    .action(async (action: 'resend' | 'drop', ids: string[], o: HttpFlags) => {
      if (!(await resolveInDoubt(client(o), ids, { action, output: o.output }, io)))
        run.ended(EXIT.negative)
    })
}

import { Argument, type Command } from 'commander'
import { GETTABLE, get, type Gettable } from '../get.js'
import { memberAdd, memberList, memberRemove } from '../member.js'
import { drain, transferLeader } from '../operate.js'
import { status } from '../status.js'
import {
  client,
  durationOption,
  examples,
  number,
  overHttp,
  type CommandRun,
  type HttpFlags,
} from './options.js'

/** Those that look at the cluster, and say which nodes do what. */
export function addCluster(program: Command, run: CommandRun): void {
  const { io, waiting } = run

  overHttp(program.command('status'))
    .description('members, roles, indexes, lag, sessions, queues, connector homes')
    .addHelpText('after', examples('status', 'status --http http://127.0.0.1:8083 --output json'))
    .action((o: HttpFlags) => status(client(o), o.output, io))

  overHttp(program.command('get'))
    .description('show what the cluster knows')
    .addArgument(new Argument('<what>', 'what to show').choices(GETTABLE))
    .argument('[id]', 'one of them: a message id, a connector, a revision of the settings, …')
    .option('--text', 'what the message says, too', false)
    .addHelpText(
      'after',
      examples(
        'get sessions',
        'get connectors smsc-a',
        'get messages 1a2b0000000000001000',
        'get messages 1a2b0000000000001000 --text',
        'get in-doubt --output json',
        'get settings 3',
      ),
    )
    .action((what: Gettable, id: string | undefined, o: HttpFlags & { text: boolean }) =>
      get(client(o), what, id, o, io),
    )

  overHttp(program.command('drain'))
    .description('hand over leadership, homes and sessions of a node, so that it can be stopped')
    .addOption(durationOption('--deadline', 'what is left then is closed', '30s'))
    .addHelpText('after', examples('drain --http http://127.0.0.1:8082', 'drain --deadline 5s'))
    .action((o: HttpFlags & { deadline: number }) =>
      drain(client(o), { deadlineMs: o.deadline, output: o.output }, io, waiting),
    )

  overHttp(program.command('transfer-leader'))
    .description('let another node lead')
    .option('--to <node>', 'its id; default: any healthy one', number)
    .addHelpText('after', examples('transfer-leader', 'transfer-leader --to 2'))
    .action((o: HttpFlags & { to?: number }) =>
      transferLeader(client(o), { to: o.to, output: o.output }, io),
    )

  const member = program.command('member').description('which nodes the cluster consists of')
  overHttp(member.command('list'))
    .description('members, their roles, and how far they are behind')
    .addHelpText('after', examples('member list'))
    .action((o: HttpFlags) => memberList(client(o), o.output, io))
  overHttp(member.command('add'))
    .description('take a new node in: it learns, and votes when it has caught up')
    .requiredOption('--id <node>', 'an id that was never used in this cluster', number)
    .requiredOption('--address <host:port>', 'of its peer listener (cluster.listen)')
    .addOption(durationOption('--timeout', 'how long to wait until it votes', '10m'))
    .addHelpText('after', examples('member add --id 4 --address 10.0.0.4:7101'))
    .action((o: HttpFlags & { id: number; address: string; timeout: number }) => {
      const { id, address, timeout: timeoutMs, output } = o
      return memberAdd(client(o), { id, address, timeoutMs, output }, io, waiting)
    })
  overHttp(member.command('remove'))
    .description('take a node out for good; one that lives is drained first. Ask another node')
    .argument('<node>', 'its id', number)
    .addHelpText(
      'after',
      examples('member remove 2', 'member remove 1 --http http://127.0.0.1:8082'),
    )
    .action((id: number, o: HttpFlags) => memberRemove(client(o), id, o.output, io))
}

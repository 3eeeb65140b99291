import { Option, type Command } from 'commander'
import { bans, liftBans } from '../bans.js'
import { EXIT } from '../failure.js'
import { kick, sessions, setEnabled } from '../sessions.js'
import {
  client,
  durationOption,
  examples,
  interruption,
  number,
  octets,
  overHttp,
  several,
  type CommandRun,
  type HttpFlags,
} from './options.js'

interface TraceFlags {
  account?: string
  connector?: string
  node: string[]
  for: number
  maxOctets: number
  text: boolean
  out?: string
}

/** Those about who is bound, who may, and what they say. */
export function addSessions(program: Command, run: CommandRun): void {
  const { io } = run

  overHttp(program.command('sessions'))
    .description('every session of the cluster, and what it is doing')
    .option('--account <systemId>', 'those of one account')
    .option('--node <node>', 'those of one node', number)
    .option('--json', 'the same as --output json', false)
    .addHelpText(
      'after',
      examples('sessions', 'sessions --account esme1 --node 2', 'sessions --json'),
    )
    .action((o: HttpFlags & { account?: string; node?: number; json: boolean }) =>
      sessions(client(o), { account: o.account, node: o.node }, o.json ? 'json' : o.output, io),
    )

  overHttp(program.command('kick'))
    .description('unbind a session, on whichever node it is; it may bind again')
    .argument('[session]', 'its id, from ./carillon sessions')
    .option('--account <systemId>', 'all sessions of an account instead')
    .addHelpText('after', examples('kick 2.5.17', 'kick --account esme1'))
    .action(async (session: string | undefined, o: HttpFlags & { account?: string }) => {
      if (!(await kick(client(o), { session, account: o.account }, o.output, io)))
        run.ended(EXIT.negative)
    })

  const account = program.command('account').description('let an account take part, or not')
  for (const [action, enabled, description] of [
    [
      'disable',
      false,
      'unbind its sessions and refuse its binds and messages, on all nodes at once',
    ],
    ['enable', true, 'let it bind and submit again'],
  ] as const)
    overHttp(account.command(action))
      .description(description)
      .argument('<account>', 'its system_id')
      .addHelpText('after', examples(`account ${action} esme1`))
      .action((systemId: string, o: HttpFlags) =>
        setEnabled(client(o), systemId, { enabled, output: o.output }, io),
      )

  overHttp(program.command('bans'))
    .description('from which addresses binds of which account are refused; or lift such bans')
    .option('--account <systemId>', 'those of one account')
    .option('--lift', 'lift those of the account', false)
    .option('--address <address>', 'with --lift: from this address only')
    .addHelpText('after', examples('bans', 'bans --account esme1 --lift --address 198.51.100.7'))
    .action((o: HttpFlags & { account?: string; lift: boolean; address?: string }) =>
      o.lift
        ? liftBans(client(o), { account: o.account, address: o.address }, o.output, io)
        : bans(client(o), o.account, o.output, io),
    )

  overHttp(program.command('trace'))
    .description('the PDUs of an account or a connector, on all nodes: live, or as a pcap file')
    .option('--account <systemId>', 'its sessions, and binds under its name')
    .option('--connector <id>', 'its binds')
    .option('--node <url>', 'HTTP of a node to ask, may be repeated; default: all', several, [])
    .addOption(durationOption('--for', 'how long, an hour at most', '60s'))
    .addOption(
      new Option('--max-octets <size>', 'of PDUs on each node; then it ends')
        .argParser(octets)
        .default(octets('10MB'), '10MB'),
    )
    .option('--text', "show texts, which are customers' data; the node logs who asks", false)
    .option('--out <file>', 'write a pcap file for Wireshark instead')
    .addHelpText(
      'after',
      examples(
        'trace --account esme1',
        'trace --connector smsc-a --for 5m --out smsc-a.pcap',
        'trace --account esme1 --text --node http://10.0.0.1:8081 --node http://10.0.0.2:8081',
      ),
    )
    .action(async (o: HttpFlags & TraceFlags) => {
      const { account, connector, for: forMs, maxOctets: octetsMax, text: texts } = o
      const { trace } = await import('../trace.js')
      const options = { account, connector, forMs, octetsMax, texts, nodes: o.node, out: o.out }
      const json = o.output === 'json'
      if (!(await trace(client(o), { ...options, json }, io, interruption())))
        run.ended(EXIT.negative)
    })
}

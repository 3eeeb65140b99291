import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { systemClock, systemTimers } from '../base/clock.js'
import { ConfigError } from '../config/file-error.js'
import { durationMs } from '../config/duration.js'
import { sizeOctets } from '../config/size.js'
import { suggestion } from '../config/nearest.js'
import { bans, liftBans } from './bans.js'
import { CommandFailed, EXIT } from './failure.js'
import { GETTABLE, get, type Gettable } from './get.js'
import type { Io } from './io.js'
import { memberAdd, memberList, memberRemove } from './member.js'
import { NodeClient } from './node-client.js'
import { cancel, drain, resolveInDoubt, transferLeader } from './operate.js'
import { isTool, runNode, runTool, TOOLS } from './rooms.js'
import { schedule, send } from './send.js'
import { kick, sessions, setEnabled } from './sessions.js'
import { status } from './status.js'
import type { OutputForm } from './table.js'
import { UP_PORTS } from './up-files.js'

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
  const waiting = { clock: systemClock, timers: systemTimers }

  program
    .command('up')
    .description('start three nodes and an SMSC simulator on this machine, until Ctrl-C')
    .option('--data <dir>', 'directory for settings, logs and data', '.carillon')
    .option('--fresh', 'begin with empty nodes', false)
    .option('--peer-port <port>', 'first of three ports between nodes', port, UP_PORTS.peer)
    .option('--smpp-port <port>', 'first of three SMPP ports', port, UP_PORTS.smpp)
    .option('--http-port <port>', 'first of three HTTP ports', port, UP_PORTS.http)
    .option('--smsc-port <port>', "the SMSC simulator's port", port, UP_PORTS.smsc)
    .addHelpText('after', examples('up', 'up --fresh', 'up --data /tmp/drill --smpp-port 3775'))
    .action(async (o: UpFlags) => {
      const ports = { peer: o.peerPort, smpp: o.smppPort, http: o.httpPort, smsc: o.smscPort }
      const carillon = [fileURLToPath(new URL('../../../carillon', import.meta.url))]
      const { up } = await import('./up.js')
      exitStatus = await up(
        { data: o.data, fresh: o.fresh, ports, carillon, environment: process.env },
        { io, ...waiting, interrupted: interruption() },
      )
    })

  program
    .command('node')
    .description('run one node; it prints one line when it is ready')
    .requiredOption('-c, --config <file>', 'node file (YAML)')
    .addHelpText(
      'after',
      examples(
        'node --config deploy/example/node-1.yaml',
        'node --config n1.yaml    # CARILLON_CLUSTER_HEARTBEAT_MS=20 wins over the file',
      ),
    )
    .action(async ({ config }: { config: string }) => {
      exitStatus = await runNode(config)
    })

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
      exitStatus = stat === 'DELIVRD' ? EXIT.done : EXIT.negative
    })

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
      if (await diff(client(o), o.file, o.output, io)) exitStatus = EXIT.negative
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

  overHttp(program.command('resolve'))
    .description('decide about messages in doubt')
    .addArgument(new Argument('<action>', 'what to do with them').choices(['resend', 'drop']))
    .argument('<ids...>', 'message ids, from ./carillon get in-doubt')
    .addHelpText('after', examples('resolve resend 1a2b0000000000001000'))
    .action(async (action: 'resend' | 'drop', ids: string[], o: HttpFlags) => {
      if (!(await resolveInDoubt(client(o), ids, { action, output: o.output }, io)))
        exitStatus = EXIT.negative
    })

  overHttp(program.command('cancel'))
    .description('end a message that waits, as its cancel_sm would; what may be sent is left alone')
    .argument('<id>', 'its message id')
    .addHelpText('after', examples('cancel 1a2b0000000000001000'))
    .action((id: string, o: HttpFlags) => cancel(client(o), id, o.output, io))

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
        exitStatus = EXIT.negative
    })

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
      const { trace } = await import('./trace.js')
      const options = { account, connector, forMs, octetsMax, texts, nodes: o.node, out: o.out }
      const json = o.output === 'json'
      if (!(await trace(client(o), { ...options, json }, io, interruption())))
        exitStatus = EXIT.negative
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

/** Loaded when needed: reading gateway files takes a schema library. */
const settings = () => import('./settings.js')

interface HttpFlags {
  http: string
  apiKey?: string
  output: OutputForm
}

interface SendFlags {
  to: string
  text: string
  from?: string
  account?: string
  at?: string
  timeout: number
}

interface TraceFlags {
  account?: string
  connector?: string
  node: string[]
  for: number
  maxOctets: number
  text: boolean
  out?: string
}

interface UpFlags {
  data: string
  fresh: boolean
  peerPort: number
  smppPort: number
  httpPort: number
  smscPort: number
}

function overHttp(command: Command): Command {
  const key = new Option('--api-key <key>', 'where the node asks for one').env('CARILLON_API_KEY')
  const output = new Option('--output <form>', 'how to answer').choices(['table', 'json'])
  return command
    .option('--http <url>', 'HTTP of the node to ask', url, 'http://127.0.0.1:8081')
    .addOption(key)
    .addOption(output.default('table'))
}

const client = ({ http, apiKey }: HttpFlags): NodeClient => new NodeClient(http, apiKey)

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

function examples(...lines: string[]): string {
  const word = lines.length === 1 ? 'Example' : 'Examples'
  return `\n${word}:\n${lines.map(line => `  $ ./carillon ${line}`).join('\n')}`
}

function interruption(): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => resolve(signal))
  })
}

function version(): string {
  const file = new URL('../../../package.json', import.meta.url)
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
}

function port(text: string): number {
  const value = number(text)
  if (value < 1 || value > 65_535)
    throw new InvalidArgumentError('Expected a port from 1 to 65535.')
  return value
}

function number(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.')
  return Number(text)
}

function duration(text: string): number {
  const ms = durationMs(text)
  if (ms === undefined)
    throw new InvalidArgumentError('Expected a duration such as 500ms, 10s or 5m.')
  return ms
}

/** Its default is shown as it would be typed. */
function durationOption(name: string, description: string, byDefault: string): Option {
  const option = new Option(`${name} <duration>`, description).argParser(duration)
  return option.default(duration(byDefault), byDefault)
}

function octets(text: string): number {
  const value = sizeOctets(text)
  if (value === undefined) throw new InvalidArgumentError('Expected a size such as 500kB or 10MB.')
  return value
}

const several = (text: string, before: string[]): string[] => [...before, url(text)]

function url(text: string): string {
  const whole = /^https?:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(whole))
    throw new InvalidArgumentError('Expected a URL such as http://127.0.0.1:8081.')
  return whole
}

import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import type { Address } from '../base/address.js'
import type { Tlv } from '../smpp/codec.js'
import { EsmeClient } from './esme.js'
import { ESME_DEFAULTS, MODES, SUBMIT_PDUS, type EsmeOptions } from './esme-options.js'
import { reportText } from './esme-report.js'
import { LiveLine } from './live-line.js'
import { outputOption } from './smsc-sim-main.js'
import {
  duration,
  grouped,
  hostPorts,
  limit,
  msText,
  octet,
  option,
  perSecond,
  share,
  tlvs,
  whole,
} from './units.js'
import { TAG_N_MAX } from './message-tag.js'

const EXAMPLES = `
Examples:
  A thousand messages as fast as one window of 100 allows, and all their receipts:
    carillon esme --count 1000
  20,000 a second for a minute over nine sessions, three on each node; latency counts from the
  moment a message should have been sent, so a pause of the other side is not left out:
    carillon esme --connect 127.0.0.1:2775,127.0.0.1:2776,127.0.0.1:2777 \\
      --sessions 9 --window 500 --rate 20000/s --duration 60s
  Go on when a node dies, send again what was in doubt, and write everything down:
    carillon esme --connect 127.0.0.1:2775,127.0.0.1:2776 --sessions 4 --duration 5m \\
      --resubmit --journal /tmp/esme.tsv

  Ten destinations in each submit_multi, with a receipt for each of them:
    carillon esme --pdu submit_multi --destinations 10 --count 500
  Receipts of failures and intermediate notifications only; wait ten seconds for what comes of them:
    carillon esme --registered-delivery 0x12 --linger 10s --count 100
  Transaction mode: a response says that the message was delivered, and latency is the time to that:
    carillon esme --mode transaction --pdu data_sm --count 100 --window 10
  Ask after every second message and cancel one of ten, two seconds after they were taken:
    carillon esme --query 50% --cancel 10% --operation-delay 2s --rate 100/s --count 1000
  A vendor's TLV of three octets in each message:
    carillon esme --tlv 0x1401=0a0b0c --count 10

Exit status: 0; 1 where an acknowledged message has no receipt, an id was given twice, or no session
could be bound; 2 where the arguments are wrong. Ctrl-C once: send no more, wait for answers and
receipts. Twice: end now.
`

interface Flags {
  connect?: Address[]
  tlsCa?: string
  sticky: boolean
  sessions: number
  window: number
  rate?: number
  count?: number
  duration?: number
  warmup: number
  bind: EsmeOptions['bind']
  systemId: string
  password: string
  systemType: string
  to: string
  from: string
  text: string
  octets: number
  serviceType: string
  validity: string
  receipts: boolean
  pdu: EsmeOptions['pdu']
  destinations: number
  mode: EsmeOptions['mode']
  registeredDelivery?: number
  tlv?: Tlv[]
  query: number
  cancel: number
  replace: number
  operationDelay: number
  settle: number
  linger: number
  responseTimeout: number
  giveUp: number
  resubmit: boolean
  journal?: string
  output: 'table' | 'json'
}

/**
 * `carillon esme`: a load client that keeps books.
 * @returns the exit status, see EXAMPLES
 */
export async function main(argv: string[]): Promise<number> {
  const command = esmeCommand()
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  return run(command.opts<Flags>())
}

function esmeCommand(): Command {
  const d = ESME_DEFAULTS
  return new Command('carillon esme')
    .description('A load client: sends, matches answers and receipts, measures, and keeps books.')
    .exitOverride()
    .option(
      '--connect <host:port,…>',
      'where to bind, in turn (default: 127.0.0.1:2775)',
      hostPorts,
    )
    .option('--tls-ca <file>', 'speak TLS, and trust the certificates in this PEM file')
    .option('--sticky', 'a session that breaks goes back to its own address', false)
    .option('--sessions <n>', 'how many', whole(1, 10_000), d.sessions)
    .option('--window <n>', 'unanswered submit_sm a session', whole(1, 100_000), d.window)
    .option(
      '--rate <rate>',
      'messages a second, all sessions together (default: unlimited)',
      perSecond,
    )
    .option(
      '--count <n>',
      'messages to send (default: 10000 without --duration)',
      whole(0, TAG_N_MAX),
    )
    .option('--duration <duration>', 'how long to send', duration('s'))
    .addOption(
      option('--warmup <duration>', 'the beginning that is not measured', duration('s'), 0, '0s'),
    )
    .addOption(
      new Option('--bind <kind>', 'how to bind; tx+rx: a pair for each session')
        .choices(['trx', 'tx+rx', 'tx', 'rx'])
        .default(d.bind),
    )
    .option('--system-id <id>', 'who we are', d.systemId)
    .option('--password <password>', 'and its password', d.password)
    .option('--system-type <type>', 'of the bind', d.systemType)
    .option('--to <digits>', "destination; # for digits of the message's number", d.to)
    .option('--from <address>', 'source', d.from)
    .option('--text <text>', 'text; {tag} is where its tag goes', d.text)
    .option('--octets <n>', 'fill the text up to so many', whole(0, 254), 0)
    .option('--service-type <type>', 'of the messages', d.serviceType)
    .option('--validity <time>', 'validity_period, such as 000000001000000R', d.validityPeriod)
    .option('--no-receipts', 'ask for no receipts')
    .addOption(
      new Option('--pdu <command>', 'what messages are submitted with')
        .choices(SUBMIT_PDUS)
        .default(d.pdu),
    )
    .option(
      '--destinations <n>',
      'of each submit_multi; # in --to makes them different',
      whole(1, 254),
      d.destinations,
    )
    .addOption(
      new Option('--mode <mode>', 'messaging mode of esm_class; transaction asks for no receipts')
        .choices(MODES)
        .default(d.mode),
    )
    .option(
      '--registered-delivery <octet>',
      'as it is sent, such as 0x11 (default: receipts or none)',
      octet,
    )
    .option('--tlv <tag=hex>', 'in each message, such as 0x1401=0a0b; may be repeated', tlvs)
    .addOption(
      option(
        '--query <share>',
        'of what is acknowledged: ask after it with query_sm',
        share,
        0,
        '0',
      ),
    )
    .addOption(option('--cancel <share>', 'send a cancel_sm for it', share, 0, '0'))
    .addOption(option('--replace <share>', 'send a replace_sm for it', share, 0, '0'))
    .addOption(
      option(
        '--operation-delay <duration>',
        'from the acknowledgement to that',
        duration('s'),
        d.operationDelayMs,
        '0s',
      ),
    )
    .addOption(
      option(
        '--settle <duration>',
        'how long to wait for receipts',
        duration('s'),
        d.settleMs,
        '60s',
      ),
    )
    .addOption(
      option(
        '--linger <duration>',
        'how long to wait for second ones',
        duration('s'),
        d.lingerMs,
        '0s',
      ),
    )
    .addOption(
      option(
        '--response-timeout <duration>',
        'until a message is in doubt',
        duration('s'),
        d.responseTimeoutMs,
        '30s',
      ),
    )
    .addOption(
      option(
        '--give-up <duration>',
        'end when nothing is bound for so long',
        duration('s'),
        d.giveUpMs,
        '60s',
      ),
    )
    .option('--resubmit', 'send again what is in doubt or was refused for a while', false)
    .option('--journal <file>', 'write every outcome to a file, a line each')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
}

async function run(flags: Flags): Promise<number> {
  const json = flags.output === 'json'
  const line = new LiveLine(process.stderr, !json)
  let client: EsmeClient
  try {
    client = new EsmeClient(optionsOf(flags, line))
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    process.stderr.write(`esme: ${error.message}\n`)
    return 2
  }
  const onSignal = (): void => {
    if (client.currentPhase === 'sending') client.stopSending()
    else client.giveUp()
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  const stopLive = showLive(client, line)
  const report = await client.run()
  stopLive()
  process.removeListener('SIGINT', onSignal)
  process.removeListener('SIGTERM', onSignal)
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : reportText(report))
  return report.problems.length === 0 ? 0 : 1
}

function optionsOf(flags: Flags, line: LiveLine): Partial<EsmeOptions> {
  const { count = null, duration: durationMs = null } = flags
  return {
    ...(flags.connect === undefined ? {} : { addresses: flags.connect }),
    ca: flags.tlsCa === undefined ? null : readFileSync(flags.tlsCa, 'utf8'),
    sticky: flags.sticky,
    sessions: flags.sessions,
    window: flags.window,
    rate: limit(flags.rate),
    count: count ?? (durationMs === null ? 10_000 : null),
    durationMs,
    warmUpMs: flags.warmup,
    bind: flags.bind,
    systemId: flags.systemId,
    password: flags.password,
    systemType: flags.systemType,
    to: flags.to,
    from: flags.from,
    text: flags.text,
    octets: flags.octets,
    serviceType: flags.serviceType,
    validityPeriod: flags.validity,
    receipts: flags.receipts,
    pdu: flags.pdu,
    destinations: flags.destinations,
    mode: flags.mode,
    registeredDelivery: flags.registeredDelivery ?? null,
    tlvs: flags.tlv ?? [],
    queries: flags.query,
    cancels: flags.cancel,
    replaces: flags.replace,
    operationDelayMs: flags.operationDelay,
    settleMs: flags.settle,
    lingerMs: flags.linger,
    responseTimeoutMs: flags.responseTimeout,
    giveUpMs: flags.giveUp,
    resubmit: flags.resubmit,
    journal: flags.journal ?? null,
    onEvent: limited(event => line.note(event)),
  }
}

/** At most twenty lines a second: a thousand sessions may break together. */
function limited(note: (line: string) => void): (line: string) => void {
  let second = 0
  let said = 0
  return line => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) {
      second = now
      said = 0
    }
    said++
    if (said <= 20) note(line)
    else if (said === 21) note('and more')
  }
}

function showLive(client: EsmeClient, line: LiveLine): () => void {
  const { ledger } = client
  let acknowledged = 0
  const timer = setInterval(() => {
    const { p50, p99 } = ledger.recent.quantiles()
    line.show(
      [
        client.currentPhase,
        `${client.up}/${client.sessions.length} sessions`,
        `${grouped(ledger.acknowledged - acknowledged)} msg/s`,
        `${grouped(ledger.acknowledged)} acknowledged`,
        `p50 ${msText(p50)} p99 ${msText(p99)}`,
        `${grouped(client.inFlight)} in flight`,
        `${grouped(ledger.refused)} refused`,
        `${grouped(ledger.awaited)} receipts awaited`,
      ].join(' · '),
    )
    acknowledged = ledger.acknowledged
    ledger.recent.clear()
  }, 1_000)
  return () => {
    clearInterval(timer)
    line.clear()
  }
}

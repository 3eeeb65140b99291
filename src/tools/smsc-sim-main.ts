import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { addressText, type Address } from '../base/address.js'
import { LiveLine } from './live-line.js'
import {
  isErrorStatus,
  isStat,
  MO_CONCATENATIONS,
  type IdFormat,
  type MoConcatenation,
  type SmscBehaviour,
} from './smsc-faults.js'
import { startAdmin } from './smsc-admin.js'
import { SmscSimulator } from './smsc-sim.js'
import type { SmscStats } from './smsc-stats.js'
import {
  duration,
  grouped,
  hostPort,
  limit,
  onOffOrShare,
  option,
  perSecond,
  share,
  weights,
  whole,
} from './units.js'

const EXAMPLES = `
Examples:
  An SMSC that takes everything and sends receipts at once:
    carillon smsc-sim
  Slow, and not in a good mood:
    carillon smsc-sim --delay 30 --delay-distribution exponential \\
      --error-rate 2% --errors ESME_RSYSERR:3,ESME_RINVDSTADR:1 --throttle 2000/s
  Receipts five seconds later, one of twenty undelivered, ids in hex and receipts in decimal:
    carillon smsc-sim --receipt-delay 5s --receipt-states DELIVRD:95,UNDELIV:5 \\
      --id-format hex --receipt-id-format dec
  Refuses one of ten with a status of its own, and every other destination of a submit_multi:
    carillon smsc-sim --error-rate 10% --errors 0x411,ESME_RMSGQFUL:2 --multi-unsuccess 50%
  Takes two seconds to deliver: until then query_sm says ENROUTE and cancel_sm works; intermediate
  notifications come after one second, transaction mode (esm_class 2) is answered after two, one in
  five times with ESME_RDELIVERYFAILURE:
    carillon smsc-sim --receipt-delay 2s --receipt-states DELIVRD:4,UNDELIV:1
  Ten messages of mobiles a second, each in three parts:
    carillon smsc-sim --mo 10/s --mo-parts 3 --mo-concatenation udh16
  Change its mood while it runs, and see what it counted:
    curl -d '{"errorRate": 0.5}' http://127.0.0.1:2786/fault
    curl http://127.0.0.1:2786/stats
`

interface Flags {
  listen: Address
  port?: number
  admin: Address | 'off'
  systemId?: string
  password?: string
  delay: number
  delayDistribution: 'fixed' | 'exponential'
  errorRate: number
  errors: Record<string, number>
  throttle?: number
  receipts: number
  receiptDelay: number
  receiptStates: Record<string, number>
  notifications: number
  multiUnsuccess: number
  receiptForm: SmscBehaviour['receiptForm']
  receiptBeforeResponse: boolean
  idFormat: IdFormat
  receiptIdFormat: IdFormat
  disconnectEvery: number
  responseLoss: number
  mo?: number
  moTo: string
  moFrom: string
  moParts: number
  moConcatenation: MoConcatenation
  output: 'table' | 'json'
}

/**
 * `carillon smsc-sim`: runs until SIGINT or SIGTERM, then prints what it counted.
 * @returns the exit status: 0; 1 where it cannot listen; 2 where the arguments are wrong
 */
export async function main(argv: string[]): Promise<number> {
  const command = smscCommand()
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  return run(command.opts<Flags>())
}

function smscCommand(): Command {
  const digits = (text: string): string => {
    if (/^[\d#]{1,20}$/.test(text)) return text
    throw new InvalidArgumentError('Expected 1 to 20 digits or #.')
  }
  return new Command('carillon smsc-sim')
    .description('An SMSC that delays, refuses and forgets as told, and counts every message.')
    .exitOverride()
    .addOption(
      option(
        '--listen <host:port>',
        'where it takes binds',
        hostPort,
        hostPort('2785'),
        '127.0.0.1:2785',
      ),
    )
    .option('--port <port>', 'the same, on 127.0.0.1', whole(0, 65_535))
    .addOption(
      option(
        '--admin <host:port>',
        'HTTP for counters and faults; off: none',
        adminPort,
        hostPort('2786'),
        '127.0.0.1:2786',
      ),
    )
    .option('--system-id <id>', 'the only system_id it takes (default: any)')
    .option('--password <password>', 'the only password it takes (default: any)')
    .addOption(option('--delay <ms>', 'from submit_sm to its response', duration('ms'), 0, '0ms'))
    .addOption(
      new Option('--delay-distribution <kind>', 'how the delay is spread')
        .choices(['fixed', 'exponential'])
        .default('fixed'),
    )
    .addOption(option('--error-rate <share>', 'share of submits that are refused', share, 0, '0'))
    .addOption(
      option(
        '--errors <status:weight,…>',
        'with what they are refused, by name or number',
        weights('names such as ESME_RSYSERR, or numbers such as 0x411', isErrorStatus),
        { ESME_RSYSERR: 1 },
        'ESME_RSYSERR',
      ),
    )
    .option('--throttle <rate>', 'ESME_RTHROTTLED beyond so many a second', perSecond)
    .addOption(
      option(
        '--receipts <on|off|share>',
        'who gets a receipt, of those that want one',
        onOffOrShare,
        1,
        'on',
      ),
    )
    .addOption(
      option('--receipt-delay <duration>', 'from acceptance to receipt', duration('ms'), 0, '0ms'),
    )
    .addOption(
      option(
        '--receipt-states <stat:weight,…>',
        'what they say',
        weights('words such as DELIVRD', isStat),
        { DELIVRD: 1 },
        'DELIVRD',
      ),
    )
    .addOption(
      option(
        '--notifications <on|off|share>',
        'who gets an intermediate notification, of those that want one, half-way to the receipt, which comes after 200 ms at least',
        onOffOrShare,
        1,
        'on',
      ),
    )
    .addOption(
      option(
        '--multi-unsuccess <share>',
        "share of a submit_multi's destinations that are refused, as --errors says",
        share,
        0,
        '0',
      ),
    )
    .addOption(
      new Option('--receipt-form <form>', 'how they say it')
        .choices(['both', 'text', 'tlv'])
        .default('both'),
    )
    .addOption(idOption('--id-format <format>', 'how ids look in responses'))
    .addOption(idOption('--receipt-id-format <format>', 'how ids look in receipts'))
    .option('--receipt-before-response', 'receipts overtake the responses', false)
    .addOption(
      option(
        '--response-loss <share>',
        'share of messages taken and never answered',
        share,
        0,
        '0',
      ),
    )
    .option('--disconnect-every <n>', 'cut a connection at every n-th submit', whole(0, 1e9), 0)
    .option('--mo <rate>', 'messages from mobiles that it makes up, a second', perSecond)
    .option('--mo-to <digits>', 'their destination; # for digits that count', digits, '12345')
    .option('--mo-from <digits>', 'their source', digits, '4670000####')
    .option('--mo-parts <n>', 'deliver_sm that each of them comes in', whole(1, 255), 1)
    .addOption(
      new Option('--mo-concatenation <kind>', 'what their parts are known by')
        .choices(MO_CONCATENATIONS)
        .default('udh8'),
    )
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
}

function idOption(flags: string, description: string): Option {
  return new Option(flags, description).choices(['text', 'hex', 'dec']).default('text')
}

/** Of both tools. */
export function outputOption(): Option {
  return new Option('--output <form>', 'how results are printed')
    .choices(['table', 'json'])
    .default('table')
}

function adminPort(text: string): Address | 'off' {
  return text === 'off' ? 'off' : hostPort(text)
}

async function run(flags: Flags): Promise<number> {
  const listen = flags.port === undefined ? flags.listen : hostPort(String(flags.port))
  const { systemId = null, password = null } = flags
  const smsc = new SmscSimulator({ ...listen, systemId, password, behaviour: behaviourOf(flags) })
  const json = flags.output === 'json'
  try {
    await smsc.start()
    const admin = flags.admin === 'off' ? undefined : await startAdmin(smsc, flags.admin)
    const at = addressText({ host: listen.host, port: smsc.port })
    if (json) print({ event: 'listening', port: smsc.port, adminPort: admin?.port ?? null })
    else {
      const where =
        admin === undefined || flags.admin === 'off'
          ? ''
          : `, counters and faults at http://${addressText({ ...flags.admin, port: admin.port })}`
      process.stdout.write(`smsc-sim listens at ${at}${where}\n`)
    }
    const stopLive = showLive(smsc, !json)
    await interrupted()
    stopLive()
    const stats = smsc.stats()
    await admin?.close()
    await smsc.stop()
    if (json) print({ event: 'stopped', stats })
    else process.stdout.write(statsText(stats))
    return 0
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    process.stderr.write(`smsc-sim: ${message}\n`)
    await smsc.stop()
    return 1
  }
}

function behaviourOf(flags: Flags): Partial<SmscBehaviour> {
  return {
    delayMs: flags.delay,
    delayDistribution: flags.delayDistribution,
    errorRate: flags.errorRate,
    errors: flags.errors,
    throttlePerSecond: limit(flags.throttle),
    receipts: flags.receipts,
    receiptDelayMs: flags.receiptDelay,
    receiptStates: flags.receiptStates,
    notifications: flags.notifications,
    multiUnsuccess: flags.multiUnsuccess,
    receiptForm: flags.receiptForm,
    receiptBeforeResponse: flags.receiptBeforeResponse,
    submitIdFormat: flags.idFormat,
    receiptIdFormat: flags.receiptIdFormat,
    disconnectEvery: flags.disconnectEvery,
    noResponseRate: flags.responseLoss,
    moPerSecond: limit(flags.mo) ?? 0,
    moTo: flags.moTo,
    moFrom: flags.moFrom,
    moParts: flags.moParts,
    moConcatenation: flags.moConcatenation,
  }
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function showLive(smsc: SmscSimulator, wanted: boolean): () => void {
  const line = new LiveLine(process.stdout, wanted)
  let before = smsc.stats()
  const timer = setInterval(() => {
    const now = smsc.stats()
    line.show(
      [
        `${now.sessions.length} binds`,
        `${grouped(now.accepted - before.accepted)} msg/s`,
        `${grouped(now.accepted)} taken`,
        `${grouped(now.distinct)} distinct`,
        `${grouped(now.duplicates)} repeated`,
        `receipts ${grouped(now.receipts.acknowledged)} (${grouped(now.receipts.waiting)} wait)`,
      ].join(' · '),
    )
    before = now
  }, 1_000)
  return () => {
    clearInterval(timer)
    line.clear()
  }
}

/** Resolves at SIGINT or SIGTERM. */
async function interrupted(): Promise<void> {
  await new Promise<void>(resolve => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
  })
}

function statsText(stats: SmscStats): string {
  const { receipts, mo } = stats
  const refused = Object.entries(stats.refused).map(([name, count]) => `${name} ${grouped(count)}`)
  const requests = Object.entries(stats.requests).map(([name, n]) => `${name} ${grouped(n)}`)
  const lines: [string, string][] = [
    ['submits', grouped(stats.submits)],
    [
      'accepted',
      `${grouped(stats.accepted)}, of these never answered ${grouped(stats.unanswered)}`,
    ],
    ['refused', refused.join(', ') || '0'],
    [
      'messages by tag',
      `${grouped(stats.distinct)} distinct, ${grouped(stats.duplicates)} repetitions, ` +
        `${grouped(stats.untagged)} without a tag`,
    ],
    [
      'receipts',
      `${grouped(receipts.made)} made, ${grouped(receipts.acknowledged)} acknowledged, ` +
        `${grouped(receipts.waiting + receipts.delayed)} waiting, ${grouped(receipts.dropped)} dropped`,
    ],
    [
      'notifications',
      `${grouped(stats.notifications.made)} made, ${grouped(stats.notifications.acknowledged)} acknowledged`,
    ],
    ['other requests', requests.join(', ') || '0'],
    ['from mobiles', `${grouped(mo.made)} made, ${grouped(mo.acknowledged)} acknowledged`],
  ]
  return lines.map(([name, text]) => `${name.padEnd(16)} ${text}\n`).join('')
}

import { rmSync } from 'node:fs'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { assert } from '../../src/base/assert.js'
import { outputOption } from '../../src/tools/smsc-sim-main.js'
import { duration, option, whole } from '../../src/tools/units.js'
import { describeMachine, machineText } from '../machine.js'
import { CONNECTOR_BINDS, CONNECTOR_WINDOW } from '../scenario.js'
import { CARILLON_1, CARILLON_3, ESME_SHAPE } from './carillon.js'
import { DISK } from './disk.js'
import { ETCD } from './etcd.js'
import { COMPARISONS } from './goals.js'
import { installMissing } from './install.js'
import { KANNEL } from './kannel.js'
import { NATS, NATS_SYNCED } from './nats.js'
import { peersText, windowsOf, type PeersReport } from './peers-report.js'
import { compare } from './ratios.js'
import { REDIS } from './redis.js'
import { runRounds } from './rounds.js'
import { SMPP_ECHO } from './smpp-echo.js'
import { SOCKET_ECHO } from './socket-echo.js'
import type { System } from './system.js'

const SYSTEMS: readonly System[] = [
  CARILLON_3,
  ETCD,
  NATS,
  NATS_SYNCED,
  KANNEL,
  CARILLON_1,
  SMPP_ECHO,
  REDIS,
  SOCKET_ECHO,
  DISK,
]

const EXAMPLES = `
Examples:
  Carillon beside all of them, in two rounds:
    carillon bench --peers
  Install what is missing first (Debian, as root):
    carillon bench --peers --install
  Some of them, in five rounds:
    carillon bench --peers carillon-3,etcd,nats --rounds 5

What is not installed is skipped, and said so. How each is measured: bench/README.md.
`

interface Flags {
  peers: System[] | true
  rounds: number
  duration: number
  warmup: number
  octets: number
  install: boolean
  results: string
  output: 'table' | 'json'
}

/**
 * `carillon bench --peers`: ends what it started, and removes what that wrote, however it ends itself.
 * @param results  the directory where results are kept unless an argument says otherwise
 * @returns the exit status: 0; 1 where a run of Carillon's failed; 2 where the arguments are wrong
 */
export async function main(argv: string[], results: string): Promise<number> {
  const command = peersCommand(results)
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    throw error
  }
  const flags = command.opts<Flags>()
  const directory = await mkdtemp(join(tmpdir(), 'carillon-peers-'))
  // Processes of ours are killed by their pids as this one exits: own-process.ts, whose listener comes first.
  const clean = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 20 })
  const interrupted = (): never => process.exit(130)
  process.once('exit', clean)
  for (const signal of SIGNALS) process.once(signal, interrupted)
  try {
    return await run(flags, directory)
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, interrupted)
    process.removeListener('exit', clean)
    clean()
  }
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

async function run(flags: Flags, directory: string): Promise<number> {
  if (flags.install) note(installMissing())
  const systems = flags.peers === true ? SYSTEMS : flags.peers
  const { rounds, warmup: warmUpMs, duration: durationMs, octets } = flags
  const machine = describeMachine(directory)
  note(machineText(machine))
  let last: PeersReport | undefined
  await runRounds({
    ...{ systems, rounds, octets, directory, time: { warmUpMs, durationMs }, progress: note },
    async afterRound(rows) {
      last = {
        machine,
        settings: { rounds, warmUpMs, durationMs, octets },
        systems: systems.map(described),
        rows,
        comparisons: COMPARISONS.map(one => compare(one, rows)).filter(({ value }) => value),
        windows: windowsOf(rows, IN_FLIGHT),
      }
      await writeResults(flags.results, last)
    },
  })
  assert(last !== undefined, 'there was a round')
  const text = flags.output === 'json' ? JSON.stringify(last, null, 2) : peersText(last)
  process.stdout.write(`${text}\n`)
  const ours = last.rows.filter(({ system }) => system.startsWith('carillon'))
  return ours.some(row => row.skipped !== '') ? 1 : 0
}

const IN_FLIGHT = {
  esme: ESME_SHAPE.sessions * ESME_SHAPE.window,
  connector: CONNECTOR_BINDS * CONNECTOR_WINDOW,
}

function described(system: System): PeersReport['systems'][number] {
  const version = system.missing() === undefined ? system.version() : ''
  return { name: system.name, title: system.title, version }
}

async function writeResults(directory: string, report: PeersReport): Promise<void> {
  await mkdir(directory, { recursive: true })
  const name = join(directory, report.machine.at.replaceAll(':', '').replace(/\..*/, ''))
  await writeFile(`${name}-peers.json`, `${JSON.stringify(report, null, 2)}\n`)
  await writeFile(`${name}-peers.txt`, `${peersText(report)}\n`)
}

function peersCommand(results: string): Command {
  return new Command('carillon bench --peers')
    .description('Carillon beside systems it is compared with, in the same run, as ratios.')
    .exitOverride()
    .option(
      '--peers [system,…]',
      `which of ${SYSTEMS.map(({ name }) => name).join(', ')} (default: all)`,
      chosen,
    )
    .option('--rounds <n>', 'of all systems in turn', whole(1, 100), 2)
    .addOption(option('--duration <duration>', 'of each run', duration('s'), 6_000, '6s'))
    .addOption(option('--warmup <duration>', 'before it, not measured', duration('s'), 2_000, '2s'))
    .option('--octets <n>', 'of each message or value', whole(18, 254), 250)
    .option('--install', "what is missing, from Debian's packages, as root", false)
    .addOption(
      option(
        '--results <directory>',
        'where results are kept',
        text => text,
        results,
        'bench/results',
      ),
    )
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
}

function chosen(text: string): System[] {
  const names = text.split(',').filter(Boolean)
  return names.map(name => {
    const system = SYSTEMS.find(system => system.name === name)
    if (system !== undefined) return system
    const known = SYSTEMS.map(system => system.name).join(', ')
    throw new InvalidArgumentError(`There is no ${name}; there are ${known}.`)
  })
}

/** Progress goes to stderr, so that stdout is the result alone. */
function note(text: string): void {
  process.stderr.write(`${text}\n`)
}

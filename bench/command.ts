import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { outputOption } from '../src/tools/smsc-sim-main.js'
import { duration, option, perSecond, whole } from '../src/tools/units.js'
import { listOf, path, suites } from './arguments.js'
import type { Flags } from './flags.js'
import type { Path } from './load.js'
import { SUITE_NAMES, SUITES, type SuiteName } from './suites/index.js'

const EXAMPLES = `
Suites:
${SUITE_NAMES.map(name => `  ${name.padEnd(10)} ${SUITES[name].summary}`).join('\n')}

Examples:
  The gateway: one node and three, every path, closed loop and open loop, and where the time goes:
    carillon bench
  A first impression in two minutes:
    carillon bench --nodes 3 --paths dispatch --rates 2000 --duration 5s --no-profile
  Where does the time go? A flame graph of each node, and the share of each room:
    carillon bench --profile --nodes 3 --paths dispatch
  Parts of it alone:
    carillon bench --suite codec,journal
  Does memory stay bounded? RSS after 100,000 and after 1,000,000 messages:
    carillon bench --memory
  Beside etcd, NATS JetStream, Redis, Kannel and others, as ratios:
    carillon bench --peers
  Do other sessions notice floods, slow and broken peers, and 10,000 idle sessions?
    carillon bench --hostile --idle 10000 --duration 5s

Nodes, SMSC simulator and load client are processes of their own, in a temporary directory and on free ports. Results go
to bench/results/ too. How it is measured: bench/README.md.
`

/** The suites that are asked for; the gateway where none is. */
export function suitesOf({ suite, codec, memory, hostile }: Flags): SuiteName[] {
  const asked = new Set(suite)
  if (codec) asked.add('codec')
  if (memory) asked.add('memory')
  if (hostile) asked.add('hostile')
  return asked.size === 0 ? ['gateway'] : SUITE_NAMES.filter(name => asked.has(name))
}

export function benchCommand(): Command {
  return new Command('carillon bench')
    .description('Throughput, latency, memory and cost of Carillon and of its parts, in suites.')
    .exitOverride()
    .addOption(option('--suite <name,…>', 'instead of the gateway', suites, [], 'gateway'))
    .option('--codec', '--suite codec', false)
    .option('--memory', '--suite memory', false)
    .option('--hostile', '--suite hostile', false)
    .option(
      '--peers [system,…]',
      'Carillon beside etcd, NATS, Redis, Kannel and others; --peers --help',
    )
    .addOption(
      option(
        '--results <directory>',
        'where results are kept',
        text => text,
        resultsDirectory(),
        'bench/results',
      ),
    )
    .addOption(outputOption())
    .addOption(option('--duration <duration>', 'of each run', duration('s'), 10_000, '10s'))
    .addOption(option('--warmup <duration>', 'before it, not measured', duration('s'), 3_000, '3s'))
    .optionsGroup('Gateway:')
    .addOption(option('--nodes <n,…>', 'sizes of the cluster', listOf(whole(1, 9)), [1, 3], '1,3'))
    .addOption(
      option(
        '--paths <path,…>',
        'accept (connector down), dispatch, receipts',
        listOf(path),
        ['accept', 'dispatch', 'receipts'] satisfies Path[],
        'accept,dispatch,receipts',
      ),
    )
    .addOption(
      option(
        '--rates <rate,…>',
        'open-loop rates; those above 90 % of the maximum found are left out',
        listOf(perSecond),
        [1_000, 5_000, 10_000, 20_000],
        '1000,5000,10000,20000',
      ),
    )
    .option('--sessions <n>', 'of the load client', whole(1, 1_000), 6)
    .option('--window <n>', 'of each session', whole(1, 100_000), 250)
    .option('--octets <n>', 'of the text', whole(18, 254), 140)
    .option('--tls', 'by TLS as well, each path', false)
    .option('--haproxy', 'through HAProxy as well; three nodes', false)
    .option('--profile', 'only the run with the profiler on: shares by room, and flame.html')
    .option('--no-profile', 'all but that run')
    .optionsGroup('Other suites:')
    .option('--binds <n>', 'sessions: so many that are idle', whole(1, 100_000), 10_000)
    .addOption(
      option(
        '--depths <n,…>',
        'queue: messages that wait, each beside a queue of 10,000; 10000000 takes half an hour',
        listOf(whole(10_000, 1e8)),
        [100_000, 1_000_000],
        '100000,1000000',
      ),
    )
    .option('--rounds <n>', 'queue: at each depth', whole(1, 100), 2)
    .option('--kills <n>', 'failover: of the leader, at the first of --rates', whole(1, 100), 5)
    .option('--idle <n>', 'hostile: so many idle sessions at the end', whole(0, 100_000), 1_000)
    .addOption(
      option(
        '--memory-counts <n,…>',
        'memory: after how many messages',
        listOf(whole(1, 1e8)),
        [100_000, 1_000_000],
        '100000,1000000',
      ),
    )
    .addHelpText('after', EXAMPLES)
}

/** bench/results of the checkout that this build belongs to. */
export function resultsDirectory(): string {
  return fileURLToPath(new URL('../../bench/results', import.meta.url))
}

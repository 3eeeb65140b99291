import type { Comparison, Figure, Place } from './ratios.js'

const at = (system: string, workload: string, figure: Figure = 'perSecond'): Place => ({
  system,
  workload,
  figure,
})

const ACCEPT = at('carillon-3', 'accept')
const DISPATCH = at('carillon-3', 'dispatch')
const RECEIPTS = at('carillon-3', 'receipts')
const PUTS = at('etcd', 'puts')
const TRANSACTIONS = at('etcd', 'transactions')
const JET_STREAM = at('nats', 'publish')

/**
 * What Carillon is compared with, and what it is to reach. Goals that were set as rates were set on a machine where etcd does 8,300
 * single puts a second; as ratios they hold on others.
 */
export const COMPARISONS: readonly Comparison[] = [
  over('accepted, dispatching ÷ etcd puts', DISPATCH, PUTS, 6),
  over('accepted, dispatching ÷ etcd transactions of 100', DISPATCH, TRANSACTIONS, 1.5),
  over('accepted, dispatching ÷ JetStream R3', DISPATCH, JET_STREAM, 1),
  // 40,000/s there
  over(
    'sent to the SMSC ÷ etcd puts',
    at('carillon-3', 'dispatch', 'dispatchedPerSecond'),
    PUTS,
    4.8,
  ),
  over('with receipts ÷ etcd puts', RECEIPTS, PUTS, 2.4), // 20,000/s there
  over('with receipts ÷ Kannel with receipts', RECEIPTS, at('kannel', 'receipts')),
  over(
    'one node, accepted ÷ server of the smpp package',
    at('carillon-1', 'accept'),
    at('smpp', 'submits'),
    3,
  ),
  over(
    'one node, dispatching ÷ server of the smpp package',
    at('carillon-1', 'dispatch'),
    at('smpp', 'submits'),
  ),
  under('dispatch at 20,000/s, p99 ms', at('carillon-3', 'dispatch at 20,000/s', 'p99'), 40),
  under('dispatch at 1,000/s, p50 ms', at('carillon-3', 'dispatch at 1,000/s', 'p50'), 4),
  under('dispatch at 1,000/s, p99 ms', at('carillon-3', 'dispatch at 1,000/s', 'p99'), 20),
  over('accepted ÷ etcd puts', ACCEPT, PUTS),
  over('accepted ÷ etcd transactions of 100', ACCEPT, TRANSACTIONS),
  over('accepted ÷ JetStream R3', ACCEPT, JET_STREAM),
  over('accepted ÷ JetStream R3, synced', ACCEPT, at('nats-synced', 'publish')),
  over('one node, accepted ÷ Redis', at('carillon-1', 'accept'), at('redis', 'set')),
  over('one node, accepted ÷ socket echo', at('carillon-1', 'accept'), at('echo', 'echo')),
]

function over(name: string, ours: Place, theirs: Place, least?: number): Comparison {
  return { name, ours, theirs, goal: least === undefined ? null : { least } }
}

function under(name: string, ours: Place, below: number): Comparison {
  return { name, ours, theirs: null, goal: { below } }
}

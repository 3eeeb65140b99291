import type { Proposed } from '../../cluster/types.js'
import { Journal, Proposer } from '../journal/index.js'
import type { NodeFolder } from './machine.js'
import type { NodeOptions } from './node.js'

/** The one group of today's clusters; ids and wire carry its number all the same (DESIGN §4). */
export const GROUP = 0

/** Opens the state, with the proposer of this node, which counts its proposals. `to` may be called at once. */
export async function openJournal(
  options: NodeOptions,
  folder: NodeFolder,
  to: { send(entry: Buffer): Proposed; fatal(error: Error): void },
): Promise<Journal> {
  const { config, machine, logger, metrics } = options
  const latency = metrics.histogram('proposal_latency_seconds', {})
  const proposer = new Proposer({
    node: config.node.id,
    send: entry => to.send(entry),
    clock: machine.clock,
    timers: machine.timers,
    submitTimeoutMs: config.smpp.submitTimeoutMs,
    tooLate: count => {
      logger.warn('refused submits were claimed already', { count })
      metrics.counter('submits_refused_but_sent_total', {}).add(count)
    },
    ended: (outcome, openMs) => {
      metrics.counter('proposals_total', { outcome }).add()
      if (outcome === 'applied') latency.observe(openMs / 1000)
    },
  })
  return Journal.open(
    {
      node: config.node.id,
      group: GROUP,
      folder: folder.stores,
      clock: machine.clock,
      timers: machine.timers,
      logger,
      fatal: error => to.fatal(error),
    },
    proposer,
  )
}

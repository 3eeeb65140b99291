import type { Group } from '../../cluster/types.js'
import type { Metrics } from '../base/metrics.js'
import type { Journal } from '../journal/index.js'

export interface GaugesView {
  metrics: Metrics
  journal: Journal
  group: Group | undefined
  peerUp(id: number): boolean
  /** What the counters that the state keeps said last; all 0 at first. Changed in place. */
  told: { receiptTtl: number; receiptLimit: number; firstsGivenUp: number }
}

/** Brings the gauges that speak of the present up to date; called when somebody asks for them. */
export function updateGauges(view: GaugesView): void {
  const { metrics, journal, group, told } = view
  const { state, node } = journal
  let inDoubt = 0
  for (const { doubts } of state.connectors.values()) inDoubt += doubts.size
  const expired = { receiptTtl: 0, receiptLimit: 0, firstsGivenUp: 0 }
  for (const account of state.accounts.values()) {
    expired.receiptTtl += account.expired
    expired.receiptLimit += account.pushedOut
    expired.firstsGivenUp += account.resubmissions.givenUp
  }
  metrics.gauge('queued_messages', {}).set(state.queued)
  metrics.gauge('in_flight_messages', {}).set(state.inFlight)
  metrics.gauge('in_doubt_messages', {}).set(inDoubt)
  metrics.gauge('queued_receipts', {}).set(state.receiptsQueued)
  metrics.gauge('settings_revision', {}).set(state.revision)
  for (const cause of ['receiptTtl', 'receiptLimit'] as const)
    metrics.counter('expired_deliveries_total', { cause }).add(expired[cause] - told[cause])
  metrics
    .counter('resubmissions_given_up_total', {})
    .add(expired.firstsGivenUp - told.firstsGivenUp)
  Object.assign(told, expired)
  if (group === undefined) return
  const { term, leader, commitIndex, members } = group.status()
  const labels = { group: String(group.id) }
  metrics.gauge('raft_term', labels).set(term)
  metrics.gauge('raft_is_leader', labels).set(leader === node ? 1 : 0)
  metrics.gauge('raft_commit_index', labels).set(commitIndex)
  metrics.gauge('raft_applied_index', labels).set(state.appliedIndex)
  for (const { id } of members)
    if (id !== node)
      metrics.gauge('peer_connected', { peer: String(id) }).set(view.peerUp(id) ? 1 : 0)
}

/**
 * Every metric there is, with its labels: names carry their unit, counters end in `_total`. The sink
 * puts `carillon_` before the name. Ask for a child once and keep it: counting is then an addition.
 */
export const METRICS = {
  // Towards ESMEs.
  connections: gauge('Open TCP and TLS connections of ESMEs', []),
  sessions: gauge('Bound sessions on this node', ['bind_type']),
  binds_total: counter('Answered binds', ['command_status']),
  outbinds_total: counter(
    'Outbinds to ESMEs for which something waits: bound, unbound, unreachable',
    ['result'],
  ),
  submit_sm_total: counter('Answered submit_sm', ['command_status']),
  submit_multi_total: counter('Answered submit_multi', ['command_status']),
  transactions_unknown_total: counter(
    'Submits in transaction mode answered as failed at their time-out, which an SMSC may have',
    [],
  ),
  submit_multi_destinations_total: counter('Their destinations, by what became of each', [
    'command_status',
  ]),
  submit_sm_latency_seconds: histogram('From submit_sm read to its response written', []),
  deliver_sm_total: counter('Answers of ESMEs to deliver_sm', ['command_status']),
  cancel_sm_total: counter('Answered cancel_sm', ['command_status']),
  messages_cancelled_total: counter('Messages that cancel_sm, or an operator, has ended', []),
  bans_total: counter('Addresses banned from an account after failed binds at this node', []),
  replace_sm_total: counter('Answered replace_sm', ['command_status']),
  protocol_errors_total: counter('What peers got wrong, by kind', ['kind']),
  submits_refused_but_sent_total: counter(
    'Refused submits that a claim had already taken (I8)',
    [],
  ),
  // Towards SMSCs.
  upstream_binds: gauge('Bound binds of a connector on this node', ['connector']),
  upstream_submit_sm_total: counter('Answers of SMSCs', ['connector', 'command_status']),
  upstream_latency_seconds: histogram('From submit_sm sent to its response', ['connector']),
  upstream_receipts_total: counter('Receipts from SMSCs', ['connector', 'match']),
  upstream_mo_total: counter('Messages of mobiles', ['connector', 'command_status']),
  upstream_mo_parts_total: counter('Parts of MO that wait for each other, by what became of them', [
    'connector',
    'what',
  ]),
  in_doubt_total: counter('Messages that fell in doubt (I6)', ['connector', 'cause']),
  // The journal, cluster-wide, from applied state.
  queued_messages: gauge('Without final outcome and unclaimed', []),
  in_flight_messages: gauge('Claimed, in doubt and held too', []),
  in_doubt_messages: gauge('In doubt', []),
  queued_receipts: gauge('Receipts and MO not yet acknowledged', []),
  expired_deliveries_total: counter('Receipts and MO given up: receiptTtl, receiptLimit', [
    'cause',
  ]),
  resubmissions_matched_total: counter('Submits answered with the id that they got before', []),
  resubmissions_given_up_total: counter('Submits forgotten before their response was written', []),
  settings_revision: gauge('Revision of the gateway settings', []),
  // Consensus.
  raft_term: gauge('Current term', ['group']),
  raft_is_leader: gauge('1 where this node leads', ['group']),
  raft_commit_index: gauge('Last committed index', ['group']),
  raft_applied_index: gauge('Last applied index', ['group']),
  raft_leader_changes_total: counter('Leaders seen to come', ['group']),
  proposals_total: counter('Proposals of this node, by what became of them', ['outcome']),
  proposal_latency_seconds: histogram('From proposal to applied on this node', []),
  log_write_seconds: histogram('Synced writes of the log', []),
  peer_connected: gauge('1 where the streams to a peer stand', ['peer']),
  clock_offset_seconds: gauge("A peer's clock against ours", ['peer']),
  // 1 while an alarm stands: docs/runbooks has a page for each.
  alarms: gauge('1 while the alarm stands', ['alarm']),
} as const satisfies Record<string, MetricRow>

export type MetricName = keyof typeof METRICS
type NamesOf<K extends MetricRow['kind']> = {
  [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never
}[MetricName]
export type CounterName = NamesOf<'counter'>
export type GaugeName = NamesOf<'gauge'>
export type HistogramName = NamesOf<'histogram'>
/** A value for each label of the row. */
export type LabelsOf<N extends MetricName> = Record<(typeof METRICS)[N]['labels'][number], string>

export interface MetricRow {
  kind: 'counter' | 'gauge' | 'histogram'
  help: string
  labels: readonly string[]
}

export interface Counter {
  /** Default 1; never negative. */
  add(by?: number): void
}
export interface Gauge {
  set(value: number): void
}
export interface Histogram {
  /** In the unit of the name. */
  observe(value: number): void
}

/** Where numbers go. The same name and labels give the same child. */
export interface Metrics {
  counter<N extends CounterName>(name: N, labels: LabelsOf<N>): Counter
  gauge<N extends GaugeName>(name: N, labels: LabelsOf<N>): Gauge
  histogram<N extends HistogramName>(name: N, labels: LabelsOf<N>): Histogram
}

/** Counts nothing. The default of tests. */
export const noMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ observe: () => undefined }),
}

function counter<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'counter', help, labels } as const
}

function gauge<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'gauge', help, labels } as const
}

function histogram<const L extends readonly string[]>(help: string, labels: L) {
  return { kind: 'histogram', help, labels } as const
}

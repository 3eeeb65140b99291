import type { ClusterView, ConnectorView, MemberView, SessionView } from '../api/shapes.js'
import type { Io } from './io.js'
import type { NodeClient } from './node-client.js'
import { jsonText, tableText, type OutputForm } from './table.js'

/** `carillon status`: members, what waits, and where the connectors are at home. */
export async function status(client: NodeClient, output: OutputForm, io: Io): Promise<void> {
  const [cluster, sessions, connectors] = await Promise.all([
    client.get<ClusterView>('/api/v1/cluster'),
    client.list<SessionView>('/api/v1/sessions'),
    client.list<ConnectorView>('/api/v1/connectors'),
  ])
  if (output === 'json') io.out(jsonText({ cluster, sessions, connectors }))
  else io.out(statusText(cluster, sessions, connectors, io.paint))
}

export function statusText(
  cluster: ClusterView,
  sessions: readonly SessionView[],
  connectors: readonly ConnectorView[],
  paint: Io['paint'],
): string {
  const { leader, id } = cluster
  const lead = leader === null ? paint.red('no leader') : `leader node ${leader}`
  const drain = cluster.draining ? paint.yellow(` · node ${id} is draining`) : ''
  return [
    `cluster ${cluster.clusterId.slice(0, 12)} · ${lead} · term ${cluster.term} · revision ${cluster.revision}${drain}`,
    `node ${id}: commit ${cluster.commitIndex} · applied ${cluster.appliedIndex} · ` +
      `state ${cluster.stateHash.slice(0, 12)} at ${cluster.stateHashIndex}`,
    `queued ${cluster.queued} · in flight ${cluster.inFlight} · in doubt ${cluster.inDoubt} · ` +
      `receipts queued ${cluster.receiptsQueued}`,
    '',
    tableText(
      cluster.members,
      {
        node: member => member.id,
        address: member => member.address,
        role: member => (member.id === leader ? 'leader' : member.role),
        alive: member => (member.alive ? 'yes' : paint.red('no')),
        lag: member => lag(member, cluster),
        sessions: member => sessions.filter(session => session.node === member.id).length,
      },
      paint,
    ),
    ...(leader !== null && leader !== id
      ? [paint.dim(`lag is known to the leader, node ${leader}`)]
      : []),
    '',
    tableText(connectors, CONNECTOR_COLUMNS, paint),
  ].join('\n')
}

export const CONNECTOR_COLUMNS = {
  connector: (c: ConnectorView) => c.id,
  smsc: (c: ConnectorView) => smscText(c),
  home: (c: ConnectorView) => (c.home === null ? 'moving' : `node ${c.home}`),
  epoch: (c: ConnectorView) => c.epoch,
  binds: (c: ConnectorView) => bindsText(c),
  queued: (c: ConnectorView) => c.queued,
  'in flight': (c: ConnectorView) => c.inFlight,
  'in doubt': (c: ConnectorView) => c.inDoubt,
  'last error': (c: ConnectorView) => c.lastError ?? '',
}

/** The first host, and where binds stand elsewhere. */
function smscText({ address, boundTo }: ConnectorView): string {
  const others = (boundTo ?? []).filter(bound => bound.address !== address)
  if (others.length === 0) return address
  return `${address} (${others.map(other => `${other.binds} to ${other.address}`).join(', ')})`
}

/** `2/2`; of pairs whose receivers do not all stand `2/2, rx 1`. */
function bindsText({ bindsBound, bindsWanted, receiversBound }: ConnectorView): string {
  const text = `${bindsBound ?? '?'}/${bindsWanted}`
  return (receiversBound ?? bindsWanted) === bindsWanted ? text : `${text}, rx ${receiversBound}`
}

/** Entries committed and not yet on that member's disk; only the leader knows. */
function lag(member: MemberView, cluster: ClusterView): number | null {
  return member.matchIndex === null ? null : Math.max(0, cluster.commitIndex - member.matchIndex)
}

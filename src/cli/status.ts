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
  smsc: (c: ConnectorView) => c.address,
  home: (c: ConnectorView) => (c.home === null ? 'moving' : `node ${c.home}`),
  epoch: (c: ConnectorView) => c.epoch,
  binds: (c: ConnectorView) => `${c.bindsBound ?? '?'}/${c.bindsWanted}`,
  queued: (c: ConnectorView) => c.queued,
  'in flight': (c: ConnectorView) => c.inFlight,
  'in doubt': (c: ConnectorView) => c.inDoubt,
  'last error': (c: ConnectorView) => c.lastError ?? '',
}

/** Entries committed and not yet on that member's disk; only the leader knows. */
function lag(member: MemberView, cluster: ClusterView): number | null {
  return member.matchIndex === null ? null : Math.max(0, cluster.commitIndex - member.matchIndex)
}

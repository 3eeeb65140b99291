import type { AccountState, ConnectorState, Journal, SessionRecord } from '../journal/index.js'
import { parseMessageId } from '../journal/index.js'
import { isDisabled, type InDoubtPolicy } from '../policy/settings.js'
import { isoTime } from './message-view.js'
import { page, sortedBy } from './page.js'
import type { ApiPorts } from './ports.js'
import type {
  AccountView,
  ClusterView,
  ConnectorView,
  InDoubtView,
  List,
  SessionView,
} from './shapes.js'

// What the state says, in the words of the API. Everything here is this node's applied state: it may lag
// behind the leader's by what a heartbeat brings.

export function clusterView(ports: ApiPorts): ClusterView {
  const { state, node } = ports.journal
  const { leader, term, commitIndex, members } = ports.cluster.status()
  const { index, hash } = ports.cluster.stateHash()
  let inDoubt = 0
  for (const connector of state.connectors.values()) inDoubt += connector.doubts.size
  return {
    id: node,
    clusterId: ports.cluster.clusterId(),
    leader,
    term,
    commitIndex,
    appliedIndex: state.appliedIndex,
    stateHash: hash,
    stateHashIndex: index,
    revision: state.revision,
    members,
    queued: state.queued,
    inFlight: state.inFlight,
    receiptsQueued: state.receiptsQueued,
    draining: ports.operations.drainState().state !== 'serving',
    inDoubt,
    startedAt: isoTime(ports.startedAtMs),
    version: ports.version,
  }
}

/** Those of one account, of one node, or of all. */
export function sessionList(
  journal: Journal,
  only: { account: string | undefined; node: number | undefined },
  after: string | undefined,
): List<SessionView> {
  const { state } = journal
  const wanted = [...state.sessions].filter(
    ([id, { systemId, sessions }]) =>
      (only.account ?? systemId) === systemId &&
      (only.node === undefined || sessions.get(id)?.node === only.node),
  )
  const ids = sortedBy(
    wanted.map(([id]) => id),
    id => id,
  )
  const { items, next } = page(ids, id => id, after)
  const views = items.flatMap(id => {
    const account = state.sessions.get(id)
    const session = account?.sessions.get(id)
    return account === undefined || session === undefined ? [] : [sessionView(account, session)]
  })
  return { items: views, next }
}

export function connectorList(ports: ApiPorts, after: string | undefined): List<ConnectorView> {
  const all = [...ports.journal.state.connectors.values()].filter(
    connector => connector.settings !== undefined || connector.queued + connector.inFlight > 0,
  )
  const sorted = sortedBy(all, connector => connector.id)
  const { items, next } = page(sorted, connector => connector.id, after)
  return { items: items.map(connector => connectorView(ports, connector)), next }
}

export function accountList(journal: Journal, after: string | undefined): List<AccountView> {
  const all = [...journal.state.accounts.values()].filter(
    account => account.settings !== undefined || account.queued + account.owed > 0,
  )
  const sorted = sortedBy(all, account => account.systemId)
  const { items, next } = page(sorted, account => account.systemId, after)
  return { items: items.map(accountView), next }
}

/** By message id; `after` is one. */
export function inDoubtList(journal: Journal, after: string | undefined): List<InDoubtView> {
  const { state } = journal
  const from = after === undefined ? 0 : (parseMessageId(after)?.ref ?? 0)
  const found: { ref: number; connector: ConnectorState; sinceMs: number }[] = []
  for (const connector of state.connectors.values())
    for (const [ref, { sinceMs }] of connector.doubts)
      if (ref > from) found.push({ ref, connector, sinceMs })
  found.sort((a, b) => a.ref - b.ref)
  const { items, next } = page(found, ({ ref }) => journal.idOf(ref), undefined)
  const views = items.map(({ ref, connector, sinceMs }): InDoubtView => {
    const message = journal.message(ref)
    const account = message?.kind === 'submit' ? state.accounts.get(message.account) : undefined
    return {
      id: journal.idOf(ref),
      connector: connector.id,
      account: account?.systemId ?? '',
      since: isoTime(sinceMs),
      policy: policyText(connector.settings?.inDoubt ?? { kind: 'hold' }),
    }
  })
  return { items: views, next }
}

function sessionView(account: AccountState, session: SessionRecord): SessionView {
  return {
    id: session.id,
    systemId: account.systemId,
    bindType: session.bindType,
    version: `${session.version >> 4}.${session.version & 15}`,
    node: session.node,
    remoteAddress: session.remoteAddress,
    boundAt: isoTime(session.boundAtMs),
  }
}

function connectorView(ports: ApiPorts, connector: ConnectorState): ConnectorView {
  const { settings } = connector
  const status = ports.homeStatus(connector.id)
  return {
    id: connector.id,
    address: settings === undefined ? '' : `${settings.host}:${settings.port}`,
    home: connector.home?.node ?? null,
    epoch: connector.epoch,
    bindsWanted: settings?.binds ?? 0,
    bindsBound: connector.home === null ? null : connector.binds,
    queued: connector.queued,
    inFlight: connector.inFlight,
    inDoubt: connector.doubts.size,
    receiversBound: status?.receiversBound ?? null,
    boundTo: status?.addresses ?? null,
    lastError: status?.lastError ?? null,
  }
}

function accountView(account: AccountState): AccountView {
  return {
    systemId: account.systemId,
    enabled: account.settings !== undefined && !isDisabled(account.settings),
    sessions: account.sessions.size,
    maxSessions: account.settings?.maxSessions ?? 0,
    queued: account.queued,
    queueLimit: account.settings?.queueLimit ?? 0,
    receiptsQueued: account.owed,
    receiptsExpired: account.expired + account.pushedOut,
    deliveryOwner: account.owner?.node ?? null,
  }
}

function policyText(policy: InDoubtPolicy): string {
  if (policy.kind !== 'wait') return policy.kind
  return policy.ms % 1000 === 0 ? `wait ${policy.ms / 1000}s` : `wait ${policy.ms}ms`
}

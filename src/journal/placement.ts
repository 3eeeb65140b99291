import type { AccountState } from './accounts.js'
import type { ConnectorState } from './connectors.js'
import type { NodeState } from './nodes.js'
import type { State } from './state.js'

/** Nodes that may be given homes and ownerships. */
export function available(state: State): NodeState[] {
  return state.nodes.all().filter(node => node.alive && !node.draining)
}

/** The node that should run the connector: allowed by its settings, with the fewest homes, lowest id. */
export function pickHome(state: State, connector: ConnectorState): number | null {
  const settings = connector.settings
  if (settings === undefined && connector.claims.size === 0) return null
  const allowed = available(state).filter(({ node }) => mayRun(connector, node))
  return least(allowed, ({ node }) => homesOn(state, node))
}

/** The node that should deliver to the account: one with a receiver session, lowest id first. */
export function pickOwner(state: State, account: AccountState): number | null {
  const nodes = new Set(available(state).map(({ node }) => node))
  let best: number | null = null
  for (const session of account.sessions.values()) {
    if (session.bindType === 'tx' || !nodes.has(session.node)) continue
    if (best === null || session.node < best) best = session.node
  }
  return best
}

/**
 * One step towards an even spread: a connector whose home has at least two homes more than a node that
 * may run it; null when there is none. Homes hand over by themselves, with nothing in doubt.
 */
export function uneven(state: State): { connector: ConnectorState; to: number } | null {
  for (const connector of state.connectors.values()) {
    if (connector.home === null || connector.settings === undefined) continue
    const from = connector.wanted ?? connector.home.node
    const to = least(
      available(state).filter(({ node }) => mayRun(connector, node)),
      ({ node }) => homesOn(state, node),
    )
    if (to === null) continue
    if (!mayRun(connector, from) || homesOn(state, from) >= homesOn(state, to) + 2)
      return { connector, to }
  }
  return null
}

export function mayRun(connector: ConnectorState, node: number): boolean {
  const nodes = connector.settings?.nodes ?? []
  return nodes.length === 0 || nodes.includes(node)
}

/** Homes that a node has or is wanted for. */
function homesOn(state: State, node: number): number {
  let homes = 0
  for (const { wanted, home } of state.connectors.values())
    if ((wanted ?? home?.node) === node) homes++
  return homes
}

function least(nodes: NodeState[], of: (node: NodeState) => number): number | null {
  let best: NodeState | undefined
  for (const node of nodes) if (best === undefined || of(node) < of(best)) best = node
  return best?.node ?? null
}

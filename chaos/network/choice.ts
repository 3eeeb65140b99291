import type { Drill } from '../drill.js'

/** What the user asks for (`--network`). */
export const NETWORK_CHOICES = ['auto', 'namespaces', 'proxy'] as const
export type NetworkChoice = (typeof NETWORK_CHOICES)[number]

/** By what the nodes of a drill are connected. */
export type NetworkKind = 'loopback' | 'proxy' | 'namespaces'

/** What this process may do with network namespaces. */
export interface Namespaces {
  /** Why none can be used; undefined: they can. */
  missing: string | undefined
  /** The kernel has netem, which delays packets. */
  delays: boolean
}

/** Where nobody has looked. */
export const NO_NAMESPACES: Namespaces = { missing: 'not looked for', delays: false }

export interface Connected {
  kind: NetworkKind
  /** Sentences for the report. */
  says: readonly string[]
}

/**
 * How the nodes of a drill are connected: in namespaces where it breaks the network and they can be used, or all are to run
 * there; on loopback where it breaks nothing of it, so that its times stay those of earlier runs.
 *
 * @returns or why it cannot run
 */
export function connectedFor(
  { setup = {} }: Drill,
  choice: NetworkChoice,
  { missing, delays }: Namespaces,
): Connected | string {
  const { breaks } = setup
  if (breaks === undefined) {
    return choice === 'namespaces' && missing === undefined ? IN_NAMESPACES : ON_LOOPBACK
  }
  const not = choice === 'proxy' ? 'a proxy was asked for' : missing
  if (breaks === 'hosts') {
    return not === undefined ? IN_NAMESPACES : `needs network namespaces: ${not}`
  }
  if (not !== undefined) return byProxy(`not in network namespaces: ${not}`)
  if (breaks === 'delays' && !delays) {
    return byProxy('not in network namespaces: the kernel has no netem, which delays packets')
  }
  return IN_NAMESPACES
}

const ON_LOOPBACK: Connected = { kind: 'loopback', says: [] }
const IN_NAMESPACES: Connected = {
  kind: 'namespaces',
  says: [
    'each node is in a network namespace of its own, connected by veth to a bridge; ESMEs and SMSC are at the bridge. ' +
      'iptables drops packets where they come in, so TCP itself has to find out; nobody gets a FIN or RST for them',
  ],
}
const byProxy = (why: string): Connected => ({
  kind: 'proxy',
  says: [
    `the network is broken by a TCP proxy of ours between each two nodes, in each direction; the kernel drops nothing (${why})`,
  ],
})

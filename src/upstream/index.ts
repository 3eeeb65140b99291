/** What the node uses of the connectors. */
export type { ConnectTo, HomeStatus, UpstreamOptions } from './context.js'
export { Upstream } from './upstream.js'

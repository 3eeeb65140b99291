/** What the node uses of the connectors. */
export { Upstream } from './upstream.js'

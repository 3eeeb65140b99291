import { isLoopback } from '../policy/cidr.js'
import type { NodeConfig } from './node-file.js'
import { addressText, parseAddress } from '../base/address.js'

/**
 * Why this node must not start as it is configured: each a sentence with its remedy. Empty: it may,
 * because only this machine can reach it, or it is protected, or the file says `insecure: true`.
 */
export function unsafeReasons(config: NodeConfig): string[] {
  if (config.insecure) return []
  const { cluster, http, smpp, node } = config
  const found: string[] = []
  if (!isLoopback(parseAddress(cluster.listen)?.host ?? '') && cluster.tls === null) {
    found.push(
      `cluster.listen ${cluster.listen} can be reached from other machines: anyone there could ` +
        'change the log. Set cluster.tls (cert, key, ca)',
    )
  }
  if (!isLoopback(http.listen.host) && http.apiKeys.length === 0) {
    found.push(
      `http.listen ${addressText(http.listen)} can be reached from other machines: anyone there ` +
        'could change the settings. Set http.apiKeys',
    )
  }
  const smppListens = [smpp, ...smpp.listeners].map(({ listen }) => listen)
  const all = [parseAddress(cluster.listen), http.listen, ...smppListens, smpp.tls?.listen]
  const beyond = all.some(address => address !== undefined && !isLoopback(address.host))
  if (beyond && node.secretKeyFile === null) {
    found.push(
      "node.secretKeyFile is not set: connectors' passwords would lie plain on the disk of a node " +
        'that other machines reach. Make one with: openssl rand -hex 32 > secret.key',
    )
  }
  return found.map(reason => `${reason} (or say insecure: true)`)
}

/** What an operator should know about a configuration that may start. */
export function safetyWarnings(config: NodeConfig): string[] {
  const found: string[] = []
  if (config.insecure)
    found.push('insecure: true: keys, certificates and sealed secrets are not asked for')
  if (config.node.secretKeyFile === null) {
    found.push("node.secretKeyFile is not set: connectors' passwords are stored plain, mode 0600")
  }
  return found
}

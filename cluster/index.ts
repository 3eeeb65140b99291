import { join } from 'node:path'
import { mkdirSync } from 'node:fs'

import { openLevelStore } from './log/level-store.js'
import { openNode, type ClusterDependencies } from './node.js'
import { GrpcTransport } from './transport/grpc-transport.js'
import { readTls } from './transport/grpc-service.js'
import type { ClusterNode, ClusterOptions } from './types.js'

export * from './types.js'
export type { ClusterDependencies } from './node.js'
export { DataGone } from './first-start.js'
export { LogDamaged } from './log/records.js'
export { openLevelStore } from './log/level-store.js'

/**
 * Opens this node's log, listens for its peers, and, on an empty directory, waits until the
 * cluster can start (it says which peers are missing) or has taken it in. Rejects with `DataGone`
 * where this id was started with other data before, with `LogDamaged` (also from `openGroup`)
 * where the disk cannot be trusted, and with what the system says when the port is taken.
 *
 * `dependencies` replaces parts of the outside: clock, timers, chance, disk, network, logger.
 */
export function openClusterNode(
  options: ClusterOptions,
  dependencies: Partial<ClusterDependencies> = {},
): Promise<ClusterNode> {
  return openNode(options, {
    openStore: name => {
      mkdirSync(options.dataDir, { recursive: true })
      return openLevelStore(join(options.dataDir, name))
    },
    openTransport: transport =>
      new GrpcTransport({
        ...transport,
        tls: options.tls === undefined ? undefined : readTls(options.tls),
      }),
    ...dependencies,
  })
}

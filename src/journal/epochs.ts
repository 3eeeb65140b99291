import type { Applying } from './apply.js'
import type { ConnectorState } from './connectors.js'

/**
 * The connector, if the command comes from its home under the home's epoch; where it has no home, from
 * any node under the last one's (DESIGN I5, I7).
 */
export function homeOf(
  { state, entry }: Applying,
  command: { connector: number; epoch: number },
): ConnectorState | undefined {
  const connector = state.connectors.get(command.connector)
  if (connector?.epoch !== command.epoch) return undefined
  return connector.home === null || connector.home.node === entry.node ? connector : undefined
}

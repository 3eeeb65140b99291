import type { BindName, CommandName } from './command-ids.js'
import { INTERFACE_VERSION } from './constants.js'

/** The versions of the standard that we tell apart, as interface_version writes them. */
export type SmppVersion = (typeof INTERFACE_VERSION)[keyof typeof INTERFACE_VERSION]

export const SMPP_VERSIONS: readonly SmppVersion[] = [
  INTERFACE_VERSION.v33,
  INTERFACE_VERSION.v34,
  INTERFACE_VERSION.v50,
]

/**
 * The version that a peer speaks by its interface_version: 0x33 and below are 3.3 or earlier; what lies between two
 * versions is the lower one, for a peer knows what came before. Source: SMPP 3.4 §5.2.4, SMPP 5.0 §4.7.13.
 */
export function versionOf(interface_version: number): SmppVersion {
  if (interface_version >= INTERFACE_VERSION.v50) return INTERFACE_VERSION.v50
  return interface_version >= INTERFACE_VERSION.v34 ? INTERFACE_VERSION.v34 : INTERFACE_VERSION.v33
}

/**
 * The interface_version that a bind towards us stands for. 0 in a bind_transceiver is a parameter that was left out (larvitsmpp, by
 * default): 3.3, which 0 is in the standard, has no bind_transceiver, and its receipts lack the TLVs that such an ESME looks for.
 */
export function boundVersion(command: BindName, interface_version: number): number {
  const left = command === 'bind_transceiver' && interface_version === 0
  return left ? INTERFACE_VERSION.v34 : interface_version
}

/** "3.4": for people. */
export function versionText(version: SmppVersion): string {
  return `${version >> 4}.${version & 0x0f}`
}

/** The versions in which a PDU exists; a response goes with its request. */
export function versionsOf(name: CommandName): readonly SmppVersion[] {
  return VERSIONS[name.replace(/_resp$/, '')] ?? SMPP_VERSIONS
}

const { v33, v34, v50 } = INTERFACE_VERSION

/** PDUs that are not in all versions. Source: SMPP 3.4 §1.1.1 and §5.1.2.1, SMPP 5.0 §4.7.5. */
const VERSIONS: Partial<Record<string, readonly SmppVersion[]>> = {
  bind_transceiver: [v34, v50],
  outbind: [v34, v50],
  data_sm: [v34, v50],
  alert_notification: [v34, v50],
  broadcast_sm: [v50],
  query_broadcast_sm: [v50],
  cancel_broadcast_sm: [v50],
  param_retrieve: [v33],
  query_last_msgs: [v33],
  query_msg_details: [v33],
}

import type { CommandName, RequestName } from './command-ids.js'

/** States of the matrix. UNBINDING is ours: see `SessionState`; OUTBOUND of 5.0 (after an outbind) is OPEN here. */
export type MatrixState = 'OPEN' | 'BOUND_TX' | 'BOUND_RX' | 'BOUND_TRX'

export const MATRIX_STATES: readonly MatrixState[] = ['OPEN', 'BOUND_TX', 'BOUND_RX', 'BOUND_TRX']

/** In which states each side may send a request. */
export interface Operation {
  readonly esme: readonly MatrixState[]
  readonly smsc: readonly MatrixState[]
}

const NEVER: readonly MatrixState[] = []
const OPEN: readonly MatrixState[] = ['OPEN']
const TRANSMITTERS: readonly MatrixState[] = ['BOUND_TX', 'BOUND_TRX']
const RECEIVERS: readonly MatrixState[] = ['BOUND_RX', 'BOUND_TRX']
const BOUND: readonly MatrixState[] = ['BOUND_TX', 'BOUND_RX', 'BOUND_TRX']

const byTransmitter: Operation = { esme: TRANSMITTERS, smsc: NEVER }
const bind: Operation = { esme: OPEN, smsc: NEVER }
/** SMPP 3.3 knows no transceivers. */
const by33Transmitter: Operation = { esme: ['BOUND_TX'], smsc: NEVER }

/**
 * The standard's session state matrix. Responses are not in it: one belongs to its request, and is matched with that
 * wherever it comes; generic_nack may come in any state. Source: SMPP 3.4 §2.3, table 2-1; SMPP 5.0 §2.4, table 2-1.
 * Where they differ the wider one stands: replace_sm in BOUND_TRX, and enquire_link in OPEN, are 5.0's.
 */
export const OPERATION_MATRIX: Readonly<Record<RequestName, Operation>> = {
  bind_receiver: bind,
  bind_transmitter: bind,
  bind_transceiver: bind,
  outbind: { esme: NEVER, smsc: OPEN },
  unbind: { esme: BOUND, smsc: BOUND },
  enquire_link: { esme: MATRIX_STATES, smsc: MATRIX_STATES },
  submit_sm: byTransmitter,
  submit_multi: byTransmitter,
  data_sm: { esme: TRANSMITTERS, smsc: RECEIVERS },
  deliver_sm: { esme: NEVER, smsc: RECEIVERS },
  query_sm: byTransmitter,
  cancel_sm: byTransmitter,
  replace_sm: byTransmitter,
  alert_notification: { esme: NEVER, smsc: RECEIVERS },
  broadcast_sm: byTransmitter,
  query_broadcast_sm: byTransmitter,
  cancel_broadcast_sm: byTransmitter,
  param_retrieve: by33Transmitter,
  query_last_msgs: by33Transmitter,
  query_msg_details: by33Transmitter,
}

/** The requests that one side may send, by state. */
export function requestsFrom(
  side: keyof Operation,
): Readonly<Record<MatrixState, ReadonlySet<CommandName>>> {
  const rows = Object.entries(OPERATION_MATRIX) as [RequestName, Operation][]
  const inState = (state: MatrixState): ReadonlySet<CommandName> =>
    new Set(rows.filter(([, row]) => row[side].includes(state)).map(([name]) => name))
  return {
    OPEN: inState('OPEN'),
    BOUND_TX: inState('BOUND_TX'),
    BOUND_RX: inState('BOUND_RX'),
    BOUND_TRX: inState('BOUND_TRX'),
  }
}

/**
 * Operations that one version alone has. To a bound ESME of another they are ESME_RINVCMDID, and so they are to an SMSC: we are none.
 * Their own response says so: clients that wait for it (Net::SMPP of Perl does) never notice a generic_nack.
 */
export const OF_ONE_VERSION: ReadonlySet<CommandName> = new Set<RequestName>([
  'broadcast_sm',
  'query_broadcast_sm',
  'cancel_broadcast_sm',
  'param_retrieve',
  'query_last_msgs',
  'query_msg_details',
])

/** Whether a request has a response. Source: SMPP 3.4 §4.1.7 and §4.12. */
export function hasResponse(name: CommandName): boolean {
  return name !== 'outbind' && name !== 'alert_notification'
}

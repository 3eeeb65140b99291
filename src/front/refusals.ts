import type { SubmitRefusal } from '../journal/index.js'
import type { CommandStatus } from '../smpp/command-status.js'
import { COMMAND_STATUS } from '../smpp/command-status.js'

/**
 * Every way the front end says no to an ESME, but for what a PDU's parser says. The keys are stable;
 * alarms and tests rely on them. `retriable`: the same request may well succeed later.
 */
export const REFUSALS = {
  /**
   * No such account, or not from this address. The status is that of a wrong password: a stranger does not learn
   * which accounts there are (docs/decisions/0010).
   */
  unknownSystemId: { command_status: 'ESME_RINVPASWD', retriable: false },
  wrongPassword: { command_status: 'ESME_RINVPASWD', retriable: false },
  /** From this address its binds are refused for a while; as with a wrong password (docs/decisions/0017). */
  banned: { command_status: 'ESME_RINVPASWD', retriable: true },
  bindTypeNotAllowed: { command_status: 'ESME_RBINDFAIL', retriable: false },
  /** Its password was right: it may know. No session is to be had until it is enabled again. */
  bindOfDisabled: { command_status: 'ESME_RBINDFAIL', retriable: false },
  /** maxSessions are bound; which of the two is the account's setting. */
  tooManySessions: { command_status: 'ESME_RALYBND', retriable: true },
  tooManySessionsBindFail: { command_status: 'ESME_RBINDFAIL', retriable: true },
  /** No boot, no leader, draining, isolated, or too many passwords to check. */
  notReady: { command_status: 'ESME_RSYSERR', retriable: true },
  throttled: { command_status: 'ESME_RTHROTTLED', retriable: true },
  queueFull: { command_status: 'ESME_RMSGQFUL', retriable: true },
  noRoute: { command_status: 'ESME_RINVDSTADR', retriable: false },
  /** schedule_delivery_time is none, is over, or not every living node knows how to wait for it. */
  scheduled: { command_status: 'ESME_RINVSCHED', retriable: false },
  validityOver: { command_status: 'ESME_RINVEXPIRY', retriable: false },
  /** The account is gone from the settings. */
  noAccount: { command_status: 'ESME_RSYSERR', retriable: false },
  /** Its session is being unbound (docs/decisions/0015). */
  accountDisabled: { command_status: 'ESME_RSYSERR', retriable: true },
  /** Not committed: no leader, no answer in time, or this node's boot is over. */
  notCommitted: { command_status: 'ESME_RSYSERR', retriable: true },
  /** Not an id that this cluster gives. */
  invalidMessageId: { command_status: 'ESME_RINVMSGID', retriable: false },
  /** Forgotten, or another account's. */
  unknownMessage: { command_status: 'ESME_RQUERYFAIL', retriable: false },
  /** Not before every living node knows how (docs/decisions/0013). */
  cancelNotOffered: { command_status: 'ESME_RCANCELFAIL', retriable: true },
  /** Claimed, in doubt now or before, or concluded; nothing found, where none is named. */
  notCancellable: { command_status: 'ESME_RCANCELFAIL', retriable: false },
  /** cancel_sm or replace_sm names a parameter that is not the message's. */
  otherSource: { command_status: 'ESME_RINVSRCADR', retriable: false },
  otherDestination: { command_status: 'ESME_RINVDSTADR', retriable: false },
  otherService: { command_status: 'ESME_RINVSERTYP', retriable: false },
  /** Not before every living node knows how (docs/decisions/0016). */
  replaceNotOffered: { command_status: 'ESME_RREPLACEFAIL', retriable: true },
  /** A short_message and a message_payload (SMPP 3.4 §5.2.21, 5.0 §4.8.4.36). */
  twoMessages: { command_status: 'ESME_RINVMSGLEN', retriable: false },
  /** Claimed, in doubt now or before, concluded, or one of several of a submit_multi. */
  notReplaceable: { command_status: 'ESME_RREPLACEFAIL', retriable: false },
  /** Not before every living node knows how (docs/decisions/0019). */
  multiNotOffered: { command_status: 'ESME_RSUBMITFAIL', retriable: true },
  /** submit_multi: more than 254, lists expanded, or too long for so many. */
  tooManyDestinations: { command_status: 'ESME_RINVNUMDESTS', retriable: false },
  /** No distribution list of the account, nor of all. */
  unknownList: { command_status: 'ESME_RINVDLNAME', retriable: false },
  /** No destination of a submit_multi was accepted, for several reasons. */
  submitFailed: { command_status: 'ESME_RSUBMITFAIL', retriable: false },
  /** Rules of the account, or of the connector that its route chose (docs/decisions/0022). */
  tlvMissing: { command_status: 'ESME_RMISSINGOPTPARAM', retriable: false },
  tlvLength: { command_status: 'ESME_RINVPARLEN', retriable: false },
  tlvValue: { command_status: 'ESME_RINVOPTPARAMVAL', retriable: false },
  tlvNotAllowed: { command_status: 'ESME_ROPTPARNOTALLWD', retriable: false },
  /** No connector broadcasts. */
  noBroadcast: { command_status: 'ESME_RBCASTFAIL', retriable: false },
  noBroadcastToQuery: { command_status: 'ESME_RBCASTQUERYFAIL', retriable: false },
  noBroadcastToCancel: { command_status: 'ESME_RBCASTCANCELFAIL', retriable: false },
  /** query_last_msgs: messages cannot be found by their source. */
  sourcesNotKept: { command_status: 'ESME_RQUERYFAIL', retriable: false },
  /** query_msg_details: only the marks of the message are left. */
  octetsGone: { command_status: 'ESME_RQUERYFAIL', retriable: false },
  noParameters: { command_status: 'ESME_RPARAMRETFAIL', retriable: false },
  /** Transaction mode: not delivered, or not in time (docs/decisions/0023). */
  notDelivered: { command_status: 'ESME_RDELIVERYFAILURE', retriable: true },
  /** A submit_multi in transaction mode: its response could not say what became of each. */
  transactionOfMany: { command_status: 'ESME_RINVESMCLASS', retriable: false },
  unknownCommand: { command_status: 'ESME_RINVCMDID', retriable: false },
} as const satisfies Record<string, { command_status: CommandStatus; retriable: boolean }>

export type RefusalCode = keyof typeof REFUSALS

/** The number that goes into the response. */
export function statusOf(code: RefusalCode): number {
  return COMMAND_STATUS[REFUSALS[code].command_status]
}

/** What apply and the proposer say of a submit or a bind, in our words. */
const OF_JOURNAL: Partial<Record<SubmitRefusal | 'full', RefusalCode>> = {
  queueFull: 'queueFull',
  otherId: 'throttled',
  noRoute: 'noRoute',
  noAccount: 'noAccount',
  accountDisabled: 'accountDisabled',
  full: 'throttled',
  bindTypeNotAllowed: 'bindTypeNotAllowed',
}

/** What stands in no row was not committed. */
export function refusalOf(why: SubmitRefusal | 'full'): RefusalCode {
  return OF_JOURNAL[why] ?? 'notCommitted'
}

/** What the rooms around the journal use of it. */
export type { AcceptRecord } from './accept-record.js'
export {
  acceptRecord,
  addressHash,
  FINGERPRINT_OCTETS,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_FINGERPRINT,
  FLAG_MULTI,
  FLAG_OTHER_SCHEDULE,
  FLAG_OTHER_VALIDITY,
  FLAG_SCHEDULED,
  FLAG_SHORT_ID,
  FLAG_TRANSACTION,
  FLAG_WATCHED,
} from './accept-record.js'
export type { AccountState, Delivery } from './accounts.js'
export { BANS_STEP } from './apply-bans.js'
export { GIVE_UP_STEP } from './apply-long-mos.js'
export { usesWindow } from './apply-resubmissions.js'
export type { Ban } from './bans.js'
export { BAN_ADDRESS_MAX } from './bans.js'
export type { Block } from './block.js'
export { MARK, MESSAGE_STATE } from './marks.js'
export { LEVELS } from './connector-queue.js'
export type {
  Command,
  CommandResult,
  InboundItem,
  InboundResult,
  OutcomeItem,
  SentParts,
  OutcomeResult,
  SessionRecord,
} from './commands.js'
export type { ConnectorState } from './connectors.js'
export { rangesIn } from './connectors.js'
export type { Effect } from './effects.js'
export type { StoredMessage } from './entry.js'
export { decodeEntry } from './entry.js'
export type { Ref } from './ids.js'
export { indexOf, offsetOf, parseMessageId, refOf } from './ids.js'
export type { JournalListener } from './journal.js'
export { Journal } from './journal.js'
export type { Send } from './open-proposals.js'
export { Proposer } from './proposer.js'
export {
  bans,
  cancels,
  cuts,
  disables,
  matchesResubmissions,
  replaces,
  reschedules,
  schedules,
  marksPartly,
  takesMultis,
  transacts,
} from './rules.js'
export type { State } from './state.js'
export type { SubmitRefusal, SubmitTicket } from './submit-gather.js'
/** Words for message states, and ids, which rooms that see no SMPP show too. */
export { RECEIPT_STATS } from '../smpp/constants.js'
export { writeSmscId } from '../smpp/smsc-id.js'

import { CANCEL_MUTATIONS } from './cancel-mutations.js'
import { MESSAGE_MUTATIONS } from './message-mutations.js'
import type { ProvenMutation } from './mutation.js'
import { MO_MUTATIONS } from './mo-mutations.js'
import { MULTI_MUTATIONS } from './multi-mutations.js'
import { NOTIFICATION_MUTATIONS } from './notification-mutations.js'
import { PART_MUTATIONS } from './part-mutations.js'
import { RAFT_MUTATIONS } from './raft-mutations.js'
import { REPLACE_MUTATIONS } from './replace-mutations.js'
import { RESUBMISSION_MUTATIONS } from './resubmission-mutations.js'
import { SCHEDULE_MUTATIONS } from './schedule-mutations.js'
import { TRANSACTION_MUTATIONS } from './transaction-mutations.js'

/** Every bug that the checkers are known to catch. */
export const MUTATIONS: readonly ProvenMutation[] = [
  ...RAFT_MUTATIONS,
  ...MESSAGE_MUTATIONS,
  ...RESUBMISSION_MUTATIONS,
  ...CANCEL_MUTATIONS,
  ...SCHEDULE_MUTATIONS,
  ...REPLACE_MUTATIONS,
  ...MULTI_MUTATIONS,
  ...PART_MUTATIONS,
  ...TRANSACTION_MUTATIONS,
  ...MO_MUTATIONS,
  ...NOTIFICATION_MUTATIONS,
]

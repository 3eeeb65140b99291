import { isDisabled } from '../policy/settings.js'
import {
  AcceptRecords,
  FLAG_EXPLICIT_VALIDITY,
  FLAG_OTHER_SCHEDULE,
  FLAG_OTHER_VALIDITY,
} from './accept-record.js'
import type { Applying } from './apply.js'
import { MARK } from './marks.js'
import type { CommandResult, Replace } from './commands.js'
import { indexOf, refOf } from './ids.js'
import type { Subject } from './message-life.js'
import { isPending, release, subjectOf } from './message-life.js'
import { wantsNotifications } from './notifications.js'
import { OK, refused } from './results.js'
import { marksReplaced } from './rules.js'

/**
 * Gives a message of the account that waits, and of which no SMSC can have a copy, the octets of this entry: they
 * lie here, WAITING, until it leaves the queue or is replaced again. Its place, id, attempts and age stay. A claim
 * that came earlier in the log wins; so does another replacement that the proposer had not seen (`conflict`).
 *
 * Source: SMPP 3.4 §4.10: what is still pending delivery is replaced.
 */
export function applyReplace(applying: Applying, command: Replace): CommandResult {
  const { state, index, effects } = applying
  const block = applying.block!
  const offset = applying.offset++
  const here = refOf(index, offset)
  const record = new AcceptRecords(command.record)
  record.next()
  block.begin(offset, MARK.DELIVERED, record.account, command.connector)

  const account = state.accounts.get(record.account)
  if (account?.settings === undefined) return refused('noAccount')
  if (isDisabled(account.settings)) return refused('accountDisabled')
  // Its own entry's messages are no older than it: nobody can have asked for them.
  const subject = indexOf(command.ref) === index ? undefined : subjectOf(applying, command.ref)
  if (subject === undefined || !isPending(subject, record.account)) return refused('notFound')
  const moves = (record.flags & FLAG_OTHER_SCHEDULE) !== 0
  // What was tried waits for its retry, if it waits, and not for a time of its own.
  if (moves && subject.block.attempts(subject.offset) > 0) return refused('notFound')
  const earlier = subject.block.replacement(subject.offset)
  if ((earlier?.ref ?? command.ref) !== command.base) return refused('conflict')

  block.begin(offset, MARK.WAITING, record.account, command.connector)
  const { expiresAtMs, flags, registered_delivery } = record
  const explicit = (flags & FLAG_EXPLICIT_VALIDITY) !== 0
  subject.block.setReplacement(subject.offset, { ref: here, expiresAtMs })
  if (marksReplaced(state)) subject.block.setReplaced(subject.offset)
  subject.block.setOtherWishes(subject.offset, registered_delivery, explicit)
  subject.block.setNotified(subject.offset, wantsNotifications(state, record))
  state.blocks.changed(subject.block)
  if (earlier !== undefined) release(applying, earlier.ref)
  if (explicit && (flags & FLAG_OTHER_VALIDITY) !== 0) {
    const second = Math.ceil(expiresAtMs / 1000)
    const at = subject.offset
    subject.connector.addExpiry(second, subject.block.index, at, at + 1)
  }
  if (moves) reschedule(applying, subject, Math.ceil(record.dueAtMs / 1000))
  // Submitted again as it was it is another message.
  account.resubmissions.drop(command.ref)
  effects.wakeConnector(subject.connector.home?.node, subject.connector.number)
  state.hash.mix(command.ref)
  state.hash.mix(here)
  return OK
}

/** What waits for no schedule begins to. Ranges that name it already, of the queue or of another second, stay. */
function reschedule({ state }: Applying, subject: Subject, second: number): void {
  const { block, offset, connector } = subject
  if (!block.isScheduled(offset)) {
    block.setMark(offset, MARK.RETRY)
    connector.schedules.size++
  }
  block.reschedule(offset, second)
  connector.schedules.add(second, block.index, offset, offset + 1)
  connector.touch()
  state.hash.mix(second)
}

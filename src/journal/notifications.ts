import { fnv1a } from '../base/fnv.js'
import { REGISTERED_DELIVERY } from '../smpp/constants.js'
import type { Applying } from './apply.js'
import type { Ref } from './ids.js'
import { oweReceipt, type Subject } from './message-life.js'
import { speaksForAll } from './parts.js'
import { notifies } from './rules.js'
import type { State } from './state.js'

/** A block counts what holds it in 16 bits; the rest is for its messages, and one receipt of each. */
const OPEN_MAX = 0xffff - 2 * 4096

export function wantsNotifications(
  state: State,
  { registered_delivery }: { registered_delivery: number },
): boolean {
  return (registered_delivery & REGISTERED_DELIVERY.intermediate) !== 0 && notifies(state)
}

/**
 * An intermediate notification of the SMSC: the message goes on waiting for its receipt, with the error of the last
 * attempt. It is owed to an ESME that asked for it. One that says octet for octet what the one before it said is that one
 * again, whose answer the SMSC has not got.
 *
 * @param inbound  where the notification lies
 * @returns        whether it is owed
 * Source: SMPP 3.4 §5.2.12, §5.2.17.
 */
export function notify(
  applying: Applying,
  subject: Subject,
  { smscId, error, notification }: { smscId: string; error: number; notification: number },
  inbound: Ref,
): boolean {
  const { state } = applying
  const { block, offset, ref } = subject
  if (!block.awaited(offset) || !speaksForAll(subject, smscId)) return false
  block.setError(offset, error)
  state.blocks.changed(block)
  state.hash.mix(ref)
  state.hash.mix(error)
  if (!block.notified(offset) || block.watched(offset)) return false
  if (block.notification(offset) === notification) return false
  block.setNotification(offset, notification)
  state.hash.mix(notification)
  // The id that it will name is in the block, which its message may leave before it is fetched.
  const holds = block.holdsId(offset) && block.open < OPEN_MAX
  if (holds) block.open++
  oweReceipt(applying, subject, inbound, holds)
  return true
}

/** What `Block.notification` compares, never 0: FNV-1a, 32 bits. */
export function notificationHash(body: Buffer): number {
  return fnv1a(body) || 1
}

import type { AccountState } from './accounts.js'
import type { Applying } from './apply.js'
import type { Block } from './block.js'
import { MARK, MESSAGE_STATE } from './marks.js'
import { AGAIN } from './connector-queue.js'
import type { ConnectorState } from './connectors.js'
import type { Ref } from './ids.js'
import { indexOf, offsetOf } from './ids.js'
import { remembers, remembersUnawaited } from './rules.js'

// The steps of a submitted message's life that several commands share. Each keeps the counters of its
// connector and account, the tables that name it and its marks in step.

/** A message with everything that a step changes; undefined where its block is gone. */
export interface Subject {
  ref: Ref
  block: Block
  offset: number
  connector: ConnectorState
}

export function subjectOf({ state }: Applying, ref: Ref): Subject | undefined {
  const block = state.blocks.get(indexOf(ref))
  const offset = offsetOf(ref)
  if (block === undefined || offset >= block.count) return undefined
  const connector = state.connectors.get(block.connector(offset))
  return connector === undefined ? undefined : { ref, block, offset, connector }
}

/** Takes the message out of whichever table names it; false where it is concluded already. */
export function detach(applying: Applying, subject: Subject): boolean {
  const { block, offset, connector, ref } = subject
  switch (block.mark(offset)) {
    case MARK.RETRY:
      if (block.isScheduled(offset))
        connector.schedules.size-- // its range stays, as in the queue
      else connector.dropRetry(ref)
      connector.queued--
      break
    case MARK.QUEUED:
      connector.queued-- // its range stays in the queue; whoever takes it looks at the mark
      break
    case MARK.CLAIMED:
      connector.dropClaim(ref)
      break
    case MARK.IN_DOUBT:
      connector.dropDoubt(ref)
      break
    default:
      return false
  }
  applying.state.blocks.changed(block)
  connector.touch()
  return true
}

/** It waits, in a queue or for a retry, belongs to the account, and no SMSC can have a copy. */
export function isPending({ block, offset }: Subject, account: number): boolean {
  const mark = block.mark(offset)
  return (
    (mark === MARK.QUEUED || mark === MARK.RETRY) &&
    block.account(offset) === account &&
    !block.doubted(offset)
  )
}

/** Puts a detached message at the head of the queue, to be claimed again. */
export function requeue(applying: Applying, subject: Subject): void {
  const { block, offset, connector } = subject
  block.setMark(offset, MARK.QUEUED)
  connector.queued++
  connector.queue.append(AGAIN, block.index, offset, offset + 1)
  connector.touch()
  applying.state.blocks.changed(block)
  applying.state.hash.mix(subject.ref)
  applying.effects.wakeConnector(connector.home?.node, connector.number)
}

/**
 * The last word on a detached message that the SMSC does not have: expired, rejected, dropped. Makes a
 * receipt of ours where the ESME asked for one (SMPP 3.4 §5.2.17).
 */
export function conclude(
  applying: Applying,
  subject: Subject,
  state: number,
  error: number,
  atMs: number,
): void {
  leaveQueueOf(applying, subject)
  finish(applying, subject, state, error, atMs)
  const { block, offset } = subject
  const owed = !block.watched(offset) && wantsReceipt(block.receiptWanted(offset), state)
  if (owed) oweReceipt(applying, subject, 0, true)
  else close(applying, block)
}

/**
 * The SMSC has the detached message: what it says of it is awaited where the ESME asked for that. In transaction mode
 * it has delivered it.
 */
export function sent(applying: Applying, subject: Subject, smscId: string, atMs: number): void {
  const { block, offset, connector, ref } = subject
  leaveQueueOf(applying, subject)
  block.setMark(offset, MARK.SENT)
  block.setState(offset, MESSAGE_STATE.ENROUTE)
  block.setAt(offset, 'sent', atMs)
  recordSmscId(applying, subject, smscId)
  applying.state.hash.mix(ref)
  const awaits = block.wantsNews(offset) && !block.transaction(offset)
  if (!awaits) awaitNothing(applying, subject, smscId)
  if (block.transaction(offset)) {
    finish(applying, subject, MESSAGE_STATE.DELIVERED, 0, atMs)
    close(applying, block)
    return
  }
  if (!awaits) {
    block.setMark(offset, MARK.DONE)
    block.setState(offset, MESSAGE_STATE.ACCEPTED)
    close(applying, block)
    return
  }
  block.setAwaited(offset, true)
  if (smscId === '') rest(applying, subject)
  else applying.state.smscIds.add(connector.number, smscId, ref)
}

export function recordSmscId(applying: Applying, subject: Subject, smscId: string): void {
  if (smscId === '') return
  subject.block.setSmscId(subject.offset, smscId)
  applying.state.blocks.changed(subject.block)
}

/**
 * Nothing that the SMSC says of this copy counts. Where it says something all the same, unasked or of what is concluded,
 * it must not be taken for news of a message in doubt.
 */
export function awaitNothing(applying: Applying, subject: Subject, smscId: string): void {
  const { state } = applying
  if (!remembersUnawaited(state)) return
  if (smscId === '') rest(applying, subject)
  else state.smscIds.addUnawaited(subject.connector.number, smscId)
}

/**
 * The SMSC has, or may have, a copy of this message whose id nobody will learn. A receipt of that copy must not
 * be taken for one of another message in doubt to the same number.
 */
export function rest({ state }: Applying, { block, offset, connector, ref }: Subject): void {
  if (remembers(state)) connector.resting.add(block.addressHash(offset), ref)
}

/** Sets the final state; what is owed for it is the caller's. */
export function finish(
  applying: Applying,
  { block, offset, ref }: Subject,
  state: number,
  error: number,
  atMs: number,
): void {
  block.setMark(offset, MARK.DONE)
  block.setState(offset, state)
  block.setError(offset, error)
  block.setAt(offset, 'final', atMs)
  block.setAwaited(offset, false)
  block.setNotification(offset, 0)
  applying.state.blocks.changed(block)
  applying.state.hash.mix(ref)
  applying.state.hash.mix(state)
  if (block.transaction(offset))
    applying.effects.push({ kind: 'transaction', node: block.node, ref })
}

/**
 * Adds a receipt to what its account is owed: the SMSC's (`inbound`), or our own (0).
 *
 * @param holds  the message's block stays until the receipt is acknowledged
 */
export function oweReceipt(
  applying: Applying,
  subject: Subject,
  inbound: Ref,
  holds: boolean,
): void {
  const account = applying.state.accounts.get(subject.block.account(subject.offset))
  if (account === undefined) return
  if (account.owed >= (account.settings?.receiptLimit ?? Infinity)) giveUpOldest(applying, account)
  account.owe('receipt', inbound, subject.ref, holds)
  if (inbound === 0) subject.block.setOwnReceipt(subject.offset, true)
  applying.effects.wakeAccount(account.owner?.node, account.number)
}

/** The list is full: its oldest goes as if its receiptTtl were over. */
function giveUpOldest(applying: Applying, account: AccountState): void {
  if (settleDelivery(applying, account, account.deliveries.head)) account.pushedOut++
}

/** What has this number in the account's list is owed no more; false where it was not. */
export function settleDelivery(applying: Applying, account: AccountState, seq: number): boolean {
  const { state } = applying
  const delivery = account.settle(seq)
  if (delivery === undefined) return false
  state.hash.mix(seq)
  for (const part of delivery.parts ?? []) release(applying, part)
  if (delivery.inbound !== 0) release(applying, delivery.inbound)
  const block = delivery.holds ? state.blocks.get(indexOf(delivery.message)) : undefined
  if (block === undefined) return true
  if (delivery.inbound === 0) block.setOwnReceipt(offsetOf(delivery.message), false)
  close(applying, block)
  return true
}

/** A receipt or MO is owed to nobody any more, or the octets of a replacement are needed no more. */
export function release(applying: Applying, ref: Ref): void {
  const block = applying.state.blocks.get(indexOf(ref))
  if (block?.mark(offsetOf(ref)) !== MARK.WAITING) return
  block.setMark(offsetOf(ref), MARK.DELIVERED)
  close(applying, block)
}

/** Whether registered_delivery's receipt bits ask for a receipt with this message_state. */
export function wantsReceipt(wanted: number, state: number): boolean {
  if (wanted === 1) return true
  const delivered = state === MESSAGE_STATE.DELIVERED
  return wanted === 2 ? !delivered : wanted === 3 && delivered // 3: on success only (SMPP 5.0 §4.7.21)
}

/** Drops an unclaimed message as if it had never been accepted. */
export function dropUnclaimed(applying: Applying, ref: Ref): void {
  const subject = subjectOf(applying, ref)
  if (subject === undefined || !detach(applying, subject)) return
  leaveQueueOf(applying, subject)
  subject.block.setMark(subject.offset, MARK.REFUSED)
  applying.state.hash.mix(ref)
  close(applying, subject.block)
}

/**
 * One message of the block is neither open nor owed any more. With the last one a block of receipts and
 * MO goes at once, a block of submits once `retire` has passed it: until then it can be asked for.
 */
export function close({ state, block: current }: Applying, block: Block): void {
  block.open--
  state.blocks.changed(block)
  if (block.open > 0 || block === current) return // the entry's own: looked at when all of it is applied
  const first = block.mark(0)
  const inbound = first === MARK.WAITING || first === MARK.DELIVERED
  if (inbound || block.index < state.retireFloor) removeBlock(state, block)
}

export function removeBlock(state: Applying['state'], block: Block): void {
  state.blocks.remove(block)
  state.aliases.remove(block)
  state.dropLingering(block.index)
  state.addRelease(block.index)
}

/** Nobody sends it any more: its account has one less queued, and other octets than its own are needed no more. */
function leaveQueueOf(applying: Applying, { block, offset }: Subject): void {
  const { state } = applying
  const replacement = block.replacement(offset)
  if (replacement !== undefined) {
    block.dropReplacement(offset)
    release(applying, replacement.ref)
  }
  const account = state.accounts.get(block.account(offset))
  if (account === undefined) return
  account.queued--
  account.touch()
}

import type { Applying } from './apply.js'
import { applyPart, isRepeated } from './apply-long-mos.js'
import { MARK, MESSAGE_STATE } from './marks.js'
import type {
  Command,
  CommandResult,
  Delivered,
  Inbound,
  InboundMo,
  InboundReceipt,
  InboundResult,
} from './commands.js'
import type { ConnectorState } from './connectors.js'
import { homeOf } from './epochs.js'
import type { Ref } from './ids.js'
import { refOf } from './ids.js'
import type { Subject } from './message-life.js'
import {
  close,
  detach,
  finish,
  oweReceipt,
  recordSmscId,
  release,
  sent,
  settleDelivery,
  subjectOf,
  wantsReceipt,
} from './message-life.js'
import { OK, refused } from './results.js'
import { notificationHash, notify } from './notifications.js'
import { dropParts, isLastReceipt } from './parts.js'
import { cuts, endsOnce, gathers, notifies, remembers } from './rules.js'

/**
 * Receipts and MO of an SMSC. They count whatever the epoch: the SMSC has given them to us, and gets its
 * deliver_sm_resp once this is applied (DESIGN I2).
 */
export function applyInbound(applying: Applying, command: Inbound): CommandResult {
  const connector = applying.state.connectors.get(command.connector)
  const inbound = command.items.map((item): InboundResult => {
    const offset = applying.offset++
    const result =
      connector === undefined
        ? 'unmatched'
        : item.kind === 'mo'
          ? applyMo(applying, connector, item, offset)
          : applyReceipt(applying, connector, item, offset)
    applying.state.hash.mix(result.length)
    return result
  })
  connector?.touch()
  return { ok: true, inbound }
}

function applyMo(
  applying: Applying,
  connector: ConnectorState,
  item: InboundMo,
  offset: number,
): InboundResult {
  const { state, effects, index } = applying
  const block = applying.block!
  const account = state.accounts.get(item.account)
  const no =
    account?.settings === undefined
      ? 'noAccount'
      : account.owedMo >= account.settings.moLimit || account.owed >= account.settings.receiptLimit
        ? 'queueFull'
        : undefined
  const part = gathers(state) && no === undefined ? item.part : undefined
  const repeated = part !== undefined && isRepeated(account!, part)
  const mark = no === undefined && !repeated ? MARK.WAITING : MARK.DELIVERED
  block.begin(offset, mark, item.account, connector.number)
  if (no !== undefined) return no
  if (repeated) return 'repeated'
  const ref = refOf(index, offset)
  if (part !== undefined) return applyPart(applying, account!, { ...item, part }, ref)
  account!.owe('mo', ref, 0)
  effects.wakeAccount(account!.owner?.node, account!.number)
  return 'queued'
}

function applyReceipt(
  applying: Applying,
  connector: ConnectorState,
  item: InboundReceipt,
  offset: number,
): InboundResult {
  const block = applying.block!
  const here = refOf(applying.index, offset)
  const subject = messageOf(applying, connector, item)
  const notification = notificationOf(applying, item)
  if (subject !== undefined) {
    const owed = settle(applying, subject, { ...item, ...notification }, here)
    const account = subject.block.account(subject.offset)
    block.begin(offset, owed ? MARK.WAITING : MARK.DELIVERED, account, connector.number)
    return 'matched'
  }
  if (item.smscId === '') {
    block.begin(offset, MARK.DELIVERED, 0, connector.number)
    return 'unmatched'
  }
  // It may have overtaken its submit_sm_resp.
  block.begin(offset, MARK.WAITING, 0, connector.number)
  const { smscId, state, error, addressHash } = item
  const pushedOut = connector.addOrphan({
    ref: here,
    smscId,
    state,
    error,
    addressHash,
    ...notification,
  })
  if (pushedOut !== undefined) release(applying, pushedOut.ref)
  return 'kept'
}

/** Of an intermediate notification what tells it from another one. */
function notificationOf(
  { state }: Applying,
  { intermediate, body }: InboundReceipt,
): { notification?: number } {
  if (intermediate !== true || !notifies(state)) return {}
  return { notification: notificationHash(body) }
}

/**
 * The message a receipt speaks of: of those with its SMSC id the newest that goes to its address, or the
 * only one; without one, a message in doubt that nothing speaks against.
 */
function messageOf(
  applying: Applying,
  connector: ConnectorState,
  item: InboundReceipt,
): Subject | undefined {
  const { smscIds } = applying.state
  const refs = item.smscId === '' ? [] : smscIds.candidates(connector.number, item.smscId)
  let only: Subject | undefined
  let awaited = 0
  for (const ref of refs) {
    const subject = subjectOf(applying, ref)
    if (subject?.block.awaited(subject.offset) !== true) continue
    if (subject.block.addressHash(subject.offset) === item.addressHash) return subject
    only = subject
    awaited++
  }
  if (awaited > 0) return awaited === 1 ? only : undefined
  return doubtOf(applying, connector, item)
}

/**
 * The only message in doubt to the receipt's address, unless the receipt may mean another one (DESIGN I6): one on
 * its way that it has overtaken; one that is concluded, if it is repeated; a copy that was sent before its
 * message was sent again. To leave a doubt as it is costs a second copy at worst, to settle the wrong one a message.
 */
function doubtOf(
  applying: Applying,
  connector: ConnectorState,
  { addressHash, smscId }: InboundReceipt,
): Subject | undefined {
  const { state } = applying
  // A part's receipt says nothing of the other parts, and nobody knows what was cut (DESIGN I6).
  if (cuts(state) && connector.settings?.longMessages !== undefined) return undefined
  const doubted = connector.onlyDoubtTo(addressHash)
  if (doubted === undefined) return undefined
  if (remembers(state)) {
    if (smscId === '' || connector.resting.restsFor(addressHash, doubted)) return undefined
    if (state.smscIds.knows(connector.number, smscId)) return undefined
  }
  if (someClaimedTo(applying, connector, addressHash)) return undefined
  const subject = subjectOf(applying, doubted)
  return subject?.block.smscId(subject.offset) === '' ? subject : undefined
}

/**
 * Whether a message on its way goes to this address: a receipt may overtake its submit_sm_resp and mean that
 * one, not the one in doubt. Asked only where there is such a doubt; at most binds × window are looked at.
 */
function someClaimedTo(applying: Applying, connector: ConnectorState, address: number): boolean {
  for (const ref of connector.claims.keys()) {
    const subject = subjectOf(applying, ref)
    if (subject?.block.addressHash(subject.offset) === address) return true
  }
  return false
}

/** Marks what the receipt says; true where it is owed to the account, and was added to what it is owed. */
function settle(
  applying: Applying,
  subject: Subject,
  receipt: { smscId: string; state: number; error: number; notification?: number },
  inbound: Ref,
): boolean {
  const { block, offset, connector, ref } = subject
  const atMs = applying.entry.proposedAtMs
  const doubted = detach(applying, subject)
  if (doubted) sent(applying, subject, receipt.smscId, atMs)
  const { notification } = receipt
  if (notification !== undefined)
    return notify(applying, subject, { ...receipt, notification }, inbound)
  const wanted = block.receiptWanted(offset)
  const final = FINAL_STATES.has(receipt.state)
  if (block.parts(offset) !== undefined)
    if (!final || !isLastReceipt(applying, subject, receipt)) return false
  // Some SMSCs say what is not final in receipts, too.
  const asked = final ? wantsReceipt(wanted, receipt.state) : wanted === 1 || block.notified(offset)
  const owed = asked && !block.watched(offset)
  const last = final && block.awaited(offset)
  // The id that the receipt will name is in the block. Once a message: so `open` stays small.
  const holds = owed && last && block.holdsId(offset)
  if (owed) oweReceipt(applying, subject, inbound, holds)
  if (last) {
    const { smscIds } = applying.state
    dropParts(applying, subject)
    smscIds.remove(connector.number, receipt.smscId, ref)
    const other = block.smscId(offset) // a message that was sent twice has two ids
    if (other !== receipt.smscId) smscIds.remove(connector.number, other, ref)
    finish(applying, subject, receipt.state, receipt.error, atMs)
    if (!holds) close(applying, block)
  }
  return owed
}

const FINAL_STATES: ReadonlySet<number> = new Set([
  MESSAGE_STATE.DELIVERED,
  MESSAGE_STATE.EXPIRED,
  MESSAGE_STATE.DELETED,
  MESSAGE_STATE.UNDELIVERABLE,
  MESSAGE_STATE.UNKNOWN,
  MESSAGE_STATE.REJECTED,
])

/** Receipts of one message that may have come before its id: intermediate ones and the final one. */
const EARLY_RECEIPTS_MAX = 4

/** A message's SMSC id has become known: receipts that came before it are settled now. */
export function settleOrphans(applying: Applying, subject: Subject, smscId: string): void {
  if (smscId === '') return
  recordSmscId(applying, subject, smscId)
  settleEarlyReceipts(applying, subject, smscId)
}

export function settleEarlyReceipts(applying: Applying, subject: Subject, smscId: string): void {
  const { connector, block, offset } = subject
  const isPart = (): boolean => block.parts(offset)?.some(({ id }) => id === smscId) === true
  const ofPart = isPart()
  for (let left = EARLY_RECEIPTS_MAX; left > 0; left--) {
    const orphan = connector.orphans.take(smscId, block.addressHash(offset))
    if (orphan === undefined) return
    // What follows the one that ended the message, or the part, is repeated, or another part's.
    const isOver = block.mark(offset) === MARK.DONE || (ofPart && !isPart())
    if (endsOnce(applying.state) && isOver) release(applying, orphan.ref)
    else if (!settle(applying, subject, orphan, orphan.ref)) release(applying, orphan.ref)
  }
}

export function applyForgetOrphans(
  applying: Applying,
  command: Extract<Command, { kind: 'forgetOrphans' }>,
): CommandResult {
  const connector = homeOf(applying, command)
  if (connector === undefined) return refused('staleEpoch')
  for (let left = Math.min(command.count, 1000); left > 0; left--) {
    const orphan = connector.orphans.takeOldest()
    if (orphan === undefined) break
    release(applying, orphan.ref)
  }
  return OK
}

/** What a session of the account acknowledged, or nobody fetched in time, is owed no more (DESIGN I3). */
export function applyDelivered(applying: Applying, command: Delivered): CommandResult {
  const { state, entry } = applying
  const account = state.accounts.get(command.account)
  if (account?.epoch !== command.epoch) return refused('staleEpoch')
  if (account.owner !== null && account.owner.node !== entry.node) return refused('staleEpoch')
  for (const seq of command.seqs) {
    if (settleDelivery(applying, account, seq) && command.expired) account.expired++
  }
  return OK
}

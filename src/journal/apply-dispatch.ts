import type { Applying } from './apply.js'
import { settleOrphans } from './apply-inbound.js'
import { MARK, MESSAGE_STATE } from './marks.js'
import type {
  Claim,
  Command,
  CommandResult,
  Expire,
  OutcomeItem,
  Outcomes,
  Requeue,
} from './commands.js'
import type { ConnectorState } from './connectors.js'
import { RETRIES_MAX } from './connectors.js'
import { homeOf } from './epochs.js'
import { indexOf, refOf } from './ids.js'
import type { Subject } from './message-life.js'
import {
  awaitNothing,
  conclude,
  detach,
  recordSmscId,
  requeue,
  rest,
  sent,
  subjectOf,
} from './message-life.js'
import { OK, refused } from './results.js'
import { cancels } from './rules.js'

/** Messages that one claim examines beyond those it takes: ranges name some that are queued no more. */
const EXAMINE_BEYOND = 4096

/**
 * Hands messages to the home: as many as its windows have room for, which makes what a lost home leaves
 * in doubt at most binds × window (DESIGN I5, I6).
 */
export function applyClaim(applying: Applying, command: Claim): CommandResult {
  const { state, entry, index } = applying
  const connector = homeOf(applying, command)
  if (connector === undefined) return refused('staleEpoch')
  const settings = connector.settings
  const room =
    settings === undefined || connector.retries.size >= RETRIES_MAX
      ? 0
      : settings.binds * settings.window - connector.claims.size
  const count = Math.max(0, Math.min(command.count, room))
  const claimed = connector.queue.take(count, count + EXAMINE_BEYOND, (at, offset) => {
    const block = state.blocks.get(at)
    if (block?.mark(offset) !== MARK.QUEUED) return false
    block.setMark(offset, MARK.CLAIMED)
    block.setAt(offset, 'claimed', entry.proposedAtMs)
    state.blocks.changed(block)
    connector.setClaim(refOf(at, offset), block.beginAttempt(offset))
    connector.queued--
    return true
  })
  connector.touch()
  state.hash.mix(index)
  for (const { index: at, lo, hi } of claimed) state.hash.mix(refOf(at, lo) + hi)
  return { ok: true, claimed }
}

/**
 * What became of claimed messages. A positive outcome of any epoch concludes an unconcluded message and
 * always records the SMSC's id; others count only for the current claim (DESIGN I5).
 */
export function applyOutcomes(applying: Applying, command: Outcomes): CommandResult {
  const home = homeOf(applying, command)
  for (const item of command.items) {
    const subject = subjectOf(applying, item.ref)
    if (subject?.connector.number !== command.connector) continue
    if (item.result === 'sent') {
      applySent(applying, subject, item)
      continue
    }
    const current = home !== undefined && subject.connector.claims.get(item.ref) === item.attempt
    if (current) applyNotSent(applying, subject, item)
  }
  return OK
}

function applySent(applying: Applying, subject: Subject, item: OutcomeItem): void {
  const { state, entry } = applying
  if (detach(applying, subject)) {
    sent(applying, subject, item.smscId, entry.proposedAtMs)
    settleOrphans(applying, subject, item.smscId)
    return
  }
  // Concluded before, or sent twice: the id of the later copy may be the one that its receipt names.
  if (item.smscId === '' || subject.block.smscId(subject.offset) === item.smscId) return
  if (!subject.block.awaited(subject.offset)) {
    awaitNothing(applying, subject, item.smscId)
    return recordSmscId(applying, subject, item.smscId)
  }
  state.smscIds.add(subject.connector.number, item.smscId, subject.ref)
  settleOrphans(applying, subject, item.smscId)
}

function applyNotSent(applying: Applying, subject: Subject, item: OutcomeItem): void {
  const { entry, state } = applying
  const { block, offset, connector, ref } = subject
  detach(applying, subject)
  block.setError(offset, item.error)
  state.hash.mix(ref)
  switch (item.result) {
    case 'retry':
    case 'partly':
      block.setMark(offset, MARK.RETRY)
      connector.setRetry(ref, item.retryAtMs)
      connector.queued++
      // What the SMSC has parts of is not cancelled, and not replaced: the parts would not fit together.
      if (item.result === 'partly') block.setDoubted(offset)
      return
    case 'failed':
      return conclude(applying, subject, MESSAGE_STATE.REJECTED, item.error, entry.proposedAtMs)
    case 'expired':
      return conclude(applying, subject, MESSAGE_STATE.EXPIRED, item.error, entry.proposedAtMs)
    case 'unsent':
      block.undoAttempt(offset)
      return requeue(applying, subject)
    default:
      return putInDoubt(applying, subject, entry.proposedAtMs)
  }
}

/** Nobody knows whether the SMSC has the detached message: the connector's policy decides (DESIGN I6). */
export function putInDoubt(applying: Applying, subject: Subject, sinceMs: number): void {
  const { block, offset, connector, ref } = subject
  if (cancels(applying.state)) block.setDoubted(offset)
  if (connector.settings?.inDoubt.kind === 'resend') {
    rest(applying, subject)
    return requeue(applying, subject)
  }
  block.setMark(offset, MARK.IN_DOUBT)
  connector.setDoubt(ref, { sinceMs, addressHash: block.addressHash(offset) })
  applying.state.blocks.changed(block)
  applying.state.hash.mix(ref)
}

/** The retry is due, or the wait of a message in doubt is over. */
export function applyRequeue(applying: Applying, command: Requeue): CommandResult {
  if (homeOf(applying, command) === undefined) return refused('staleEpoch')
  for (const ref of command.refs) {
    const subject = subjectOf(applying, ref)
    if (subject?.connector.number !== command.connector) continue
    const mark = subject.block.mark(subject.offset)
    if (mark !== MARK.RETRY && mark !== MARK.IN_DOUBT) continue
    if (mark === MARK.IN_DOUBT) rest(applying, subject)
    detach(applying, subject)
    requeue(applying, subject)
  }
  return OK
}

export function applyExpire(applying: Applying, command: Expire): CommandResult {
  const connector = homeOf(applying, command)
  if (connector === undefined) return refused('staleEpoch')
  for (const ref of command.refs) {
    const subject = subjectOf(applying, ref)
    if (subject?.connector !== connector) continue
    const mark = subject.block.mark(subject.offset)
    if (mark !== MARK.QUEUED && mark !== MARK.RETRY) continue // claimed: its home looks before it sends
    const replacement = subject.block.replacement(subject.offset)
    if (replacement !== undefined && indexOf(replacement.ref) > (command.seen ?? 0)) continue
    detach(applying, subject)
    const error = subject.block.error(subject.offset)
    conclude(applying, subject, MESSAGE_STATE.EXPIRED, error, applying.entry.proposedAtMs)
  }
  for (const second of command.buckets) connector.dropExpiry(second)
  trimQueue(applying, connector)
  return OK
}

/** Drops what stands foremost in the queue and is queued no more. */
export function trimQueue({ state }: Applying, connector: ConnectorState): void {
  connector.queue.trim(EXAMINE_BEYOND, (at, offset) => {
    return state.blocks.get(at)?.mark(offset) === MARK.QUEUED
  })
  connector.touch()
}

/** An operator's word on messages in doubt: send again, or give up. */
export function applyResolveDoubt(
  applying: Applying,
  command: Extract<Command, { kind: 'resolveDoubt' }>,
): CommandResult {
  let resolved = 0
  for (const ref of command.refs) {
    const subject = subjectOf(applying, ref)
    if (subject?.connector.number !== command.connector) continue
    if (subject.block.mark(subject.offset) !== MARK.IN_DOUBT) continue
    rest(applying, subject)
    detach(applying, subject)
    resolved++
    if (command.action === 'resend') requeue(applying, subject)
    else conclude(applying, subject, MESSAGE_STATE.UNKNOWN, 0, applying.entry.proposedAtMs)
  }
  return resolved === 0 ? refused('notFound', 'none of these messages is in doubt') : OK
}

import type { Applying } from './apply.js'
import { settleEarlyReceipts } from './apply-inbound.js'
import type { PartId } from './rare-marks.js'
import type { CommandResult, SentParts } from './commands.js'
import { detach, sent, subjectOf, type Subject } from './message-life.js'
import { OK, refused } from './results.js'
import { cuts } from './rules.js'

/**
 * The SMSC has all parts of these messages, which their home cut (docs/decisions/0018). Like any positive outcome it counts
 * whatever the epoch. Where receipts are wanted, each part's is awaited under its id.
 */
export function applySentParts(applying: Applying, command: SentParts): CommandResult {
  if (!cuts(applying.state)) return refused('malformed')
  for (const { ref, smscIds } of command.items) {
    const subject = subjectOf(applying, ref)
    if (subject?.connector.number !== command.connector) continue
    if (detach(applying, subject)) begin(applying, subject, smscIds)
    else addCopy(applying, subject, smscIds)
  }
  return OK
}

function begin(applying: Applying, subject: Subject, smscIds: readonly string[]): void {
  const { block, offset } = subject
  const named = partsOf(smscIds)
  sent(applying, subject, named[0]?.id ?? '', applying.entry.proposedAtMs)
  if (!block.awaited(offset)) return
  if (named.length > 1) block.setParts(offset, named)
  for (const { id } of named.slice(1)) awaitReceipt(applying, subject, id)
  settleEarly(applying, subject, named)
}

/** It was sent twice: the receipt of either copy of a part is the part's. */
function addCopy(applying: Applying, subject: Subject, smscIds: readonly string[]): void {
  const { block, offset } = subject
  const parts = block.parts(offset)
  if (parts === undefined || !block.awaited(offset) || parts.length >= PART_IDS_MAX) return
  const open = partsOf(smscIds).filter(
    ({ id, part }) =>
      parts.some(known => known.part === part) &&
      !parts.some(known => known.part === part && known.id === id),
  )
  block.setParts(offset, [...parts, ...open])
  for (const { id } of open) awaitReceipt(applying, subject, id)
  settleEarly(applying, subject, open)
}

/** Parts whose ids nobody knows have no receipts. */
function partsOf(smscIds: readonly string[]): PartId[] {
  return smscIds.map((id, part) => ({ id, part })).filter(({ id }) => id !== '')
}

function awaitReceipt({ state }: Applying, { connector, ref }: Subject, id: string): void {
  state.smscIds.add(connector.number, id, ref)
}

/** Receipts of the first parts often come before the last one has its id. */
function settleEarly(applying: Applying, subject: Subject, parts: readonly PartId[]): void {
  applying.state.blocks.changed(subject.block)
  for (const { id } of parts) settleEarlyReceipts(applying, subject, id)
}

/** Of one message: two copies of 255 parts, and no more. */
const PART_IDS_MAX = 510

import type { Applying } from './apply.js'
import { MARK, MESSAGE_STATE } from './marks.js'
import type { CommandResult } from './commands.js'
import { refOf } from './ids.js'
import { close, finish, removeBlock, subjectOf } from './message-life.js'
import { dropParts } from './parts.js'
import { OK } from './results.js'

/** Indexes that one command passes at most, and blocks whose receipts it forgoes. */
export const RETIRE_STEP = 2000
export const UNAWAITED_STEP = 64

/**
 * Forgets concluded blocks below `upTo`, whose retention is over, and ends the wait for receipts in the
 * blocks `unawaited`. The leader names both, by the entries' age.
 */
export function applyRetire(
  applying: Applying,
  upTo: number,
  unawaited: readonly number[],
): CommandResult {
  const { state } = applying
  const end = Math.min(upTo, state.retireFloor + RETIRE_STEP, applying.index)
  for (let index = state.retireFloor; index < end; index++) {
    const block = state.blocks.get(index)
    if (block === undefined) continue
    if (block.open === 0) removeBlock(state, block)
    else state.addLingering(index)
  }
  state.retireFloor = Math.max(state.retireFloor, end)

  for (const index of unawaited.slice(0, UNAWAITED_STEP)) forgoReceipts(applying, index)
  state.hash.mix(state.retireFloor)
  return OK
}

/** The receipts that this block's messages await will not come: their state stays unknown. */
function forgoReceipts(applying: Applying, index: number): void {
  const { state, entry } = applying
  const block = state.blocks.get(index)
  if (block === undefined) return
  for (let offset = 0; offset < block.count && block.open > 0; offset++) {
    if (block.mark(offset) !== MARK.SENT || !block.awaited(offset)) continue
    const subject = subjectOf(applying, refOf(index, offset))
    if (subject === undefined) continue
    state.smscIds.remove(subject.connector.number, block.smscId(offset), subject.ref)
    dropParts(applying, subject)
    finish(applying, subject, MESSAGE_STATE.UNKNOWN, 0, entry.proposedAtMs)
    close(applying, block)
  }
}

import type { Applying } from './apply.js'
import { MESSAGE_STATE } from './marks.js'
import type { Subject } from './message-life.js'

/**
 * A final receipt of a message in parts.
 *
 * @returns  whether it is the message's last: all parts are delivered, one has failed, or the SMSC sends but one
 */
export function isLastReceipt(
  { state }: Applying,
  { block, offset, connector, ref }: Subject,
  receipt: { smscId: string; state: number },
): boolean {
  const parts = block.parts(offset)
  if (parts === undefined) return true
  if (receipt.state !== MESSAGE_STATE.DELIVERED || connector.settings?.partReceipts === 'one')
    return true
  const part = parts.find(({ id }) => id === receipt.smscId)?.part
  if (part === undefined) return true // of a copy that went out whole
  const left = parts.filter(other => other.part !== part)
  if (left.length === 0) return true
  for (const other of parts)
    if (other.part === part) state.smscIds.remove(connector.number, other.id, ref)
  block.setParts(offset, left)
  state.blocks.changed(block)
  state.hash.mix(ref)
  state.hash.mix(left.length)
  return false
}

/**
 * Whether a notification counts as the message's: of a message in parts those of the first part that is not delivered,
 * or each of them is told as often as there are parts.
 */
export function speaksForAll({ block, offset, connector }: Subject, smscId: string): boolean {
  const parts = block.parts(offset)
  if (parts === undefined || connector.settings?.partReceipts === 'one') return true
  const first = parts.reduce((least, { part }) => Math.min(least, part), Infinity)
  return parts.find(({ id }) => id === smscId)?.part === first
}

/** No part's receipt is awaited any more. */
export function dropParts({ state }: Applying, { block, offset, connector, ref }: Subject): void {
  for (const { id } of block.parts(offset) ?? []) state.smscIds.remove(connector.number, id, ref)
  block.setParts(offset, undefined)
}

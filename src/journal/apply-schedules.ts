import type { Applying } from './apply.js'
import { MARK } from './marks.js'
import type { CommandResult, Due } from './commands.js'
import { levelOf } from './connector-queue.js'
import type { ConnectorState } from './connectors.js'
import { homeOf } from './epochs.js'
import { MESSAGES_PER_ENTRY, refOf } from './ids.js'
import { OK, refused } from './results.js'
import type { ScheduledRange } from './schedules.js'

/**
 * Queues messages whose schedule_delivery_time has come, by their priority: the home says when that is, for apply
 * compares no times (DESIGN I7). Whole ranges, so that more than `count` may go, by less than one entry's.
 */
export function applyDue(applying: Applying, command: Due): CommandResult {
  const connector = homeOf(applying, command)
  if (connector === undefined) return refused('staleEpoch')
  const count = Math.min(command.count, MESSAGES_PER_ENTRY)
  for (const range of connector.schedules.take(command.upTo, count))
    queueRange(applying, connector, range)
  connector.touch()
  applying.effects.wakeConnector(connector.home?.node, connector.number)
  return OK
}

/** Those of the range that still wait, neighbours as one range of the queue. */
function queueRange(
  { state }: Applying,
  connector: ConnectorState,
  { index, lo, hi, second }: ScheduledRange,
): void {
  const block = state.blocks.get(index)
  if (block === undefined) return
  for (let from = lo; from < hi;) {
    let end = from
    for (; end < hi && block.isDue(end, second); end++) {
      block.setMark(end, MARK.QUEUED)
      connector.schedules.size--
    }
    if (end > from) {
      connector.queue.append(levelOf(block.priority(from)), index, from, end)
      state.hash.mix(refOf(index, from) + end)
    }
    from = end + 1
  }
  state.blocks.changed(block)
}

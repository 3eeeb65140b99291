import type { GroupContext } from './group-context.js'
import { LogStore } from './log/log-store.js'
import { LogDamaged } from './log/records.js'

const EMPTY = Buffer.alloc(0)

/**
 * Opens a group's log and brings it and the state machine in step: finishes the installation of a
 * snapshot that a crash interrupted, discards one that was never recorded, makes the first
 * members' log. Rejects with `LogDamaged` where the two cannot belong together.
 */
export async function openLog(context: GroupContext): Promise<LogStore> {
  const { store, group, logger, machine, bootstrap, clock, onLogWrite } = context
  const log = await LogStore.open(store, group, logger, { clock, onWrite: onLogWrite })
  if (log.pendingInstall === undefined) {
    await log.discardStaged()
    await (await machine.stage()).discard()
  } else {
    await finishInstall(log, context, log.pendingInstall.index)
  }
  if (log.lastIndex === 0 && log.hardState.term === 0 && bootstrap !== undefined) {
    await log.bootstrap(bootstrap)
  }
  if (machine.durableIndex === 0 && log.firstIndex === 2) {
    // the first members' logs begin behind index 1, and the state machine knows no holes
    machine.apply(1, 1, EMPTY)
    await machine.applied()
  }
  const applied = appliedAtOpen(log, machine.durableIndex)
  if (applied < log.firstIndex - 1 || applied > log.lastIndex) {
    throw new LogDamaged(
      `the state of group ${group} is at index ${applied}, but its log holds ` +
        `${log.firstIndex} to ${log.lastIndex}: log and state are not of the same node or time. ` +
        `Nothing was changed. Repair: remove this node from the cluster, empty its data ` +
        `directory and add it under a new id`,
    )
  }
  return log
}

/** The index that the state machine is at when replay begins. */
export function appliedAtOpen(log: LogStore, durableIndex: number): number {
  return durableIndex === 0 && log.firstIndex === 2 ? 1 : durableIndex
}

async function finishInstall(log: LogStore, context: GroupContext, index: number): Promise<void> {
  const { machine, logger, group } = context
  logger.info('finishing the installation of a snapshot', { index })
  await log.resumeInstall()
  if (machine.durableIndex < index) {
    if (!(await machine.staged(index))) {
      throw new LogDamaged(
        `the snapshot at index ${index} of group ${group} was recorded, but its state is gone. ` +
          `Repair: remove this node from the cluster, empty its data directory and add it ` +
          `under a new id`,
      )
    }
    await machine.install(index)
  }
  await log.endInstall()
}

import type { KeyValueStore, StoreFolder } from '../base/store.js'
import { appliedIndexOf, stageOf } from './journal-snapshot.js'

/** A node's state lies in one of these; the other one is where the next snapshot is received. */
const NAMES = ['state', 'state.2']

/** Where a state lies. */
export interface StatePlace {
  name: string
  store: KeyValueStore
}

/**
 * Opens the node's state; makes it where there is none. Of two, which a crash while one took the other's place
 * leaves, the newer one is in force.
 */
export async function openState(folder: StoreFolder): Promise<StatePlace> {
  const states: (StatePlace & { index: number })[] = []
  for (const name of NAMES) {
    if (!(await folder.exists(name))) continue
    const store = await folder.open(name)
    if (stageOf(store) === undefined) states.push({ name, store, index: appliedIndexOf(store) })
    else await store.close()
  }
  const [newest, older] = states.sort((a, b) => b.index - a.index)
  await older?.store.close()
  if (older !== undefined) await folder.destroy(older.name)
  if (newest !== undefined) return newest
  const name = NAMES[0]!
  return { name, store: await folder.open(name) }
}

/** The name of the other store. */
export function besides(name: string): string {
  return NAMES.find(other => other !== name)!
}

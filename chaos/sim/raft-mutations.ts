import { LogStore } from '../../cluster/log/log-store.js'
import { Reads } from '../../cluster/reads.js'
import type { StateMachine } from '../../cluster/types.js'
import { changed, patch, type ProvenMutation } from './mutation.js'

const ENTRY = '\x02'
const HARD_STATE = '\x01'

/** Bugs below the messages: log, votes, boots, reads, snapshots, order of apply. */
export const RAFT_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'log entries are written without fsync',
    within: 3,
    node: node => {
      node.disk.faults.liesAboutSync = (store, keys) =>
        store === 'log' && keys.some(key => key.startsWith(ENTRY))
    },
  },
  {
    name: 'append is acknowledged before it is written',
    within: 5,
    patch: () =>
      patch(
        LogStore,
        'write',
        original =>
          function (this: LogStore, ...args) {
            const written = original.apply(this, args) as Promise<void>
            written.catch(() => undefined)
            const [entries, hardState] = args as [{ index: number }[], unknown]
            const inside = this as unknown as {
              log: { hardState: unknown }
              append(first: number, entries: unknown): void
            }
            inside.log.hardState = hardState
            if (entries[0] !== undefined) inside.append(entries[0].index, entries)
            return Promise.resolve()
          },
      ),
  },
  {
    name: 'state is written without fsync, and loses its middle',
    within: 20,
    node: node => {
      node.disk.faults.liesAboutSync = store => store.startsWith('state')
    },
  },
  {
    name: 'a node bootstraps again on a disk that lost its log',
    within: 10,
    node: node => {
      const { disk } = node
      const crash = disk.crash.bind(disk)
      disk.crash = () => {
        crash()
        disk.lose('log', key => key.charCodeAt(0) !== 0)
        for (const state of ['state', 'state.2']) disk.lose(state, () => true)
      }
    },
  },
  {
    name: 'entries are applied out of order',
    within: 5,
    stateMachine: (machine, node) => (node.id === 2 ? swapping(machine) : machine),
  },
  {
    name: 'a node leaves an entry out',
    within: 5,
    stateMachine: (machine, node) =>
      changed(machine, {
        apply: (index, term, data) => {
          const skip = node.id === 3 && index % 100 === 0
          machine.apply(index, term, skip ? Buffer.alloc(0) : data)
        },
      }),
  },
  {
    name: 'the log is cut above the state on disk',
    within: 20,
    patch: () =>
      patch(
        LogStore,
        'cutFor',
        () =>
          function (this: LogStore) {
            return this.lastIndex > this.firstIndex + 50 ? this.lastIndex : undefined
          },
      ),
  },
  {
    name: 'boots are not counted on disk',
    within: 5,
    machine: machine => {
      let boot = 0
      return {
        ...machine,
        openFolder: async path => ({
          ...(await machine.openFolder(path)),
          nextBoot: () => Promise.resolve(++boot),
        }),
      }
    },
  },
  {
    name: 'votes are written without fsync',
    under: ['crash', 'isolate', 'pause', 'transfer', 'cut'],
    within: 3,
    node: node => {
      node.disk.faults.liesAboutSync = (store, keys) =>
        store === 'log' && keys.length === 1 && keys[0]!.startsWith(HARD_STATE)
    },
  },
  {
    name: 'reads are answered without a quorum',
    under: ['isolate', 'cut', 'slowLink', 'pause'],
    within: 5,
    patch: () =>
      patch(
        Reads,
        'read',
        () =>
          function (this: Reads) {
            const { context } = this as unknown as { context: { appliedIndex(): number } }
            return Promise.resolve(context.appliedIndex())
          },
      ),
  },
  {
    name: 'a read context is used again',
    under: ['lossy', 'isolate', 'cut', 'pause', 'slowLink'],
    within: 20,
    patch: usingContextsAgain,
  },
  {
    name: 'snapshots come without their messages',
    under: ['crash', 'leave', 'smscDown'],
    within: 20,
    stateMachine: machine =>
      changed(machine, {
        snapshot: async () => {
          const source = await machine.snapshot()
          return {
            index: source.index,
            chunks: () => source.chunks(),
            liveValues: () => nothing(),
            close: () => source.close(),
          }
        },
      }),
  },
  {
    name: 'the log is cut without regard to messages',
    within: 5,
    stateMachine: machine => changed(machine, { keeps: () => false }),
  },
]

/** All read requests of a node have one context, so that an answer, whichever, is the newest request's. */
function usingContextsAgain(): () => void {
  type Inside = { number: number; asked: { waiters: unknown[] }[] }
  const restoreAsk = patch(
    Reads,
    'ask',
    original =>
      function (this: Reads, ...args) {
        ;(this as unknown as Inside).number = 0
        return original.apply(this, args)
      },
  )
  const restoreAnswer = patch(
    Reads,
    'onAnswer',
    original =>
      function (this: Reads, ...args) {
        const inside = this as unknown as Inside
        const newest = inside.asked.at(-1)
        if (newest !== undefined) {
          newest.waiters = inside.asked.flatMap(({ waiters }) => waiters)
          inside.asked = [newest]
        }
        return original.apply(this, args)
      },
  )
  return () => {
    restoreAsk()
    restoreAnswer()
  }
}

/** Snapshots that say nothing of values. */
async function* nothing(): AsyncGenerator<number> {
  await Promise.resolve()
  yield* []
}

/** Exchanges the contents of two neighbouring entries, once in a while. */
function swapping(machine: StateMachine): StateMachine {
  let kept: Buffer | undefined
  return changed(machine, {
    apply: (index, term, data) => {
      if (index % 50 === 0) kept = Buffer.from(data)
      const use = index % 50 === 1 && kept !== undefined ? kept : data
      machine.apply(index, term, index % 50 === 0 ? Buffer.alloc(0) : use)
    },
  })
}

import type { KeyValueStore } from '../../src/base/store.js'
import type { StateMachine } from '../../cluster/types.js'
import { LogStore } from '../../cluster/log/log-store.js'
import { RaftGroup } from '../../cluster/raft-group.js'
import { DeliveryPump } from '../../src/front/delivery-pump.js'
import type { ConnectorState, Journal, SubmitTicket } from '../../src/journal/index.js'
import { refOf } from '../../src/journal/index.js'
import { MARK } from '../../src/journal/blocks.js'
import { Nodes } from '../../src/journal/nodes.js'
import { Proposer } from '../../src/journal/proposer.js'
import { CarillonNode } from '../../src/node/node.js'
import { Dispatch } from '../../src/upstream/dispatch.js'
import { Inbound } from '../../src/upstream/inbound.js'
import { Held, Ledger } from '../../src/upstream/ledger.js'
import { COMMAND_IDS } from '../../src/smpp/command-ids.js'
import type { Link } from '../../src/link/link.js'
import type { Mutation } from './mutation.js'

/** A deliberate bug, and how many seeds it may live. */
export interface ProvenMutation extends Mutation {
  within: number
}

const HARD_STATE = '\x01'
const ENTRY = '\x02'

/** Every bug that the checkers are known to catch. */
export const MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'answer before commit',
    within: 3,
    patch: () =>
      patch(Proposer, 'submit', original => {
        let index = 1
        return function (this: Proposer, ...args) {
          const answer = original.apply(this, args)
          const ticket = args[4] as SubmitTicket
          if (answer === 'queued') ticket.accepted(++index, 0)
          return answer
        }
      }),
  },
  {
    name: 'log entries are written without fsync',
    within: 3,
    node: node => {
      node.disk.faults.liesAboutSync = (store, keys) =>
        store === 'log' && keys.some(key => key.startsWith(ENTRY))
    },
  },
  {
    name: 'votes are written without fsync',
    within: 200,
    node: node => {
      node.disk.faults.liesAboutSync = (store, keys) =>
        store === 'log' && keys.every(key => key.startsWith(HARD_STATE))
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
    name: 'proposals are not de-duplicated',
    within: 60,
    ...withoutDeduplication(),
  },
  {
    name: 'a message is sent before its claim is committed',
    within: 3,
    patch: () =>
      patch(
        Dispatch,
        'wanted',
        original =>
          function (this: Dispatch, ...args) {
            const count = original.apply(this, args)
            const inside = this as unknown as DispatchInside
            const { journal } = inside.context
            if (count !== 0)
              for (const { index, lo } of inside.context.view()?.queue.heads(1) ?? []) {
                const message = journal.message(refOf(index, lo))
                if (journal.state.blocks.get(index)?.mark(lo) !== MARK.QUEUED) continue
                const held = new Held(refOf(index, lo), 1)
                if (message !== undefined)
                  inside.binds.freest()?.request(COMMAND_IDS.submit_sm, message.body, held)
              }
            return count
          },
      ),
  },
  {
    name: 'a home writes on after its epoch',
    within: 60,
    patch: () => patch(Dispatch, 'stop', () => () => undefined),
  },
  {
    name: 'a home without quorum writes on',
    within: 40,
    patch: () => patch(CarillonNode, 'hasQuorum', () => () => true),
  },
  {
    name: 'state is written without fsync, and loses its middle',
    within: 20,
    node: node => {
      node.disk.faults.liesAboutSync = store => store === 'state'
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
        disk.lose('state', () => true)
      }
    },
  },
  {
    name: 'a read is answered without a quorum',
    within: 60,
    patch: () =>
      patch(
        RaftGroup,
        'readIndex',
        () =>
          function (this: RaftGroup) {
            return Promise.resolve(this.status().appliedIndex)
          },
      ),
  },
  {
    name: 'a receipt is lost when its session ends',
    within: 10,
    patch: () =>
      patch(
        DeliveryPump,
        'answered',
        original =>
          function (this: DeliveryPump, ...args) {
            return original.apply(this, args[1] === 'closed' ? [args[0], args[1], 0] : args)
          },
      ),
  },
  {
    name: 'entries are applied out of order',
    within: 5,
    stateMachine: (machine, node) => (node.id === 2 ? swapping(machine) : machine),
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
    name: 'an SMSC is answered before its receipt is committed',
    within: 3,
    patch: () =>
      patch(
        Inbound,
        'flush',
        original =>
          function (this: Inbound, ...args) {
            const { unanswered } = this as unknown as {
              unanswered: {
                link: { respond(id: number, sequence: number, status: number): void }
                command_id: number
                sequence_number: number
              }[]
            }
            for (const { link, command_id, sequence_number } of unanswered)
              link.respond(command_id, sequence_number, 0)
            return original.apply(this, args)
          },
      ),
  },
  {
    name: 'what is in doubt is called unsent',
    within: 20,
    patch: () =>
      patch(
        Ledger,
        'settle',
        original =>
          function (this: Ledger, ...args) {
            const [held, result, ...rest] = args
            return original.apply(this, [held, result === 'doubt' ? 'unsent' : result, ...rest])
          },
      ),
  },
  {
    name: 'a snapshot comes without its messages',
    within: 60,
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
    name: 'a write that failed is taken as written',
    within: 60,
    machine: machine => ({
      ...machine,
      openCluster: (options, dependencies) => machine.openCluster(options, dependencies),
      openFolder: async path => {
        const folder = await machine.openFolder(path)
        const { stores } = folder
        return {
          ...folder,
          stores: {
            open: async name => forgiving(await stores.open(name)),
            exists: name => stores.exists(name),
            destroy: name => stores.destroy(name),
            rename: (from, to) => stores.rename(from, to),
          },
        }
      },
    }),
  },
]

interface DispatchInside {
  context: { journal: Journal; view(): ConnectorState | undefined }
  binds: { freest(): Link | undefined }
}

type Method = (...args: unknown[]) => unknown

/** Replaces a method of a class, private ones too; returns the way back. */
function patch(
  of: { prototype: object },
  name: string,
  make: (original: Method) => (this: never, ...args: unknown[]) => unknown,
): () => void {
  const prototype = of.prototype as Record<string, unknown>
  const original = prototype[name]
  if (typeof original !== 'function') throw new Error(`there is no method ${name} to change`)
  prototype[name] = make(original as Method)
  return () => {
    prototype[name] = original
  }
}

/** Apply looks for an earlier outcome, and finds none; everybody else does. */
function withoutDeduplication(): Pick<Mutation, 'patch' | 'stateMachine'> {
  let applying = false
  return {
    patch: () =>
      patch(
        Nodes,
        'outcomeOf',
        original =>
          function (this: Nodes, ...args) {
            return applying ? undefined : original.apply(this, args)
          },
      ),
    stateMachine: machine =>
      changed(machine, {
        apply: (index, term, data) => {
          applying = true
          try {
            machine.apply(index, term, data)
          } finally {
            applying = false
          }
        },
      }),
  }
}

/** The same machine, method by method; spreading it would freeze `durableIndex`. */
function changed(machine: StateMachine, changes: Partial<StateMachine>): StateMachine {
  return {
    get durableIndex() {
      return machine.durableIndex
    },
    apply: (index, term, data) => machine.apply(index, term, data),
    applied: () => machine.applied(),
    snapshot: () => machine.snapshot(),
    stage: () => machine.stage(),
    install: index => machine.install(index),
    staged: index => machine.staged(index),
    ...changes,
  }
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

async function* nothing(): AsyncGenerator<number> {
  await Promise.resolve()
  yield* []
}

/** A store whose failing writes look like good ones. */
function forgiving(store: KeyValueStore): KeyValueStore {
  return {
    get: key => store.get(key),
    pages: (range, options) => store.pages(range, options),
    batch: () => {
      const batch = store.batch()
      const write = batch.write.bind(batch)
      batch.write = options => write(options).catch(() => undefined)
      return batch
    },
    clear: range => store.clear(range),
    snapshot: () => store.snapshot(),
    close: () => store.close(),
  }
}

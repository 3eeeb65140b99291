import type { StateMachine } from '../../cluster/types.js'
import { LogStore } from '../../cluster/log/log-store.js'
import type { ConnectorState, Journal, SubmitTicket } from '../../src/journal/index.js'
import { refOf } from '../../src/journal/index.js'
import { MARK } from '../../src/journal/blocks.js'
import { Nodes } from '../../src/journal/nodes.js'
import { Proposer } from '../../src/journal/proposer.js'
import { MessageIdBody } from '../../src/front/message-id-body.js'
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
    under: ['flap', 'transfer', 'slowLink'],
    within: 20,
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
    name: 'two messages of an entry have one message_id',
    within: 3,
    patch: () =>
      patch(
        MessageIdBody,
        'of',
        original =>
          function (this: MessageIdBody, ...args) {
            return original.apply(this, [args[0], 0])
          },
      ),
  },
  {
    name: 'a message is written twice under one claim',
    within: 3,
    patch: () =>
      patch(
        Dispatch,
        'write',
        original =>
          function (this: Dispatch, ...args) {
            const written = original.apply(this, args)
            if (written === 'written')
              original.apply(this, [new Held((args[0] as Held).ref, 1), ...args.slice(1)])
            return written
          },
      ),
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
    keeps: index => machine.keeps?.(index) ?? true,
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

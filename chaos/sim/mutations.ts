import type { Timers } from '../../src/base/clock.js'
import type { StateMachine } from '../../cluster/types.js'
import { LogStore } from '../../cluster/log/log-store.js'
import type {
  AccountState,
  ConnectorState,
  Journal,
  SubmitTicket,
} from '../../src/journal/index.js'
import { refOf } from '../../src/journal/index.js'
import { MARK } from '../../src/journal/blocks.js'
import { Nodes } from '../../src/journal/nodes.js'
import { RestingNumbers } from '../../src/journal/resting-numbers.js'
import { SmscIds } from '../../src/journal/smsc-ids.js'
import { Proposer } from '../../src/journal/proposer.js'
import { Reads } from '../../cluster/reads.js'
import { decodeEntry } from '../../src/journal/index.js'
import { DeliveryPump } from '../../src/front/delivery-pump.js'
import { Home } from '../../src/upstream/home.js'
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
const HARD_STATE = '\x01'

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
    name: 'a home goes on after its epoch',
    under: ['sleepyHome', 'slowLink'],
    within: 10,
    patch: goingOn,
  },
  {
    name: 'a claim of an old epoch is accepted',
    under: ['stop', 'slowLink'],
    within: 40,
    patch: hasty,
    stateMachine: (machine, node) => takingOldClaims(machine, () => node.journal),
  },
  {
    name: 'messages are written without a look at the fence',
    under: ['sleepyHome', 'slowLink'],
    within: 10,
    patch: () => patch(Home, 'fence', () => () => true),
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
  {
    name: 'a receipt that waited for its session is lost on rebind',
    within: 5,
    patch: () => {
      const begun = new WeakSet<DeliveryPump>()
      return patch(
        DeliveryPump,
        'sendNew',
        original =>
          function (this: DeliveryPump, ...args) {
            const [account] = args as [{ deliveries: { tail: number } }]
            if (!begun.has(this))
              (this as unknown as { next: number }).next = account.deliveries.tail
            begun.add(this)
            return original.apply(this, args)
          },
      )
    },
  },
  {
    name: 'new receipts overtake those sent before',
    within: 3,
    patch: () =>
      patch(
        DeliveryPump,
        'sendNew',
        original =>
          function (this: DeliveryPump, ...args) {
            const [account] = args as [{ deliveries: { tail: number } }]
            const inside = this as unknown as { next: number }
            const { next } = inside
            if (account.deliveries.tail - next < 2) return original.apply(this, args)
            inside.next = next + 1
            original.apply(this, args)
            inside.next = next
            return original.apply(this, args)
          },
      ),
  },
  {
    name: 'an MO waits, and what came after it does not',
    within: 10,
    patch: () =>
      patch(
        DeliveryPump,
        'sendNew',
        original =>
          function (this: DeliveryPump, ...args) {
            const [account, , nowMs] = args as [AccountState, unknown, number]
            const inside = this as unknown as { next: number; retries: Map<number, unknown> }
            const seq = inside.next
            if (account.delivery(seq)?.kind === 'mo') {
              inside.retries.set(seq, { pump: this, seq, attempts: 0, dueMs: nowMs + 200 })
              inside.next++
            }
            return original.apply(this, args)
          },
      ),
  },
  {
    name: 'a receipt with an unknown id settles a doubt whatever else it may mean',
    under: ['smscSilent', 'resetSmsc', 'crash'],
    numbers: 2,
    within: 20,
    patch: () => {
      const restore = [
        patch(RestingNumbers, 'restsFor', () => () => false),
        patch(SmscIds, 'knows', () => () => false),
      ]
      return () => restore.forEach(undo => undo())
    },
  },
]

interface DispatchInside {
  context: {
    journal: Journal
    timers: Timers
    view(): ConnectorState | undefined
    fence(): boolean
  }
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

/** What a home had claimed when its epoch ended it writes all the same, a little later. */
function goingOn(): () => void {
  return patch(
    Home,
    'stop',
    original =>
      function (this: Home, ...args) {
        const { dispatch } = this as unknown as {
          dispatch: DispatchInside & { waiting: Held[]; head: number }
        }
        const left = dispatch.waiting.slice(dispatch.head)
        if (left.length === 0) return original.apply(this, args)
        const { journal, timers } = this
        const write = (tries: number): void => {
          if (!this.fence() && tries > 0) return void timers.after(20, () => write(tries - 1))
          for (const held of left) {
            const message = journal.message(held.ref)
            if (message === undefined) continue
            dispatch.binds.freest()?.request(COMMAND_IDS.submit_sm, message.body, held)
          }
          timers.after(10, () => original.apply(this, args))
        }
        timers.after(20, () => write(50))
        return undefined
      },
  )
}

/**
 * A home that gives up its epoch at once and claims on until that is applied. Harmless alone: it is here so
 * that claims of an old epoch come at all, for a boot mostly ends with the epoch, and refuses them too.
 */
export function hasty(): () => void {
  return patch(
    Home,
    'beginHanding',
    () =>
      function (this: Home) {
        const inside = this as unknown as { handing: string; release(): void }
        inside.handing = 'binds'
        inside.release()
      },
  )
}

/** For the time of a stale claim, and before the rest of its entry, the claimant is called the home. */
function takingOldClaims(machine: StateMachine, journal: () => Journal | undefined): StateMachine {
  return changed(machine, {
    apply: (index, term, data) => {
      const entry = data.length > 0 ? decodeEntry(data) : undefined
      const claim = entry?.commands.find(({ kind }) => kind === 'claim')
      const connector =
        claim?.kind === 'claim' ? journal()?.state.connectors.get(claim.connector) : undefined
      if (entry === undefined || claim?.kind !== 'claim' || connector === undefined)
        return machine.apply(index, term, data)
      const { home, epoch } = connector
      if (epoch === claim.epoch) return machine.apply(index, term, data)
      connector.home = { node: entry.node, epoch: claim.epoch }
      connector.epoch = claim.epoch
      machine.apply(index, term, data)
      connector.home = home
      connector.epoch = epoch
    },
  })
}

/** Snapshots that say nothing of values. */
async function* nothing(): AsyncGenerator<number> {
  await Promise.resolve()
  yield* []
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

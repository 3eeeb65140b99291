import type { StateMachine } from '../../cluster/types.js'
import type { Timers } from '../../src/base/clock.js'
import { DeliveryPump } from '../../src/front/delivery-pump.js'
import { MessageIdBody } from '../../src/front/message-id-body.js'
import { MARK } from '../../src/journal/marks.js'
import type {
  AccountState,
  ConnectorState,
  Journal,
  SubmitTicket,
} from '../../src/journal/index.js'
import { decodeEntry, refOf } from '../../src/journal/index.js'
import { Nodes } from '../../src/journal/nodes.js'
import { Proposer } from '../../src/journal/proposer.js'
import { RestingNumbers } from '../../src/journal/resting-numbers.js'
import { SmscIds } from '../../src/journal/smsc-ids.js'
import type { Link } from '../../src/link/link.js'
import { COMMAND_IDS } from '../../src/smpp/command-ids.js'
import { Dispatch } from '../../src/upstream/dispatch.js'
import { Home } from '../../src/upstream/home.js'
import { Inbound } from '../../src/upstream/inbound.js'
import { Held, Ledger } from '../../src/upstream/ledger.js'
import { changed, patch, type Mutation, type ProvenMutation } from './mutation.js'

/** Bugs in the life of a message: proposals, claims, outcomes, receipts and MO. */
export const MESSAGE_MUTATIONS: readonly ProvenMutation[] = [
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
            const inside = this as unknown as { next: number; retries: Set<unknown> }
            const seq = inside.next
            if (account.delivery(seq)?.kind === 'mo') {
              inside.retries.add({ pump: this, seq, attempts: 0, dueMs: nowMs + 200 })
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
    cuts: false, // else it settles none
    within: 60, // one seed in twenty or so meets it
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

/**
 * A home that gives up its epoch at once and claims on until that is applied. Harmless alone: it is here so
 * that claims of an old epoch come at all, for a boot mostly ends with the epoch, and refuses them too.
 */
function hasty(): () => void {
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

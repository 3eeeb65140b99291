import { SubmitPlacing } from '../../src/front/submit-placing.js'
import {
  Transactions,
  type Transaction,
  type TransactionsUser,
} from '../../src/front/transactions.js'
import { indexOf, offsetOf, type Journal, type Ref } from '../../src/journal/index.js'
import { patch, type ProvenMutation } from './mutation.js'

/** Bugs in transaction mode. */
export const TRANSACTION_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'a transaction is answered when it is accepted',
    within: 3,
    patch: () =>
      patch(
        Transactions,
        'onAccepted',
        original =>
          function (this: Transactions, ...args) {
            const [transaction, ref] = args as [Transaction, Ref]
            const { user } = this as unknown as { user: TransactionsUser }
            if (transaction.over) return original.apply(this, args)
            transaction.ref = ref
            user.delivered(transaction)
            return original.apply(this, args)
          },
      ),
  },
  {
    name: 'who waits is not told of the end of what was sent again',
    under: ['smscSilent', 'resetSmsc', 'crash'],
    within: 5,
    patch: () =>
      patch(
        Transactions,
        'look',
        original =>
          function (this: Transactions, ...args) {
            const ref = args[0] as Ref
            const { journal } = this as unknown as { journal: Journal }
            const attempts = journal.state.blocks.get(indexOf(ref))?.attempts(offsetOf(ref)) ?? 0
            return attempts > 1 ? undefined : original.apply(this, args)
          },
      ),
  },
  {
    name: 'a transaction waits as long as it takes',
    under: ['smscDown', 'smscSilent'],
    within: 10,
    patch: () =>
      patch(
        SubmitPlacing,
        'transact',
        original =>
          function (this: SubmitPlacing, ...args) {
            if (this.transactionMs > 0) this.transactionMs = 600_000
            return original.apply(this, args)
          },
      ),
  },
]

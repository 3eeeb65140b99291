import { Submits, type SubmitsOptions } from '../../src/front/submits.js'
import { refOf } from '../../src/journal/index.js'
import { Resubmissions } from '../../src/journal/resubmissions.js'
import { StateStore, type Persistent } from '../../src/journal/state-store.js'
import { patch, type ProvenMutation } from './mutation.js'

/** Bugs in the resubmission window. */
export const RESUBMISSION_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'a lost submit can be matched twice',
    windows: true,
    within: 20,
    patch: () =>
      patch(
        Resubmissions,
        'match',
        () =>
          function (this: Resubmissions, ...args) {
            const { lostBy } = this as unknown as { lostBy: Map<string, Set<number>> }
            return [...(lostBy.get(args[0] as string) ?? [])][0]
          },
      ),
  },
  {
    name: 'a match has another text',
    windows: true,
    within: 5,
    patch: () =>
      patch(
        Resubmissions,
        'match',
        original =>
          function (this: Resubmissions, ...args) {
            const [lost] = this.all.filter(({ lostAtMs }) => lostAtMs > 0)
            return original.apply(this, [lost?.fingerprint ?? args[0], ...args.slice(1)])
          },
      ),
  },
  {
    name: 'a match is of another account',
    windows: true,
    within: 40,
    patch: matchingAnyAccount,
  },
  {
    name: 'written marks are not applied',
    windows: true,
    within: 10,
    patch: () => patch(Resubmissions, 'written', () => () => false),
  },
  {
    name: 'a response is said to be written before there is one',
    windows: true,
    within: 20,
    patch: hastyMarks,
  },
  {
    name: 'a submit does not wait for its like of another session',
    windows: true,
    within: 40,
    patch: () => patch(Resubmissions, 'isOpenElsewhere', () => () => false),
  },
]

/** Where its own account has lost none like it, another one's is taken. */
function matchingAnyAccount(): () => void {
  const siblings = new Map<Persistent, Resubmissions[]>()
  const stores = new WeakMap<StateStore, Resubmissions[]>()
  const restore = [
    patch(
      StateStore,
      'add',
      original =>
        function (this: StateStore, ...args) {
          const [part] = args as [Persistent]
          if (part instanceof Resubmissions) {
            const all = stores.get(this) ?? []
            stores.set(this, all)
            all.push(part)
            siblings.set(part, all)
          }
          return original.apply(this, args)
        },
    ),
    patch(
      Resubmissions,
      'match',
      original =>
        function (this: Resubmissions, ...args) {
          const others = (siblings.get(this) ?? []).filter(each => each !== this)
          for (const each of [this, ...others]) {
            const ref = original.apply(each as never, args)
            if (ref !== undefined) return ref
          }
          return undefined
        },
    ),
  ]
  return () => restore.forEach(undo => undo())
}

/** The mark is said at once, the response leaves later. */
function hastyMarks(): () => void {
  return patch(
    Submits,
    'onAccepted',
    original =>
      function (this: Submits, ...args) {
        const [{ account, remembered }, index, offset] = args as [
          { account: number; remembered: boolean },
          number,
          number,
        ]
        if (!remembered) return original.apply(this, args)
        const { options } = this as unknown as { options: SubmitsOptions }
        options.journal.proposer.written(account, refOf(index, offset))
        options.timers.after(100, () => void original.apply(this, args))
        return undefined
      },
  )
}

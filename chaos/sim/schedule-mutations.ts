import { DueMessages } from '../../src/upstream/due.js'
import { Schedules } from '../../src/journal/schedules.js'
import type { Context } from '../../src/upstream/context.js'
import { patch, type ProvenMutation } from './mutation.js'

/** Bugs in schedule_delivery_time. */
export const SCHEDULE_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'what is scheduled is due at once',
    within: 5,
    patch: () =>
      patch(
        DueMessages,
        'tick',
        () =>
          function (this: DueMessages) {
            const { context } = this as unknown as { context: Context }
            const { journal, number: connector, epoch } = context
            if (context.view()?.schedules.earliest === undefined) return
            journal.proposer.propose({ kind: 'due', connector, epoch, upTo: 2 ** 40, count: 100 })
          },
      ),
  },
  {
    name: 'what is scheduled is forgotten with the process',
    within: 20,
    patch: () => patch(Schedules, 'load', () => () => Promise.resolve()),
  },
]

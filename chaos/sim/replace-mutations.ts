import { LateAnswers } from '../../src/front/late-answers.js'
import { Block } from '../../src/journal/block.js'
import { Journal } from '../../src/journal/journal.js'
import { indexOf, offsetOf } from '../../src/journal/index.js'
import { forgottenOnDisk, patch, type Method, type ProvenMutation } from './mutation.js'

/** Bugs in replace_sm. */
export const REPLACE_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'a message is sent as it was submitted, replaced or not',
    within: 10,
    patch: () =>
      patch(
        Journal,
        'message',
        () =>
          function (this: Journal, ref) {
            const place = ref as number
            const { entry } = this as unknown as { entry: Method }
            const messages = entry.call(this, indexOf(place)) as { read: Method } | undefined
            return messages?.read(offsetOf(place))
          },
      ),
  },
  {
    name: 'a replace_sm that came too late is answered ESME_ROK',
    within: 10,
    patch: () =>
      patch(
        LateAnswers,
        'answer',
        original =>
          function (this: LateAnswers, request, code) {
            return original.call(this, request, code === 'notReplaceable' ? undefined : code)
          },
      ),
  },
  {
    name: 'what was put off is due when it first was',
    within: 30,
    patch: () =>
      patch(
        Block,
        'isDue',
        () =>
          function (this: Block, offset) {
            return this.isScheduled(offset as number)
          },
      ),
  },
  {
    name: 'replacements are forgotten by the state on disk',
    under: ['crash', 'smscSilent', 'resetSmsc'],
    within: 30,
    patch: () => forgottenOnDisk('replacements'),
  },
]

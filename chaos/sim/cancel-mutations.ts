import { Cancels } from '../../src/front/cancels.js'
import { Block } from '../../src/journal/block.js'
import { patch, type ProvenMutation } from './mutation.js'

/** Bugs in cancel_sm. */
export const CANCEL_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'a cancel_sm is answered by what the front end has seen',
    within: 10,
    patch: () =>
      patch(
        Cancels,
        'propose',
        original =>
          function (this: Cancels, ...args) {
            const [, refs] = args as [number, number[]]
            return (original.apply(this, args) as Promise<number>).then(() => refs.length)
          },
      ),
  },
  {
    name: 'what was in doubt can be cancelled once it waits again',
    under: ['smscSilent', 'resetSmsc', 'crash'],
    numbers: 2,
    within: 20,
    patch: () => patch(Block, 'doubted', () => () => false),
  },
]

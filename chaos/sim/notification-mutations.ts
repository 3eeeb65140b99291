import { Block } from '../../src/journal/block.js'
import { forgottenOnDisk, patch, type ProvenMutation } from './mutation.js'

/** Bugs in what becomes of intermediate notifications. */
export const NOTIFICATION_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'notifications come to whoever has asked for none',
    within: 5,
    patch: () => patch(Block, 'notified', () => () => true),
  },
  {
    name: 'what was notified of waits for its receipt no more',
    within: 5,
    patch: () =>
      patch(
        Block,
        'awaited',
        original =>
          function (this: Block, ...args) {
            const [offset] = args as [number]
            return original.apply(this, args) === true && this.notification(offset) === 0
          },
      ),
  },
  {
    name: 'a notification that is repeated is told again',
    under: ['resetSmsc', 'crash'],
    within: 10,
    patch: () => patch(Block, 'notification', () => () => 0),
  },
  {
    name: 'what was notified of is forgotten by the state on disk',
    under: ['resetSmsc', 'crash'],
    within: 10,
    patch: () => forgottenOnDisk('notifications'),
  },
]

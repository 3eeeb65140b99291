import { Block } from '../../src/journal/block.js'
import { forgottenOnDisk, patch, type ProvenMutation } from './mutation.js'

/** Bugs in submit_multi. */
export const MULTI_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'receipts of a submit_multi name ids that no response has named',
    within: 10,
    patch: () => patch(Block, 'headOf', () => offset => offset),
  },
  {
    name: 'whose id a message has is forgotten by the state on disk',
    under: ['crash', 'smscSilent', 'resetSmsc'],
    within: 30,
    patch: () => forgottenOnDisk('heads'),
  },
]

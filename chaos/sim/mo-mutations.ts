import type { Ref } from '../../src/journal/index.js'
import { LongMos } from '../../src/journal/long-mos.js'
import { DeliveryPump } from '../../src/front/delivery-pump.js'
import { patch, type ProvenMutation } from './mutation.js'

/** Bugs in MO that come in parts. */
export const MO_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'parts of MO are forgotten by the state on disk',
    under: ['crash'],
    within: 10,
    patch: () => patch(LongMos, 'restore', () => () => undefined),
  },
  {
    name: 'parts of MO are told in the order in which they came',
    within: 3,
    patch: () =>
      patch(
        LongMos,
        'partsOf',
        original =>
          function (this: LongMos, ...args) {
            return [...(original.apply(this, args) as Ref[])].sort((a, b) => a - b)
          },
      ),
  },
  {
    name: 'what waits for a lost part waits for ever',
    within: 6,
    patch: () => patch(DeliveryPump, 'giveUpParts', () => () => undefined),
  },
]

import { Block } from '../../src/journal/block.js'
import { indexOf, offsetOf, type Journal, type Ref } from '../../src/journal/index.js'
import { Cutter } from '../../src/upstream/cutter.js'
import { Answers } from '../../src/upstream/answers.js'
import type { Held, Ledger } from '../../src/upstream/ledger.js'
import { Parts } from '../../src/upstream/parts.js'
import { forgottenOnDisk, patch, type ProvenMutation } from './mutation.js'

/** Bugs in messages that go out in parts. */
export const PART_MUTATIONS: readonly ProvenMutation[] = [
  {
    name: 'a new home takes the first part for sent',
    cuts: true,
    under: ['crash', 'sleepyHome', 'smscSilent'],
    within: 10,
    patch: forgettingFirstParts,
  },
  {
    name: 'the receipt of one part is told for that of all',
    cuts: true,
    within: 3,
    patch: () => patch(Block, 'parts', () => () => undefined),
  },
  {
    name: 'a home sends the parts again that were taken',
    cuts: true,
    within: 5,
    patch: () => patch(Cutter, 'remember', () => () => undefined),
  },
  {
    name: 'what the SMSC has parts of can be cancelled',
    cuts: true,
    within: 10,
    patch: () =>
      patch(
        Answers,
        'retry',
        () =>
          function (this: Answers, ...args) {
            const [held, error, retryAtMs] = args as [Held, number, number]
            const { parts } = this as unknown as { parts: { ledger: Ledger } }
            parts.ledger.settle(held, 'retry', error, '', retryAtMs)
          },
      ),
  },
  {
    name: 'ids of parts are forgotten by the state on disk',
    cuts: true,
    under: ['crash', 'smscSilent', 'resetSmsc'],
    within: 10,
    patch: () => forgottenOnDisk('parts'),
  },
]

/** What a home claims that another one has tried, and of which it remembers nothing itself. */
function forgettingFirstParts(): () => void {
  return patch(
    Cutter,
    'cut',
    original =>
      function (this: Cutter, ...args) {
        const ref = args[0] as Ref
        const inside = this as unknown as { journal: Journal; remembered: Map<Ref, unknown> }
        const knows = inside.remembered.has(ref)
        const cut = original.apply(this, args)
        const attempts = inside.journal.state.blocks.get(indexOf(ref))?.attempts(offsetOf(ref))
        if (cut instanceof Parts && !knows && (attempts ?? 0) > 1) cut.resume(['forgotten'])
        return cut
      },
  )
}

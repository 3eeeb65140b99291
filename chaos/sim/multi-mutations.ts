import { Multis } from '../../src/front/multis.js'
import { readAcceptRecord, skipAcceptRecord } from '../../src/journal/accept-record.js'
import { Block } from '../../src/journal/block.js'
import { encodeCommand } from '../../src/journal/command-codec.js'
import { decodeEntry, joinEntry } from '../../src/journal/entry.js'
import type { Command } from '../../src/journal/commands.js'
import { OpenProposals } from '../../src/journal/open-proposals.js'
import { State } from '../../src/journal/state.js'
import { COMMAND_STATUS } from '../../src/smpp/command-status.js'
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
  {
    name: 'a destination that is told as refused is sent after all',
    within: 3,
    patch: () =>
      patch(
        Multis,
        'onSettled',
        original =>
          function (this: Multis, ...args) {
            const [{ destinations }] = args as [{ destinations: { status: number }[] }]
            const accepted = destinations.filter(({ status }) => status === 0)
            if (accepted.length > 1) accepted.at(-1)!.status = COMMAND_STATUS.ESME_RTHROTTLED
            return original.apply(this, args)
          },
      ),
  },
  {
    name: 'a submit_multi that is proposed again is short of a destination',
    under: ['crash', 'transfer', 'isolate'],
    within: 10,
    patch: shortOnceMore,
  },
  {
    name: 'a node that starts again knows lists without their last members',
    under: ['crash', 'stop'],
    within: 10,
    patch: () =>
      patch(
        { prototype: State },
        'load',
        original =>
          async function (this: never, ...args) {
            const state = (await original.apply(this, args)) as State
            for (const list of state.settings.distributionLists ?? []) list.members.pop()
            return state
          },
      ),
  },
]

/** What is open when a leader comes is handed over without the last destination of its submit_multis. */
function shortOnceMore(): () => void {
  return patch(
    OpenProposals,
    'sendAll',
    original =>
      function (this: OpenProposals, ...args) {
        for (const open of this.list()) {
          const entry = decodeEntry(open.octets)
          if (entry === undefined) continue
          const octets = joinEntry(entry, entry.commands.map(withoutLast).map(encodeCommand))
          Object.assign(open, { octets })
        }
        return original.apply(this, args)
      },
  )
}

function withoutLast(command: Command): Command {
  if (command.kind !== 'accept' || command.count < 2) return command
  let last = 0
  const { records, count } = command
  for (let at = 0; at < records.length; at = skipAcceptRecord(records, at)) last = at
  if ((readAcceptRecord(records, last).multi ?? 0) === 0) return command
  return { ...command, count: count - 1, records: records.subarray(0, last) }
}

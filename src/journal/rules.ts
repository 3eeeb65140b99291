import type { State } from './state.js'

/**
 * Rules of apply that this program knows. Nodes must not apply one entry by different rules, and a cluster
 * is updated node by node: a node says with its boot which rules its program knows, and a rule holds from
 * the entry on in which the last living node says so.
 *
 *     0  those of the first states
 *     1  a receipt settles a doubt only where no message is remembered that it may mean instead (DESIGN I6)
 *     2  accounts may use the resubmission window (docs/decisions/0012)
 *     3  messages can be cancelled, and what was in doubt is marked, for it cannot (docs/decisions/0013)
 *     4  messages can wait for their schedule_delivery_time (docs/decisions/0014)
 *     5  accounts can be disabled: their binds and submits are refused (docs/decisions/0015)
 *     6  messages can be replaced (docs/decisions/0016)
 *     7  what a submit that came again was given stays, though the first submit is made void (docs/decisions/0012)
 *     8  a replacement can say when its message is due (docs/decisions/0016)
 *     9  messages may go out in parts (docs/decisions/0018)
 *    10  a message that was replaced is marked so (docs/decisions/0016)
 *    11  addresses can be banned from an account (docs/decisions/0017)
 *    12  messages of a submit_multi have one id (docs/decisions/0019)
 *    13  an SMSC's intermediate notifications conclude nothing, and go to who asked for them (docs/decisions/0021)
 *    14  a message that waits for a retry is marked where the SMSC has parts of it; early receipts count up to the one that
 *        ends their part or their message, and not beyond (docs/decisions/0018)
 *    15  the end of a message in transaction mode is told to who submitted it (docs/decisions/0023)
 *    16  what would give a submit_multi a second id is refused (docs/decisions/0019)
 *    17  parts of an MO wait for each other where their account wants it whole (docs/decisions/0024)
 *    18  a node can be relieved of its homes and ownerships while its boot stands (docs/decisions/0005)
 *    19  ids of messages of which nothing is awaited are remembered, too (docs/decisions/0004)
 */
export const RULES = 19

export const remembers = (state: State): boolean => state.rules >= 1

export const matchesResubmissions = (state: State): boolean => state.rules >= 2

export const cancels = (state: State): boolean => state.rules >= 3

export const schedules = (state: State): boolean => state.rules >= 4

export const disables = (state: State): boolean => state.rules >= 5

export const replaces = (state: State): boolean => state.rules >= 6

export const keepsMatched = (state: State): boolean => state.rules >= 7

export const reschedules = (state: State): boolean => state.rules >= 8

export const cuts = (state: State): boolean => state.rules >= 9

export const marksReplaced = (state: State): boolean => state.rules >= 10

export const bans = (state: State): boolean => state.rules >= 11

export const takesMultis = (state: State): boolean => state.rules >= 12

export const notifies = (state: State): boolean => state.rules >= 13

export const marksPartly = (state: State): boolean => state.rules >= 14

export const endsOnce = (state: State): boolean => state.rules >= 14

export const transacts = (state: State): boolean => state.rules >= 15

export const keepsOneId = (state: State): boolean => state.rules >= 16

export const gathers = (state: State): boolean => state.rules >= 17

export const relieves = (state: State): boolean => state.rules >= 18

export const remembersUnawaited = (state: State): boolean => state.rules >= 19

/** To be called after a boot was registered: goes over to what all living nodes know. */
export function agreeOnRules(state: State): void {
  let least = Infinity
  for (const node of state.nodes.all()) if (node.alive) least = Math.min(least, node.rules ?? 0)
  if (least <= state.rules || least === Infinity) return
  state.setRules(least)
  state.hash.mix(least)
}

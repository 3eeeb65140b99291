import type { CommandName } from '../command-ids.js'

/** Titles of the tests that run once for each PDU: the conformance page names them. */
export const roundTripTitle = (name: CommandName): string =>
  `${name}: what is written is read again, in every version that has it`

export const packageTitle = (name: CommandName): string =>
  `${name} as the smpp package writes and reads it`

/** @param states  in which that side takes it */
export const matrixTitle = (
  name: CommandName,
  side: 'smsc' | 'esme',
  states: readonly string[],
): string => `${name} towards the ${side} in ${states.join(', ') || 'no state'}`

export const ofOneVersionTitle = (name: CommandName): string =>
  `${name} of an ESME whose version does not have it, or of an SMSC, is answered ESME_RINVCMDID in its own response`

import type { CommandName } from '../command-ids.js'

/** Titles of the tests that run once for each PDU: the conformance page names them. */
export const roundTripTitle = (name: CommandName): string =>
  `${name}: what is written is read again, in every version that has it`

export const packageTitle = (name: CommandName): string =>
  `${name} as the smpp package writes and reads it`

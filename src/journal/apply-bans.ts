import type { Applying } from './apply.js'
import { BAN_ADDRESS_MAX } from './bans.js'
import type { AddBans, CommandResult, LiftBans } from './commands.js'
import { OK, refused } from './results.js'
import { bans } from './rules.js'

/** Bans of one command. */
export const BANS_STEP = 100

/**
 * A front end has seen too many failed binds of these accounts from these addresses (docs/decisions/0017). Times are data:
 * when a ban is over, `liftBans` says (DESIGN I7).
 */
export function applyBans({ state }: Applying, command: AddBans): CommandResult {
  if (!bans(state)) return refused('malformed')
  for (const { account, address, sinceMs, untilMs, failures } of command.bans.slice(0, BANS_STEP)) {
    if (state.accounts.get(account)?.settings === undefined) continue
    if (address.length > BAN_ADDRESS_MAX) continue
    state.bans.add({ account, address, sinceMs, untilMs, failures })
    state.hash.mix(account)
    state.hash.mixText(address)
  }
  return OK
}

/** `lifted` of the result: how many of them were there. */
export function applyLiftBans({ state }: Applying, command: LiftBans): CommandResult {
  let lifted = 0
  for (const { account, address } of command.bans.slice(0, BANS_STEP))
    if (state.bans.lift(account, address)) lifted++
  state.hash.mix(lifted)
  return { ok: true, lifted }
}

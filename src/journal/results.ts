import type { CommandResult, Refusal } from './commands.js'

export const OK: CommandResult = { ok: true }

/** A refusal, with what an operator would want to read. */
export function refused(why: Refusal, detail?: string): CommandResult {
  return detail === undefined ? { ok: false, why } : { ok: false, why, detail }
}

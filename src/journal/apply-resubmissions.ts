import type { Account } from '../policy/settings.js'
import type { AcceptHeader } from './accept-record.js'
import type { AccountState } from './accounts.js'
import type { Applying } from './apply.js'
import type { CommandResult, Written } from './commands.js'
import type { Ref } from './ids.js'
import { indexOf, MESSAGES_PER_ENTRY, offsetOf } from './ids.js'
import { OK, refused } from './results.js'
import { keepsMatched, matchesResubmissions } from './rules.js'

// The resubmission window: docs/decisions/0012.

/** Whether submits of this account are remembered until their responses are written. */
export function usesWindow(settings: Account | undefined): boolean {
  return settings !== undefined && settings.resubmissionWindowMs > 0
}

/** The place of the same submit that was accepted, and whose response was lost; undefined: this one is new. */
export function firstOf(
  applying: Applying,
  account: AccountState | undefined,
  record: AcceptHeader,
): Ref | undefined {
  const fingerprint = fingerprintIn(applying, account, record)
  if (fingerprint === undefined) return undefined
  const session = sessionOf(applying, record)
  const first = account?.resubmissions.match(fingerprint, session, lostAtMs(applying, session))
  if (first !== undefined) markMatched(applying, first)
  return first
}

/** What `firstOf` would say. */
export function likelyFirstOf(
  applying: Applying,
  account: AccountState | undefined,
  record: AcceptHeader,
): Ref | undefined {
  const fingerprint = fingerprintIn(applying, account, record)
  return fingerprint === undefined ? undefined : account?.resubmissions.lostLike(fingerprint)
}

/** As the account's firsts have it; undefined where none is remembered. */
function fingerprintIn(
  applying: Applying,
  account: AccountState | undefined,
  { fingerprint }: AcceptHeader,
): string | undefined {
  return account !== undefined && remembers(applying, account)
    ? fingerprint?.toString('latin1')
    : undefined
}

/** From here on it is this submit's message, whatever its first one is told. */
function markMatched({ state }: Applying, first: Ref): void {
  const block = state.blocks.get(indexOf(first))
  if (block === undefined || !keepsMatched(state)) return
  block.setMatched(offsetOf(first))
  state.blocks.changed(block)
}

/** A submit with a fingerprint was accepted: its response is not written yet, or will never be. */
export function firstAccepted(
  applying: Applying,
  account: AccountState,
  record: AcceptHeader,
  ref: Ref,
): void {
  const fingerprint = fingerprintIn(applying, account, record)
  if (fingerprint === undefined) return
  const session = sessionOf(applying, record)
  const { resubmissions } = account
  const { givenUp } = resubmissions
  resubmissions.add(ref, fingerprint, session, lostAtMs(applying, session))
  if (resubmissions.givenUp !== givenUp) applying.state.hash.mix(resubmissions.givenUp)
}

/** These sessions of the account have ended. */
export function loseFirsts(
  { state, entry }: Applying,
  account: AccountState,
  sessions: readonly string[],
): void {
  const lost = account.resubmissions.lose(sessions, stampOf(entry))
  if (lost > 0) state.hash.mix(lost)
}

/** The ESME was told no, and the message is there all the same. */
export function refusedAnyway({ state, entry }: Applying, ref: Ref): void {
  const block = state.blocks.get(indexOf(ref))
  if (block === undefined) return
  const account = state.accounts.get(block.account(offsetOf(ref)))
  account?.resubmissions.loseOne(ref, stampOf(entry))
}

export function applyWritten(applying: Applying, { account, refs }: Written): CommandResult {
  const { state, entry } = applying
  const known = state.accounts.get(account)
  if (known === undefined) return refused('noAccount')
  const boot = `${entry.node}.${entry.boot}.`
  let news = 0
  for (const ref of refs.slice(0, MESSAGES_PER_ENTRY))
    if (known.resubmissions.written(ref, boot)) news++
  state.hash.mix(news)
  return OK
}

/** Their window is over, says the leader; what was submitted again meanwhile is not concerned. */
export function applyForgetLost(
  { state }: Applying,
  account: number,
  refs: readonly Ref[],
): CommandResult {
  const known = state.accounts.get(account)
  if (known === undefined) return refused('noAccount')
  let forgotten = 0
  for (const ref of refs.slice(0, MESSAGES_PER_ENTRY))
    if (known.resubmissions.forget(ref)) forgotten++
  state.hash.mix(forgotten)
  return OK
}

function remembers({ state }: Applying, { settings }: AccountState): boolean {
  return matchesResubmissions(state) && usesWindow(settings)
}

const sessionOf = ({ entry }: Applying, { session }: Pick<AcceptHeader, 'session'>): string =>
  `${entry.node}.${entry.boot}.${session}`

/** 0 while the session stands. Its end may be applied before its last submits. */
function lostAtMs({ state, entry }: Applying, session: string): number {
  return state.sessions.has(session) ? 0 : stampOf(entry)
}

/** 0 means open. */
const stampOf = ({ proposedAtMs }: Applying['entry']): number => Math.max(1, proposedAtMs)

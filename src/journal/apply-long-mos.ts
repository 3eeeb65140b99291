import type { AccountState } from './accounts.js'
import type { Applying } from './apply.js'
import type { CommandResult, GiveUpParts, InboundMo, InboundResult, MoPart } from './commands.js'
import type { Ref } from './ids.js'
import { isTold, type Gathering } from './long-mos.js'
import { release } from './message-life.js'
import { OK, refused } from './results.js'

/** Messages that one command may give up; each may have 255 parts. */
export const GIVE_UP_STEP = 100

/** The very same part waits already: the SMSC has not got its answer. */
export function isRepeated({ longMos }: AccountState, { key, part, digest }: MoPart): boolean {
  const held = longMos.withKey(key)?.parts.find(known => known.part === part)
  return held?.digest === digest
}

/**
 * A part of an MO that is not repeated (docs/decisions/0024). It has its place in the log, as any MO, and waits there: for
 * the others; with them for an acknowledgement; alone, where they did not come.
 *
 * @param ref  its place, WAITING
 */
export function applyPart(
  applying: Applying,
  account: AccountState,
  { part, body }: InboundMo & { part: MoPart },
  ref: Ref,
): InboundResult {
  const { longMos } = account
  for (;;) {
    const oldest = longMos.inTheWayOf(body.length)
    if (oldest === undefined) break
    giveUp(applying, account, oldest)
  }
  const gathering = gatheringFor(applying, account, part, ref)
  longMos.add(gathering, { part: part.part, digest: part.digest, ref, octets: body.length })
  account.holdParts(1)
  applying.state.hash.mix(ref)
  if (gathering.parts.length < part.total) return 'gathered'
  account.holdParts(-part.total)
  longMos.becomeWhole(gathering, ref, applying.entry.proposedAtMs)
  account.oweWhole(ref)
  applying.effects.wakeAccount(account.owner?.node, account.number)
  return 'completed'
}

/** Where the part belongs. A reference may be used anew while parts of its earlier use are held. */
function gatheringFor(
  applying: Applying,
  account: AccountState,
  { key, part, digest }: MoPart,
  ref: Ref,
): Gathering {
  const { longMos } = account
  const { proposedAtMs } = applying.entry
  const known = longMos.withKey(key)
  if (known === undefined) return longMos.begin(key, ref, proposedAtMs)
  const held = known.parts.find(one => one.part === part)
  if (held !== undefined && !isTold(known, held)) {
    giveUp(applying, account, known) // nothing more will come of it
    return longMos.begin(key, ref, proposedAtMs)
  }
  const begins = isToldOnly(known) && !isTold(known, { part, digest })
  if (held !== undefined) {
    longMos.remove(known, held)
    account.holdParts(-1)
    release(applying, held.ref)
  }
  return begins ? longMos.renew(known, ref, proposedAtMs) : known
}

/** Their time is over: what came is owed as it came. */
export function applyGiveUpParts(applying: Applying, command: GiveUpParts): CommandResult {
  const { state, entry } = applying
  const account = state.accounts.get(command.account)
  if (account?.epoch !== command.epoch) return refused('staleEpoch')
  if (account.owner !== null && account.owner.node !== entry.node) return refused('staleEpoch')
  for (const ref of command.refs.slice(0, GIVE_UP_STEP)) {
    const gathering = account.longMos.since(ref)
    if (gathering !== undefined) giveUp(applying, account, gathering)
  }
  return OK
}

/** In the order in which the parts came. Where all that came repeats what was told whole, it is owed to nobody. */
function giveUp(applying: Applying, account: AccountState, gathering: Gathering): void {
  const { parts, since } = gathering
  const isOwed = !isToldOnly(gathering)
  account.longMos.drop(gathering)
  account.holdParts(-parts.length)
  applying.state.hash.mix(since)
  for (const { ref } of parts) {
    if (isOwed) account.owe('mo', ref, 0)
    else release(applying, ref)
  }
  if (isOwed) applying.effects.wakeAccount(account.owner?.node, account.number)
}

/** Nothing of it is news. */
const isToldOnly = (gathering: Gathering): boolean =>
  gathering.told !== undefined && gathering.parts.every(part => isTold(gathering, part))

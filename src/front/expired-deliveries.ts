import type { AccountState, Delivery, State } from '../journal/index.js'
import { GIVE_UP_STEP, indexOf, offsetOf, type Ref } from '../journal/index.js'
import { longMoTimeoutMsOf } from '../policy/settings.js'

/** How long a receipt of an account that the settings no longer name is kept. */
const TTL_OF_GONE_MS = 259_200_000

/**
 * Receipts and MO that nobody fetched within receiptTtl, oldest first, for a `delivered` command with
 * `expired`. Looks no further than the first that is younger, for the list is in order of arrival.
 *
 * @param limit  entries of the list that are looked at, at most
 */
export function expiredDeliveries(
  state: State,
  account: AccountState,
  nowMs: number,
  limit: number,
): number[] {
  const ttlMs = account.settings?.receiptTtlMs ?? TTL_OF_GONE_MS
  const { head, tail } = account.deliveries
  const expired: number[] = []
  for (let seq = head; seq < tail && seq < head + limit; seq++) {
    const delivery = account.delivery(seq)
    if (delivery === undefined) continue
    if (arrivedAtMs(state, delivery) + ttlMs > nowMs) break
    expired.push(seq)
  }
  return expired
}

/** When it was added to what the account is owed, about; 0 where its block is gone. */
export function arrivedAtMs(state: State, { inbound, message }: Delivery): number {
  if (inbound !== 0) return state.blocks.get(indexOf(inbound))?.proposedAtMs ?? 0
  return state.blocks.get(indexOf(message))?.at(offsetOf(message), 'final') ?? 0
}

/** MO in parts that have waited for the rest as long as their account wants them to, for one `giveUpParts` command. */
export function overdueParts({ longMos, settings }: AccountState, nowMs: number): Ref[] {
  return longMos.before(nowMs - longMoTimeoutMsOf(settings), GIVE_UP_STEP)
}

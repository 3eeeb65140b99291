import type { AccountState, Journal } from '../journal/index.js'
import { tlv } from '../smpp/codec.js'
import type { EsmeSession } from './esme-session.js'

const MOST = 99

/**
 * congestion_state, for peers of SMPP 5.0: 0 is idle, 80 to 90 the most that should be asked of us, 99 congested. The fuller of
 * what a submit has to find room in: the account's queue, and what this node may have proposed without an answer.
 * Source: SMPP 5.0 §4.8.4.18.
 *
 * @param fullness  of the node's open proposals, 0 to 1
 */
export function congestionOf(account: AccountState | undefined, fullness: number): number {
  const { queued = 0, settings } = account ?? {}
  const queue = settings === undefined ? 0 : queued / settings.queueLimit
  return Math.min(MOST, Math.round(MOST * Math.max(queue, fullness)))
}

/** The body of a positive response to a submit of this account, with its congestion_state where the session knows it. */
export function withCongestion(
  { knowsCongestion }: EsmeSession,
  { state, proposer }: Journal,
  account: number,
  body: Buffer,
): Buffer {
  if (!knowsCongestion) return body
  const congestion = congestionOf(state.accounts.get(account), proposer.fullness)
  const { tag, value } = tlv.uint8('congestion_state', congestion)
  return Buffer.concat([body, Buffer.of(tag >> 8, tag & 0xff, 0, value.length), value])
}

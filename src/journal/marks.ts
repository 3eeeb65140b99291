/**
 * Where a message stands. Submits go QUEUED → CLAIMED → SENT or DONE; IN_DOUBT and RETRY lie between.
 * SENT: the SMSC has it, its receipt is awaited. Receipts and MO: WAITING → DELIVERED.
 *
 *     QUEUED ──claim──► CLAIMED ──sent──► SENT ──receipt──► DONE
 *        ▲                 │ doubt ► IN_DOUBT ─ resend ─► QUEUED
 *        └──────due─ RETRY ◄ retry, and what is scheduled
 */
export const MARK = {
  QUEUED: 0,
  CLAIMED: 1,
  IN_DOUBT: 2,
  RETRY: 3,
  SENT: 4,
  DONE: 5,
  REFUSED: 6,
  WAITING: 7,
  DELIVERED: 8,
} as const
export type Mark = (typeof MARK)[keyof typeof MARK]

/** What SMPP calls message_state (3.4 §5.2.28), as far as the gateway decides it. */
export const MESSAGE_STATE = {
  NONE: 0,
  ENROUTE: 1,
  DELIVERED: 2,
  EXPIRED: 3,
  DELETED: 4,
  UNDELIVERABLE: 5,
  ACCEPTED: 6,
  UNKNOWN: 7,
  REJECTED: 8,
} as const
